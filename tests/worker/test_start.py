"""The two ways of starting, activation, and the small operations."""

import json
import os
import subprocess
import sys
import time
import unittest

import process
from process import (  # noqa: F401
    DaemonWorker, ForgeWorker, Project, lets_others_in, setUpModule, site_packages, tearDownModule, venv, write,
)  # fmt: skip

VERSION = "%d.%d.%d" % sys.version_info[:3]


class Daemon(unittest.TestCase):
    def setUp(self):
        self.project = Project(self)
        self.project.write("node.py", "def f(): return sys.prefix")

    def test_spare_then_ready(self):
        worker = DaemonWorker(self, self.project)
        self.assertEqual(worker.spare, {"event": "spare", "pid": worker.process.pid, "python": VERSION})
        ready = worker.ready
        self.assertIsInstance(ready.pop("time_ms"), int)
        expected = {"id": "1", "ok": True, "event": "ready", "generation": 7, "python": VERSION}
        self.assertEqual(ready, dict(expected, prefix=process.venv()))
        self.assertEqual(worker.run("node.py")["output"], process.venv())
        self.assertEqual(worker.printed(), ("", ""))

    def test_a_spare_runs_nothing(self):
        worker = DaemonWorker(self, activate=False)
        self.assertEqual(worker.run("node.py", project_root=self.project.root)["error"], "the worker is not active yet")
        reply = worker.ask("activate", generation=1, project_root="/nowhere")
        self.assertEqual(reply["error"], "Invalid message: Invalid project root")
        self.assertTrue(worker.ask("activate", generation=2, project_root=self.project.root)["ok"])
        self.assertEqual(worker.run("node.py")["generation"], 2)
        reply = worker.ask("activate", generation=3, project_root=self.project.root)
        self.assertEqual(reply["error"], "the worker is active already")

    def test_a_spare_sees_the_environment_of_its_activation(self):
        worker = DaemonWorker(self, activate=False)
        added = write(process.site_packages(), "came_later.py", "X = 5")
        pth = write(process.site_packages(), "00_aim_pip.pth", "import sys; sys.aim_hook = True\n")
        self.addCleanup(os.remove, added)
        self.addCleanup(os.remove, pth)
        worker.ask("activate", generation=1, project_root=self.project.root)
        self.project.write("node.py", "import came_later\ndef f(): return [came_later.X, sys.aim_hook]")
        self.assertEqual(worker.run("node.py")["output"], [5, True])

    def test_pth_files_that_fail(self):
        broken = write(process.site_packages(), "broken.pth", "import does_not_exist_at_all\n")
        self.addCleanup(os.remove, broken)
        worker = DaemonWorker(self, self.project)
        self.assertTrue(worker.ready["ok"], worker.ready)
        self.assertIn("does_not_exist_at_all", worker.printed()[1])
        write(process.site_packages(), "broken.pth", "import sys; sys.exit(3)\n")
        worker = DaemonWorker(self, self.project)
        self.assertEqual((worker.ready["ok"], worker.ready["error"]), (False, "SystemExit: 3"))
        self.assertIn("SystemExit: 3", worker.ready["traceback"])

    def test_environment_variables(self):
        worker = DaemonWorker(self, self.project, env={"ONLY": "\u00e9", "TZ": "Asia/Seoul"})
        self.project.write("node.py", "def f(): return [dict(os.environ), time.timezone]")
        expected = {"ONLY": "\u00e9", "TZ": "Asia/Seoul", "WORKER_PROJECT_PATH": self.project.root}
        self.assertEqual(worker.run("node.py")["output"], [expected, -9 * 3600])

    def test_user_site_is_off(self):
        worker = DaemonWorker(self, self.project)
        self.project.write("node.py", "import site\ndef f(): return site.ENABLE_USER_SITE")
        self.assertIs(worker.run("node.py")["output"], False)

    def test_the_path_is_that_of_a_python_which_a_person_starts(self):
        """Also where the environment lets the person's own packages in."""
        home = Project(self).root
        user = os.path.join(home, ".local", "lib", "python%d.%d" % sys.version_info[:2], "site-packages")
        write(user, "theirs.py", "X = 'theirs'")
        write(user, "theirs.pth", self.project.root + "/beside\n")
        os.mkdir(os.path.join(self.project.root, "beside"))
        source = "try: import theirs; X = theirs.X\nexcept ImportError: X = None\n"
        self.project.write("node.py", source + "def f(): return [X, sys.path[1:]]")
        found = []
        for is_let_in in (False, True):
            lets_others_in(self, is_let_in)
            for more in ({}, {"PYTHONNOUSERSITE": "1"}, {"PYTHONUSERBASE": os.path.join(home, "none")}):
                env = dict({"HOME": home, "PATH": os.environ["PATH"]}, **more)
                worker = DaemonWorker(self, self.project, env=env)
                theirs, path = worker.run("node.py")["output"]
                code = "import json, sys; print(json.dumps(sys.path[1:]))"
                command = [os.path.join(venv(), "bin", "python"), "-c", code]
                fresh = json.loads(subprocess.check_output(command, env=env, cwd=self.project.root))
                self.assertEqual(path, fresh, env)
                found.append(theirs)
        self.assertEqual(found, [None, None, None, "theirs", None, None])
        under_forge = ForgeWorker(self, self.project.root, HOME=home)  # Its manager shuts them out.
        self.assertIsNone(under_forge.run("node.py")["output"][0])

    def test_nothing_heavy_is_loaded(self):
        worker = DaemonWorker(self, self.project)
        heavy = "json re enum signal asyncio inspect typing traceback linecache threading random pathlib tempfile "
        heavy += "subprocess ast pickle mmap"
        self.project.write("node.py", "def f(names): return [n for n in names if n in sys.modules]")
        self.assertEqual(worker.run("node.py", heavy.split())["output"], [])

    def test_changed(self):
        """What is loaded again here is no reason for a new process."""
        worker = DaemonWorker(self, self.project)
        installed = write(site_packages(), "installed.py", "X = 1")
        self.addCleanup(lambda: os.path.exists(installed) and os.remove(installed))
        self.project.write("helper.py", "X = 1")
        self.project.write("node.py", "import helper, installed\ndef f(): return 1")
        self.assertTrue(worker.run("node.py")["ok"])
        self.assertEqual(worker.ask("changed")["files"], [])
        self.project.write("helper.py", "X = 2")
        self.assertEqual(worker.ask("changed")["files"], [])
        write(site_packages(), "installed.py", "X = 22")
        self.assertEqual(worker.ask("changed")["files"], [installed])
        os.remove(installed)
        self.assertEqual(worker.ask("changed")["files"], [installed])

    def test_invalidate(self):
        worker = DaemonWorker(self, self.project)
        self.assertEqual(worker.ask("invalidate"), {"id": "1", "ok": True})


