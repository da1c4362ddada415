#!/usr/bin/env python3
import sys

modules = list(sys.modules)
names = {name: repr(value) for name, value in globals().items() if name not in ("sys", "modules", "names")}

import os  # noqa: E402

descriptors = sorted(map(int, os.listdir("/proc/self/fd")))[:-1]  # without that of the listing
importers = sorted(path for path in sys.path_importer_cache if path.endswith(".py"))

import _signal  # noqa: E402
import gc  # noqa: E402
import json  # noqa: E402
import locale  # noqa: E402
import resource  # noqa: E402
import stat  # noqa: E402
import subprocess  # noqa: E402
import warnings  # noqa: E402


def read_env():
    return subprocess.check_output(["/usr/bin/env", "-0"])


def describe_stream(stream):
    buffer = stream.buffer
    raw = getattr(buffer, "raw", buffer)
    return [
        repr(stream),
        stream.encoding,
        stream.errors,
        stream.newlines,
        stream.line_buffering,
        stream.write_through,
        stream.mode,
        sorted(vars(stream).items()),
        stream.fileno(),
        stream.isatty(),
        stream.seekable(),
        stream.readable(),
        stream.writable(),
        repr(buffer),
        repr(raw),
        raw.closefd,
        stat.S_IFMT(os.fstat(stream.fileno()).st_mode),
    ]


umask = os.umask(0o22)
print(
    json.dumps(
        {
            "argv": sys.argv,
            "orig_argv": getattr(sys, "orig_argv", None),
            "path": sys.path,
            "flags": repr(sys.flags),
            "executable": sys.executable,
            "prefixes": [sys.prefix, sys.base_prefix, sys.exec_prefix, sys._base_executable],
            "xoptions": sys._xoptions,
            "warnoptions": sys.warnoptions,
            "filters": repr(warnings.filters),
            "environ": list(os.environ.items()),
            # In no order: that of a warm run is another.
            "env": sorted(read_env().decode("utf-8", "surrogateescape").split("\0")),
            "cwd": os.getcwd(),
            "umask": umask,
            "descriptors": descriptors,
            "modules": modules,
            "names": names,
            "is_main": sys.modules["__main__"].__dict__ is globals(),
            "loader": sorted(vars(__loader__).items()),
            "importers": importers,
            "hooks": [sys.excepthook is sys.__excepthook__, sys.displayhook is sys.__displayhook__],
            "unraisablehook": sys.unraisablehook is getattr(sys, "__unraisablehook__", sys.unraisablehook),
            "standard": [sys.stdin is sys.__stdin__, sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__],
            "streams": [describe_stream(stream) for stream in (sys.stdin, sys.stdout, sys.stderr)],
            "signals": [repr(_signal.getsignal(number)) for number in range(1, 32)],
            "blocked": sorted(map(int, _signal.pthread_sigmask(_signal.SIG_BLOCK, ()))),
            "wakeup": _signal.set_wakeup_fd(-1),
            "leads": os.getpgrp() == os.getpid(),
            "limits": [resource.getrlimit(number) for number in range(16)],
            "nice": os.nice(0),
            "priority": os.sched_getscheduler(0),
            "cpus": sorted(os.sched_getaffinity(0)),
            "users": [os.getresuid(), os.getresgid(), os.getgroups()],
            "gc": [gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.callbacks, gc.garbage],
            "recursion": sys.getrecursionlimit(),
            "switch": sys.getswitchinterval(),
            "trace": [sys.gettrace(), sys.getprofile()],
            "locale": [locale.setlocale(category) for category in (locale.LC_CTYPE, locale.LC_TIME)],
            "preferred": locale.getpreferredencoding(),
            "encodings": [sys.getfilesystemencoding(), sys.getfilesystemencodeerrors(), sys.getdefaultencoding()],
            "last": [hasattr(sys, name) for name in ("last_type", "last_value", "last_traceback", "last_exc", "ps1")],
            "bytecode": [sys.dont_write_bytecode, sys.pycache_prefix],
            "input": sys.stdin.read(),
        },
        indent=1,
    )
)
