"""The exception that ends a request which is past its deadline. How it is raised: ``slot.py``, ``signals.py``."""


class RequestTimeout(BaseException):
    """Raised in the thread that runs a request when the gateway has answered 504 for it.

    Derives from BaseException so that ``except Exception`` in an application does not swallow it.
    """
