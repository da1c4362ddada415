"""The zygote: a warm interpreter that forks a process for each run of a script, as if that had been executed.

Run by the interpreter that scripts name in their first line, and so self-contained. File descriptor 3 is a socket
to the launcher; `zygote_process.py` is the other side of it. What is here must not be there for a script: it finds
the modules, the descriptors, the signals and the ``__main__`` of a cold start.

What tells a script from a cold start, none of which is about its input, its output or its status:

* the process: /proc/self/cmdline and the parent are the zygote's; addresses, and hashes of strings unless
  PYTHONHASHSEED is set, are the same in all runs of one zygote; there was no execve, so a limit of address space
  counts what the zygote has mapped, and that of processes is not looked at before the script forks; the programs that
  it starts find their environment in another order;
* the stack: one frame more at its bottom, in "<frozen importlib._bootstrap>" (traceback.print_stack, inspect.stack;
  warnings with a stacklevel pass over it); the recursion limit comes one call sooner;
* garbage: gc.get_objects() does not list what was there before the script, and a collection may be at another moment;
* preloaded modules: a file beside the script that has the name of one is not imported; what they did when they were
  imported is not done again;
* the end: what only something of before the script refers to (a function in copyreg's table) gets no ``__del__``,
  though its files are flushed; modules of before the script are not torn down while ``__del__`` methods run;
  sys.is_finalizing() is false then.

Whatever is not quite usual (it cannot be read or compiled, the first line has options) is told to the launcher as
COLD before anything has happened, and is executed instead.
"""

_FRESH = list(globals())  # The names of a fresh __main__, in order.

import sys  # noqa: E402

_BEFORE = set(sys.modules)
_CHANNEL = 3


def _unfit():
    """Why this interpreter cannot be a zygote; None if it can."""
    version = "%d.%d.%d" % sys.version_info[:3]
    if sys.version_info < (3, 8) or sys.implementation.name != "cpython":
        name = sys.implementation.name if hasattr(sys, "implementation") else "Python"
        return "it is %s %s; CPython 3.8 or later is needed" % (name, version)
    return None


if _unfit():
    import os

    os.write(_CHANNEL, ("U" + _unfit()).encode("ascii"))
    sys.exit(0)

import _imp  # noqa: E402
import _io  # noqa: E402
import _signal  # noqa: E402
import _socket  # noqa: E402
import _thread  # noqa: E402
import _weakref  # noqa: E402
import builtins  # noqa: E402
import gc  # noqa: E402
import os  # noqa: E402
import stat  # noqa: E402
import time  # noqa: E402
from marshal import loads  # noqa: E402
from resource import setrlimit  # noqa: E402

# Functions by their own names: looking one up in a module writes to the name, the module and its type, and each page
# that is written to is copied for each process that is forked. Besides, scripts may replace them.
compile_source = compile
open_file, close, dup2, fstat, readlink = os.open, os.close, os.dup2, os.fstat, os.readlink
fork, waitpid, getpid, setpgid, _exit = os.fork, os.waitpid, os.getpid, os.setpgid, os._exit
getppid, kill, killpg, sleep = os.getppid, os.kill, os.killpg, time.sleep
chdir, putenv, unsetenv, fsdecode = os.chdir, os.putenv, os.unsetenv, os.fsdecode

_ASK = b"?"
_MESSAGE_BYTES = 65536
_MAX_SOURCE_BYTES = 256 * 1024
_MAX_SCRIPTS = 256
_SHARED_BYTES = 65536
_WARNING_BYTES = 1024
# A file can change twice within one tick of its file system's clock.
_SETTLED_SECONDS = 0.1
_LOOK_SECONDS = 0.05
# What finalize_modules of CPython's import.c takes away first.
_SYS_DELETED = (
    "path",
    "argv",
    "ps1",
    "ps2",
    "last_exc",
    "last_type",
    "last_value",
    "last_traceback",
    "path_hooks",
    "path_importer_cache",
    "meta_path",
    "__interactivehook__",
)

