"""Resource limits of programs, setrlimit(2): soft and hard alike, so that a program cannot raise them."""

import errno
import resource

_RESOURCES = {
    "cpuSeconds": resource.RLIMIT_CPU,
    "memoryBytes": resource.RLIMIT_AS,
    "files": resource.RLIMIT_NOFILE,
    "processes": getattr(resource, "RLIMIT_NPROC", None),
}


class Limits:
    """`pairs`: (resource, value) for each limit that is set; numbers are those of the operating system."""

    def __init__(self, values):
        """`values`: the object of HELLO. Raises ValueError for a number that is none."""
        self.pairs = []
        for name, number in _RESOURCES.items():
            value = values.get(name)
            if value is None or number is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise ValueError("limits.%s is %r" % (name, value))
            self.pairs.append((number, value))

    def apply(self):
        """To the calling process, for good. Raises OSError, so if a limit is to be raised and the caller may not."""
        for number, value in self.pairs:
            try:
                resource.setrlimit(number, (value, value))
            except ValueError as error:
                raise PermissionError(errno.EPERM, str(error)) from None
