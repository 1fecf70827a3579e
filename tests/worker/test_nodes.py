"""Files, errors, outputs, edited modules, and what a node may do to its process."""

import json
import os
import signal
import unittest

from process import DaemonWorker, Project, setUpModule, tearDownModule  # noqa: F401


class Nodes(unittest.TestCase):
    def setUp(self):
        self.project = Project(self)
        self.worker = DaemonWorker(self, self.project)

    def run_source(self, source, value=None):
        self.project.write("node.py", source)
        return self.worker.run("node.py", value)

    def check(self, source, expected):
        reply = self.run_source(source)
        self.assertTrue(reply["ok"], reply)
        self.assertEqual(reply["output"], expected)

    def check_alive(self):
        self.check("def f(): return 'alive'", "alive")

    def check_traceback(self, source, error, lines):
        """`lines` are the traceback's, `PATH` standing for the node's file."""
        reply = self.run_source(source)
        self.assertEqual((reply["ok"], reply["error"]), (False, error))
        text = reply["traceback"].replace(os.path.join(self.project.root, "node.py"), "PATH")
        found = [line for line in text.splitlines() if line.strip(" ^~")]
        self.assertEqual(found, lines)

    def test_what_a_file_loads_goes_with_its_node(self):
        source = "class Table:\n    def __del__(self): print('gone')\nTABLE = Table()\ndef RunScript(): return 1\n"
        self.check(source, 1)
        self.assertEqual(self.worker.printed(), ("gone\n", ""))

    # -- files

    def test_reply_shape(self):
        self.project.write("sub/node.py", "def f(): return {'a': 1}")
        reply = self.worker.run("sub/node.py", {})
        self.assertEqual(list(reply), ["id", "ok", "output", "time_ms", "generation"])
        self.assertEqual((reply["id"], reply["generation"], type(reply["time_ms"])), ("1", 7, int))

    def test_paths(self):
        outside = Project(self)
        outside.write("node.py", "def f(): return 1")
        os.symlink(outside.root, os.path.join(self.project.root, "link"))
        self.project.write("real.py", "def f(): return 2")
        os.symlink("real.py", os.path.join(self.project.root, "inner.py"))
        os.symlink("loop.py", os.path.join(self.project.root, "loop.py"))
        os.mkfifo(os.path.join(self.project.root, "fifo.py"))
        escapes = "Node file path escapes project root"
        for file in ("../x.py", "link/node.py", os.path.join(outside.root, "node.py"), "/etc/passwd"):
            self.assertEqual(self.worker.run(file)["error"], escapes, file)
        for file in ("none.py", "real.py/x", "", ".", "a\0b", None, 5, "fifo.py", "é.py"):
            self.assertEqual(self.worker.run(file)["error"], "Node file not found: %s" % file)
        self.assertFalse(self.worker.run("loop.py")["ok"])
        self.assertEqual(self.worker.run("inner.py")["output"], 2)
        self.assertEqual(self.worker.run(os.path.join(self.project.root, "real.py"))["output"], 2)
        self.assertTrue(self.worker.run("none.py")["traceback"].endswith("Node file not found: none.py\n"))

    def test_link_that_is_turned_to_the_outside_later(self):
        outside = Project(self)
        outside.write("node.py", "def f(): return 1")
        inside = self.project.write("real.py", "def f(): return 1")
        link = os.path.join(self.project.root, "link.py")
        os.symlink(inside, link)
        self.assertTrue(self.worker.run("link.py")["ok"])
        os.remove(link)
        os.symlink(os.path.join(outside.root, "node.py"), link)
        self.assertEqual(self.worker.run("link.py")["error"], "Node file path escapes project root")

    def test_missing_project(self):
        for root in ("/nowhere", "relative", 5, __file__):
            reply = self.worker.run("node.py", project_root=root)
            self.assertEqual(reply, {"id": "1", "ok": False, "error": "Invalid message: Invalid project root"})

    def test_edited_node(self):
        for number in range(20):
            self.check("def f(): return %d" % (number % 10), number % 10)

    def test_source_encodings(self):
        self.check("def f(): return '\u00e9\ud55c'".encode(), "\u00e9\ud55c")
        self.check(b"\xef\xbb\xbfdef f(): return 1", 1)
        self.check(b"# -*- coding: latin-1 -*-\ndef f(): return '\xe9'", "\u00e9")
        self.check("# coding: cp949\ndef f(): return '\ud55c'".encode("cp949"), "\ud55c")
        source = "#!/usr/bin/python\n# vim: set fileencoding=euc-kr :\ndef f(): return '\ud55c'"
        self.check(source.encode("euc-kr"), "\ud55c")
        self.check(b"\xef\xbb\xbf# coding: utf-8\r\ndef f():\r\n    return 'a\\\r\nb'\r\n", "ab")
        self.check(b"def f():\r    return 1\r", 1)
        self.check(b"def f():\r\n\treturn math.pi > 3\r\n\x0c\r\n", True)
        self.assertIn("SyntaxError", self.run_source(b"\xef\xbb\xbf# coding: cp949\nx = 1")["traceback"])
        self.assertIn("unknown encoding", self.run_source(b"# coding: nothing\nx = 1")["error"])
        reply = self.run_source("# coding: cp949\ndef f():\n    raise ValueError('\ud55c')".encode("cp949"))
        self.assertIn("raise ValueError('\ud55c')", reply["traceback"])

    # -- errors

    def test_traceback(self):
        source = "def inner(x):\n    return 1 / x\ndef RunScript():\n    return inner(0)\n"
        header = "Traceback (most recent call last):"
        lines = ['  File "PATH", line 4, in RunScript', "    return inner(0)"]
        lines += ['  File "PATH", line 2, in inner', "    return 1 / x", "ZeroDivisionError: division by zero"]
        self.check_traceback(source, "division by zero", [header] + lines)

    def test_chained_exceptions_are_kept(self):
        source = "def f():\n    try:\n        {}['k']\n    except KeyError as e:\n"
        source += "        raise ValueError('bad') from e\n"
        reply = self.run_source(source)
        for part in ("KeyError: 'k'", "direct cause", "ValueError: bad", "{}['k']"):
            self.assertIn(part, reply["traceback"])
        self.assertNotIn("aim_worker", reply["traceback"])

    def test_syntax_error(self):
        reply = self.run_source("def f():\n    return )\n")
        self.assertIn('node.py", line 2', reply["traceback"])
        self.assertIn("return )", reply["traceback"])
        self.assertIn("SyntaxError: ", reply["traceback"].splitlines()[-1])
        self.assertNotIn("aim_worker", reply["traceback"])
        self.assertFalse(self.run_source(b"x = '\xff'")["ok"])
        self.assertFalse(self.run_source(b"x = 1\0")["ok"])

    def test_anything_raised_is_an_error(self):
        def check(statement, error, last):
            reply = self.run_source("class B(BaseException): pass\ndef main():\n    " + statement)
            self.assertEqual((reply["ok"], reply["error"]), (False, error))
            self.assertEqual(reply["traceback"].splitlines()[-1], last)

        check("sys.exit(3)", "SystemExit: 3", "SystemExit: 3")
        check("quit()", "SystemExit: None", "SystemExit: None")
        check("raise KeyboardInterrupt", "KeyboardInterrupt", "KeyboardInterrupt")
        check("raise B('b')", "B: b", "B: b")
        check("raise ValueError", "ValueError", "ValueError")
        check("raise KeyError('k')", "'k'", "KeyError: 'k'")
        check("raise MemoryError", "MemoryError", "MemoryError")
        check("raise GeneratorExit('g')", "GeneratorExit: g", "GeneratorExit: g")
        self.check("def f(): return input_data is None and sys.stdin.read()", "")

    def test_exception_that_cannot_be_shown(self):
        reply = self.run_source("class E(Exception):\n    def __str__(self): raise RuntimeError\ndef main(): raise E")
        self.assertEqual((reply["ok"], reply["error"]), (False, "E"))

    def test_recursion(self):
        reply = self.run_source("def f(): return f()")
        self.assertIn("maximum recursion depth exceeded", reply["error"])
        self.assertIn("RecursionError", reply["traceback"])
        self.check_alive()

    # -- outputs

    def test_python_mapping(self):
        self.check("def f(): return {1: (1, 2), None: 'n', True: [], 2.5: {}}", {"1": [], "null": "n", "2.5": {}})
        self.check("def f(): return None", None)
        self.check("def f(): return 10 ** 30", 10**30)

    def test_not_numbers_are_null(self):
        self.check("def f(): return [float('nan'), float('inf'), -float('inf'), 1.5]", [None, None, None, 1.5])
        self.check("def f(): return float('nan')", None)
        text = 'NaN "Infinity" \\" -Infinity \\\\'
        self.check("def f(): return {%r: %r, 'x': float('nan')}" % (text, text), {text: text, "x": None})

    def test_lone_surrogates(self):
        self.check(r"def f(): return ['a\ud800b', '\U0001f600']", ["a\ufffdb", "\U0001f600"])
        self.check(r"def f(): return ['\\ud800', '\udc00\ud800']", ["\\ud800", "\ufffd\ufffd"])
        self.check(r"def f(): return {'\udfff': 1}", {"\ufffd": 1})
        self.assertEqual(self.run_source(r"def f(): raise ValueError('\ud800')")["error"], "\ufffd")

    def test_what_has_no_json(self):
        for value, name in (("object()", "object"), ("{1}", "set"), ("b''", "bytes"), ("[1j]", "complex")):
            reply = self.run_source("def main(): return " + value)
            self.assertEqual(reply["error"], "Object of type %s is not JSON serializable" % name)
            self.assertNotIn("aim_worker", reply["traceback"])
        self.assertIn("keys must be", self.run_source("def f(): return {(1,): 2}")["error"])
        self.assertIn("Circular", self.run_source("def f():\n    a = []\n    a.append(a)\n    return a")["error"])
        deep = "def f():\n    a = []\n    for _ in range(200000): a = [a]\n    return a"
        self.assertIn("recursion", self.run_source(deep)["error"])
        self.check_alive()

    def test_large_output_and_input(self):
        self.project.write("node.py", "def f(n): return 'x' * n")
        self.assertEqual(len(self.worker.run("node.py", 100_000_000)["output"]), 100_000_000)
        self.project.write("node.py", "def f(text): return len(text)")
        self.assertEqual(self.worker.run("node.py", "y" * 10_000_000)["output"], 10_000_000)

    # -- modules

    def test_edited_helper_is_reloaded(self):
        node = "import helper, user\ndef f(): return [helper.X, user.get()]"
        self.project.write("user.py", "from helper import X\ndef get(): return X\n")
        for number in range(5):  # Same size, same second.
            self.project.write("helper.py", "X = %d\n" % number)
            self.check(node, [number, number])

    def test_unchanged_helper_keeps_its_state(self):
        self.project.write("helper.py", "calls = []\n")
        for number in range(1, 4):
            self.check("import helper\ndef f():\n    helper.calls.append(1)\n    return len(helper.calls)", number)

    def test_edited_package_and_namespace(self):
        node = "from package import part\nfrom space import thing\ndef f(): return [part.X, thing.X]"
        self.project.write("package/__init__.py", "")
        for number in range(4):
            self.project.write("package/part.py", "X = %d\n" % number)
            self.project.write("space/thing.py", "X = %d\n" % number)
            self.check(node, [number, number])

    def test_removed_and_new_helpers(self):
        self.project.write("helper.py", "X = 1")
        self.check("import helper\ndef f(): return helper.X", 1)
        os.remove(os.path.join(self.project.root, "helper.py"))
        self.assertEqual(self.run_source("import helper\ndef f(): return 1")["error"], "No module named 'helper'")
        for number in range(10):
            self.assertFalse(self.run_source("import new%d\ndef f(): return 1" % number)["ok"])
            self.project.write("new%d.py" % number, "X = 1")
            self.check("import new%d\ndef f(): return new%d.X" % (number, number), 1)

    def test_helper_edited_by_the_node_that_imports_it(self):
        self.project.write("helper.py", "X = 1\n")
        # It writes until the clock of the file system has moved on.
        edit = (
            "import helper\ndef f():\n    began = time.time_ns()\n"
            "    while os.stat('helper.py').st_mtime_ns <= began:\n"
            "        with open('helper.py', 'w') as s: s.write('X = 2\\n')\n"
            "    return helper.X\n"
        )
        self.check(edit, 1)
        self.check("import helper\ndef f(): return helper.X", 2)

    # -- the process

    def test_streams(self):
        source = "def f():\n    print(42)\n    print('[1]', end='')\n    os.write(1, b'raw')\n"
        self.check(source + "    print('err', file=sys.stderr)", None)
        self.assertEqual(self.worker.printed(), ("42\n[1]raw", "err\n"))
        self.check("import subprocess\ndef f(): return subprocess.call(['sh', '-c', 'echo child; cat'])", 0)
        self.assertEqual(self.worker.printed(), ("child\n", ""))
        self.check(r"def f(): print('\ud800 \u00e9')", None)
        self.assertEqual(self.worker.printed(), ("\\ud800 \u00e9\n", ""))

    def test_stdin_is_empty(self):
        self.check("def f(): return sys.stdin.read() + os.read(0, 10).decode()", "")
        self.assertEqual(self.run_source("def f(): return input()")["error"], "EOF when reading a line")

    def test_streams_that_a_node_closes_or_replaces(self):
        self.check("def f():\n    sys.stdout.close()\n    sys.stdin.close()\n    sys.stderr = None", None)
        self.check("def f():\n    print('here')\n    print('there', file=sys.stderr)\n    return sys.stdin.read()", "")
        self.assertEqual(self.worker.printed(), ("here\n", "there\n"))
        self.check("import io\ndef f(): sys.stdout = io.StringIO()", None)
        self.check("def f(): print('back')", None)
        self.assertEqual(self.worker.printed(), ("back\n", ""))

    def test_forked_children_do_not_answer(self):
        fork = "def f():\n    pid = os.fork()\n    if pid: return os.waitpid(pid, 0)[1] >> 8\n    "
        self.check(fork + "return 5", 0)
        self.check(fork + "sys.exit(4)", 4)
        self.check(fork + "raise ValueError('in child')", 1)
        self.assertIn("ValueError: in child", self.worker.printed()[1])
        self.check_alive()

    def test_multiprocessing(self):
        source = (
            "import multiprocessing\ndef work(x): return x * 2\n"
            "def main(method):\n    context = multiprocessing.get_context(method)\n"
            "    with context.Pool(1) as pool: return pool.map(work, [1, 2])\n"
        )
        self.project.write("node.py", source)
        for method in ("fork", "spawn"):
            self.assertEqual(self.worker.run("node.py", method).get("output"), [2, 4], method)

    def test_children_do_not_hold_the_protocol(self):
        gate = os.path.join(self.project.root, "gate")
        os.mkfifo(gate)
        self.addCleanup(lambda: os.close(os.open(gate, os.O_RDWR)))  # Lets the child go in any case.
        source = "def f():\n    if os.fork():\n        os._exit(9)\n    open('gate').read()\n    os._exit(0)\n"
        self.project.write("node.py", source)
        self.worker.send(b'{"id":"1","op":"exec_node","file":"node.py","input":null}\n')
        self.assertEqual(self.worker.buffer.readline(), b"")  # Closed, although the child lives.
        self.assertEqual(self.worker.wait(), 9)
        with open(gate, "w"):  # Opens only because the child is there to read.
            pass
        self.assertEqual(self.worker.process.stdout.read(), b"")

    # -- signals and endings

    def start_waiting_node(self, statement):
        self.project.write("node.py", "def f():\n    print('started', flush=True)\n    " + statement)
        self.worker.send(b'{"id":"9","op":"exec_node","file":"node.py","input":null}\n')
        self.assertEqual(self.worker.process.stdout.readline(), b"started\n")

    def test_interrupt(self):
        for statement in ("time.sleep(60)", "\n    while True: pass", "asyncio.run(asyncio.sleep(60))"):
            self.start_waiting_node(statement)
            reply = self.worker.interrupt()
            self.assertEqual((reply["id"], reply["ok"], reply["error"]), ("9", False, "KeyboardInterrupt"))
            self.assertTrue(reply["traceback"].endswith("KeyboardInterrupt\n"))
            self.assertIn("node.py", reply["traceback"])
            self.assertNotIn("aim_worker", reply["traceback"])
        self.check_alive()
        self.assertEqual(self.worker.interrupts, 3)

    def test_interrupt_that_comes_before_its_node_is_not_told(self):
        self.worker.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.worker.process.pid, os.WSTOPPED)
        self.project.write("node.py", "def f(): return 1")
        self.worker.send(b'{"id":"9","op":"exec_node","file":"node.py","input":null}\n')
        self.worker.process.send_signal(signal.SIGINT)
        self.worker.process.send_signal(signal.SIGCONT)
        self.assertTrue(self.worker.receive()["ok"])
        self.assertEqual(self.worker.interrupts, 0)

    def test_interrupt_of_a_forked_child_is_not_told(self):
        self.run_source(
            "def f():\n    ready, told = os.pipe()\n    child = os.fork()\n    if child == 0:\n"
            "        os.write(told, b'x')\n        while True: time.sleep(0.05)\n"
            "    os.read(ready, 1)\n    os.kill(child, 2)\n"
            "    return os.waitpid(child, 0)[1]"
        )
        self.check_alive()
        self.assertEqual(self.worker.interrupts, 0)

    def test_interrupt_outside_a_node(self):
        self.project.write("node.py", "def f(): return 1")
        for _ in range(300):
            self.worker.process.send_signal(signal.SIGINT)
            reply = self.worker.run("node.py")
            self.assertTrue(reply["ok"] or reply["error"] == "KeyboardInterrupt", reply)
        self.check_alive()

    def test_interrupt_after_a_node_took_the_signal_away(self):
        self.run_source("import signal\ndef f(): signal.signal(signal.SIGINT, signal.SIG_IGN); return 1")
        self.start_waiting_node("time.sleep(60)")
        self.assertEqual(self.worker.interrupt()["error"], "KeyboardInterrupt")

    def test_hang_up_ends_a_running_node(self):
        self.start_waiting_node("time.sleep(60)")
        self.worker.hang_up()
        self.assertEqual(self.worker.wait(), 0)

    def test_hang_up_ends_an_idle_worker(self):
        self.check_alive()
        self.worker.hang_up()
        self.assertEqual(self.worker.wait(), 0)

    def test_threads_left_behind_do_not_hold_the_process(self):
        self.run_source("import threading\ndef f(): threading.Thread(target=time.sleep, args=(60,)).start()")
        self.worker.hang_up()
        self.assertEqual(self.worker.wait(), -signal.SIGALRM)

    # -- the protocol

    def test_unusable_lines(self):
        def check(line, beginning, known_id=None):
            self.worker.send(line + b"\n")
            reply = self.worker.receive()
            self.assertEqual((reply["id"], reply["ok"], list(reply)), (known_id, False, ["id", "ok", "error"]))
            self.assertTrue(reply["error"].startswith("Invalid message: " + beginning), reply)

        check(b"hello", "Expecting value")
        check(b"{", "Expecting property name")
        check(b"42", "a JSON object was expected")
        check(b"[]", "a JSON object was expected")
        check(b'{"id": "\xff"}', "'utf-8' codec can't decode")
        check(b"[" * 200000, "maximum recursion depth exceeded" if self.recursion_is_named() else "")
        check(b'{"id": "1"} {}', "Extra data", "1")
        self.worker.send(b"\n  \n\r\n")
        self.check_alive()

    @staticmethod
    def recursion_is_named():
        try:
            json.loads("[" * 200000)
        except RecursionError as error:
            return "maximum recursion" in str(error)

    def test_any_json_is_understood(self):
        self.project.write("node.py", "def f(x): return [x != x, repr(x)]")
        texts = {"NaN": "nan", "-Infinity": "-inf", "1e400": "inf", "1" * 30: "1" * 30, "-0.0": "-0.0"}
        texts['"\\ud55c\\/"'] = "'\ud55c/'"
        for before, after in (("{", "}"), (" \t{ ", " } \r")):
            line = before + '"id":"1","op" : "exec_node","file":"node.py","input":%s' + after + "\n"
            for text, expected in texts.items():
                self.worker.send((line % text).encode())
                self.assertEqual(self.worker.receive()["output"], [text == "NaN", expected])

    def test_unknown_op(self):
        for op in ("x", None, 5, ["exec_node"]):
            reply = self.worker.ask(op)
            self.assertEqual(reply, {"id": "1", "ok": False, "error": "Unknown op: %s" % op})

    def test_id_comes_back(self):
        self.project.write("node.py", "def f(): return 1")
        for id in ("x", 5, None, "\u00e9", {"a": [1]}):
            self.assertEqual(self.worker.run("node.py", id=id)["id"], id)

    def test_requests_in_a_row_are_answered_in_order(self):
        self.project.write("node.py", "def f(x): return x")
        lines = [json.dumps({"id": str(n), "op": "exec_node", "file": "node.py", "input": n}) for n in range(50)]
        self.worker.send(("\n".join(lines) + "\n").encode())
        self.assertEqual([self.worker.receive()["output"] for _ in lines], list(range(50)))