_ANCILLARY_BYTES = _socket.CMSG_SPACE(3 * 4)
_CLOEXEC = getattr(_socket, "MSG_CMSG_CLOEXEC", 0)
_OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
_WNOHANG = os.WNOHANG
_HAS_ORIG_ARGV = hasattr(sys, "orig_argv")
_HAS_FOLDER = not (sys.flags.isolated or getattr(sys.flags, "safe_path", False))
_display = sys.__excepthook__
_environ = os.environ._data


class _Cold(Exception):
    """The run has to be executed."""


def _prepare(channel):
    """Becomes what a script is to find, but for its own things. Returns (limits, Variables)."""
    os.set_inheritable(_CHANNEL, False)
    for name in set(sys.modules) - _BEFORE:
        del sys.modules[name]
    sys.path_importer_cache.pop(__file__, None)
    if sys.path and sys.path[0] == os.path.dirname(os.path.realpath(__file__)):
        sys.path_importer_cache.pop(sys.path.pop(0), None)
    sys.argv[:] = [""]
    preload, base, limits = loads(channel.recv(_MESSAGE_BYTES))
    if b"LD_BIND_NOW" not in base:
        os.environb.pop(b"LD_BIND_NOW", None)
    for name in preload:
        _preload(channel, name.decode("utf-8"))
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if _HAS_FOLDER:
        sys.path.insert(0, "")
    # Python has put it there (PEP 538), as the last variable.
    last = [b"LC_CTYPE"] if b"LC_CTYPE" not in base and b"LC_CTYPE" in _environ else []
    return limits, _Variables(last)


class _Variables:
    """The environment of the script that is forked next: os.environ is made before it is forked, because whatever is
    written after that is copied for each process; and only as far as it is not that of the script before.

    The C library keeps all values that it was ever given. So only those that two runs in a row have in common are given
    to it here, up to _SHARED_BYTES; the forked process adds the others: all of 18 variables take it 100 us.
    """

    def __init__(self, last):
        """`last`: the names that come after those of the script."""
        self._end = {name: _environ.pop(name) for name in last}
        self._base = _environ.copy()
        self._parts = ()
        self._names = None
        self._shared = {}
        self._left = _SHARED_BYTES
        self._missing = {}
        self._surplus = ()

    def lay_out(self, environ):
        """`environ`: as in a RUN frame. Raises ValueError: it cannot be."""
        parts = environ.split(b"\0") if environ else []
        names = parts[::2]
        if names == self._names:
            self._lay_over(parts)
        else:
            self._lay_anew(names, parts)

    def _lay_anew(self, names, parts):
        wanted = dict(zip(names, parts[1::2]))
        # Of two of one name the last counts, also if only the first is another.
        self._parts, self._names = parts, names if len(wanted) == len(names) else None
        _environ.clear()
        for variables in (self._base, wanted, self._end):
            _environ.update(variables)
        shared = self._shared
        self._missing = {name: value for name, value in wanted.items() if shared.get(name) != value}
        self._surplus = shared.keys() - wanted.keys()

    def _lay_over(self, parts):
        before, missing = self._parts, self._missing
        for index in range(1, len(parts), 2):
            value = parts[index]
            if value != before[index]:
                before[index] = value
                name = before[index - 1]
                _environ[name] = missing[name] = value
            elif missing and before[index - 1] in missing and len(value) <= self._left:
                name = before[index - 1]
                putenv(name, value)
                self._shared[name] = missing.pop(name)
                self._left -= len(value)

    def complete(self):
        """In the forked process."""
        for name, value in self._missing.items():
            putenv(name, value)
        for name in self._surplus:
            if name in self._base:
                putenv(name, self._base[name])
            else:
                unsetenv(name)


