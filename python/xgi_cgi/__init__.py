"""The launcher of CGI programs: one process that starts programs for the gateway and relays what they write.

Run by path (``python3 -I -S -B …/python/xgi_cgi``) by the gateway, never by hand; ``docs/protocol.md``, "Launcher", is the
contract. Standard library only, CPython 3.8 and later. The way of a run through it:

* ``launcher`` gets a RUN from the ``channel``; ``command`` reads it; ``streams`` makes its descriptors;
* ``cold`` executes the program, with ``restricted`` if it is to have limits or another user; or ``zygotes`` has it forked
  from a warm interpreter, in which ``zygote.py`` runs;
* ``run`` is its life; ``output``, ``error_output`` and ``body`` are its three streams; ``termination`` ends it.
"""
