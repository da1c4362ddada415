"""The frame codec: bytes in, frames out, and the other way round. Owns no socket and no state but unread bytes.

Theory of operation. A frame is a 12-byte header and a payload::

     0               4               8       9       10      12
    +---------------+---------------+-------+-------+-------+
    | payload length| stream id     | type  | flags |   0   |  then the payload
    +---------------+---------------+-------+-------+-------+

``RULES`` says for each type which way it goes, on which channel, whether it belongs to a stream, which flags it
knows and how long its payload is. The header is judged as soon as its 12 bytes are there, so a peer cannot make us
wait for (or hold) a payload that is refused anyway. Spec: docs/protocol.md; examples: tests/vectors/frames.json.
"""

import json
import struct
from collections import namedtuple

MAX_PAYLOAD = 1024 * 1024
HEADER = struct.Struct("<IIBBH")
U32 = struct.Struct("<I")

HELLO = 0x01
REQUEST = 0x02
DRAIN = 0x03
ABORT = 0x04
CREDIT = 0x05
FILE_ACK = 0x06
RECALL = 0x07
INTERRUPT = 0x08
PING = 0x09
FORK = 0x0A
RUN = 0x0B
RELOAD = 0x0C
BODY = 0x0D
BODY_END = 0x0E
SIGNAL = 0x0F
AUTH = 0x10
READY = 0x11
HEAD = 0x12
DATA = 0x13
END = 0x14
ERROR = 0x15
FILE = 0x16
LOG = 0x17
RECALLED = 0x18
PONG = 0x19
FILES = 0x1A
FORKED = 0x1B
EXITED = 0x1C
STARTED = 0x1D
STDERR = 0x1E
BODY_CREDIT = 0x1F
BODY_CLOSED = 0x20

SPOOLED = 0x01
SAFE = 0x02
TAKEN = 0x01
LAST = 0x01
"""Flag END of a HEAD frame: nothing of this answer follows."""
WARM = 0x01
"""Flag of STARTED: the program was forked from a zygote."""
MORE = 0x01
"""Flag of RUN: the body in it is only the beginning; BODY and BODY_END follow."""

LEVEL_ERROR = 1
LEVEL_WARNING = 2
LEVEL_INFO = 3

MAX_SERVICE_TIME = 0xFFFFFFFF

# A path is at most 4 KiB on Linux, which JSON may make six times as long.
_MAX_FILES_BYTES = MAX_PAYLOAD // 2

TO_WORKER = "to-worker"
TO_GATEWAY = "to-gateway"
DATA_CHANNEL = "data"
CONTROL_CHANNEL = "control"
ZYGOTE_CHANNEL = "zygote"
LAUNCHER_CHANNEL = "launcher"
"""Of python/xgi_cgi; it is inherited, so there is no AUTH on it."""

_CHANNEL_BYTES = {DATA_CHANNEL: b"D", CONTROL_CHANNEL: b"C", ZYGOTE_CHANNEL: b"Z"}


class ProtocolError(Exception):
    """The gateway sent what the protocol does not allow. `reason` is one of the words of tests/vectors/frames.json."""

    def __init__(self, reason, detail):
        super().__init__("%s: %s" % (reason, detail))
        self.reason = reason


Frame = namedtuple("Frame", "kind stream flags payload")

# stream: True = on a stream, False = on the channel (stream 0), None = either. flags: the set of allowed values.
# shortest, longest: payload length; unit: the payload is a multiple of it.
Rule = namedtuple("Rule", "name way channels stream flags shortest longest unit")

_D = (DATA_CHANNEL,)
_C = (CONTROL_CHANNEL,)
_Z = (ZYGOTE_CHANNEL,)
_L = (LAUNCHER_CHANNEL,)
_DZ = (DATA_CHANNEL, ZYGOTE_CHANNEL)
_ANY = (DATA_CHANNEL, CONTROL_CHANNEL, ZYGOTE_CHANNEL)
_NO_FLAGS = (0,)