class _Stage:
    """What the script that is forked next finds in `sys`, made before the fork as its environment is. `names`: those of
    its __main__.
    """

    def __init__(self):
        self.names = None
        self._what = None

    def set(self, script, args, executed):
        what = (script, args, executed)
        if what == self._what:
            return
        self._what = None
        path, folder, interpreter, loader, _ = script
        cache = sys.path_importer_cache
        cache.pop(sys.argv[0], None)
        cache[path] = None
        argv = [path]
        for argument in args:
            argv.append(fsdecode(argument))
        sys.argv[:] = argv
        if _HAS_ORIG_ARGV:
            sys.orig_argv[:] = interpreter + argv if executed is None else map(fsdecode, executed)
        if _HAS_FOLDER:
            sys.path[0] = folder
        self.names = _make_main(path, loader)
        self._what = what


def _serve(channel, limits, variables):
    """Returns in each forked process, with what it is to run: (code, names of its __main__)."""
    receive, send = channel.recvmsg, channel.send
    launcher = getppid()
    scripts, numbers = _SCRIPTS, _NUMBERS
    send(b"R")
    while True:
        message, ancillary, _, _ = receive(_MESSAGE_BYTES, _ANCILLARY_BYTES, _CLOEXEC)
        if message == _ASK:
            while numbers:
                pid, status = waitpid(-1, _WNOHANG)
                if not pid:
                    break
                # Perhaps it is a child of a module that was preloaded.
                number = numbers.pop(pid, None)
                if number is not None:
                    send(b"E %d %d" % (number, status))
            continue
        if not message:
            break
        # Fewer than were sent if too many are open.
        descriptors = memoryview(ancillary[0][2]).cast("i").tolist() if ancillary else ()
        number, path, args, cwd, environ, executed, has_body = loads(message)
        try:
            if len(descriptors) != 2 + has_body:
                raise _Cold()
            script = _find(scripts, path, executed is None)
            variables.lay_out(environ)
            _STAGE.set(script, args, executed)
            pid = fork()
        except (_Cold, OSError, ValueError):
            send(b"C %d 0" % number)
        else:
            if pid == 0:
                return _become(channel, number, script, cwd, variables, has_body, descriptors, limits)
            numbers[pid] = number
        for descriptor in descriptors:
            close(descriptor)
    _outlast(numbers, send, launcher)
    _exit(0)


def _outlast(numbers, send, launcher):
    """The launcher wants no more: who runs, is waited for. Or it has died: nobody wants them, nor knows of all."""
    while numbers:
        if getppid() != launcher:
            for pid in numbers:
                _kill(pid)
        pid, status = waitpid(-1, _WNOHANG)
        if not pid:
            sleep(_LOOK_SECONDS)
            continue
        number = numbers.pop(pid, None)
        if number is not None:
            try:
                send(b"E %d %d" % (number, status))
            except OSError:
                pass


def _kill(pid):
    # By its own number as well: it may not lead its group yet.
    for send_signal in (killpg, kill):
        try:
            send_signal(pid, 9)
        except OSError:
            pass


def _find(scripts, path, is_executed):
    """Returns what is to be known of the script at `path` (bytes), as it is now:
    (path, folder, interpreter, loader, code).

    `code` is None if each run has to compile it, for the sake of warnings. Raises _Cold, or OSError.
    """
    descriptor = open_file(path, _OPEN_FLAGS)
    try:
        status = fstat(descriptor)
        # The time of the last change of whatever of it. The links on the way to it have none.
        signature = (status.st_ctime_ns, status.st_ino, status.st_dev, _resolve(path, descriptor))
        known = scripts.get(path)
        if known is None or known[0] != signature:
            known = (signature, _read(path, descriptor, status, signature[3]))
            if time.time() - max(status.st_mtime, status.st_ctime) > _SETTLED_SECONDS:
                if len(scripts) >= _MAX_SCRIPTS:
                    scripts.clear()
                scripts[path] = known
    finally:
        close(descriptor)
    script = known[1]
    if script is None or (is_executed and script[2] is None):
        raise _Cold()
    return script


