"""Shared memory: what is too large for a line goes by a descriptor that the other side opens and maps.

The memory is a memfd of this process, which others open as `/proc/<pid>/fd/<N>` and which lasts until `close` here and
there. An object goes to another worker as a pickle with its buffers beside it, not inside: they are copied once, into
the memory, and the other worker's arrays are views of its own private map of it, which cost no copy.

**Invariant:** the memory is written before its descriptor is told, and never after: it is sealed, against nodes that
write into every descriptor that they find.
**Invariant:** only descriptors that were made here are ever closed here.
"""

from aim_worker_nodes import import_standard
from aim_worker_own import __builtins__, os  # noqa: F401
from aim_worker_text import to_utf8

ALIGNMENT = 64
CHUNK = 1 << 16
F_ADD_SEALS, SEALS = 1033, 0x02 | 0x04 | 0x08  # Linux's numbers: it neither shrinks nor grows, nor is written to.
IS_POSSIBLE = hasattr(os, "memfd_create")


class SharedMemory:
    """The descriptors that are given away and not yet closed."""

    def __init__(self):
        self.descriptors = set()

    def put(self, parts):
        """Write parts, each to the next aligned place. Returns the descriptor, the size, and where each part is."""
        fcntl = import_standard("fcntl")
        descriptor = os.memfd_create("aim-worker", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            layout, end = [], 0
            for part in parts:
                start = -(-end // ALIGNMENT) * ALIGNMENT
                os.lseek(descriptor, start, os.SEEK_SET)
                end = start + write_all(descriptor, part)
                layout.append([start, end - start])
            os.ftruncate(descriptor, end)
            fcntl.fcntl(descriptor, F_ADD_SEALS, SEALS)
            self.descriptors.add(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor, end, layout

    def put_text(self, text):
        """Write a string's UTF-8."""
        return self.put([text if text.isascii() else to_utf8(text)])[:2]

    def export(self, value):
        """Put an object's pickle and its buffers in memory. Raises what `pickle` does for what cannot be pickled."""
        buffers = []
        head = import_standard("pickle").dumps(value, 5, buffer_callback=buffers.append)
        return self.put([head] + [buffer.raw() for buffer in buffers])

    def close(self, descriptor):
        if descriptor in self.descriptors:
            self.descriptors.remove(descriptor)
            os.close(descriptor)


def load(path, layout):
    """The object that another worker exported. Its buffers are private: what is written to them, nobody else sees."""
    mmap = import_standard("mmap")
    with open(path, "rb") as stream:
        memory = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY))
    parts = [memory[start : start + size] for start, size in layout]
    return import_standard("pickle").loads(parts[0], buffers=parts[1:])


def write_all(descriptor, data):
    """Write bytes, or a string of ASCII: that in slices, which stay in the processor's cache. Returns their number."""
    if isinstance(data, str):
        return sum(write_all(descriptor, data[i : i + CHUNK].encode()) for i in range(0, len(data), CHUNK))
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    return len(data)
