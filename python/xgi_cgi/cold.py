"""Cold starts: the program is executed."""

import os
import signal

from . import execution, groups
from .execution import Execution
from .failure import StartFailure, describe
from .loop import READABLE


def start(run, host):
    """Has `run` told, now or later, that it has started or failed. `host` is the Launcher."""
    if run.aborted:
        run.on_failed(None)
        return
    command, settings = run.command, host.settings
    order = Execution(
        command.path, command.argv, command.environment(settings.environ), command.cwd, run.streams.child
    )
    try:
        if settings.user is None and not settings.limits.pairs:
            pid = execution.spawn(order)
            host.reaper.expect(pid, run)
            run.on_started(pid, False)
        else:
            pid, report = execution.fork(order, settings.limits, settings.user)
            _Forked(run, host, pid, report, order)
    except StartFailure as failure:
        run.on_failed(failure)


class _Forked:
    """Between fork and exec, which may take its time: the program may lie on a slow disk."""

    def __init__(self, run, host, pid, report, order):
        self._run = run
        self._loop = host.loop
        self._pid = pid
        self._report = report
        self._order = order
        self._failed = False
        host.reaper.expect(pid, self)
        try:
            host.loop.watch(report, READABLE, self)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error):
        self._failed = True
        os.close(self._report)
        self._report = None
        groups.send(self._pid, False, signal.SIGKILL)
        self._run.on_failed(describe(error, "wait for the program"))

    def on_ready(self, events):
        if self._report is None:
            return
        try:
            report = os.read(self._report, 64)
        except BlockingIOError:
            return
        self._loop.forget(self._report)
        os.close(self._report)
        self._report = None
        if report:
            self._failed = True
            self._run.on_failed(execution.read_report(report, self._order))
        else:
            self._run.on_started(self._pid, False)

    def on_exit(self, status):
        self.on_ready(READABLE)
        if not self._failed:
            self._run.on_exit(status)
