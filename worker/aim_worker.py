"""The worker: a Python process of a project's environment that runs nodes, one request at a time.

A node is a Python file of the project; `exec_node` runs it in a fresh namespace, calls its function and
answers with what that returned. Requests and replies are UTF-8, one JSON object a line. The worker is started as

    <venv>/bin/python -u -I -S aim_worker.py

with `aim_worker_nodes.py` beside it, in one of two ways:

* by the daemon: descriptor 0 is one end of a socket pair and carries both directions; 1 and 2 are pipes, read as
  the node's stdout and stderr. The process says `{"event": "spare"}` and waits: because of `-S` it has not looked
  at the environment yet. `activate` makes it the worker of a project.
* by AIM-Forge's manager, known by the variable WORKER_PROJECT_PATH: requests come on descriptor 0, replies go to 1.
  That manager never reads stderr, so what nodes print goes to `.aim-worker.log` in the project. (Descriptor 0 being
  a socket does not tell the two apart: asyncio gives its children a socket pair as stdin.)

op          | fields                                      | reply, beside `id` and `ok`
----------- | ------------------------------------------- | ---------------------------------------------
activate    | generation, project_root, env (optional)    | event "ready", generation, python, prefix, time_ms
exec_node   | file, project_root (optional), input        | output, time_ms, generation
invalidate  |                                             | (nothing more)
modules     |                                             | files: the files of all loaded modules

A failure is `{"id", "ok": false, "error", "traceback"}`; a line that cannot be used is answered with `"id": null`.

**Invariant:** node code never holds the protocol. It moves to private descriptors at start, and a forked child
closes them; so `print`, `input()`, C libraries and child processes cannot add, take or lose a line.
**Invariant:** nothing that a node does, short of ending the process, ends the worker or loses the reply.
**Invariant:** only the standard library, and of it only what the first node needs; the rest when it is needed.
"""

import _thread
import builtins
import json
import os
import select
import signal
import site
import stat
import sys
import time

# `-I` keeps this folder off the path, and it must not be on it when node code runs.
sys.path.append(os.path.dirname(os.path.abspath(__file__)))
import aim_worker_nodes as nodes
from aim_worker_nodes import Coroutine, Module, Node, ProjectModules, import_standard

sys.path.pop()

LOG_NAME = ".aim-worker.log"
LOG_LIMIT = 8 << 20
NODE_LIMIT = 1000
PYTHON = "%d.%d.%d" % sys.version_info[:3]
OWN_FILES = (__file__, nodes.__file__, json.encoder.__file__)


class Unusable(Exception):
    """A request that cannot be answered under its own id; the text is what AIM-Forge's worker says."""


# ---- the worker ---------------------------------------------------------------------------------------------------