def _resolve(path, descriptor):
    """The path of the file without any links."""
    try:
        real = readlink(b"/proc/self/fd/%d" % descriptor)
    except OSError:
        real = b""
    if not real.startswith(b"/") or real.endswith(b" (deleted)"):
        real = os.path.realpath(path)
    return real


def _read(path, descriptor, status, real):
    """The script for `_find`; None if it has to be executed in any case. `interpreter` is None if the kernel would
    not, or if it would pass options.
    """
    # A regular file; and no module's cache file, which Python recognizes.
    if not stat.S_ISREG(status.st_mode) or path.endswith(b".pyc"):
        return None
    interpreter = _read_first_line(os.read(descriptor, 256)) if os.access(path, os.X_OK) else None
    path = fsdecode(path)
    code = None
    if status.st_size <= _MAX_SOURCE_BYTES:
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            code = _compile_silently(_read_all(descriptor), path)
        except BaseException:
            # The message of a cold start tells more: it reads the file by itself.
            return None
    return path, fsdecode(os.path.dirname(real)), interpreter, _Loader("__main__", path), code


def _read_first_line(head):
    """What the kernel puts before the script's path, as a list; None if that is more than an interpreter."""
    line, end, _ = head.partition(b"\n")
    if not line.startswith(b"#!") or not end or b"\r" in line or b"\0" in line:
        return None
    interpreter, _, argument = line[2:].strip(b" \t").replace(b"\t", b" ").partition(b" ")
    argument = argument.strip(b" ")
    if not argument:
        return [fsdecode(interpreter)]
    if os.path.basename(interpreter) != b"env" or argument.startswith(b"-") or b"=" in argument or b" " in argument:
        return None
    return [fsdecode(argument)]


def _read_all(descriptor):
    parts = []
    while True:
        data = os.read(descriptor, _MAX_SOURCE_BYTES)
        if not data:
            return b"".join(parts)
        parts.append(data)


def _compile_silently(source, path):
    """None if there are warnings."""
    written = _io.StringIO()
    real, sys.stderr = sys.stderr, written
    try:
        code = compile_source(source, path, "exec", 0, True)
    finally:
        sys.stderr = real
        # What compiling leaves behind would have a script collect garbage at its start.
        gc.freeze()
    return None if written.tell() else code


# In the forked process.


def _become(channel, number, script, cwd, variables, has_body, descriptors, limits):
    """Returns (code, names). Until the launcher is told, everything that fails makes the run a cold one."""
    try:
        setpgid(0, 0)
        chdir(cwd)
        for limit, value in limits:
            setrlimit(limit, (value, value))
        # Without a body, standard input is the null device, as ours. Ours are as new, and of the same kinds as the
        # program's.
        for target, descriptor in zip((0, 1, 2) if has_body else (1, 2), descriptors):
            dup2(descriptor, target)
            close(descriptor)
        if has_body:
            sys.stdin = sys.__stdin__ = _reopen(sys.stdin)
        variables.complete()
        # They go with the script.
        names, _STAGE.names = _STAGE.names, None
        path, _, _, _, code = script
        if code is None:
            code = _compile_aloud(path)
        gc.enable()
    except (MemoryError, OSError, SyntaxError, ValueError):
        channel.send(b"C %d 0" % number)
        _exit(0)
    channel.send(b"S %d %d" % (number, getpid()))
    channel.close()
    return code, names


def _preload(channel, name):
    try:
        __import__(name)
    except BaseException as error:
        text = "cannot preload %s: %s: %s" % (name, type(error).__name__, error)
        channel.send(b"W" + text.encode("utf-8", "backslashreplace")[:_WARNING_BYTES])


def _reopen(stdin):
    """As create_stdio of CPython's pylifecycle.c makes it, for what descriptor 0 is now."""
    buffer = _io.open(0, "rb", -1, None, None, None, False)
    buffer.raw.name = "<stdin>"
    stream = _io.TextIOWrapper(
        buffer, stdin.encoding, stdin.errors, "\n", stdin.line_buffering, stdin.write_through
    )
    stream.mode = "r"
    return stream


