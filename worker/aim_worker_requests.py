"""The operations that a worker answers, one request after the other, on the main thread.

**Invariant:** nothing that a node does, short of ending the process, ends the worker or loses the reply.
"""

import builtins
import site
import sys

import aim_worker_nodes as nodes
from aim_worker_end import Record, begin_anew
from aim_worker_fresh import Modules
from aim_worker_interrupt import Interrupt
from aim_worker_memory import IS_POSSIBLE, SharedMemory, load
from aim_worker_nodes import Coroutine, Node, import_standard
from aim_worker_objects import Objects, display, has_utf8, survey
from aim_worker_own import Module, __builtins__, gc, modules, os, put_back, signal, time  # noqa: F401
from aim_worker_process import Unusable, enter_folder, flush_streams, open_streams
from aim_worker_show import shown
from aim_worker_text import describe, failure, format_traceback, from_json, success, to_json

NODE_LIMIT = 1000
LARGE = 1 << 20
PYTHON = "%d.%d.%d" % sys.version_info[:3]


class Worker:
    """Answers one request after the other, on the main thread."""

    def __init__(self, channel, root, is_ours):
        self.channel = channel
        self.is_ours = self.is_spare = is_ours
        self.pid = os.getpid()
        self.main = modules["__main__"]
        self.root = root
        self.modules = None
        self.generation = None
        self.nodes = {}
        self.is_running = False
        self.answering = None
        self.choice = ()
        self.raise_interrupt = Interrupt()
        self.objects = Objects()
        self.memory = SharedMemory()
        self.shares_memory = False
        channel.is_running = lambda: self.is_running
        signal.signal(signal.SIGINT, self.interrupt)
        self.operations = {
            "activate": self.activate,
            "exec_node": self.exec_node,
            "invalidate": self.invalidate,
            "changed": self.changed_files,
            "objects": self.list_objects,
            "release": self.release,
            "full_result": self.full_result,
            "display": self.display,
            "export": self.export_object,
            "import": self.import_object,
            "close_fd": self.close_descriptor,
        }

    def serve(self):
        """Answer until there is nothing left to answer."""
        for line in self.channel.requests():
            reply = None if line.isspace() else self.answer(line)
            if reply is not None:
                self.channel.send(reply)
            del line, reply  # Either may be large.

    def answer(self, line):
        """The reply to one request line, as a line; None for a request that has none."""
        try:
            request = from_json(line.decode("utf-8"))
            if not isinstance(request, dict):
                raise ValueError("a JSON object was expected")
        except Exception as error:
            return failure(self.id_in(line), "Invalid message: " + describe(error))
        self.answering = request.get("id")
        op = request.get("op")
        operation = self.operations.get(op) if isinstance(op, str) else None
        if operation is None:
            return failure(request.get("id"), "Unknown op: %s" % (op,))
        try:
            return operation(request)
        except Unusable as error:
            return failure(self.id_in(line), "Invalid message: %s" % error)
        except BaseException as error:
            self.is_running = False
            return failure(request.get("id"), describe(error), format_traceback(error))

    def id_in(self, line):
        """The id of a request that cannot be used: none for AIM-Forge; the daemon takes no answer without one."""
        parts = line[:100].split(b'"', 4)
        if not self.is_ours or len(parts) < 5 or parts[:2] != [b"{", b"id"] or not parts[3].isalnum():
            return None
        return parts[3].decode("ascii")

    def interrupt(self, _number, frame):
        """SIGINT ends the running node. Between two nodes it has nothing to end, and must not cost a reply.

        Whoever sent it cannot see which it was; so it is told, and can send it again.
        """
        if self.is_running:
            if os.getpid() == self.pid:
                self.channel.send('{"event":"interrupted","id":%s}\n' % to_json(self.answering))
            self.raise_interrupt(frame)

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
        self.shares_memory = bool(request.get("shm")) and IS_POSSIBLE
        if self.shares_memory:
            import_standard("fcntl")  # Later there may be no descriptor left to load it by.
        limit = request.get("object_limit")
        self.objects.limit = self.objects.limit if limit is None else int(limit)
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
        started = time.time_ns()
        enter_folder(root)
        record = Record(root)
        if sys.flags.no_site:
            site.check_enableusersite = lets_user_in
            site.main()
        sys.path.insert(0, root)
        self.root = root
        self.modules = Modules(root, started, self.tell_of_loading)
        if not self.is_ours:
            self.channel.before_read = lambda: self.keep_in_step(record)

    def keep_in_step(self, record):
        """Under another backend, which never looks: become a new process when the environment is another one."""
        if record.has_changed() or self.modules.refresh() is not None:
            flush_streams()
            begin_anew(self.channel)

    def tell_of_loading(self, file):
        """Say why the project's modules are loaded again."""
        if self.is_ours:
            event = {"event": "loading", "file": file, "id": self.answering}
            self.channel.send(to_json(event) + "\n")

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
                node = None
                if file is not None or "edges" not in request:
                    node = self.node(root, file)
                    path = node.path
                    self.modules.stand_beside(node.folder)
                why = self.modules.refresh(self.channel.sent_at)
                if why is not None and self.is_ours and not request.get("anyway"):
                    return to_json({"id": request.get("id"), "spent": why}) + "\n"
                edges = request.get("edges")
                value = self.objects.assemble(edges) if edges else request.get("input")
                show = request.get("show")
                output = value if node is None else self.run(node, value, show)
                output = self.deliver(output, request.get("keep"), show)
            finally:
                self.is_running = False
        except Unusable:
            raise
        except BaseException as error:
            self.is_running = False  # An interrupt may have come just before.
            put_back()
            self.leave_if_forked(error)
            traceback = format_traceback(error, path)
            failed = failure(request.get("id"), describe(error), traceback, asks_for_a_person(error))
        self.leave_if_forked(None)
        self.modules.note()
        flush_streams()
        return failed if failed is not None else self.reply(request, output, started)

    def deliver(self, output, keep, show=None):
        """The members of a reply that carry a node's output: itself, a reference to it, or the memory it is in."""
        choice = self.choice if show is not None and self.choice[1:] else None
        also = "" if choice is None else ',"ran":%s,"also":%s' % (to_json(choice[0]), to_json(choice[1:]))
        if keep is None or (type(output) is str and has_utf8(output)):
            return self.carry(output) + also
        if keep.get("unless_json"):
            try:
                return self.carry(output) + also
            except (TypeError, ValueError, RecursionError):
                text, is_same = None, False
        else:
            text, is_same = survey(output)
        if text is not None and is_same:
            return '"output":' + text
        # A class's own code may be interrupted here: nothing is kept yet.
        members = shown(output, show) if show is not None else {}
        ref = keep["ref"]
        dropped = self.objects.keep(ref, output)
        more = "".join([',"%s":%s' % (name, to_json(value)) for name, value in members.items()]) + also
        more += ',"dropped":' + to_json(dropped) if dropped else ""
        if text is None:
            text = to_json(self.objects.reference(ref))
        else:
            more += ',"whole":true'
        return '"kept":true,"output":%s,"store":%s%s' % (text, to_json(self.objects.totals()), more)

    def carry(self, output):
        """The members of a reply for an output as JSON. A large one goes by shared memory, a string then as it is."""
        is_text = isinstance(output, str) and len(output) > LARGE and self.shares_memory
        text = output if is_text else to_json(output)
        if self.shares_memory and len(text) > LARGE:
            try:
                place = self.memory.put_text(text)
                return '"output_fd":%d,"output_size":%d,"output_kind":"%s"' % (place + ("text" if is_text else "json",))
            except OSError:  # Neither memory nor descriptors are endless: it goes the long way.
                text = to_json(output) if is_text else text
        return '"output":' + text

    def reply(self, request, members, started):
        """A reply with members that are text already, and may be large."""
        head = '{"id":%s,"ok":true,' % to_json(request.get("id"))
        generation = "" if self.generation is None else ',"generation":%d' % self.generation
        return "".join((head, members, ',"time_ms":%d' % milliseconds(started), generation, "}\n"))

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

    def run(self, node, value, show=None):
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
        modules["__main__"] = module
        given = len(namespace)
        try:
            exec(node.code, namespace)
            function = nodes.choose_function(namespace)
            self.choice = nodes.functions(namespace, function) if show is not None else ()
            output = nodes.call(function, value)
            if type(output) is Coroutine:
                output = import_standard("asyncio").run(output)
            return output
        finally:
            put_back()
            modules["__main__"] = self.main
            if len(namespace) > given + 1:
                # More than one function: a table that the file has loaded, say. Functions and the globals that they
                # are in refer to each other, so that only a collection, here of what is young, lets such values go.
                del module, namespace
                function = None
                gc.collect(1)

    def rehearse(self):
        """Do now what costs milliseconds the first time and microseconds later: run a node, which is nobody's; load
        what `site` reads .pth files with; look for garbage, and leave out of later looks what is there now."""
        b"-".decode("utf-8-sig")
        site.addpackage(*os.path.split(os.devnull), set())
        source = b"def RunScript(a=0, b=0):\n    return {'sum': a + b}\n"
        node = Node("", "<rehearsal>", None, compile(source, "<rehearsal>", "exec", dont_inherit=True), {}, None)
        request = from_json('{"id": "rehearsal", "input": {"a": 1, "b": 2}}')
        output = self.deliver(self.run(node, request["input"]), {"ref": "rehearsal"})
        self.reply(request, output, time.perf_counter())
        flush_streams()
        gc.collect()
        gc.freeze()

    def invalidate(self, request):
        """Let the next import look at the folders again: packages came, and none that is loaded changed."""
        import_standard("importlib").invalidate_caches()
        if "generation" in request:
            self.generation = int(request["generation"])
        return success(request)

    def changed_files(self, request):
        """The loaded files that are others now, from which the daemon sees whether a change concerns this process."""
        return success(request, files=self.modules.changed())

    # -- kept objects

    def list_objects(self, request):
        return success(request, objects=self.objects.listing(), bytes=self.objects.weight())

    def release(self, request):
        self.objects.release(None if request.get("all") else request.get("refs", ()))
        return success(request, store=self.objects.totals())

    def full_result(self, request):
        """A kept object as JSON, or as its `str` when JSON has no form for it, with the reason."""
        started = time.perf_counter()
        value = self.objects.value_of(request)
        try:
            members = self.interruptible(self.carry, value)
        except (TypeError, ValueError, RecursionError) as error:
            members = self.interruptible(lambda: self.carry(str(value))) + ',"not_json":' + to_json(describe(error))
        return self.reply(request, members, started)

    def display(self, request):
        return success(request, output=self.interruptible(display, self.objects.value_of(request)))

    def export_object(self, request):
        """Copy a kept object to shared memory for another worker, which this one knows by `import_object`."""
        kept = self.objects.find(request.get("ref"))
        if not IS_POSSIBLE:
            raise RuntimeError("this system has no shared memory to hand objects over by")
        try:
            descriptor, size, layout = self.interruptible(self.memory.export, kept.value)
        except Exception as error:
            reason = "%s: %s" % (type(error).__name__, describe(error))
            raise TypeError("%s cannot go to another worker (%s)" % (kept.data_type, reason)) from None
        return success(request, fd=descriptor, size=size, layout=layout)

    def import_object(self, request):
        """Keep an object that another worker exported."""
        if self.is_spare:
            raise RuntimeError("the worker is not active yet")
        self.modules.refresh()
        value = self.interruptible(load, request["path"], request["layout"])
        self.modules.note()
        dropped = self.objects.keep(request["ref"], value)
        return success(request, **({"dropped": dropped} if dropped else {}))

    def close_descriptor(self, request):
        self.memory.close(request.get("fd"))

    def interruptible(self, function, *arguments):
        """Call what may run the project's code, such as a class's `__str__`, or take long."""
        try:
            self.is_running = True
            return function(*arguments)
        finally:
            self.is_running = False

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


def asks_for_a_person(error):
    """Whether a node ended because it asked something of a person, and nobody is at the worker's keyboard."""
    return type(error) is EOFError and error.args == ("EOF when reading a line",) or type(error).__name__ == "BdbQuit"


def lets_user_in():
    """Whether the person's own packages are imported where `pyvenv.cfg` lets them in.

    Python asks its flags, which `-I` has set for the sake of the worker's start; a Python that a person starts goes by
    the variable.
    """
    is_nobody_else = os.getuid() == os.geteuid() and os.getgid() == os.getegid()
    return is_nobody_else and not os.environ.get("PYTHONNOUSERSITE")


def milliseconds(started):
    return int((time.perf_counter() - started) * 1000)
