#!/usr/bin/env python3
"""What depends on being __main__."""
import inspect
import pickle
import sys

import __main__


class Thing:
    """Is pickled by name."""

    def __eq__(self, other):
        return type(self) is type(other)


print(pickle.loads(pickle.dumps(Thing())) == Thing(), b"__main__" in pickle.dumps(Thing()))
print(__main__.Thing is Thing, sys.modules["__main__"] is __main__, Thing.__module__)
print(inspect.getsource(Thing), inspect.getmodule(Thing) is __main__, inspect.getfile(Thing))
print(__name__, __file__, __doc__, __spec__, __package__)
print([frame.function for frame in inspect.stack()][0])
