"""Brings the application up, in a worker or in the zygote, and says to the gateway how that went."""

import os
import sys

from . import failure, frames, hooks, loader, middleware

EXIT_NOT_LOADED = 3


class NotLoaded(Exception):
    """The application cannot be served. `frames` tell the gateway why: send them and exit with EXIT_NOT_LOADED."""

    def __init__(self, failed, files, error):
        super().__init__(failed["message"])
        self.frames = encode_new_files(files, error) + frames.encode_error(0, 0, failed)


def import_application(settings, files):
    """Returns the application that `settings` name, with its middleware and the validator around it; `files` is a
    ModuleFiles if they are watched, else None. Raises NotLoaded."""
    if settings.watch:
        # A .pyc knows its source by its size and a time in whole seconds: two edits in one second are mixed up.
        sys.dont_write_bytecode = True
    sys.path[:0] = settings.search_path
    try:
        application = middleware.wrap(loader.load(settings.target), settings.middleware)
        return _validated(application) if settings.validate else application
    except loader.LoadError as error:
        if error.cause is None:
            failed = failure.describe_refusal(error, error.hint)
        else:
            failed = failure.describe(error.cause, error.hint)
        if error.middleware is not None:
            failed["middleware"] = error.middleware
        raise NotLoaded(failed, files, error.cause) from None


def _validated(application):
    # For development, so not imported otherwise.
    from . import validation

    try:
        return validation.validated(application)
    except ImportError as error:
        raise loader.import_failed(error) from error


def run_hooks(files):
    """Runs what the application registered with post_fork; raises NotLoaded."""
    try:
        hooks.run()
    except BaseException as error:
        raise NotLoaded(failure.describe(error, "post-fork-failed"), files, error) from None


def encode_new_files(files, error=None):
    """FILES frames with what `files` has not given yet; none if it is None."""
    return b"" if files is None else frames.encode_files(files.take(error))


def encode_ready():
    info = {
        "pid": os.getpid(),
        "python": "%d.%d.%d" % sys.version_info[:3],
        "implementation": {"cpython": "CPython", "pypy": "PyPy"}.get(
            sys.implementation.name, sys.implementation.name
        ),
        "executable": sys.executable,
    }
    return frames.encode_json(frames.READY, info)
