"""The spawner: one process that starts the workers of an application whose user is not the gateway's.

Run by path (``python3 -I -S -B …/python/xgi_spawner``) by the gateway while that is root, never by hand;
``docs/protocol.md``, "Spawner", is the contract. Standard library only, CPython 3.8 and later.

* ``main`` reads HELLO, which ``settings`` checks, and gives up root;
* ``identity`` says who the spawner is from then on, and its workers are;
* ``spawner`` starts workers, signals them, and tells how they end; ``birth`` is what happens between fork and exec.

What workers do is hostile, and so is what the gateway has from them, a process id, say: it is signalled with the
rights of their user alone.
"""
