"""WSGI middleware of the configuration: puts it around the application, as PEP 3333 has it, "Middleware".

It is named `module:name` or `module:name.attribute`; what that is, is called with the application and the keyword
arguments, and returns what is served. Raises LoadError with `middleware` set, so that the gateway can say where it is
configured.
"""

import difflib

from . import loader


def wrap(application, middleware):
    """Returns `application` with `middleware` around it: (target, keyword arguments) of each, the outermost first."""
    for index, (target, options) in reversed(list(enumerate(middleware))):
        try:
            application = _call(target, _find(target), application, options)
        except loader.LoadError as error:
            error.middleware = index
            raise
    return application


def _find(target):
    where, _, names = target.partition(":")
    value = loader.find(loader.import_module(where), where, names.split("."), _advise)
    if not callable(value):
        raise loader.LoadError(
            "not-callable", "%s is %s; expected a callable that takes the application" % (target, loader.kind(value))
        )
    return value


def _advise(owner, name):
    close = difflib.get_close_matches(name, dir(owner), n=1)
    return "did you mean %r?" % close[0] if close else "check the name"


def _call(target, factory, application, options):
    try:
        wrapped = factory(application, **options)
    except BaseException as error:
        raise loader.LoadError("factory-failed", str(error), error) from error
    loader.check_application(wrapped, "%s returned" % target, "middleware returns the application that is served")
    return wrapped
