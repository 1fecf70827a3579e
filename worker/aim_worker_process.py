"""The worker's process: its private descriptors, the streams that nodes see, and the log under AIM-Forge.

**Invariant:** node code never holds the protocol. It moves to private descriptors at start, and a forked child closes
them; so `print`, `input()`, C libraries and child processes cannot add, take or lose a line.
"""

import os
import select
import sys
import time

LOG_NAME = ".aim-worker.log"
LOG_LIMIT = 8 << 20
CHUNK = 1 << 16
LINGER = 0.0002
STREAMS = (0, "stdin", "__stdin__", "r"), (1, "stdout", "__stdout__", "w"), (2, "stderr", "__stderr__", "w")


class Unusable(Exception):
    """A request that cannot be answered under its own id; the text is what AIM-Forge's worker says."""


class Channel:
    """The protocol's own descriptors; children that a node starts do not get them."""

    def __init__(self, requests, replies):
        self.replies = replies
        self.descriptors = {requests, replies}
        self.source = requests
        self.arrival = select.poll()
        self.arrival.register(requests, select.POLLIN)
        os.register_at_fork(after_in_child=self.close)

    def requests(self):
        """The lines that come, until nobody is left to send any. One may be large, and none is kept here."""
        parts, data = [], True
        while data:
            self.linger()
            data = os.read(self.source, CHUNK)
            start, end = 0, data.find(b"\n") + 1
            while end:
                parts.append(data[start:end])
                parts = [b"".join(parts)]
                yield parts.pop()
                start, end = end, data.find(b"\n", end) + 1
            parts.append(data[start:])

    def linger(self):
        """Stay awake for as long as the next request of a flow takes to come: being woken takes longer than a node."""
        until = time.perf_counter() + LINGER
        while not self.arrival.poll(0) and time.perf_counter() < until:
            os.sched_yield()

    def send(self, line):
        data = memoryview(line.encode("ascii"))
        try:
            while data:
                data = data[os.write(self.replies, data) :]
        except OSError:
            os._exit(0)  # Nobody is left to answer.

    def close(self):
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors = ()

    def watch(self):
        """End the process when the other side is gone, even while a node runs.

        A thread that sleeps in `poll` costs a request nothing; handing each request from a reading thread to the
        main one would cost a switch of threads. For a pipe, the side that is watched is the reader of our replies.
        """
        poller = select.poll()
        poller.register(self.replies, getattr(select, "POLLRDHUP", 0))
        while not poller.poll():
            pass
        os._exit(0)


def enter_folder(root):
    """Make the project the working folder, which each node finds there whatever the one before did."""
    try:
        if not isinstance(root, str) or not os.path.isabs(root):
            raise ValueError
        os.chdir(root)
    except (OSError, ValueError):
        raise Unusable("Invalid project root") from None


def open_streams():
    """Give each node the process's streams, whatever the one before closed or put in their place.

    Always UTF-8, which is what the other end reads, and able to write any text.
    """
    for number, name, original, mode in STREAMS:
        stream = getattr(sys, original)
        if stream is None or stream.closed:
            stream = open(number, mode, 1, "utf-8", "backslashreplace", closefd=False)
            setattr(sys, original, stream)
        setattr(sys, name, stream)


def flush_streams():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # Closed, replaced by something else, or interrupted: the reply must still go out.
            pass


def open_log(project):
    """Send stdout and stderr to the project's log; to nowhere when it cannot be written."""
    try:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        log = os.open(os.path.join(project, LOG_NAME), flags, 0o600)
        if os.fstat(log).st_size > LOG_LIMIT:
            os.ftruncate(log, 0)
    except OSError:
        log = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(log, number)
    os.close(log)