class Worker:
    """Answers one request after the other, on the main thread."""

    def __init__(self, channel, root, is_spare):
        self.channel = channel
        self.is_spare = is_spare
        self.pid = os.getpid()
        self.main = sys.modules["__main__"]
        self.root = root
        self.modules = None
        self.generation = None
        self.nodes = {}
        self.is_running = False
        signal.signal(signal.SIGINT, self.interrupt)
        self.operations = {
            "activate": self.activate,
            "exec_node": self.exec_node,
            "invalidate": self.invalidate,
            "modules": self.loaded_files,
        }

    def serve(self):
        """Answer until there is nothing left to answer."""
        for line in self.channel.requests:
            if not line.isspace():
                self.channel.send(self.answer(line))

    def answer(self, line):
        """The reply to one request line, as a line."""
        try:
            request = json.loads(line.decode("utf-8"))
            if not isinstance(request, dict):
                raise ValueError("a JSON object was expected")
        except (ValueError, RecursionError, MemoryError) as error:
            return failure(None, "Invalid message: " + describe(error))
        op = request.get("op")
        operation = self.operations.get(op) if isinstance(op, str) else None
        if operation is None:
            return failure(request.get("id"), "Unknown op: %s" % (op,))
        try:
            return operation(request)
        except Unusable as error:
            return failure(None, "Invalid message: %s" % error)
        except BaseException as error:
            return failure(request.get("id"), describe(error), format_traceback(error))

    def interrupt(self, _signal, _frame):
        """SIGINT ends the running node. Between two nodes it has nothing to end, and must not cost a reply."""
        if self.is_running:
            raise KeyboardInterrupt

    def activate(self, request):
        """Become the worker of a project: from here on the environment is the one that is on disk now."""
        started = time.perf_counter()
        if not self.is_spare:
            raise RuntimeError("the worker is active already")
        environment = request.get("env")
        if environment is not None:
            os.environ.clear()
            os.environ.update(environment)
            time.tzset()
        self.enter(request.get("project_root"))
        # What nodes find under AIM-Forge; not there at the start, where it would mean that manager.
        os.environ["WORKER_PROJECT_PATH"] = self.root
        self.is_spare = False
        self.generation = int(request.get("generation", 0))
        flush_streams()
        return success(
            request,
            event="ready",
            generation=self.generation,
            python=PYTHON,
            prefix=sys.prefix,
            time_ms=milliseconds(started),
        )

    def enter(self, root):
        """Load the environment, then put the project in front of it."""
        enter_folder(root)
        if sys.flags.no_site:
            site.main()
        sys.path.insert(0, root)
        self.root = root
        self.modules = ProjectModules(root)

    def exec_node(self, request):
        """Run one node. Whatever it raises, `SystemExit` and `KeyboardInterrupt` too, is its error and not our end."""
        started = time.perf_counter()
        if self.is_spare:
            raise RuntimeError("the worker is not active yet")
        root, file = request.get("project_root") or self.root, request.get("file")
        failed, path = None, None
        try:
            try:
                self.is_running = True
                enter_folder(root)
                node = self.node(root, file)
                path = node.path
                self.modules.refresh()
                output = to_json(self.run(node, request.get("input")))
            finally:
                self.is_running = False
        except Unusable:
            raise
        except BaseException as error:
            self.leave_if_forked(error)
            failed = failure(request.get("id"), describe(error), format_traceback(error, path))
        self.leave_if_forked(None)
        self.modules.note()
        flush_streams()
        if failed is not None:
            return failed
        # Not through `success`: the output is text already, and may be large.
        head = '{"id":%s,"ok":true,"output":' % to_json(request.get("id"))
        generation = "" if self.generation is None else ',"generation":%d' % self.generation
        return "".join((head, output, ',"time_ms":%d' % milliseconds(started), generation, "}\n"))

    def node(self, root, file):
        """The compiled node of a file, from the cache when the file is still the one that was compiled.

        One `stat` answers that, and whether it is inside the project: this inode was when it was read.
        """
        if not isinstance(file, str):
            raise FileNotFoundError("Node file not found: %s" % (file,))
        known = self.nodes.get((root, file))
        if known is not None and known.stamp is not None and nodes.stamp_of(known.name) == known.stamp:
            return known
        node = nodes.read_node(root, file)
        if len(self.nodes) >= NODE_LIMIT:
            self.nodes.clear()
        self.nodes[root, file] = node
        return node

    def run(self, node, value):
        """Execute a node's file as `__main__`, so that pickle and dataclasses find its classes; call its function."""
        open_streams()
        if signal.getsignal(signal.SIGINT) != self.interrupt:
            signal.signal(signal.SIGINT, self.interrupt)
        module = Module("__main__")
        namespace = module.__dict__
        namespace.update(node.ready)
        namespace["__builtins__"] = builtins
        namespace["__file__"] = node.path
        namespace["input_data"] = value
        sys.argv = [node.path]
        sys.modules["__main__"] = module
        try:
            exec(node.code, namespace)
            name, function = nodes.choose_function(namespace)
            output = nodes.call(function, name == "RunScript", value)
            if type(output) is Coroutine:
                output = import_standard("asyncio").run(output)
            return output
        finally:
            sys.modules["__main__"] = self.main

    def rehearse(self):
        """Run a node that is nobody's: an interpreter's first node costs milliseconds, later ones microseconds."""
        source = b"def RunScript(a=0, b=0):\n    return {'sum': a + b}\n"
        node = Node("", "<rehearsal>", compile(source, "<rehearsal>", "exec", dont_inherit=True), {}, None)
        request = json.loads('{"id": "rehearsal", "input": {"a": 1, "b": 2}}')
        success(request, output=self.run(node, request["input"]), time_ms=milliseconds(time.perf_counter()))
        flush_streams()

    def invalidate(self, request):
        """Let the next import look at the folders again: packages came, and none that is loaded changed."""
        import_standard("importlib").invalidate_caches()
        return success(request)

    def loaded_files(self, request):
        """The files that this process has loaded, from which the daemon sees whether a change concerns it."""
        files = {nodes.module_file(module) for module in list(sys.modules.values())}
        return success(request, files=sorted(f for f in files if isinstance(f, str) and f not in OWN_FILES[:2]))

    def leave_if_forked(self, error):
        """End the child of a node's `os.fork` that came back into the worker: the reply is its parent's to give."""
        if os.getpid() == self.pid:
            return
        code = 0 if error is None else 1
        try:
            if isinstance(error, SystemExit) and isinstance(error.code, (int, type(None))):
                code = error.code or 0
            elif error is not None:
                sys.stderr.write(format_traceback(error))
            flush_streams()
        finally:
            os._exit(code & 0xFF)


