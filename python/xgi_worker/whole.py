"""An answer that is one frame, and the service time that every answer ends with."""

import struct
import time

from . import frames

_clock = time.perf_counter_ns
_encode_small = struct.Struct("<5I").pack
_WHOLE_ANSWER = frames.HEAD | frames.LAST << 8

# A body up to here is copied behind its head; a larger one goes out as a buffer of its own.
_COPY_BYTES = 8 * 1024


def answer_whole(slot, stream, head, block):
    """Puts a whole answer into one frame. Returns the bytes to be sent next; none if they are in the outbox already."""
    length = len(block)
    now = _clock()
    microseconds = (now - slot.clock) // 1000
    slot.clock = now
    if microseconds > 0xFFFFFFFF:
        microseconds = 0xFFFFFFFF
    start = _encode_small(8 + len(head) + length, stream, _WHOLE_ANSWER, microseconds, len(head)) + head
    if length <= _COPY_BYTES:
        return start + block
    slot.worker.outbox.put(start, block)
    return b""


def service_time(slot):
    """How long the request has held its slot, in microseconds; the next one holds it from now on."""
    now = _clock()
    microseconds = (now - slot.clock) // 1000
    slot.clock = now
    return min(microseconds, frames.MAX_SERVICE_TIME)
