"""A node may put anything in the place of anything: the next node runs all the same."""

import glob
import json
import os
import shutil
import unittest

from process import DaemonWorker, ForgeWorker, Project, setUpModule, tearDownModule  # noqa: F401

# Every module of the standard library that the worker's code uses, at its start or when it needs it.
USED = (
    "_codecs _collections_abc _imp _io _json _signal _stat _thread _weakref abc asyncio builtins codecs encodings "
    "encodings.utf_8 enum functools gc genericpath importlib importlib.machinery importlib.util inspect io itertools "
    "json json.decoder json.encoder linecache marshal math mmap os pickle posix posixpath random re resource select "
    "signal site socket stat struct subprocess sys tempfile textwrap threading time tokenize traceback types warnings "
    "zipimport _frozen_importlib _frozen_importlib_external"
).split()

PATCH = """
import builtins, importlib, sys
def bomb(*a, **k): raise RuntimeError('patched')
def RunScript(module, name, kind):
    module = importlib.import_module(module)
    value = {'none': None, 'object': object(), 'bomb': bomb}[kind]
    sys.undo = lambda put=type(sys).__setattr__, old=vars(module)[name]: put(module, name, old)
    setattr(module, name, value)
"""

UNDO = """
def main(): sys.undo()
"""


class Patches(unittest.TestCase):
    def setUp(self):
        self.project = Project(self)
        self.project.write("patch.py", PATCH)
        self.project.write("undo.py", UNDO)
        source = "import importlib\ndef main(name): return list(vars(importlib.import_module(name)))"
        self.project.write("list.py", source)
        self.project.write("node.py", "def RunScript(a, b=2):\n    return {'sum': a + b}\n")
        self.project.write("other.py", "def RunScript(a):\n    return [a]\n")
        self.worker = DaemonWorker(self, self.project)

    def check_next(self, what, fresh=False):
        """The next nodes run: one that is known, one that has to be read, and one whose value is kept."""
        self.assertEqual(self.worker.run("node.py", {"a": 1}).get("output"), {"sum": 3}, what)
        if fresh:
            self.project.write("other.py", "def RunScript(a):\n    return [a]\n")
        reply = self.worker.ask(file="other.py", edges=[{"value": 5, "into": "a"}], keep={"ref": "x"})
        self.assertEqual(reply.get("output"), [5], what)

    def check_node(self, source, what=None):
        self.project.write("bad.py", source)
        self.worker.run("bad.py", {})
        self.check_next(what or source, fresh=True)

    def test_every_attribute_of_every_module(self):
        self.check_next("at first")
        count = 0
        for module in USED:
            names = self.worker.run("list.py", module).get("output") or ()
            for name in names:
                if (module, name) == ("sys", "undo"):  # This test's own.
                    continue
                kind = ("none", "object", "bomb")[count % 3]
                count += 1
                self.worker.run("patch.py", {"module": module, "name": name, "kind": kind})
                self.check_next((module, name, kind))
                undone = self.worker.run("undo.py")
                self.assertTrue(undone.get("ok"), (module, name, kind, undone))
        self.assertGreater(count, 2000)

    def test_a_clock_that_stands(self):
        """As freezegun does it: in `time` and `datetime`, and in every module that holds one of their functions."""
        self.check_node(
            "import time, datetime, sys\n"
            "def main():\n"
            "    real = {id(getattr(time, name)): name for name in ('time', 'time_ns', 'perf_counter', 'monotonic',\n"
            "            'perf_counter_ns', 'monotonic_ns', 'gmtime', 'localtime', 'strftime', 'clock_gettime_ns')}\n"
            "    def fake(*a): return 0\n"
            "    for module in list(sys.modules.values()):\n"
            "        for name, value in list(getattr(module, '__dict__', {}).items()):\n"
            "            if id(value) in real: setattr(module, name, fake)\n"
            "    return time.time()\n"
        )
        self.assertEqual(self.worker.run("bad.py")["output"], 0)
        self.check_next("again")

    def test_freezegun_that_is_never_stopped(self):
        """The real one, from the wheels that `.ci/fetch` puts into target/test-wheels."""
        wheels = os.path.join(os.path.dirname(__file__), "..", "..", "target", "test-wheels")
        for name in ("freezegun", "python_dateutil", "six"):
            found = glob.glob(os.path.join(wheels, name + "-*.whl"))
            if not found:
                self.skipTest("no wheel of %s in target/test-wheels (.ci/fetch brings it)" % name)
            shutil.unpack_archive(found[0], self.project.root, "zip")
        self.check_node("from freezegun import freeze_time\ndef main(): freeze_time('2012-01-14').start()")
        self.project.write("when.py", "import datetime\ndef main(): return [time.time(), str(datetime.date.today())]")
        for number in range(3):
            self.assertEqual(self.worker.run("when.py").get("output"), [1326499200.0, "2012-01-14"])
            self.project.write("helper.py", "X = %d" % number)
            self.project.write("uses.py", "import helper\ndef main(): return helper.X")
            self.assertEqual(self.worker.run("uses.py").get("output"), number)
            self.check_next(number, fresh=True)
        self.assertLess(self.worker.run("node.py", {"a": 1})["time_ms"], 1000)

    def test_what_is_no_attribute(self):
        for source in (
            "def f(): sys.settrace(lambda *a: 1 / 0)",
            "def f():\n    sys.settrace(lambda *a: 1 / 0)\n    raise ValueError",
            "def f(): sys.setprofile(lambda *a: 1 / 0)",
            "import threading\ndef f(): threading.settrace(lambda *a: 1 / 0); threading.setprofile(lambda *a: 1 / 0)",
            "import gc\ndef f(): gc.disable()",
            "import gc\ndef f(): gc.callbacks.append(lambda *a: 1 / 0); gc.set_threshold(1)",
            "def f(): sys.setrecursionlimit(60)",
            "def f(): sys.setswitchinterval(1000)",
            "def f(): sys.path.clear()",
            "def f(): sys.path = None",
            "def f(): sys.meta_path.clear(); sys.path_hooks.clear(); sys.path_importer_cache.clear()",
            "def f(): os.environ.clear()",
            "def f(): os.chdir('/')",
            "def f(): os.umask(0o777)",
            "import signal\ndef f(): signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))",
            "import signal\ndef f(): [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 10, 12, 13, 15, 17)]",
            "import warnings\ndef f(): warnings.simplefilter('error')",
            "import builtins\ndef f(): vars(builtins).pop('len'); vars(builtins).pop('isinstance')",
            "def f(): sys.stdout.detach(); sys.stderr.close()",
            "def f(): os.close(1); os.close(2); os.close(0)",
            "def f(): os.closerange(3, 256)",
            "import threading\ndef f(): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
            "import asyncio\ndef f(): asyncio.set_event_loop_policy(None); asyncio.set_event_loop(None)",
            "def f(): [vars(sys.modules[n]).clear() for n in ('os', 'time', 'posixpath', 'gc', 'select', 'stat')]",
        ):
            self.worker = DaemonWorker(self, self.project)
            self.check_node(source)

    def test_modules_that_are_gone(self):
        self.project.write("bad.py", "def f(): sys.modules.clear()")
        self.worker.run("bad.py", {})
        self.assertEqual(self.worker.run("node.py", {"a": 1})["output"], {"sum": 3})

    def test_what_is_printed_is_seen_again(self):
        self.check_node("def f(): os.close(1); os.close(2)")
        self.project.write("prints.py", "def f(): print('out'); print('err', file=sys.stderr)")
        self.assertTrue(self.worker.run("prints.py", {})["ok"])
        self.assertEqual(self.worker.printed(), ("out\n", "err\n"))

    def test_an_alarm_that_was_left(self):
        self.check_node("import signal\ndef f(): signal.setitimer(signal.ITIMER_REAL, 0.05)")
        self.project.write("waits.py", "def f(): time.sleep(0.2); return 'through'")
        self.assertEqual(self.worker.run("waits.py", {}).get("output"), "through")

    def test_limits(self):
        """The soft ones are raised again, as far as the system lets them."""
        for name in ("NOFILE", "FSIZE", "CPU", "NPROC", "CORE", "STACK"):
            self.worker = DaemonWorker(self, self.project)
            value = 1 if name != "STACK" else 1 << 20
            self.check_node(
                "import resource\ndef f():\n    hard = resource.getrlimit(resource.RLIMIT_%s)[1]\n"
                "    resource.setrlimit(resource.RLIMIT_%s, (%d, hard))" % (name, name, value)
            )
            self.project.write("limit.py", "import resource\ndef f(): return resource.getrlimit(resource.RLIMIT_%s)[0]"
                               % name)  # fmt: skip
            self.assertNotEqual(self.worker.run("limit.py", {})["output"], value, name)

    def test_every_descriptor_closed(self):
        """Nothing can be answered then: the process ends at once, and nobody reads what is no reply."""
        self.project.write("bad.py", "def f():\n    for fd in range(1025):\n        try: os.close(fd)\n"
                           "        except OSError: pass\n    return [open('/dev/null') for _ in range(9)] and 1")
        self.worker.send(json.dumps({"id": "1", "op": "exec_node", "file": "bad.py", "input": {}}).encode() + b"\n")
        self.assertEqual(self.worker.wait(), 0)
        self.assertEqual(self.worker.buffer.readline(), b"")

    def test_under_another_backend(self):
        worker = ForgeWorker(self, self.project.root)
        self.project.write("bad.py", "import builtins\ndef f():\n    os.closerange(0, 256)\n"
                           "    time.perf_counter = os.write = os.read = builtins.len = sys.stdout = None")  # fmt: skip
        worker.run("bad.py", {})
        self.assertEqual(worker.run("node.py", {"a": 1})["output"], {"sum": 3})


if __name__ == "__main__":
    unittest.main()
