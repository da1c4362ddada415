"""Entry point when the interpreter is given this directory: ``python3 -I -S -B …/xgi_spawner``.

Python puts the directory itself at the front of ``sys.path``, which would make ``settings``, ``main`` and the rest
importable under those names and shadow the standard library. So it comes off again, and the parent is on the path
only while the packages are imported.

The same as that of ``xgi_worker``: nothing can be shared before the parent is on the path.
"""

import os
import sys


def start():
    here = os.path.dirname(os.path.realpath(__file__))
    parent = os.path.dirname(here)
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry or ".") != here or not entry]
    sys.path.insert(0, parent)
    try:
        import xgi_spawner.main as main
    finally:
        sys.path.remove(parent)
    return main.main()


if __name__ == "__main__":
    sys.exit(start())
