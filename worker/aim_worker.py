"""The worker: a Python process of a project's environment that runs nodes, one request at a time.

A node is a Python file of the project; `exec_node` runs it in a fresh namespace, calls its function and
answers with what that returned. Requests and replies are UTF-8, one JSON object a line. The worker is started as

    <venv>/bin/python -u -I -S aim_worker.py

with the project as working folder, in one of two ways:

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

LOG_NAME = ".aim-worker.log"
LOG_LIMIT = 8 << 20
NODE_LIMIT = 1000
PYTHON = "%d.%d.%d" % sys.version_info[:3]
STANDARD_PATH = list(sys.path)

# The names that a node finds ready. `asyncio` alone takes 60 ms to import, so a node gets the ones its source mentions.
READY_MADE = {
    "json": "json", "math": "math", "datetime": "datetime", "time": "time", "random": "random", "re": "re",
    "collections": "collections", "itertools": "itertools", "pathlib": "pathlib", "Path": "pathlib", "os": "os",
    "sys": "sys", "asyncio": "asyncio", "tempfile": "tempfile",
}  # fmt: skip

CLOCK_REALTIME_COARSE = 5  # Linux's number; the time module has no name for it.
CO_VARARGS, CO_VARKEYWORDS = 0x04, 0x08
Function = type(lambda: None)
Module = type(sys)


async def _nothing():
    pass


_coroutine = _nothing()
_coroutine.close()
Coroutine = type(_coroutine)


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
        """The reply to one request line, as text."""
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
        self.generation = request.get("generation", 0)
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
        reply = '{"id":%s,"ok":true,"output":%s,"time_ms":%d'
        reply %= (to_json(request.get("id")), output, milliseconds(started))
        return reply + ("}" if self.generation is None else ',"generation":%s}' % to_json(self.generation))

    def node(self, root, file):
        """The compiled node of a file, from the cache when the file is still the one that was compiled.

        One `stat` answers that and the question of symbolic links as well: the same inode was inside the project before.
        """
        if not isinstance(file, str):
            raise FileNotFoundError("Node file not found: %s" % (file,))
        known = self.nodes.get((root, file))
        if known is not None and known.stamp is not None and stamp_of(known.name) == known.stamp:
            return known
        node = read_node(root, file)
        if len(self.nodes) >= NODE_LIMIT:
            self.nodes.clear()
        self.nodes[root, file] = node
        return node

    def run(self, node, value):
        """Execute a node's file as `__main__`, so that pickle and dataclasses find its classes, and call its function."""
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
            name, function = choose_function(namespace)
            output = call(function, name == "RunScript", value)
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
        files = {module_file(module) for module in list(sys.modules.values()) if module is not self.main}
        return success(request, files=sorted(file for file in files if isinstance(file, str)))

    def leave_if_forked(self, error):
        """End the child of a node's `os.fork` that came back into the worker: the reply is its parent's to give."""
        if os.getpid() == self.pid:
            return
        code = 0
        if isinstance(error, SystemExit) and isinstance(error.code, (int, type(None))):
            code = error.code or 0
        elif error is not None:
            sys.stderr.write(format_traceback(error))
            code = 1
        flush_streams()
        os._exit(code & 0xFF)


# ---- nodes --------------------------------------------------------------------------------------------------------


class Node:
    """A compiled file: the name it was asked by, its real path, its ready-made names, and the stamp of what was read."""

    __slots__ = ("name", "path", "code", "ready", "stamp")

    def __init__(self, name, path, code, ready, stamp):
        self.name, self.path, self.code, self.ready, self.stamp = name, path, code, ready, stamp


