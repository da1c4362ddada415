"""Which requests a process has begun and ended, in a file that survives it: `S ID METHOD` and `E ID` in the order of events, in the file
`$CHAOS_MARKS/PID`. One write each, into the page cache: what was written is there however the process dies."""

import os

FOLDER = os.environ.get("CHAOS_MARKS")

_owner = None
_file = -1


def start(ident, method):
    if FOLDER:
        os.write(_opened(), "S {} {}\n".format(ident, method).encode())


def end(ident):
    if FOLDER:
        os.write(_opened(), "E {}\n".format(ident).encode())


def _opened():
    """The file of this very process, which may have been forked from one that had its own."""
    global _owner, _file
    if _owner != os.getpid():
        _owner = os.getpid()
        _file = os.open(os.path.join(FOLDER, str(_owner)), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return _file
