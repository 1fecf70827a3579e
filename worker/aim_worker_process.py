"""The worker's process: its private descriptors, the streams that nodes see, and the log under AIM-Forge.

**Invariant:** node code never holds the protocol. It moves to private descriptors at start, and a forked child closes
them; so `print`, `input()`, C libraries and child processes cannot add, take or lose a line.
"""

import sys

from aim_worker_own import __builtins__, os, select, time  # noqa: F401

LOG_NAME = ".aim-worker.log"
LOG_LIMIT = 8 << 20
CHUNK = 1 << 16
LINGER = 0.0002
LINGER_STEPS = 2000
# Where the protocol and copies of the streams are, so that neither a node that closes what it finds from 3 on up nor
# one that opens files meets them.
HIGH = 900


class Unusable(Exception):
    """A request that cannot be answered under its own id; the text is what AIM-Forge's worker says."""


class Channel:
    """The protocol's own descriptors; children that a node starts do not get them."""

    def __init__(self, requests, replies):
        self.replies = replies
        self.descriptors = {requests, replies}
        self.source = requests
        self.streams = None
        self.sent_at = 0
        # What is done before the next requests are read; whether a node runs; whether this is the end.
        self.before_read = None
        self.is_running = lambda: False
        self.is_ending = False
        self.arrival = select.poll()
        self.arrival.register(requests, select.POLLIN)
        os.register_at_fork(after_in_child=self.close)

    def keep_streams(self):
        """Copy the descriptors of the streams, to have them again when a node closed one of them."""
        self.streams = [move_up(os.dup(number), HIGH + 10 + number) for number in range(3)]
        for number in range(3):
            self.arrival.register(number, 0)  # Nothing but that it is closed is told of it.

    def mend_streams(self, found):
        """Open again what of the standard descriptors `poll` found closed."""
        for number, event in found:
            if number < 3 and event == select.POLLNVAL:
                os.dup2(self.streams[number], number)
            elif number < 3:
                self.arrival.unregister(number)  # Its reader is gone, which would be told again and again.

    def requests(self):
        """The lines that come, until nobody is left to send any. One may be large, and none is kept here."""
        parts, data = [], True
        while data:
            if not self.linger():
                self.wait()
            if self.before_read is not None and not any(parts):
                self.before_read()
            try:
                data = os.read(self.source, CHUNK)
            except OSError:  # A node closed it.
                return
            start, end = 0, data.find(b"\n") + 1
            while end:
                parts.append(data[start:end])
                parts = [b"".join(parts)]
                yield parts.pop()
                start, end = end, data.find(b"\n", end) + 1
            parts.append(data[start:])

    def linger(self):
        """Stay awake for as long as the next request of a flow takes to come: being woken takes longer than a node.
        Tells whether it came.
        """
        until = time.perf_counter() + LINGER
        try:
            for _ in range(LINGER_STEPS):
                found = self.arrival.poll(0)
                if found:
                    if len(found) > 1 or found[0][0] != self.source:
                        self.mend_streams(found)
                    return self.is_source(found)
                if time.perf_counter() > until:
                    break
                os.sched_yield()
        except OSError:  # A node lowered the limit of descriptors, or closed one of ours; the next read tells.
            return True
        return False

    def wait(self):
        """Wait for the next request without reading it.

        A process that is killed while it waits in `read` may take a request along that came after the signal, and
        nobody could tell whether it has begun. From here it never comes to read it.
        """
        try:
            found = ()
            while not self.is_source(found):
                self.mend_streams(found)
                found = self.arrival.poll()
        except OSError:
            pass

    def is_source(self, found):
        return any(number == self.source for number, _ in found)

    def send(self, line):
        data = memoryview(line.encode("ascii"))
        self.sent_at = time.perf_counter()
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
        # Between two nodes the main thread sees it, too, and ends in peace.
        while not self.is_ending:
            if self.is_running():
                os._exit(0)
            time.sleep(0.01)


def enter_folder(root):
    """Make the project the working folder, which each node finds there whatever the one before did."""
    try:
        if not isinstance(root, str) or not os.path.isabs(root):
            raise ValueError
        os.chdir(root)
    except (OSError, ValueError):
        raise Unusable("Invalid project root") from None


streams = [sys.stdin, sys.stdout, sys.stderr]


def open_streams():
    """Give each node the process's streams, whatever the one before closed or put in their place.

    Always UTF-8, which is what the other end reads, and able to write any text.
    """
    for number in range(3):
        stream = streams[number]
        try:
            is_closed = stream is None or stream.closed
        except ValueError:  # Its buffer was taken from it.
            is_closed = True
        if is_closed:
            stream = open(number, "w" if number else "r", 1, "utf-8", "backslashreplace", closefd=False)
            streams[number] = stream
    sys.stdin, sys.stdout, sys.stderr = streams
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = streams


def flush_streams():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # Closed, replaced by something else, or interrupted: the reply must still go out.
            pass


def move_up(descriptor, place):
    """The descriptor at another place, or where it is if that cannot be. Children that are started do not get it."""
    try:
        os.fstat(place)
        return descriptor  # Somebody has it.
    except OSError:
        pass
    try:
        os.dup2(descriptor, place, False)
    except OSError:
        return descriptor
    os.close(descriptor)
    return place


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
