"""wsgi.file_wrapper: a file as a response, which the gateway sends itself when it is a regular file it can open.

Only files whose read() gives what is on the disk are handed over. A fileno() alone does not say that: that of a
GzipFile is the compressed file's. So the type is looked at, through the wrappers of tempfile and of Django's File.
"""

import io
import os
import stat
import tempfile
from collections import namedtuple

_READ_BYTES = 64 * 1024
_PLAIN = (io.BufferedReader, io.BufferedRandom)

RegularFile = namedtuple("RegularFile", "descriptor offset size mtime_ns device inode path")
"""What a FILE frame says, and the open file it says it of; `path` as bytes, None if no path leads to this very file."""


class FileChanged(Exception):
    """The file was written to while it was being sent: what follows may not belong to what went before."""


class FileWrapper:
    """An iterable of blocks of `filelike.read(block_size)`; has close() if the file has."""

    def __init__(self, filelike, block_size=8192):
        self.filelike = filelike
        self.block_size = block_size
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self):
        return self

    def __next__(self):
        block = self.filelike.read(self.block_size)
        if block:
            return block
        raise StopIteration

    def blocks(self, count):
        """At most `count` bytes of a regular file, in blocks that are not smaller than is sensible."""
        size = max(self.block_size, _READ_BYTES)
        while count > 0:
            block = self.filelike.read(min(size, count))
            if not block:
                return
            count -= len(block)
            yield block


def find_regular_file(filelike):
    """The RegularFile behind `filelike` from its present position on, or None if it is something else."""
    file = _plain_file(filelike)
    if file is None:
        return None
    try:
        descriptor = file.fileno()
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        offset = file.tell()
    except (OSError, ValueError):
        return None
    path = _find_path(file, descriptor, status)
    return RegularFile(
        descriptor, offset, status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino, path
    )


def check_unchanged(file):
    """Raises FileChanged unless a RegularFile is still what it was. Call after each read, before its bytes are sent."""
    status = os.fstat(file.descriptor)
    if (status.st_size, status.st_mtime_ns) != (file.size, file.mtime_ns):
        raise FileChanged("the file was written to while it was being sent")


def _plain_file(filelike):
    for _ in range(3):
        kind = type(filelike)
        if kind is io.FileIO or (kind in _PLAIN and type(filelike.raw) is io.FileIO):
            return filelike
        if isinstance(filelike, tempfile._TemporaryFileWrapper):
            filelike = filelike.file
        elif isinstance(filelike, tempfile.SpooledTemporaryFile):
            filelike = filelike._file
        else:
            inner = getattr(filelike, "file", None)
            if inner is None or getattr(filelike, "read", None) != getattr(inner, "read", 0):
                return None
            filelike = inner
    return None


def _find_path(file, descriptor, status):
    candidates = ["/proc/%d/fd/%d" % (os.getpid(), descriptor)]
    if isinstance(file.name, (str, bytes)):
        candidates.insert(0, os.path.realpath(os.fsdecode(file.name)))
    for path in candidates:
        try:
            if os.path.samestat(os.stat(path), status):
                return os.fsencode(path)
        except (OSError, ValueError):
            continue
    return None
