"""The end of a worker: in peace and within its time; and its becoming another one under a backend that never looks."""

import json
import os
import signal
import unittest

from process import setUpModule, tearDownModule  # noqa: F401
from process import DaemonWorker, ForgeWorker, Project, site_packages, venv, write

LEAVES = """
import atexit, tempfile, threading, time
def later():
    time.sleep(0.2)
    open(os.path.dirname(__file__) + '/joined', 'w').close()
def main():
    atexit.register(lambda: open(os.path.dirname(__file__) + '/atexit', 'w').close())
    main.folder = tempfile.TemporaryDirectory()
    sys.folder = main.folder
    threading.Thread(target=later).start()
    return main.folder.name
"""


class Peace(unittest.TestCase):
    def setUp(self):
        self.project = Project(self)
        self.project.write("leaves.py", LEAVES)

    def path(self, name):
        return os.path.join(self.project.root, name)

    def check_end(self, worker, folder):
        self.assertEqual(worker.wait(), 0)
        self.assertFalse(os.path.exists(folder))
        self.assertTrue(os.path.exists(self.path("atexit")))
        self.assertTrue(os.path.exists(self.path("joined")))

    def test_what_python_does_at_its_end_is_done(self):
        worker = DaemonWorker(self, self.project)
        folder = worker.run("leaves.py")["output"]
        self.assertTrue(os.path.exists(folder))
        worker.hang_up()
        self.check_end(worker, folder)

    def test_under_another_backend(self):
        worker = ForgeWorker(self, self.project.root)
        folder = worker.run("leaves.py")["output"]
        worker.process.stdin.close()
        self.check_end(worker, folder)

    def test_objects_that_are_kept_are_let_go_of(self):
        worker = DaemonWorker(self, self.project)
        source = "class C:\n    def __del__(self, open=open): open('gone', 'w').close()\ndef main(): return C()"
        self.project.write("node.py", source)
        self.assertTrue(worker.ask(file="node.py", input=None, keep={"ref": "c_1"})["kept"])
        worker.hang_up()
        self.assertEqual(worker.wait(), 0)
        self.assertTrue(os.path.exists(self.path("gone")))

    def test_an_end_that_never_ends(self):
        for source in (
            "import threading, time\ndef f(): threading.Thread(target=time.sleep, args=(60,)).start()",
            "import atexit, time\ndef f(): atexit.register(time.sleep, 60)",
            "import atexit, signal\ndef f():\n    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n"
            "    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))\n"
            "    atexit.register(lambda: [0 for _ in iter(int, 1)])",
        ):
            worker = DaemonWorker(self, self.project)
            self.project.write("node.py", source)
            self.assertTrue(worker.run("node.py")["ok"])
            worker.hang_up()
            self.assertEqual(worker.wait(), -signal.SIGALRM, source)