RULES = {
    HELLO: Rule("HELLO", TO_WORKER, _DZ, False, _NO_FLAGS, 2, MAX_PAYLOAD, 1),
    REQUEST: Rule("REQUEST", TO_WORKER, _D, True, (0, 1, 2, 3), 4, MAX_PAYLOAD, 1),
    DRAIN: Rule("DRAIN", TO_WORKER, _DZ, False, _NO_FLAGS, 0, 0, 1),
    ABORT: Rule("ABORT", TO_WORKER, _C, True, _NO_FLAGS, 0, 0, 1),
    CREDIT: Rule("CREDIT", TO_WORKER, _C, True, _NO_FLAGS, 4, 4, 1),
    FILE_ACK: Rule("FILE_ACK", TO_WORKER, _C, True, (0, TAKEN), 0, 0, 1),
    RECALL: Rule("RECALL", TO_WORKER, _C, False, _NO_FLAGS, 0, MAX_PAYLOAD, 4),
    INTERRUPT: Rule("INTERRUPT", TO_WORKER, _C, True, _NO_FLAGS, 0, 0, 1),
    PING: Rule("PING", TO_WORKER, _C, False, _NO_FLAGS, 8, 8, 1),
    FORK: Rule("FORK", TO_WORKER, _Z, False, _NO_FLAGS, 2, MAX_PAYLOAD, 1),
    SIGNAL: Rule("SIGNAL", TO_WORKER, _Z, False, _NO_FLAGS, 8, 8, 1),
    AUTH: Rule("AUTH", TO_GATEWAY, _ANY, False, _NO_FLAGS, 65, 65, 1),
    READY: Rule("READY", TO_GATEWAY, _DZ, False, _NO_FLAGS, 2, MAX_PAYLOAD, 1),
    HEAD: Rule("HEAD", TO_GATEWAY, _D, True, (0, LAST), 8, MAX_PAYLOAD, 1),
    DATA: Rule("DATA", TO_GATEWAY, _D, True, _NO_FLAGS, 1, MAX_PAYLOAD, 1),
    END: Rule("END", TO_GATEWAY, _D, True, _NO_FLAGS, 4, 4, 1),
    ERROR: Rule("ERROR", TO_GATEWAY, _DZ, None, _NO_FLAGS, 6, MAX_PAYLOAD, 1),
    FILE: Rule("FILE", TO_GATEWAY, _D, True, _NO_FLAGS, 49, MAX_PAYLOAD, 1),
    LOG: Rule("LOG", TO_GATEWAY, _ANY, None, (1, 2, 3), 0, MAX_PAYLOAD, 1),
    RECALLED: Rule("RECALLED", TO_GATEWAY, _C, False, _NO_FLAGS, 0, MAX_PAYLOAD, 4),
    PONG: Rule("PONG", TO_GATEWAY, _C, False, _NO_FLAGS, 8, 8, 1),
    FILES: Rule("FILES", TO_GATEWAY, _ANY, False, _NO_FLAGS, 2, MAX_PAYLOAD, 1),
    FORKED: Rule("FORKED", TO_GATEWAY, _Z, False, _NO_FLAGS, 2, MAX_PAYLOAD, 1),
    EXITED: Rule("EXITED", TO_GATEWAY, _Z, False, _NO_FLAGS, 2, MAX_PAYLOAD, 1),
}

