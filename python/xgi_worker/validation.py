"""Checks what the application does against PEP 3333, for development: `wsgiref.validate` around it, the outermost.

Each violation is told once, with its request. Who breaks a rule gets an exception, and so the request fails; that is
its ERROR frame. What the application does with the exception is its own affair: one that it catches fails the request
all the same as long as its end has not come, and what cannot fail a request any more (in `close()`, or beside another
exception) is a record in the log. Warnings are records only.

The validator is a copy of the module for ourselves, with its way of raising and of warning replaced: so an assertion of
the application's own is not taken for a violation, one that is caught is known nevertheless, and neither the filters
nor the "once" of `warnings` hide one.
"""

import importlib.util
import sys
import threading

from . import failure, frames
from .failure import WSGIViolation

_MODULE = "wsgiref.validate"

# By the function of the validator that makes the check: the section of PEP 3333 that has the rule.
_START_RESPONSE = "The start_response() Callable"
_STREAMS = "Input and Error Streams"
_SECTIONS = {
    "lint_app": "Specification Details",
    "check_environ": "environ Variables",
    "check_input": _STREAMS,
    "check_errors": _STREAMS,
    "read": _STREAMS,
    "readline": _STREAMS,
    "readlines": _STREAMS,
    "write": _STREAMS,
    "close": _STREAMS,
    "start_response_wrapper": _START_RESPONSE,
    "check_status": _START_RESPONSE,
    "check_headers": _START_RESPONSE,
    "check_content_type": _START_RESPONSE,
    "check_exc_info": "Error Handling",
    "check_iterator": "Buffering and Streaming",
    "__next__": "Buffering and Streaming",
    "__call__": "The write() Callable",
}

# For checks that say nothing themselves.
_RULES = {
    "read": "wsgi.input.read() takes one argument, the number of bytes",
    "readline": "wsgi.input.readline() takes at most one argument",
    "readlines": "wsgi.input.readlines() takes at most one argument",
    "write": "wsgi.errors takes str",
    "check_headers": "a header must be a tuple of two, its name and its value",
    "__call__": "write() takes bytes",
}

_current = threading.local()
"""`request`: the _Request that this thread runs."""


def validated(application):
    """Returns the application with the validator around it. Raises ImportError where there is no wsgiref."""
    checked = _load_validator().validator(application)

    def check(environ, start_response):
        request = _current.request = _Request(environ)
        # An extension. Who finds it reads without a size, as the PEP does not allow.
        environ.pop("wsgi.input_terminated", None)
        return _Body(request, request.attempt(checked, environ, start_response))

    return check


class _Request:
    """What was found in one request, and not told yet."""

    def __init__(self, environ):
        self._errors = environ["wsgi.errors"]
        self._line = "%s %s" % (environ["REQUEST_METHOD"], environ.get("RAW_URI", environ["PATH_INFO"]))
        self._violations = []

    def violated(self, violation):
        self._violations.append(violation)

    def warn(self, message):
        self._record(frames.LEVEL_WARNING, message)

    def attempt(self, call, *arguments):
        """Returns what `call` returns. What it raises is to fail the request: all else that was found is told."""
        try:
            return call(*arguments)
        except BaseException as error:
            self.tell(error)
            raise

    def check(self):
        """Raises the first violation that the application has caught."""
        if self._violations:
            first = self._violations[0]
            self.tell(first)
            raise first

    def tell(self, known=None):
        """Logs the violations, but that which is `known`."""
        violations, self._violations = self._violations, []
        for violation in violations:
            if violation is not known:
                text = failure.format_traceback(violation).rstrip("\n")
                self._record(frames.LEVEL_ERROR, str(violation), "\n" + text)

    def _record(self, level, message, detail=""):
        self._errors.record(level, "XGI_WSGI_VALIDATE: %s (%s)%s" % (message, self._line, detail))


class _Body:
    """The iterable of one answer."""

    def __init__(self, request, blocks):
        self._request = request
        self._blocks = blocks

    def __iter__(self):
        return self

    def __next__(self):
        self._request.check()
        block = self._request.attempt(next, self._blocks, None)
        self._request.check()
        if block is None:
            raise StopIteration
        return block

    def close(self):
        try:
            self._blocks.close()
        except WSGIViolation:
            pass
        finally:
            self._request.tell()


def _load_validator():
    spec = importlib.util.find_spec(_MODULE)
    if spec is None:
        raise ModuleNotFoundError("No module named %r" % _MODULE, name=_MODULE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    check_status = module.check_status

    def check_whole_status(status):
        try:
            check_status(status)
        except (IndexError, ValueError):
            raise _violation("check_status", "Status must begin with three digits: %r" % status) from None

    module.assert_ = _assert
    module.check_string_type = _check_string_type
    module.check_status = check_whole_status
    module.warnings = _Warnings
    # Only a server can forget to close an iterator, and ours does not.
    del module.IteratorWrapper.__del__
    return module


def _assert(condition, message=None):
    if not condition:
        raise _violation(sys._getframe(1).f_code.co_name, message)


def _check_string_type(value, title):
    if type(value) is str:
        return value
    function = sys._getframe(1).f_code.co_name
    raise _violation(function, "%s must be of type str (got %r)" % (title, value))


class _Warnings:
    """Takes the place of the module `warnings`."""

    @staticmethod
    def warn(message, category):
        request = getattr(_current, "request", None)
        if request is not None:
            request.warn(_cite(sys._getframe(1).f_code.co_name, message))


def _violation(function, message):
    violation = WSGIViolation(_cite(function, message or _RULES.get(function, "a rule of %s" % _MODULE)))
    # None in a thread that the application has started.
    request = getattr(_current, "request", None)
    if request is not None:
        request.violated(violation)
    return violation


def _cite(function, message):
    section = _SECTIONS.get(function)
    return message if section is None else '%s (PEP 3333, "%s")' % (message, section)
