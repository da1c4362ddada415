"""wsgi.input: a complete request body, in memory or in the gateway's file. Reading past its end gives b"", never
waits."""

import io


def open_input(body, spooled):
    """A binary stream over `body`, which is the path of a file (as bytes) if `spooled`. The caller closes it when
    the request is over."""
    if spooled:
        return open(body, "rb")
    return io.BytesIO(body)
