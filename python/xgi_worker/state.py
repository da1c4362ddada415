"""The state file: one 32-bit word a thread, mapped into memory, with the stream it has claimed last.

The gateway reads it after the worker's death, however that came, to tell requests that were running from requests
that were not.
"""

import mmap
import struct
import sys


def open_words(path, count):
    """Maps `count` little-endian words of the file at `path`; returns an object with `words[index] = number`."""
    with open(path, "r+b") as file:
        file.seek(0, 2)
        if file.tell() < 4 * count:
            file.truncate(4 * count)
        mapping = mmap.mmap(file.fileno(), 4 * count)
    if sys.byteorder == "little":
        return memoryview(mapping).cast("I")
    return _SwappedWords(mapping)


class _SwappedWords:
    """The same on a big-endian machine, where a plain memoryview would write the bytes the other way round."""

    def __init__(self, mapping):
        self._mapping = mapping

    def __setitem__(self, index, number):
        struct.pack_into("<I", self._mapping, 4 * index, number)
