"""Who the spawner is, and who its workers are.

Its effective user is that of the workers, and so is all that it may do with files. Its real and its saved one are
the gateway's. So it can become the workers' user in full, in a child, without root; but a worker cannot signal it, for
which kill(2) wants the real or the saved id: an application cannot end what only root can start again.
"""

import errno
import os


def become_spawner(user, gateway_uid):
    """From root, for good. Raises OSError if the system refuses, or would give root back."""
    if user.account is None:
        os.setgroups([user.gid])
    else:
        os.initgroups(user.account, user.gid)
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(gateway_uid, user.uid, gateway_uid)
    # A kernel that keeps capabilities over setuid(2) (capabilities(7), "securebits") says that all went well, too.
    if 0 not in (user.uid, gateway_uid) and _can_return():
        text = "root was given up but could be had back: this system keeps capabilities"
        raise PermissionError(errno.EPERM, text)


def become_worker(user):
    """From the spawner, in a child of it: all three ids."""
    os.setresuid(user.uid, user.uid, user.uid)


def _can_return():
    try:
        os.seteuid(0)
    except OSError:
        return False
    return True
