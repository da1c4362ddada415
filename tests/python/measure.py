"""Measures the worker's CPU time for one small request, in batches of 32 as the gateway sends them.

    python3 tests/python/measure.py [target [requests]]

Prints the CPU time (user and system) of the worker process alone, divided by the number of requests, of three runs.
"""

import os
import sys

from gateway import Gateway, frames

BATCH = 32
FIELDS = {
    "REQUEST_URI": "/",
    "RAW_URI": "/",
    "REMOTE_PORT": "54321",
    "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "HTTP_ACCEPT": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "HTTP_ACCEPT_ENCODING": "gzip, deflate",
    "HTTP_CONNECTION": "keep-alive",
}


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    target = sys.argv[1] if len(sys.argv) > 1 else "hello:app"
    rounds = int(sys.argv[2]) // BATCH if len(sys.argv) > 2 else 10000
    gateway = Gateway(target)
    frame = gateway.encode(environ=FIELDS, stream=1)[1]
    try:
        for _ in range(3):
            before = cpu_seconds(gateway.process.pid)
            for _ in range(rounds):
                gateway.data.send(
                    b"".join(frame[:4] + frames.U32.pack(gateway.stream()) + frame[8:] for _ in range(BATCH))
                )
                ended = 0
                while ended < BATCH:
                    received = gateway.data.receive()
                    ended += received.kind == frames.END or (received.kind == frames.HEAD and received.flags)
            used = cpu_seconds(gateway.process.pid) - before
            print(
                "%.2f us of worker CPU a request (%d requests)"
                % (used / rounds / BATCH * 1e6, rounds * BATCH)
            )
    finally:
        gateway.close()


if __name__ == "__main__":
    main()
