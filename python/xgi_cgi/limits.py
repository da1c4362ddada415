"""Resource limits of programs, setrlimit(2): soft and hard alike, so that a program cannot raise them."""

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
        """To the calling process, for good. A limit that is lower already stays, unless the caller may raise it."""
        for number, value in self.pairs:
            resource.setrlimit(number, (value, value))