def read_node(root, file):
    """Compile a file of the project. A path that leads out of it, by `..` or by a symbolic link, is refused."""
    name = os.path.join(root, file)
    inside = os.path.join(os.path.realpath(root), "")
    try:
        path = os.path.realpath(name)
        if not path.startswith(inside) and path != inside.rstrip(os.sep):
            raise PermissionError("Node file path escapes project root")
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise FileNotFoundError
        tick = clock_tick()
        with open(path, "rb") as stream:
            stamp = stamp_from(os.fstat(stream.fileno()))
            source = stream.read()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise FileNotFoundError("Node file not found: %s" % file) from None
    code = compile(source, path, "exec", dont_inherit=True)
    ready = {}
    for ready_name, module_name in READY_MADE.items():
        if ready_name.encode() in source:
            module = import_standard(module_name)
            ready[ready_name] = module.Path if ready_name == "Path" else module
    # Written in this very tick of the file system's clock, it could be written again and look the same.
    return Node(name, path, code, ready, stamp if stamp[2] < tick else None)


def choose_function(namespace):
    """`RunScript`, else `main`, else the first function or class that the file itself defines."""
    for name in ("RunScript", "main"):
        if callable(namespace.get(name)):
            return name, namespace[name]
    for name, value in namespace.items():
        if name[0:1] != "_" and name not in READY_MADE and name != "input_data" and callable(value):
            if is_defined_here(value):
                return name, value
    raise ValueError("No callable function found in node")


def is_defined_here(value):
    """False for what was imported: an object of another module that is one of that module's own values.

    The second half keeps `partial(f, 1)` and the results of decorators, which belong to the node although
    their `__module__` is where they were made.
    """
    origin = getattr(value, "__module__", None) or type(value).__module__
    if origin == "__main__":
        return True
    module = sys.modules.get(origin) if isinstance(origin, str) else None
    return module is not None and not any(value is other for other in list(vars(module).values()))


def call(function, is_script, value):
    """Call a node's function with its input, by AIM-Forge's rules.

    An object gives its members by name: always to `RunScript`, to another function when it has two parameters or
    more and every required name is there. Anything else is the first argument. Keys without a parameter are dropped.
    """
    names, required, takes_more = parameters(function)
    count = len(names) + takes_more
    if count == 0:
        return function()
    if isinstance(value, dict) and (is_script or (count > 1 and names and all(name in value for name in required))):
        return function(**{name: value[name] for name in names if name in value})
    if value is None and not is_script:
        return function()
    return function(value)


def parameters(function):
    """Names of the parameters, those without a default, and how many of `*args` and `**kwargs` there are.

    Read off the code object, because `inspect` costs 10 ms to load; it is asked where a function is not a plain one.
    """
    if type(function) is not Function or function.__dict__:
        return inspected_parameters(function)
    code = function.__code__
    positional = code.co_argcount
    names = code.co_varnames[: positional + code.co_kwonlyargcount]
    defaults = function.__defaults__ or ()
    by_keyword = function.__kwdefaults__ or ()
    required = names[: positional - len(defaults)]
    required += tuple(name for name in names[positional:] if name not in by_keyword)
    return names, required, bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)


