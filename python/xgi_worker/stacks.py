"""What every thread of the worker is doing, as text for the log: for a request that is past its deadline.

Shown is the application's part: neither our frames, nor those that lead to us.
"""

import sys
import threading
import traceback

from . import failure

# The record has to fit a frame, in which a character takes up to six bytes; the innermost frames are kept.
_MAX_TEXT = 128 * 1024
_MAX_STACK = 32 * 1024
_MAX_FRAMES = 100


def describe_threads(stuck, idle, hidden):
    """The stacks of all threads, that of the thread `stuck` first. All three are about thread idents.

    `idle`: the threads that wait for a request; `hidden`: those that are left out.
    """
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    current = sys._current_frames()
    order = [ident for ident in current if ident not in hidden]
    order.sort(key=lambda ident: (ident != stuck, ident in idle))
    text = ""
    for position, ident in enumerate(order):
        if len(text) > _MAX_TEXT - _MAX_STACK:
            text += "%d more threads\n" % (len(order) - position)
            break
        name = names.get(ident, "%d, unknown to the threading module" % ident)
        mark = ", which runs the request" if ident == stuck else ""
        stack = "  waits for a request\n" if ident in idle else _format(current[ident])
        text += "thread %s%s:\n%s" % (name, mark, stack[-_MAX_STACK:])
    return text.rstrip("\n")


def _format(frame):
    stack = traceback.StackSummary.extract(traceback.walk_stack(frame), limit=_MAX_FRAMES)
    stack.reverse()
    own = [index for index, entry in enumerate(stack) if failure.is_ours(entry.filename)]
    inside = stack[own[0] :] if own else stack
    return "".join(failure.without_own_frames(inside).format()) or "  in the server's own code\n"
