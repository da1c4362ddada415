"""Serves requests in several threads: the main thread reads, N threads claim from one queue, each answer is sent at
once."""

import collections
import os
import threading
import time
import traceback

from .request import answer
from .slot import ThreadSlot


class Pool:
    """`serve` runs in the main thread and returns as serve.serve does."""

    def __init__(self, worker, inbox):
        self._worker = worker
        self._inbox = inbox
        self._ending = False
        worker.queue = collections.deque()

    def serve(self):
        worker = self._worker
        threads = [
            threading.Thread(target=self._work, args=(index,), name="xgi-request-%d" % index, daemon=True)
            for index in range(worker.settings.threads)
        ]
        for thread in threads:
            thread.start()
        while True:
            batch = self._inbox.receive()
            if batch is None:
                break
            self._enqueue(batch)
        with worker.lock:
            self._ending = True
            worker.changed.notify_all()
        if not self._inbox.draining and not worker.stopping:
            return
        for thread in threads:
            thread.join()

    def _enqueue(self, batch):
        worker = self._worker
        with worker.lock:
            for request in batch:
                if worker.alert and worker.skip(request[0]):
                    continue
                worker.last_seen = request[0]
                worker.queue.append(request)
            worker.changed.notify_all()

    def _work(self, index):
        worker = self._worker
        slot = ThreadSlot(worker, index)
        with worker.lock:
            worker.slots.append(slot)
        try:
            while True:
                request = self._claim(slot)
                if request is None:
                    return
                slot.clock = time.perf_counter_ns()
                done = answer(slot, *request, more=False)
                if done:
                    worker.outbox.put(done)
                worker.outbox.flush()
        except OSError:
            worker.lose()
        except BaseException:
            # A mistake of ours: a worker that has lost a thread must not look as if it were well.
            traceback.print_exc()
            os._exit(1)

    def _claim(self, slot):
        """Waits for a request and claims it; None when there will be none."""
        worker = self._worker
        with worker.lock:
            while True:
                if worker.stopping or worker.gone:
                    return None
                if worker.queue:
                    request = worker.queue.popleft()
                    slot.stream = worker.words[slot.index] = request[0]
                    return request
                if self._ending:
                    return None
                worker.changed.wait()