def inspected_parameters(function):
    inspect = import_standard("inspect")
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ("",), (), 0  # A built-in that does not tell: one parameter, its name unknown.
    named = [p for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    required = [p.name for p in named if p.default is p.empty]
    return [p.name for p in named], required, len(found) - len(named)


# ---- edited modules -----------------------------------------------------------------------------------------------


class ProjectModules:
    """The loaded modules that are the project's own, and whether their files are still the ones that were loaded.

    When one changed, all are dropped, not only that one: others hold its functions and classes under their own names
    (`from helper import f`), also indirectly, and two versions of a class in one process are worse than an import.
    """

    def __init__(self, root):
        self.folders = {os.path.join(root, ""), os.path.join(os.path.realpath(root), "")}
        self.root = root
        self.stamps = {}
        self.count = len(sys.modules)
        self.started = 0

    def refresh(self):
        """Before a node: forget the project's modules if one of their files is another now."""
        self.started = time.time_ns()
        changed = [file for file, stamp in self.stamps.values() if stamp_of(file) != stamp]
        if changed:
            for name in self.stamps:
                forget_module(name)
            self.stamps.clear()
            self.count = 0
            for file in changed:
                forget_bytecode(file)
            import_standard("importlib").invalidate_caches()
        # A folder's listing is kept by its time; a helper written in the same tick would not be found.
        finder = sys.path_importer_cache.get(self.root)
        if finder is not None:
            finder.invalidate_caches()

    def note(self):
        """After a node: remember what it imported. The number of modules tells whether it imported anything."""
        if len(sys.modules) == self.count:
            return
        self.count = len(sys.modules)
        now = time.time_ns()
        for name, module in list(sys.modules.items()):
            file = module_file(module)
            if name not in self.stamps and self.owns(file):
                stamp = stamp_of(file)
                # Written while the node ran, perhaps after it was imported: load it again next time.
                is_doubtful = stamp is not None and self.started < stamp[2] <= now
                self.stamps[name] = (file, () if is_doubtful else stamp)

    def owns(self, file):
        """True for Python source in the project that is not an environment's. (Extension modules cannot load twice.)"""
        if not isinstance(file, str) or not file.endswith(".py"):
            return False
        if "/site-packages/" in file or file.startswith(os.path.join(sys.prefix, "")):
            return False
        return any(file.startswith(folder) for folder in self.folders)


def forget_module(name):
    """Drop a module, also as a member of its package: one without a file is not dropped, others may have parts in it."""
    sys.modules.pop(name, None)
    package, _, member = name.rpartition(".")
    if package in sys.modules:
        vars(sys.modules[package]).pop(member, None)


def forget_bytecode(file):
    """Remove the compiled copy of an edited file: Python compares whole seconds, and would take it for the new one."""
    try:
        os.unlink(import_standard("importlib.util").cache_from_source(file))
    except (OSError, NotImplementedError):
        pass


def module_file(module):
    """A module's file, without waking modules that load themselves when an attribute is read."""
    try:
        return object.__getattribute__(module, "__dict__").get("__file__")
    except AttributeError:
        return None


# ---- replies ------------------------------------------------------------------------------------------------------


def success(request, **fields):
    return to_json(dict({"id": request.get("id"), "ok": True}, **fields))


def failure(request_id, error, traceback=None):
    reply = {"id": request_id, "ok": False, "error": error}
    if traceback is not None:
        reply["traceback"] = traceback
    return to_json(reply)


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


OWN_FILES = (__file__, json.encoder.__file__)


# ---- the process --------------------------------------------------------------------------------------------------


class Channel:
    """The protocol's own descriptors; children that a node starts do not get them."""

    def __init__(self, requests, replies):
        self.replies = replies
        self.descriptors = {requests, replies}
        self.requests = open(requests, "rb", buffering=1 << 16, closefd=False)
        os.register_at_fork(after_in_child=self.close)

    def send(self, line):
        data = memoryview(line.encode("ascii") + b"\n")
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


def import_standard(name):
    """Import from the standard library, also where the project has a file of that name."""
    module = sys.modules.get(name)
    if module is None:
        path = sys.path[:]
        sys.path[:] = STANDARD_PATH
        try:
            __import__(name)
        finally:
            sys.path[:] = path
        module = sys.modules[name]
    return module


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


def stamp_of(file):
    """What tells one version of a file from another, or None when there is no file."""
    try:
        return stamp_from(os.stat(file))
    except (OSError, ValueError):
        return None


def stamp_from(info):
    return info.st_dev, info.st_ino, info.st_mtime_ns, info.st_size


def clock_tick():
    """The least time that a file written from now on can have: the kernel's clock for that moves in steps."""
    return time.clock_gettime_ns(CLOCK_REALTIME_COARSE) if sys.platform == "linux" else time.time_ns()


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
        channel.send(to_json({"event": "spare", "pid": worker.pid, "python": PYTHON}))
    else:
        try:
            worker.enter(project)
        except Unusable:
            worker.modules = ProjectModules(project)  # There is no such project; each request is told so.
    worker.serve()
    os._exit(0)


if __name__ == "__main__":
    main()