def _make_main(path, loader):
    """A fresh __main__, in sys.modules; returns its dict."""
    module = type(sys)("__main__")
    names = module.__dict__
    values = {
        "__annotations__": {},
        "__builtins__": builtins,
        "__loader__": loader,
        "__file__": path,
    }
    for name in _FRESH:
        if name != "__name__":
            names[name] = values.get(name)
    sys.modules["__main__"] = module
    return names


def _compile_aloud(path):
    with _io.open(path, "rb") as file:
        source = file.read()
    return compile_source(source, path, "exec", 0, True)


# The end of a script, as in CPython's pythonrun.c and pylifecycle.c.


def _judge(failure):
    """Does what Python does with what a script has raised, or None. Returns the exit status, None for an interrupt."""
    if failure is None:
        return 0
    # Ours is the first frame.
    failure.__traceback__ = failure.__traceback__.tb_next
    if isinstance(failure, SystemExit):
        return _judge_exit(failure)
    return _report(failure)


def _judge_exit(failure):
    code = getattr(failure, "code", failure)
    if code is None:
        return 0
    if isinstance(code, int):
        # A larger one is left to Python, which has something to say about it.
        return code & 0xFF if -(1 << 63) <= code < 1 << 63 else code
    stream = getattr(sys, "stderr", None)
    try:
        if stream is None:
            os.write(2, str(code).encode("utf-8", "backslashreplace"))
        else:
            stream.write(str(code))
    except BaseException:
        pass
    _write_error("\n")
    return 1


def _report(failure):
    """Returns the exit status."""
    kind, traceback = type(failure), failure.__traceback__
    status = None if kind is KeyboardInterrupt else 1
    if sys.version_info >= (3, 12):
        sys.last_exc = failure
    sys.last_type, sys.last_value, sys.last_traceback = kind, failure, traceback
    hook = getattr(sys, "excepthook", None)
    if hook is None:
        _write_error("sys.excepthook is missing\n")
        _display(kind, failure, traceback)
        return status
    second = None
    try:
        hook(kind, failure, traceback)
    except BaseException as error:
        second = error
    if isinstance(second, SystemExit):
        return _judge_exit(second)
    if second is not None:
        second.__traceback__ = second.__traceback__.tb_next
        _write_error("Error in sys.excepthook:\n")
        _display(type(second), second, second.__traceback__)
        _write_error("\nOriginal exception was:\n")
        _display(kind, failure, traceback)
    return status


def _write_error(text):
    """As PySys_WriteStderr."""
    try:
        sys.stderr.write(text)
    except BaseException:
        os.write(2, text.encode("ascii"))


def _finish(status):
    """Ends the process with `status` (None: as an interrupt does); returns if that is better left to Python.

    Python's own finalization writes to much of what is shared with the zygote, and so costs 1.5 ms. Here only
    `__main__` and the modules that were imported since are torn down.
    """
    if _thread._count() or sys.gettrace() or sys.getprofile() or _has_foreign_code():
        return
    if status is not None and not 0 <= status <= 0xFF:
        return
    threading = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()
    atexit = sys.modules.get("atexit")
    if atexit is not None:
        try:
            atexit._run_exitfuncs()
        except BaseException:
            pass  # It was reported, as every other.
    if not _flush():
        return
    if "signal" in sys.modules:
        _reset_signals()
    if gc.isenabled():
        gc.collect()
    _tear_down()
    _flush_files()
    if not _flush():
        return
    if status is None:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
        os.kill(getpid(), _signal.SIGINT)
    _exit(status)


def _has_foreign_code():
    """Whether there are extension modules that are not Python's own, or ctypes: they may need the C library's exit."""
    modules = sys.modules
    for name in reversed(modules):
        # To look at more of them costs: what is looked at is no longer shared.
        if name == _LAST_KEPT:
            break
        loader = getattr(modules[name], "__loader__", None)
        if type(loader) is _ExtensionLoader and not loader.path.startswith(_EXTENSIONS):
            return True
    return "_ctypes" in modules or _FOREIGN