# ---- replies ------------------------------------------------------------------------------------------------------


def success(request, **fields):
    return to_json(dict({"id": request.get("id"), "ok": True}, **fields)) + "\n"


def failure(request_id, error, traceback=None):
    reply = {"id": request_id, "ok": False, "error": error}
    if traceback is not None:
        reply["traceback"] = traceback
    return to_json(reply) + "\n"


strict_json = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
loose_json = json.JSONEncoder(separators=(",", ":")).encode


def to_json(value):
    """JSON that every parser reads, in ASCII: Python's mapping, but NaN and the infinities are `null` (as browsers
    write them) and a lone surrogate is U+FFFD. An object that JSON has no form for is a `TypeError`."""
    try:
        text = strict_json(value)
    except ValueError:  # NaN, infinity, or a cycle; the last is raised again here.
        text = import_standard("re").sub(
            r'("[^"\\]*(?:\\.[^"\\]*)*")|-?Infinity|NaN', lambda found: found[1] or "null", loose_json(value)
        )
    if "\\ud" in text:
        text = import_standard("re").sub(
            r"\\\\|\\ud[89ab]..\\ud[c-f]..|(\\ud[89a-f]..)", lambda found: "\\ufffd" if found[1] else found[0], text
        )
    return text


def describe(error):
    """What went wrong, never empty: the exception's text, with its type where the text alone would not say."""
    name = type(error).__name__
    try:
        text = str(error)
    except BaseException:
        return name
    if not text:
        return name
    return text if isinstance(error, Exception) else "%s: %s" % (name, text)


def format_traceback(error, path=None):
    """The traceback from the node's first frame on; the worker's own frames are of no use to anybody."""
    try:
        whole = import_standard("traceback").TracebackException(type(error), error, error.__traceback__)
        strip_frames(whole, path, set())
        return "".join(whole.format())
    except Exception:
        return "%s: %s\n" % (type(error).__name__, describe(error))


def strip_frames(part, path, seen):
    if part is None or id(part) in seen:
        return
    seen.add(id(part))
    files = [frame.filename for frame in part.stack]
    first = files.index(path) if path in files else 0
    part.stack[:] = [frame for frame in part.stack[first:] if frame.filename not in OWN_FILES]
    for other in [part.__cause__, part.__context__] + list(getattr(part, "exceptions", None) or ()):
        strip_frames(other, path, seen)


# ---- the process --------------------------------------------------------------------------------------------------


class Channel:
    """The protocol's own descriptors; children that a node starts do not get them."""

    def __init__(self, requests, replies):
        self.replies = replies
        self.descriptors = {requests, replies}
        self.requests = open(requests, "rb", buffering=1 << 16, closefd=False)
        os.register_at_fork(after_in_child=self.close)

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
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        stream = getattr(sys, "__%s__" % name)
        if stream is None or stream.closed:
            stream = open(number, mode, 1, "utf-8", "backslashreplace", closefd=False)
            setattr(sys, "__%s__" % name, stream)
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


def milliseconds(started):
    return int((time.perf_counter() - started) * 1000)


def main():
    project = os.environ.get("WORKER_PROJECT_PATH")
    is_ours = project is None and stat.S_ISSOCK(os.fstat(0).st_mode)
    requests = os.dup(0)
    channel = Channel(requests, requests if is_ours else os.dup(1))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    project = os.path.abspath(project or os.getcwd())
    if not is_ours:
        open_log(project)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    worker = Worker(channel, project, is_ours)
    _thread.start_new_thread(channel.watch, ())
    worker.rehearse()
    if is_ours:
        channel.send(to_json({"event": "spare", "pid": worker.pid, "python": PYTHON}) + "\n")
    else:
        try:
            worker.enter(project)
        except Unusable:
            worker.modules = ProjectModules(project)  # There is no such project; each request is told so.
    worker.serve()
    os._exit(0)


if __name__ == "__main__":
    main()
