"""What the application wants done in every worker process once it is loaded: `xgi_worker.post_fork`.

Without a zygote nothing was forked, but the callbacks run all the same, so that an application which opens its
connections in one works both ways.
"""

_callbacks = []
_has_run = False


def post_fork(callback):
    """Has `callback`, which takes no arguments, called in every worker before its first request; returns it.

    Callbacks run in the order they were registered. One that is registered later, by a module that a request imports,
    is called at once. If one raises, the worker does not start.
    """
    if not callable(callback):
        raise TypeError("post_fork takes a callable, not %s" % type(callback).__name__)
    if _has_run:
        callback()
    else:
        _callbacks.append(callback)
    return callback


def run():
    """Calls them; raises what they raise."""
    global _has_run
    # The list may grow meanwhile.
    for callback in _callbacks:
        callback()
    _has_run = True
