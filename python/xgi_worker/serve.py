"""Serves requests in the main thread, one after the other: the fast way, for a worker with one thread.

Small requests come many in one read, and their answers leave in one write. One uncontended lock a request covers
both "the last answer may be sent" and "the next request is started", so a RECALL sees either both or neither.
"""

import sys
import time

from .frames import SAFE
from .request import answer
from .slot import MainSlot

# Finished answers wait for others this long, or until there are so many bytes of them.
_MAX_WAIT_NS = 1000 * 1000
_MAX_UNSENT_BYTES = 64 * 1024


def serve(worker, inbox):
    """Returns when the channel has ended, after DRAIN, or after SIGTERM; everything finished is sent by then."""
    # While the application computes, the control thread gets the interpreter after this time (5 ms by default): a
    # RECALL is about requests that wait longer than 2 ms.
    sys.setswitchinterval(0.001)
    slot = worker.main_slot
    lock = worker.lock
    outbox = worker.outbox
    pieces = outbox.pieces
    words = worker.words
    receive = inbox.receive
    clock = time.perf_counter_ns
    while True:
        batch = receive()
        if batch is None:
            return
        slot.clock = since = clock()
        left = len(batch)
        done = b""
        for stream, flags, text, body in batch:
            left -= 1
            if not flags & SAFE:
                if done:
                    outbox.put(done)
                    done = b""
                outbox.flush()
            with lock:
                if done:
                    pieces.append(done)
                    outbox.size += len(done)
                    done = b""
                if worker.alert and worker.skip(stream):
                    continue
                slot.stream = worker.last_seen = words[0] = stream
            done = answer(slot, stream, flags, text, body, left)
            if not flags & SAFE or slot.clock - since > _MAX_WAIT_NS or outbox.size > _MAX_UNSENT_BYTES:
                if done:
                    outbox.put(done)
                    done = b""
                outbox.flush()
                since = slot.clock
        if done:
            outbox.put(done)
        outbox.flush()


def prepare(worker):
    """Makes the slot; call in the main thread before signal handlers are installed."""
    worker.main_slot = MainSlot(worker, 0)
    worker.slots.append(worker.main_slot)
