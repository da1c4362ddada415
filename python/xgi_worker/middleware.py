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
    value, path = loader.import_module(where), where
    for name in names.split("."):
        try:
            found = getattr(value, name)
        except AttributeError:
            close = difflib.get_close_matches(name, dir(value), n=1)
            what_to_do = "did you mean %r?" % close[0] if close else "check the name"
            raise loader.LoadError(
                "missing-attribute:%s" % name, "%s has no attribute %r; %s" % (path, name, what_to_do)
            ) from None
        except BaseException as error:
            # A module may load its attributes when they are asked for.
            raise loader.LoadError("raised", str(error), error) from error
        path = "%s%s%s" % (path, ":" if path == where else ".", name)
        value = found
    if not callable(value):
        raise loader.LoadError(
            "not-callable", "%s is %s; expected a callable that takes the application" % (target, loader.kind(value))
        )
    return value


def _call(target, factory, application, options):
    try:
        wrapped = factory(application, **options)
    except BaseException as error:
        raise loader.LoadError("factory-failed", str(error), error) from error
    if not callable(wrapped):
        raise loader.LoadError(
            "not-callable", "%s returned %s; expected a WSGI callable" % (target, loader.kind(wrapped))
        )
    if loader.is_async(wrapped):
        raise loader.LoadError(
            "not-callable", "%s returned an ASGI application (async def); expected a WSGI callable" % target
        )
    return wrapped