class Anew(unittest.TestCase):
    """AIM-Forge's manager starts the script by file, and knows of nothing: no message, no other process id."""

    def setUp(self):
        self.project = Project(self)
        self.path = os.path.join(site_packages(), "installed.py")
        self.addCleanup(lambda: os.path.exists(self.path) and os.remove(self.path))
        self.install(1)
        self.raise_to(1)
        self.project.write("node.py", "import installed\nsys.count = getattr(sys, 'count', 0) + 1\n"
                           "def main(): return [installed.X, sys.count]")  # fmt: skip

    def install(self, number):
        write(site_packages(), "installed.py", "X = %d%s" % (number, "#" * number))

    def raise_to(self, generation):
        self.project.write("env_meta.json", json.dumps({"schema": 1, "generation": generation}))

    def check(self, worker, expected):
        self.assertEqual(worker.run("node.py").get("output"), expected)

    def check_all(self, **how):
        worker = ForgeWorker(self, self.project.root, **how)
        self.check(worker, [1, 1])
        self.check(worker, [1, 2])
        self.raise_to(2)
        self.check(worker, [1, 1])
        self.check(worker, [1, 2])
        self.raise_to(1)  # Made again, say.
        self.check(worker, [1, 1])
        self.install(2)
        self.check(worker, [2, 1])
        self.check(worker, [2, 2])
        self.project.write("env_meta.json", '{"updated_at": null, "packages": [], "last_action": null}')
        self.check(worker, [2, 3])
        os.remove(os.path.join(self.project.root, "env_meta.json"))
        self.check(worker, [2, 4])
        self.assertIsNone(worker.process.poll())

    def test_pipes(self):
        self.check_all()

    def test_socket_as_stdin(self):
        self.check_all(socket_as_stdin=True)

    def test_a_project_whose_record_another_one_keeps(self):
        keeper = Project(self)
        folder = os.path.join(venv(), ".aim")
        had_one = os.path.isdir(folder)
        os.makedirs(folder, exist_ok=True)
        write(folder, "project", "%s\t..\n" % keeper.root)
        self.addCleanup(lambda: had_one or os.rmdir(folder))
        self.addCleanup(os.remove, os.path.join(folder, "project"))
        os.remove(os.path.join(self.project.root, "env_meta.json"))
        keeper.write("env_meta.json", '{"schema": 1, "generation": 1}')
        worker = ForgeWorker(self, self.project.root)
        self.check(worker, [1, 1])
        self.check(worker, [1, 2])
        keeper.write("env_meta.json", '{"schema": 1, "generation": 20}')
        self.check(worker, [1, 1])

    def test_many_requests_at_once(self):
        worker = ForgeWorker(self, self.project.root)
        self.check(worker, [1, 1])
        source = "def main():\n    while not os.path.exists('go'): time.sleep(0.01)\n    return 'done'"
        self.project.write("waits.py", source)
        requests = [{"id": "0", "op": "exec_node", "file": "waits.py"}]
        requests += [{"id": str(n), "op": "exec_node", "file": "node.py"} for n in range(1, 50)]
        worker.send("".join(json.dumps(request) + "\n" for request in requests[:1]).encode())
        worker.send("".join(json.dumps(request) + "\n" for request in requests[1:]).encode())
        self.install(2)
        self.raise_to(2)
        self.project.write("go", "")
        found = [worker.receive() for _ in requests]
        self.assertEqual([reply["id"] for reply in found], [request["id"] for request in requests])
        self.assertTrue(all(reply["ok"] for reply in found))
        self.check(worker, [2, found[-1]["output"][1] + 1 if found[-1]["output"][0] == 2 else 1])

    def test_what_nodes_left_is_ended_and_what_they_set_is_not_taken_over(self):
        worker = ForgeWorker(self, self.project.root)
        self.project.write("leaves.py", LEAVES)
        folder = worker.run("leaves.py")["output"]
        self.project.write("sets.py", "def main(): os.environ['LEFT'] = '1'; os.chdir('/'); sys.argv[:] = ['x']")
        self.assertTrue(worker.run("sets.py")["ok"])
        self.raise_to(2)
        self.project.write("reads.py", "def main(): return [os.environ.get('LEFT'), os.getcwd()]")
        self.assertEqual(worker.run("reads.py")["output"], [None, self.project.root])
        self.assertFalse(os.path.exists(folder))
        self.assertTrue(os.path.exists(os.path.join(self.project.root, "joined")))

    def test_an_interpreter_that_is_gone(self):
        worker = ForgeWorker(self, self.project.root)
        self.check(worker, [1, 1])
        python = worker.process.args[0]
        os.rename(python, python + "~")
        self.addCleanup(lambda: os.path.exists(python + "~") and os.rename(python + "~", python))
        self.raise_to(2)
        self.check(worker, [1, 2])
        os.rename(python + "~", python)
        self.raise_to(3)
        self.check(worker, [1, 1])

    def test_the_daemon_sees_to_it_itself(self):
        worker = DaemonWorker(self, self.project)
        self.check(worker, [1, 1])
        self.raise_to(2)
        self.check(worker, [1, 2])


if __name__ == "__main__":
    unittest.main()
