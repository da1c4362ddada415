"""One zygote as seen from here: the process that runs ``zygote.py``, and the runs that were given to it.

Each message is one packet of a SOCK_SEQPACKET socket. To the zygote, marshalled: first (modules to preload, names of
the base environ, limits), then what `start` puts together for each run, with the descriptors of the program, but for
the null device; or ``?``: which processes have ended? It knows nothing of that by itself: a handler of signals would
have to be taken away in each process that it forks. From the zygote, as text: ``U`` and why this interpreter is unfit.
``W`` and why a module cannot be preloaded. ``R``: it is ready. ``S number pid``: the process runs the script.
``C number 0``: nothing was run, execute it. ``E number status``: the process has ended, with that status of waitpid(2).

A forked process says ``S`` itself, before anything of the script is run. So when the socket has ended, all are known
that were forked; the others can be executed without running anything twice.

What the zygote says is not to be trusted: scripts run as the same user and can get hold of it. So process ids from it
are only signalled with that user's rights (groups.send).
"""

import array
import marshal
import os
import signal
import socket
from collections import deque
from time import monotonic

from xgi_worker.frames import LEVEL_WARNING

from . import cold, execution, groups
from .execution import Execution
from .exit_watch import ExitWatch
from .failure import StartFailure, describe
from .loop import READABLE, WRITABLE
from .zygote_log import ZygoteLog

_PROGRAM = os.fsencode(os.path.join(os.path.dirname(os.path.abspath(__file__)), "zygote.py"))
_MARSHAL_VERSION = 2
"""All Pythons can read it."""

_MAX_MESSAGE_BYTES = 65536
_ASK = b"?"
_MAX_PID = 0x7FFFFFFF
_MAX_STATUS = 0xFFFF
_MAX_RECORD_BYTES = 2048
_RECORDS_IN_A_TURN = 64
_SEND_FLAGS = socket.MSG_DONTWAIT | getattr(socket, "MSG_NOSIGNAL", 0)

_START_SECONDS = 60
_ANSWER_SECONDS = 5
_END_SECONDS = 1
_ORPHAN_SECONDS = 0.05
_ASK_SECONDS = 0.02
"""If nothing tells us that a process has ended."""

# With these it will never start; with others, as EAGAIN, it may later.
_HOPELESS = ("ENOENT", "ENOTDIR", "EACCES", "EPERM", "ELOOP", "ENOEXEC", "EPROTONOSUPPORT")