LAUNCHER_RULES = {
    HELLO: Rule("HELLO", TO_WORKER, _L, False, _NO_FLAGS, 2, MAX_PAYLOAD, 1),
    DRAIN: Rule("DRAIN", TO_WORKER, _L, False, _NO_FLAGS, 0, 0, 1),
    ABORT: Rule("ABORT", TO_WORKER, _L, True, _NO_FLAGS, 0, 0, 1),
    CREDIT: Rule("CREDIT", TO_WORKER, _L, True, _NO_FLAGS, 4, 4, 1),
    RUN: Rule("RUN", TO_WORKER, _L, True, (0, MORE), 8, MAX_PAYLOAD, 1),
    RELOAD: Rule("RELOAD", TO_WORKER, _L, False, _NO_FLAGS, 0, 0, 1),
    BODY: Rule("BODY", TO_WORKER, _L, True, _NO_FLAGS, 1, MAX_PAYLOAD, 1),
    BODY_END: Rule("BODY_END", TO_WORKER, _L, True, _NO_FLAGS, 0, 0, 1),
    READY: Rule("READY", TO_GATEWAY, _L, False, _NO_FLAGS, 2, MAX_PAYLOAD, 1),
    DATA: Rule("DATA", TO_GATEWAY, _L, True, _NO_FLAGS, 1, MAX_PAYLOAD, 1),
    END: Rule("END", TO_GATEWAY, _L, True, _NO_FLAGS, 4, 4, 1),
    ERROR: Rule("ERROR", TO_GATEWAY, _L, True, _NO_FLAGS, 6, MAX_PAYLOAD, 1),
    LOG: Rule("LOG", TO_GATEWAY, _L, False, (1, 2, 3), 0, MAX_PAYLOAD, 1),
    EXITED: Rule("EXITED", TO_GATEWAY, _L, True, _NO_FLAGS, 2, MAX_PAYLOAD, 1),
    STARTED: Rule("STARTED", TO_GATEWAY, _L, True, (0, WARM), 4, 4, 1),
    STDERR: Rule("STDERR", TO_GATEWAY, _L, True, _NO_FLAGS, 1, MAX_PAYLOAD, 1),
    BODY_CREDIT: Rule("BODY_CREDIT", TO_GATEWAY, _L, True, _NO_FLAGS, 4, 4, 1),
    BODY_CLOSED: Rule("BODY_CLOSED", TO_GATEWAY, _L, True, _NO_FLAGS, 0, 0, 1),
}
"""What is on the channel of a launcher, where some types differ: a program's EXITED is on its stream."""


def check_header(length, stream, kind, flags, reserved, way, channel=None):
    """Raises ProtocolError unless a frame with this header may go `way` (and, if given, on `channel`)."""
    if length > MAX_PAYLOAD:
        raise ProtocolError("payload-too-long", "%d bytes, at most %d" % (length, MAX_PAYLOAD))
    if reserved:
        raise ProtocolError("reserved-not-zero", "0x%04x" % reserved)
    rule = (LAUNCHER_RULES if channel == LAUNCHER_CHANNEL else RULES).get(kind)
    if rule is None or rule.way != way or (channel is not None and channel not in rule.channels):
        raise ProtocolError("unknown-type", "0x%02x" % kind)
    if flags not in rule.flags:
        raise ProtocolError("unknown-flag", "0x%02x on %s" % (flags, rule.name))
    if rule.stream is True and not stream:
        raise ProtocolError("stream-zero", "%s belongs to a stream" % rule.name)
    if stream and (rule.stream is False or channel == ZYGOTE_CHANNEL):
        raise ProtocolError("stream-not-zero", "%s on stream %d" % (rule.name, stream))
    if length < rule.shortest:
        raise ProtocolError("payload-too-short", "%d bytes of %s" % (length, rule.name))
    if length > rule.longest or length % rule.unit:
        raise ProtocolError("payload-length", "%d bytes of %s" % (length, rule.name))


class Decoder:
    """Turns the bytes of one direction of one connection into frames.

    `feed(data)` returns the frames that `data` completes, in order, and keeps the rest. Raises ProtocolError at the
    first header that is refused; the connection is of no use after that.
    """

    def __init__(self, way, channel=None):
        self._way = way
        self._channel = channel
        self._rest = bytearray()

    def feed(self, data):
        rest = self._rest
        rest += data
        frames = []
        position = 0
        while len(rest) - position >= HEADER.size:
            length, stream, kind, flags, reserved = HEADER.unpack_from(rest, position)
            check_header(length, stream, kind, flags, reserved, self._way, self._channel)
            start = position + HEADER.size
            if len(rest) - start < length:
                break
            position = start + length
            frames.append(Frame(kind, stream, flags, bytes(rest[start:position])))
        del rest[:position]
        return frames


# Towards the worker.