class Waiting(unittest.TestCase):
    def test_it_waits_without_reading(self):
        """A process that is killed on its way into `read` takes along a request that came after the signal; then the
        daemon could not know that it has not begun. So the main thread waits as the one does that watches: in `poll`.
        """
        project = Project(self)
        project.write("node.py", "def main(): return 1")
        worker = DaemonWorker(self, project)
        self.assertEqual(worker.run("node.py")["output"], 1)
        threads = "/proc/%d/task" % worker.process.pid
        deadline = time.monotonic() + process.PATIENCE
        calls = ()
        while len(calls) != 1 and time.monotonic() < deadline:  # It stays awake for a moment.
            try:
                calls = {self.call(os.path.join(threads, thread)) for thread in os.listdir(threads)}
            except OSError as error:
                self.skipTest("nobody tells what the threads wait in: %s" % error)
        self.assertEqual(len(calls), 1, calls)

    def call(self, thread):
        """The number of the system call that a thread waits in."""
        with open(os.path.join(thread, "syscall")) as stream:
            return stream.read().split()[0]


class Forge(unittest.TestCase):
    def setUp(self):
        self.project = Project(self)
        self.project.write("node.py", "def f(a): return a")

    def log(self):
        with open(os.path.join(self.project.root, ".aim-worker.log")) as stream:
            return stream.read()

    def check(self, worker):
        reply = worker.run("node.py", {"a": 1})
        self.assertIsInstance(reply.pop("time_ms"), int)
        self.assertEqual(reply, {"id": "1", "ok": True, "output": {"a": 1}})

    def test_pipes(self):
        worker = ForgeWorker(self, self.project.root)
        self.check(worker)
        self.project.write("node.py", "def f(): return sys.prefix")
        self.assertEqual(worker.run("node.py")["output"], process.venv())

    def test_socket_as_stdin(self):
        self.check(ForgeWorker(self, self.project.root, socket_as_stdin=True))

    def test_prints_go_to_the_log(self):
        worker = ForgeWorker(self, self.project.root)
        source = "def f():\n    print(42)\n    sys.stderr.write('e' * 100000)\n    return input_data"
        self.project.write("node.py", source)
        self.assertEqual(worker.run("node.py", {})["output"], {})
        self.assertEqual(self.log(), "42\n" + "e" * 100000)
        self.assertEqual(worker.run("node.py", {})["output"], {})

    def test_log_that_cannot_be_written(self):
        os.mkdir(os.path.join(self.project.root, ".aim-worker.log"))
        self.check(ForgeWorker(self, self.project.root))

    def test_large_log_begins_anew(self):
        self.project.write(".aim-worker.log", "x" * (9 << 20))
        self.check(ForgeWorker(self, self.project.root))
        self.assertEqual(self.log(), "")

    def test_missing_project(self):
        worker = ForgeWorker(self, "/nowhere")
        reply = worker.run("node.py")
        self.assertEqual(reply, {"id": None, "ok": False, "error": "Invalid message: Invalid project root"})
        self.assertEqual(worker.run("node.py", {"a": 2}, project_root=self.project.root)["output"], {"a": 2})

    def test_end_of_requests(self):
        worker = ForgeWorker(self, self.project.root)
        worker.send(b'{"id":"1","op":"exec_node","file":"node.py","input":3}\n')
        worker.process.stdin.close()
        self.assertEqual(worker.receive()["output"], 3)
        self.assertEqual(worker.wait(), 0)

    def test_manager_that_dies_while_a_node_runs(self):
        worker = ForgeWorker(self, self.project.root)
        self.project.write("node.py", "def f():\n    time.sleep(60)")
        worker.send(b'{"id":"1","op":"exec_node","file":"node.py","input":3}\n')
        worker.process.stdin.close()
        worker.process.stdout.close()
        self.assertEqual(worker.wait(), 0)


if __name__ == "__main__":
    unittest.main()
