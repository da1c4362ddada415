"""Finds the application that a target names.

    module                            its `application`, else its `app`
    module:name  module:name.attr     that object
    module:factory()                  what the call returns; arguments are literals: factory("prod", debug=False)
    path/to/file.py[:…]               the same for a file, whose directory goes to the front of sys.path

Raises LoadError, which carries the hint of the protocol's ERROR frame, and the application's own exception as its
cause if there is one.
"""

import ast
import difflib
import importlib
import importlib.util
import os
import sys

_DEFAULT_NAMES = ("application", "app")


class LoadError(Exception):
    """`hint` is one of those docs/protocol.md lists. `cause`: the exception to report instead of this one, or None."""

    def __init__(self, hint, message, cause=None):
        super().__init__(message)
        self.hint = hint
        self.cause = cause


def load(target):
    """Returns the WSGI callable; raises LoadError."""
    module_part, expression = _split(target)
    module = _import_file(module_part) if module_part.endswith(".py") else _import_module(module_part)
    if expression is None:
        application = _default(module)
        expression = "application" if application is getattr(module, "application", None) else "app"
    else:
        application = _evaluate(module, expression)
    if not callable(application):
        raise LoadError(
            "not-callable",
            "%s:%s is %s, not a WSGI callable" % (module.__name__, expression, _kind(application)),
        )
    return application


def _split(target):
    """(module or path, expression or None). `.py:` counts only before the factory's arguments."""
    before_arguments = target.split("(", 1)[0]
    at = before_arguments.find(".py:")
    if at >= 0:
        return target[: at + 3], target[at + 4 :]
    if before_arguments.endswith(".py") and before_arguments == target:
        return target, None
    module, colon, expression = target.partition(":")
    return module, expression if colon else None


def _import_module(name):
    try:
        return importlib.import_module(name)
    except BaseException as error:
        raise _import_failed(error) from error


def _import_file(path):
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise LoadError("missing-file:%s" % path, "there is no file %s" % path)
    directory, filename = os.path.split(path)
    if directory not in sys.path[:1]:
        sys.path.insert(0, directory)
    name = filename[: -len(".py")]
    if name in sys.modules:
        # Never take the place of a module that is in use: a file may be called types.py.
        name = "xgi_application_" + name
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        sys.modules.pop(name, None)
        raise _import_failed(error) from error
    return module


def _import_failed(error):
    missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    hint = "missing-module:%s" % missing if missing else "raised"
    return LoadError(hint, str(error), error)


def _default(module):
    for name in _DEFAULT_NAMES:
        if hasattr(module, name):
            return getattr(module, name)
    raise LoadError(
        "missing-attribute:application",
        "module %r has neither %s; name the callable as in %s:name%s"
        % (
            module.__name__,
            " nor ".join(map(repr, _DEFAULT_NAMES)),
            module.__name__,
            _suggest(module, "application"),
        ),
    )


def _evaluate(module, expression):
    try:
        node = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise _not_a_name(expression) from None
    if not isinstance(node, ast.Call):
        return _lookup(module, node, expression)
    factory = _lookup(module, node.func, expression)
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


def _lookup(module, node, expression):
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise _not_a_name(expression)
    names.append(node.id)
    value, path = module, module.__name__
    for name in reversed(names):
        try:
            value = getattr(value, name)
        except AttributeError:
            owner = "module %r" % path if value is module else "%r" % path
            raise LoadError(
                "missing-attribute:%s" % name,
                "%s has no attribute %r%s" % (owner, name, _suggest(value, name)),
            ) from None
        path = "%s.%s" % (path, name)
    return value


def _not_a_name(expression):
    message = "%r is neither a name such as app nor a call such as create_app()" % expression
    return LoadError("missing-attribute:%s" % expression, message)


def _suggest(owner, name):
    names = [found for found in dir(owner) if not found.startswith("_")]
    close = difflib.get_close_matches(name, names, n=1)
    if not close:
        close = [
            found
            for found in ("application", "app", "create_app", "make_app", "wsgi_app")
            if found in names and found != name
        ]
    return "; did you mean %r?" % close[0] if close else ""


def _kind(value):
    return "None" if value is None else "of type %s" % type(value).__name__
