"""Exceptions as the gateway wants them: the object of an ERROR frame, its traceback without the worker's own frames."""

import os
import traceback

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_IMPORT_MACHINERY = ("<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>")

# An ERROR has to fit one frame; JSON may turn one character into six bytes.
_MAX_TRACEBACK = 96 * 1024
_MAX_MESSAGE = 16 * 1024


class WSGIViolation(AssertionError):
    """A rule of WSGI was broken, as the validator has found (validation.py)."""


def describe(error, hint=None):
    """The fields of an ERROR frame for `error`: class, message, traceback and, if there is one, hint. Never raises."""
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", None) and not str(kind.__module__).startswith("xgi_worker"):
        name = "%s.%s" % (kind.__module__, name)
    try:
        message = str(error)
    except Exception:
        message = "<str() of the exception failed>"
    described = {
        "class": name,
        "message": _cut(message, _MAX_MESSAGE),
        "traceback": _cut(format_traceback(error), _MAX_TRACEBACK),
    }
    if hint is None and kind is WSGIViolation:
        hint = "violation"
    if hint is not None:
        described["hint"] = hint
    return described


def describe_refusal(error, hint):
    """The same for an error of ours about the target: no code of the application raised it, so no traceback."""
    return {
        "class": type(error).__name__,
        "message": _cut(str(error), _MAX_MESSAGE),
        "traceback": "",
        "hint": hint,
    }


def format_traceback(error):
    """The traceback of `error` and of its causes as text, without the frames of this package and of the import
    system."""
    try:
        described = traceback.TracebackException(type(error), error, error.__traceback__)
        _trim(described, set())
        return "".join(described.format())
    except Exception as failed:
        return "%s (and its traceback could not be formatted: %s)\n" % (
            type(error).__name__,
            type(failed).__name__,
        )


def without_own_frames(stack):
    """`stack` (a traceback.StackSummary) without the frames of this package."""
    return traceback.StackSummary.from_list([frame for frame in stack if not _is_own(frame.filename)])


def _trim(described, seen):
    if described is None or id(described) in seen:
        return
    seen.add(id(described))
    if described.stack is not None:
        described.stack = without_own_frames(described.stack)
    _trim(described.__cause__, seen)
    _trim(described.__context__, seen)
    for inner in getattr(described, "exceptions", None) or ():
        _trim(inner, seen)


def is_ours(filename):
    """Whether it is a file of this package."""
    return filename.startswith(_HERE)


def _is_own(filename):
    return (
        is_ours(filename)
        or filename in _IMPORT_MACHINERY
        or filename.endswith("/importlib/__init__.py")
    )


def _cut(text, limit):
    if len(text) <= limit:
        return text
    half = limit // 2
    return "%s\n… %d characters left out …\n%s" % (text[:half], len(text) - limit, text[-half:])
