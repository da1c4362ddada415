"""The Python side of xgi: one worker process that runs a WSGI application for the gateway.

Run by path (``python3 …/python/xgi_worker``) by the gateway, never by hand; ``docs/protocol.md`` is the
contract. Standard library only, CPython 3.8 and later. An application may import two names from here:

* ``RequestTimeout``: raised inside a request that is past its deadline.
* ``post_fork``: a decorator for what is to be done in every worker before its first request.
"""

from .hooks import post_fork
from .timeout import RequestTimeout

__all__ = ["RequestTimeout", "post_fork"]