def decode_json(payload):
    """The object in a HELLO, FORK, READY or (after the service time) ERROR payload."""
    try:
        value = json.loads(payload.decode("utf-8"))
    except ValueError as error:
        raise ProtocolError("bad-json", str(error)) from None
    if not isinstance(value, dict):
        raise ProtocolError("bad-json", "not an object")
    return value


def decode_request(payload):
    """(environ text, body or path) of a REQUEST payload, both bytes."""
    split = 4 + U32.unpack_from(payload)[0]
    if split > len(payload):
        raise ProtocolError("payload-too-short", "the environ of a REQUEST ends after its payload")
    return payload[4:split], payload[split:]


def decode_run(payload):
    """(command JSON, environ text, body) of a RUN payload, all bytes."""
    after_command = 4 + U32.unpack_from(payload)[0]
    if after_command + 4 > len(payload):
        raise ProtocolError("payload-too-short", "the command of a RUN ends after its payload")
    after_environ = after_command + 4 + U32.unpack_from(payload, after_command)[0]
    if after_environ > len(payload):
        raise ProtocolError("payload-too-short", "the environ of a RUN ends after its payload")
    return payload[4:after_command], payload[after_command + 4 : after_environ], payload[after_environ:]


def decode_u32s(payload):
    """The numbers of a RECALL or RECALLED (any number of them), of a CREDIT (one) or of a SIGNAL (two)."""
    return struct.unpack("<%dI" % (len(payload) // 4), payload)


# Towards the gateway.


def encode(kind, stream=0, payload=b"", flags=0):
    """One frame as bytes. The caller keeps `payload` within MAX_PAYLOAD."""
    return HEADER.pack(len(payload), stream, kind, flags, 0) + payload


def encode_auth(token, channel):
    """`token` as 64 characters; `channel` is DATA_CHANNEL, CONTROL_CHANNEL or ZYGOTE_CHANNEL."""
    return encode(AUTH, 0, token.encode("ascii") + _CHANNEL_BYTES[channel])


def encode_json(kind, value):
    """READY, FORKED or EXITED."""
    return encode(kind, 0, _compact(value))


def encode_files(paths):
    """FILES, as many frames as `paths` (a list of str) take; none for none."""
    encoded = b""
    batch, size = [], 0
    for path in paths:
        length = len(_compact(path)) + 1
        if batch and size + length > _MAX_FILES_BYTES:
            encoded += encode_json(FILES, {"files": batch})
            batch, size = [], 0
        batch.append(path)
        size += length
    if batch:
        encoded += encode_json(FILES, {"files": batch})
    return encoded


def encode_head(stream, head, body_length, service_time=0, last=False):
    """The frame up to its body: `body_length` bytes are to follow. The service time counts only with `last`."""
    prefix = HEADER.pack(8 + len(head) + body_length, stream, HEAD, LAST if last else 0, 0)
    return prefix + struct.pack("<II", service_time, len(head)) + head


def encode_data(stream, body_length):
    """The frame up to its body: `body_length` bytes are to follow."""
    return HEADER.pack(body_length, stream, DATA, 0, 0)


def encode_end(stream, service_time):
    return encode(END, stream, U32.pack(service_time))


def encode_error(stream, service_time, failure):
    """`failure`: a dict with class, message, traceback and, on stream 0, hint."""
    return encode(ERROR, stream, U32.pack(service_time) + _compact(failure))


def encode_file(stream, length, file):
    """`length` bytes of a RegularFile (file_wrapper.py)."""
    mask = 0xFFFFFFFFFFFFFFFF
    numbers = (file.offset, length, file.device & mask, file.inode & mask, file.size, file.mtime_ns)
    return encode(FILE, stream, struct.pack("<5Qq", *numbers) + file.path)


def encode_log(stream, level, text):
    """`text` that UTF-8 cannot carry (a lone surrogate) is written as an escape."""
    return encode(LOG, stream, text.encode("utf-8", "backslashreplace"), level)


def encode_u32s(kind, numbers):
    """RECALLED."""
    return encode(kind, 0, struct.pack("<%dI" % len(numbers), *numbers))


def _compact(value):
    return json.dumps(value, separators=(",", ":")).encode("ascii")
