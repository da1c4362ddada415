"""The files that the application consists of, as far as it has been imported: what a change of must reload it.

Left out is what only an upgrade changes: the standard library, and this package. Looks at sys.modules and imports
nothing; an object there that is no module, or a lazy one, is not touched.
"""

import importlib.util
import os
import sys
import sysconfig
import types

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
# These lie inside of the standard library's directory, and are the application's.
_INSTALLED = ("site-packages", "dist-packages")


class ModuleFiles:
    """Gives each file once. One thread at a time may use it; a fork has its copy, which goes on from there."""

    def __init__(self):
        self._names = set()
        self._told = set()
        self._library = _library_directories()

    def take(self, error=None):
        """The absolute paths of the source files that are new since the last call, with those that `error`'s traceback
        names."""
        # A copy: other threads may import meanwhile.
        names = set(list(sys.modules)) - self._names
        self._names |= names
        found = [_source_of(sys.modules.get(name)) for name in names]
        if error is not None:
            found += _files_of_error(error)
        absolute = {_absolute(path) for path in found if path}
        taken = sorted(path for path in absolute - self._told if path and self._is_of_application(path))
        self._told.update(taken)
        return taken

    def _is_of_application(self, path):
        if path.startswith(_HERE) or not _is_text(path) or not os.path.isfile(path):
            return False
        for directory in self._library:
            if path.startswith(directory):
                return path[len(directory) :].split(os.sep, 1)[0] in _INSTALLED
        return True


def _library_directories():
    paths = sysconfig.get_paths()
    given = [paths[name] for name in ("stdlib", "platstdlib")]
    return {os.path.join(path, "") for path in given + [os.path.realpath(path) for path in given]}


def _absolute(path):
    try:
        return os.path.abspath(path)
    except OSError:
        # A relative path, and the working directory is gone.
        return None


def _source_of(module):
    """The path of a module's source, of an extension module's library; None if it has none."""
    # Not isinstance: it would ask a proxy for what it stands for.
    if not issubclass(type(module), types.ModuleType):
        return None
    # Not getattr: it would load a lazy module.
    path = object.__getattribute__(module, "__dict__").get("__file__")
    if not isinstance(path, str) or not path.endswith(".pyc"):
        return path if isinstance(path, str) else None
    try:
        return importlib.util.source_from_cache(path)
    except ValueError:
        return path[:-1]


def _files_of_error(error):
    """What the tracebacks of `error` and of its causes name, and the file that a SyntaxError is about."""
    files = []
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, SyntaxError) and isinstance(error.filename, str):
            files.append(error.filename)
        trace = error.__traceback__
        while trace is not None:
            files.append(trace.tb_frame.f_code.co_filename)
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    # Not <string>, <frozen …> and the like.
    return [path for path in files if not path.startswith("<")]


def _is_text(path):
    """Whether UTF-8 can carry it."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