class ZygoteProcess:
    """`owner` is told with ``on_lost(self, reason, hopeless)`` when it takes no more runs, unless that was wanted
    (`retire`), and with ``on_gone(self)`` when nothing is left of it. `hopeless`: another one would not do better.
    """

    def __init__(self, host, interpreter, owner):
        self.is_ready = False
        self._host = host
        self.interpreter = interpreter
        self._owner = owner
        self._began = monotonic()
        self._pid = None
        self._socket = None
        self._report = None
        self._log = None
        self._order = None
        self._served = False
        self._lost = False
        self._number = 0
        self._unsent = deque()
        """(number, message, run) that the socket has not taken."""
        self._waiting = {}
        """By number, (run, since when): the zygote has it and has not answered. In the order of sending."""
        self._running = {}
        """By number, (run, process id, its ExitWatch)."""
        self._asking = False
        self._polling = False

    @property
    def age(self):
        """Seconds."""
        return monotonic() - self._began

    # Its beginning.

    def launch(self):
        try:
            self._launch()
        except StartFailure as failure:
            self._lose(failure.message, failure.name in _HOPELESS)
            self._owner.on_gone(self)
            return
        self._host.loop.call_later(_START_SECONDS, self._check_start)

    def _launch(self):
        """Raises StartFailure."""
        settings, opened = self._host.settings, []
        try:
            ours, theirs = (end.detach() for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
            opened += (theirs, ours)
            reader, writer = os.pipe()
            opened += (writer, reader)
            null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            opened.append(null)
            # Symbols that are resolved now need not be resolved in each forked process.
            environment = {b"LD_BIND_NOW": b"1", **settings.environ}
            order = Execution(
                self.interpreter, [self.interpreter, _PROGRAM], environment, b"/", (null, writer, writer, theirs)
            )
            if settings.user is None:
                self._pid = execution.spawn(order)
            else:
                self._pid, self._report = execution.fork(order, None, settings.user)
            opened.remove(ours)
            opened.remove(reader)
        except OSError as error:
            raise describe(error, "start a warm interpreter") from None
        finally:
            for descriptor in opened:
                os.close(descriptor)
        self._order = order
        self._host.reaper.expect(self._pid, self)
        self._log = ZygoteLog(self._host, reader)
        self._log.start()
        self._open(ours)

    def _open(self, descriptor):
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(False)
        settings = self._host.settings
        names = [name.encode("utf-8") for name in settings.preload]
        setup = (names, list(settings.environ), settings.limits.pairs)
        try:
            self._socket.send(marshal.dumps(setup, _MARSHAL_VERSION), _SEND_FLAGS)
        except OSError:
            pass  # It has ended already; perhaps it has said why.
        try:
            self._host.loop.watch(descriptor, READABLE, self)
        except OSError:
            self._socket.close()
            self._socket = None
            self.kill()

    def _check_start(self):
        if not self._served and not self._lost:
            self._lose("it is not ready after %d seconds" % _START_SECONDS, False)
            self.kill()

    # Runs.

    def start(self, run):
        """Has `run` forked; False if it has to be executed."""
        command = run.command
        # Without its first line, the script is an argument of what would be executed.
        executed = None if command.path == command.script else command.argv
        self._number = number = self._number + 1
        request = (number, command.script, command.args, command.cwd, command.environ, executed, command.has_body)
        message = marshal.dumps(request, _MARSHAL_VERSION)
        if len(message) > _MAX_MESSAGE_BYTES:
            return False
        if not self._unsent:
            try:
                self._send(number, message, run)
                return True
            except BlockingIOError:
                self._host.loop.change(self._socket.fileno(), READABLE | WRITABLE)
            except OSError:
                return False
        self._unsent.append((number, message, run))
        return True

    def _send(self, number, message, run):
        """Raises OSError: it has not got it."""
        descriptors = array.array("i", run.streams.own)
        self._socket.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)], _SEND_FLAGS)
        if not self._waiting:
            self._host.loop.call_later(_ANSWER_SECONDS, self._check_answers)
        self._waiting[number] = (run, monotonic())

    def _send_unsent(self):
        while self._unsent:
            number, message, run = self._unsent[0]
            try:
                self._send(number, message, run)
            except BlockingIOError:
                return
            except OSError:
                cold.start(run, self._host)
            self._unsent.popleft()
        self._host.loop.change(self._socket.fileno(), READABLE)

    def _check_answers(self):
        """It answers as soon as it has forked; if it does not, it was stopped, or it hangs."""
        if not self._waiting:
            return
        _, since = next(iter(self._waiting.values()))
        age = monotonic() - since
        if age < _ANSWER_SECONDS:
            self._host.loop.call_later(_ANSWER_SECONDS - age, self._check_answers)
            return
        self._lose("it has not answered for %d seconds" % _ANSWER_SECONDS, False)
        self.kill()

    # What it says.

    def on_ready(self, events):
        if self._socket is None:
            return
        if events & WRITABLE and self._unsent:
            self._send_unsent()
        for _ in range(_RECORDS_IN_A_TURN):
            try:
                record = self._socket.recv(_MAX_RECORD_BYTES)
            except BlockingIOError:
                return
            except ConnectionResetError:
                # It has died without reading all; what it had said before comes next.
                continue
            except OSError:
                record = b""
            if not record:
                self._close()
                return
            self._take(record)

    def _take(self, record):
        if record.startswith(b"U"):
            self._lose(record[1:].decode("ascii", "replace"), True)
            return
        if record.startswith(b"W"):
            if not self._served:
                text = "%s: %s" % (os.fsdecode(self.interpreter), record[1:].decode("utf-8", "replace"))
                self._host.log(LEVEL_WARNING, text)
            return
        if record == b"R":
            self._served = True
            self.is_ready = not self._lost
            return
        try:
            kind, number, value = record.split()
            number, value = int(number), int(value)
        except ValueError:
            return
        if kind == b"S":
            if number in self._waiting and 1 < value <= _MAX_PID:
                self._start(number, value)
        elif kind == b"E" and number in self._running:
            run, _, watch = self._running.pop(number)
            watch.close()
            run.on_exit(value if 0 <= value <= _MAX_STATUS else None)
        elif number in self._waiting:
            # If it has ended before it was told that the script runs, it does not.
            run, _ = self._waiting.pop(number)
            cold.start(run, self._host)

    def _start(self, number, pid):
        run, _ = self._waiting.pop(number)
        watch = ExitWatch(self._host.loop, pid, self._ask_soon)
        self._running[number] = (run, pid, watch)
        if watch.is_blind and not self._polling:
            self._polling = True
            self._host.loop.call_later(_ASK_SECONDS, self._poll)
        run.on_started(pid, True)

    def _ask_soon(self):
        """Once for all that end in one turn of the loop."""
        if not self._asking:
            self._asking = True
            self._host.loop.call_later(0, self._ask)

    def _ask(self):
        self._asking = False
        if self._socket is None or not self._running:
            return
        try:
            self._socket.send(_ASK, _SEND_FLAGS)
        except BlockingIOError:
            self._asking = True
            self._host.loop.call_later(_ASK_SECONDS, self._ask)
        except OSError:
            pass  # It has died; or is retired, and waits for all.

    def _poll(self):
        self._polling = any(watch.is_blind for _, _, watch in self._running.values())
        if self._polling:
            self._ask_soon()
            self._host.loop.call_later(_ASK_SECONDS, self._poll)

    # Its end.

    def retire(self):
        """It ends when its runs have ended. What it has not got yet is executed."""
        self._lost = True
        self.is_ready = False
        if not self._served or self._socket is None:
            self.kill()
            return
        self._execute_unsent()
        self._host.loop.change(self._socket.fileno(), READABLE)
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # It has died.

    def kill(self):
        if self._pid is not None:
            try:
                os.kill(self._pid, signal.SIGKILL)
            except OSError:
                pass

    def on_exit(self, status):
        # What it said last tells more than its status.
        self.on_ready(READABLE)
        self._pid = None
        self._log.read()
        how = "signal %d" % os.WTERMSIG(status) if os.WIFSIGNALED(status) else "status %d" % os.WEXITSTATUS(status)
        report = self._read_report()
        if report:
            how = execution.read_report(report, self._order).message
        self._lose(how, not self._served and not os.WIFSIGNALED(status))
        if self._socket is None:
            self._owner.on_gone(self)
        else:
            # A process that it has forked may still be about to tell that it runs a script.
            self._host.loop.call_later(_END_SECONDS, self._close)

    def _read_report(self):
        if self._report is None:
            return b""
        try:
            return os.read(self._report, 64)
        except OSError:
            return b""
        finally:
            os.close(self._report)

    def _lose(self, reason, hopeless):
        if not self._lost:
            self._lost = True
            self.is_ready = False
            self._owner.on_lost(self, reason, hopeless)

    def _close(self):
        """Nothing more can come: whatever was not forked never will be."""
        if self._socket is None:
            return
        self._host.loop.forget(self._socket.fileno())
        self._socket.close()
        self._socket = None
        self.is_ready = False
        # It ends by itself, and that tells more.
        self._host.loop.call_later(_END_SECONDS, self.kill)
        self._execute_unsent()
        waiting, self._waiting = self._waiting, {}
        for run, _ in waiting.values():
            cold.start(run, self._host)
        self._look_after_orphans()
        if self._pid is None:
            self._owner.on_gone(self)

    def _execute_unsent(self):
        unsent, self._unsent = self._unsent, deque()
        for _, _, run in unsent:
            cold.start(run, self._host)

    def _look_after_orphans(self):
        """What it has forked lives on, but nobody tells of its end."""
        for number, (run, pid, watch) in list(self._running.items()):
            watch.close()
            if groups.is_gone(pid):
                del self._running[number]
                run.on_exit(None)
        if self._running:
            self._host.loop.call_later(_ORPHAN_SECONDS, self._look_after_orphans)