def _flush():
    """Flushes standard output and error. False if that fails, which Python reports when it is asked to end."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name, None)
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except BaseException:
            return False
    return True


def _reset_signals():
    for number in range(1, _signal.NSIG):
        try:
            if callable(_signal.getsignal(number)):
                _signal.signal(number, _signal.SIG_DFL)
        except (OSError, ValueError):
            pass


def _tear_down():
    """As finalize_modules of CPython's import.c."""
    sys_names, modules = sys.__dict__, sys.modules
    builtins._ = None
    for name in _SYS_DELETED:
        sys_names[name] = None
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
    # The kept ones are left alone: each that is looked at is a page to copy, which makes 80 us for all.
    names = []
    for name in reversed(modules):
        if name == _LAST_KEPT:
            break
        if name not in _KEPT_NAMES:
            names.append(name)
    names.append("__main__")
    added = []
    for name in reversed(names):
        module = modules.get(name)
        if isinstance(module, _Module):
            added.append(_weakref.ref(module))
        modules[name] = module = None
    modules.clear()
    gc.collect()
    for reference in reversed(added):
        module = reference()
        if module is not None:
            _clear(module.__dict__)


def _clear(names):
    """As _PyModule_ClearDict."""
    for name in list(names):
        if isinstance(name, str) and name.startswith("_") and not name.startswith("__"):
            names[name] = None
    for name in list(names):
        if isinstance(name, str) and name != "__builtins__":
            names[name] = None


def _flush_files():
    """What is still open belongs to something of before the script, which Python would have torn down too."""
    for thing in gc.get_objects():
        if type(thing) in _WRITERS:
            try:
                thing.flush()
            except BaseException:
                pass


_Module = type(sys)
_WRITERS = (_io.TextIOWrapper, _io.BufferedWriter, _io.BufferedRandom)
_external = sys.modules["_frozen_importlib_external"]
_ExtensionLoader, _Loader = _external.ExtensionFileLoader, _external.SourceFileLoader
_EXTENSIONS = tuple(path for path in sys.path if os.path.basename(path) == "lib-dynload") or ("/nowhere",)

_channel = _socket.socket(fileno=_CHANNEL)
_set_up = _prepare(_channel)
_LAST_KEPT, _FOREIGN = None, False
_FOREIGN = _has_foreign_code()
_KEPT_NAMES = frozenset(sys.modules)
# What the forked process would take apart, if it were local to what returns there.
_SCRIPTS, _STAGE = {}, _Stage()
_NUMBERS = {}  # of runs, by process id
# With all names in one place, their end writes to fewer pages: 17, and 13 to 40 us.
_modules = list(sys.modules.items())
sys.modules.clear()
for _name, _module in _modules:
    sys.modules[_name[:1] + _name[1:]] = _module
del _modules, _module
_LAST_KEPT = next(reversed(sys.modules))
# A script's end takes them from where they are, and they are large.
_KEPT = (list(sys.modules.values()), sys.path, sys.path_hooks, sys.path_importer_cache, sys.meta_path)
# Warnings pass over such frames when they look for who is to blame.
_imp._fix_co_filename(sys._getframe().f_code, "<frozen importlib._bootstrap>")
gc.disable()
gc.collect()
# A collection writes to what it looks at, and what is written to is no longer shared. A script's do not look at these.
gc.freeze()

# By this name, older Pythons take it for a statement.
_execute = vars(builtins)["exec"]
_job = [_serve(_channel, *_set_up)]
_failure = None
try:
    _execute(*_job.pop())
except BaseException as _error:
    _failure = _error
if _failure is None and (sys.gettrace() or sys.getprofile()):
    sys.exit(0)
_status = _judge(_failure)
_failure = None
_finish(_status)
if _status is None:
    sys.excepthook = lambda *failure: None
    raise KeyboardInterrupt
sys.exit(_status)
