"""Finds the application that a target names.

    module                            its `application`, else its `app`
    module:name  module:name.attr     that object
    module:factory()                  what the call returns; arguments are literals: factory("prod", debug=False)
    path/to/file.py[:…]               the same for a file, whose directory goes to the front of sys.path
    path/to/file.wsgi[:…]             the same, as mod_wsgi has them; with a slash, for mysite.wsgi is a module

Raises LoadError, which carries the hint of the protocol's ERROR frame, and the application's own exception as its
cause if there is one.
"""

import ast
import difflib
import importlib
import importlib.machinery
import importlib.util
import inspect
import os
import re
import sys

_DEFAULT_NAMES = ("application", "app")
_FACTORY_NAMES = ("create_app", "make_app")

_FILE = re.compile(r"[^(]*?(?:\.py|/[^(/]*?\.wsgi)(?=:|\Z)", re.DOTALL)
"""The path in a target. What stands in the arguments of a factory is no part of it."""


class LoadError(Exception):
    """`hint` is one of those docs/protocol.md lists. `cause`: the exception to report instead of this one, or None.

    The message says what to do as well, in the words of the target: nothing is to be added to it.
    """

    def __init__(self, hint, message, cause=None):
        super().__init__(message)
        self.hint = hint
        self.cause = cause
        self.middleware = None
        """Its place in HELLO's list, if it is about middleware."""


def load(target):
    """Returns the WSGI callable; raises LoadError."""
    where, expression = _split(target)
    module = _import_file(where) if _FILE.fullmatch(where) else import_module(where)
    if expression is None:
        expression, application = _default(module, where)
    else:
        application = _evaluate(module, where, expression)
    check_application(application, "%s:%s is" % (where, expression), "name the callable: %s:callable" % where)
    return application


def _split(target):
    """(module or path, expression or None)."""
    file = _FILE.match(target)
    if file:
        rest = target[file.end() :]
        return file.group(), rest[1:] if rest else None
    module, colon, expression = target.partition(":")
    return module, expression if colon else None


def import_module(name):
    """Raises LoadError."""
    try:
        return importlib.import_module(name)
    except BaseException as error:
        raise import_failed(error) from error


def _import_file(path):
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise LoadError("missing-file:%s" % path, "there is no file %s" % path)
    directory, filename = os.path.split(path)
    if directory not in sys.path[:1]:
        sys.path.insert(0, directory)
    name = os.path.splitext(filename)[0]
    if name in sys.modules:
        # Never take the place of a module that is in use: a file may be called types.py.
        name = "xgi_application_" + name
    spec = importlib.util.spec_from_file_location(name, path, loader=_SourceLoader(name, path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        sys.modules.pop(name, None)
        raise import_failed(error) from error
    return module


class _SourceLoader(importlib.machinery.SourceFileLoader):
    """Of a file of any name."""

    def path_stats(self, path):
        # Without these nothing is cached: blog.wsgi would have its byte code where that of blog.py is.
        if path.endswith(".py"):
            return super().path_stats(path)
        raise OSError("not cached")


def import_failed(error):
    """The LoadError for what an import raised."""
    missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    hint = "missing-module:%s" % missing if missing else "raised"
    return LoadError(hint, str(error), error)


def find(module, where, names, advise):
    """What the dotted `names` are of a module that is called `where`.

    Raises LoadError; of a name that is not there, with what `advise`, of its owner and it, says to do.
    """
    value, path = module, where
    for name in names:
        try:
            found = _attribute(value, name)
        except AttributeError:
            message = "%s has no attribute %r; %s" % (path, name, advise(value, name))
            raise LoadError("missing-attribute:%s" % name, message) from None
        path = "%s%s%s" % (path, ":" if value is module else ".", name)
        value = found
    return value


def _attribute(owner, name):
    """Raises AttributeError, or LoadError: a module may load its attributes when they are asked for."""
    try:
        return getattr(owner, name)
    except AttributeError:
        raise
    except BaseException as error:
        raise LoadError("raised", str(error), error) from error


def check_application(value, what, advice):
    """`what` names the value and has a verb: "shop:app is". Raises LoadError for what is no WSGI callable."""
    if not callable(value):
        raise LoadError("not-callable", "%s %s, not a WSGI callable; %s" % (what, kind(value), advice))
    if is_async(value):
        raise LoadError("not-callable", "%s an ASGI application (async def); this version serves WSGI" % what)


def _default(module, where):
    """(name, value)."""
    for name in _DEFAULT_NAMES:
        try:
            return name, _attribute(module, name)
        except AttributeError:
            pass
    close = _closest(module, "application")
    raise LoadError(
        "missing-attribute:application",
        "%s has neither %s; %s"
        % (
            where,
            " nor ".join(map(repr, _DEFAULT_NAMES)),
            "did you mean %s:%s?" % (where, close) if close else "name the callable: %s:callable" % where,
        ),
    )


def _evaluate(module, where, expression):
    try:
        node = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise _not_a_name(expression) from None
    if not isinstance(node, ast.Call):
        return _lookup(module, where, node, expression)
    factory = _lookup(module, where, node.func, expression)
    try:
        arguments = [ast.literal_eval(argument) for argument in node.args]
        keywords = {keyword.arg: ast.literal_eval(keyword.value) for keyword in node.keywords}
        if None in keywords:
            raise ValueError("**")
    except ValueError:
        raise LoadError(
            "factory-failed", "the arguments of %s must be literals: strings, numbers, lists, …" % expression
        ) from None
    try:
        return factory(*arguments, **keywords)
    except BaseException as error:
        raise LoadError("factory-failed", str(error), error) from error


def _lookup(module, where, node, expression):
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise _not_a_name(expression)
    names.append(node.id)

    def advise(owner, name):
        close = _closest(owner, name)
        return "did you mean %r?" % close if close else "name the callable: %s:callable" % where

    return find(module, where, reversed(names), advise)


def _not_a_name(expression):
    message = "%r is neither a name such as app nor a call such as create_app()" % expression
    return LoadError("missing-attribute:%s" % expression, message)


def _closest(owner, name):
    """The attribute of `owner` that was probably meant, a factory with its parentheses; None if there is none."""
    names = [found for found in dir(owner) if not found.startswith("_")]
    usual = [found for found in _DEFAULT_NAMES + _FACTORY_NAMES + ("wsgi_app",) if found in names]
    close = difflib.get_close_matches(name, names, n=1) or usual
    if not close:
        return None
    return close[0] + "()" if close[0] in _FACTORY_NAMES else close[0]


def is_async(application):
    """Whether a call gives a coroutine. Looks at the class's __call__, for that of a class itself is its instances'."""
    return inspect.iscoroutinefunction(application) or inspect.iscoroutinefunction(
        getattr(type(application), "__call__", None)  # noqa: B004 - not whether there is one, but which
    )


def kind(value):
    """As a message has it."""
    return "None" if value is None else "of type %s" % type(value).__name__
