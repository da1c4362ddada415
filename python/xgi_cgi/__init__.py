"""The launcher of CGI programs: one process that starts programs for the gateway and relays what they write.

Run by path (``python3 -I -S -B …/python/xgi_cgi``) by the gateway, never by hand; ``docs/protocol.md``, "Launcher",
is the contract. Standard library only, CPython 3.8 and later. The way of a run through it:

* ``launcher`` gets a RUN from the ``channel``; ``command`` reads it; ``streams`` makes its descriptors;
* ``cold`` has the program executed by ``execution``, which sets ``limits`` and the user if there are any; or
  ``zygotes`` has it forked from a warm interpreter, where ``zygote.py`` runs;
* ``run`` is its life; ``output``, ``error_output`` and ``body`` are its three streams; ``termination`` ends it.

``loop`` and ``reaper`` are what all of it waits with. Everything from programs is hostile: nothing here blocks, and
what fails concerns one run.
"""
