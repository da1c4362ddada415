"""Response status and header fields: checked as PEP 3333 and RFC 9110 ask, and turned into the text of a HEAD frame.

Checking is paid once: what was found good is kept in two bounded dictionaries, so a request costs one look-up for
its status and one for each field.
"""

import re

STATUSES = {}
"""status → (encoded, code) for those found good."""

FIELDS = {}
"""(name, value) → (encoded with its leading NUL, the length if it is a Content-Length, else None) for those found
good."""

# Dates and cookies differ from answer to answer, so the dictionaries are emptied when they are full.
_MAX_KEPT = 1024
_MAX_KEPT_VALUE = 256

MAX_HEAD = 128 * 1024
"""No head may be longer, so that any head leaves room for a body in the same frame."""

_STATUS = re.compile(r"([0-9]{3}) ([\t\x20-\x7e\x80-\xff]*)")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NOT_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NOT_LATIN_1 = re.compile(r"[^\x00-\xff]")
_LENGTH = re.compile(r"[0-9]{1,18}")

# wsgiref.util.is_hop_by_hop's list, and the two names it lacks.
_HOP_BY_HOP = frozenset(
    [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    ]
)


class HeaderError(ValueError):
    """The application's status or a header field cannot be sent. The message quotes it and says what is expected.

    Its traceback does not show its context: that is the look-up here that missed, of no interest to the reader.
    """

    def __init__(self, message):
        super().__init__(message)
        self.__suppress_context__ = True


def encode_status(status):
    """Returns (encoded, code); raises HeaderError."""
    if not isinstance(status, str):
        raise HeaderError(
            "status must be a str such as '200 OK', not %s: %r" % (type(status).__name__, status)
        )
    match = _STATUS.fullmatch(status)
    if match is None:
        raise HeaderError(
            "status must be three digits, a space and a reason such as '200 OK', not %r" % (status,)
        )
    code = int(match.group(1))
    if code < 200:
        raise HeaderError(
            "status %r is an interim one (1xx), which the server sends; an application answers 200 to 599"
            % (status,)
        )
    if code > 599:
        raise HeaderError("status %r is not one of 200 to 599" % (status,))
    result = status.encode("latin-1"), code
    if type(status) is str:
        _keep(STATUSES, status, result, status)
    return result


def encode_field(field):
    """Returns (encoded with its leading NUL, the length if it is a Content-Length, else None); raises HeaderError."""
    if not isinstance(field, tuple) or len(field) != 2:
        raise HeaderError("a header must be a tuple (name, value), not %r" % (field,))
    name, value = field
    for what, text in (("name", name), ("value", value)):
        if not isinstance(text, str):
            raise HeaderError("a header's %s must be a str, not %s: %r" % (what, type(text).__name__, field))
    if _TOKEN.fullmatch(name) is None:
        raise HeaderError("a header's name must be a token (RFC 9110 section 5.6.2), not %r" % (name,))
    if _NOT_IN_VALUE.search(value):
        raise HeaderError(
            "the value of header %s has a control character (line ends are not allowed): %r" % (name, value)
        )
    if _NOT_LATIN_1.search(value):
        raise HeaderError(
            "the value of header %s has characters that are not in latin-1 (PEP 3333): %r" % (name, value)
        )
    lower = name.lower()
    if lower in _HOP_BY_HOP:
        raise HeaderError(
            "header %s is hop-by-hop: it belongs to the connection, so only the server sets it" % name
        )
    length = None
    if lower == "content-length":
        if _LENGTH.fullmatch(value) is None:
            raise HeaderError("Content-Length must be digits, not %r" % (value,))
        length = int(value)
    result = ("\0%s\0%s" % (name, value)).encode("latin-1"), length
    if type(field) is tuple and type(name) is str and type(value) is str:
        _keep(FIELDS, field, result, value)
    return result


def content_length(count):
    """The field as text of a HEAD frame."""
    return b"\0Content-Length\0%d" % count


def _keep(kept, key, result, text):
    if len(text) > _MAX_KEPT_VALUE:
        return
    if len(kept) >= _MAX_KEPT:
        kept.clear()
    kept[key] = result
