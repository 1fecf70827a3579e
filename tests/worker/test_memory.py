"""Large outputs by shared memory, and objects that go from one worker to another."""

import json
import os
import unittest

from process import DaemonWorker, Project, setUpModule, tearDownModule  # noqa: F401

MIB = 1 << 20


@unittest.skipUnless(hasattr(os, "memfd_create"), "this system has no memfd")
class Memory(unittest.TestCase):
    def setUp(self):
        self.project = Project(self)
        self.worker = DaemonWorker(self, self.project, shm=True)

    def run_node(self, source, worker=None, **fields):
        self.project.write("node.py", source)
        reply = (worker or self.worker).ask(file="node.py", **fields)
        self.assertTrue(reply["ok"], reply)
        return reply

    def path(self, descriptor, worker=None):
        return "/proc/%d/fd/%d" % ((worker or self.worker).process.pid, descriptor)

    def read(self, reply):
        self.assertNotIn("output", reply)
        with open(self.path(reply["output_fd"]), "rb") as stream:
            data = stream.read()
        self.assertEqual(len(data), reply["output_size"])
        return data

    def close(self, descriptor):
        """There is no reply to this; the one to another request says that it is done."""
        self.worker.send(b'{"id":"c","op":"close_fd","fd":%d}\n' % descriptor)
        self.assertEqual(self.worker.ask("objects", id="after")["id"], "after")

    # -- outputs

    def check_text(self, expression, expected):
        reply = self.run_node("def main(): return " + expression)
        self.assertEqual((reply["output_kind"], reply["generation"]), ("text", 7))
        self.assertEqual(self.read(reply), expected)
        self.close(reply["output_fd"])
        self.assertFalse(os.path.exists(self.path(reply["output_fd"])))

    def test_large_strings(self):
        self.check_text("'x\\n\"' * %d" % MIB, b'x\n"' * MIB)
        self.check_text("'\ud55c\U0001f600' * %d" % MIB, "\ud55c\U0001f600".encode() * MIB)
        self.check_text("'a\\ud800' * %d" % MIB, "a\ufffd".encode() * MIB)
        self.check_text("'\\ud83d\\ude00' * %d" % MIB, "\U0001f600".encode() * MIB)

    def test_what_is_given_away_is_out_of_the_reach_of_nodes(self):
        reply = self.run_node("def main(): return 'x' * %d" % (2 * MIB))
        self.run_node(
            "import os\ndef main():\n    for fd in range(3, 1100):\n        for do in (os.write, os.ftruncate):\n"
            "            try: do(fd, b'forged' if do is os.write else 1)\n            except OSError: pass\n"
        )
        self.assertEqual(self.read(reply), b"x" * (2 * MIB))

    def test_a_large_string_is_not_kept(self):
        reply = self.run_node("def main(): return 'x' * %d" % (2 * MIB), keep={"ref": "n_1"})
        self.assertEqual((reply["output_kind"], "kept" in reply), ("text", False))

    def test_large_json(self):
        reply = self.run_node("def main(): return {'a': ['\u00e9', 1.5] * %d}" % MIB)
        self.assertEqual(reply["output_kind"], "json")
        self.assertEqual(json.loads(self.read(reply).decode("ascii")), {"a": ["\u00e9", 1.5] * MIB})

    def test_full_result_of_a_large_object(self):
        self.run_node("def main(): return list(range(1000000))", keep={"ref": "n_1"})
        reply = self.worker.ask("full_result", ref="n_1")
        self.assertEqual((reply["output_kind"], json.loads(self.read(reply).decode())), ("json", list(range(1000000))))
        self.run_node("def main(): return [{1}] * 1000000", keep={"ref": "n_1"})
        reply = self.worker.ask("full_result", ref="n_1")
        self.assertEqual((reply["output_kind"], self.read(reply)), ("text", str([{1}] * 1000000).encode()))
        self.assertIn("not JSON", reply["not_json"])

    def test_the_limit(self):
        self.assertEqual(len(self.run_node("def main(): return 'x' * %d" % (MIB - 2))["output"]), MIB - 2)
        self.assertIn("output_fd", self.run_node("def main(): return 'x' * %d" % (MIB - 1)))  # With its quotes.

    def test_only_when_asked_for(self):
        worker = DaemonWorker(self, self.project)
        reply = self.run_node("def main(): return 'x' * %d" % (2 * MIB), worker)
        self.assertEqual(len(reply["output"]), 2 * MIB)

    def test_no_descriptor_left(self):
        # The hard limit too: a soft one the worker would raise again.
        limit = "import resource\ndef main():\n"
        limit += "    resource.setrlimit(resource.RLIMIT_NOFILE, (%d, 3))\n    return %s * 2000000"
        for output, expected in (("'\u00e9'", "\u00e9" * 2000000), ("[1]", [1] * 2000000)):
            worker = DaemonWorker(self, self.project, shm=True)
            self.assertEqual(self.run_node(limit % (3, output), worker)["output"], expected)

    def test_only_own_descriptors_are_closed(self):
        for descriptor in range(10):
            self.close(descriptor)
        for wrong in (b"null", b'"x"', b"1.5"):
            self.worker.send(b'{"id":"c","op":"close_fd","fd":%s}\n' % wrong)
        self.assertEqual(self.run_node("def main(): return 1")["output"], 1)

    # -- objects between two workers

    def hand_over(self, to, ref="n_1"):
        exported = self.worker.ask("export", ref=ref)
        self.assertTrue(exported["ok"], exported)
        for place, size in exported["layout"]:
            self.assertEqual(place % 64, 0)
            self.assertLessEqual(place + size, exported["size"])
        path = self.path(exported["fd"])
        self.assertEqual(os.stat(path).st_size, exported["size"])
        reply = to.ask("import", ref=ref, path=path, layout=exported["layout"])
        self.close(exported["fd"])  # What was imported stays without it.
        return reply

    def test_buffers(self):
        other = DaemonWorker(self, self.project)
        self.project.write("box.py", BOX)
        parts = "[b'a' * 3, bytearray(b'b' * 100000), b'']"
        self.run_node("import box\ndef main(): return box.Box(%s)" % parts, keep={"ref": "n_1"})
        self.assertEqual(self.hand_over(other), {"id": "1", "ok": True})
        edges = [{"ref": "n_1"}]
        source = "def main(b): return [bytes(p).decode()[:3] + str(len(p)) for p in b.parts]"
        self.assertEqual(self.run_node(source, other, edges=edges)["output"], ["aaa3", "bbb100000", "0"])
        kinds = "def main(b): return [memoryview(p).readonly for p in b.parts]"
        self.assertEqual(self.run_node(kinds, other, edges=edges)["output"], [True, False, True])
        # Each side writes for itself.
        write = "def main(b):\n    b.parts[1][:3] = %r\n    return bytes(b.parts[1][:4]).decode()"
        self.assertEqual(self.run_node(write % b"new", other, edges=edges)["output"], "newb")
        self.assertEqual(self.run_node("def main(b): return b.parts[1][:4].decode()", edges=edges)["output"], "bbbb")
        self.assertEqual(self.run_node(write % b"old", edges=edges)["output"], "oldb")
        read = "def main(b): return bytes(b.parts[1][:4]).decode()"
        self.assertEqual(self.run_node(read, other, edges=edges)["output"], "newb")

    def test_exported_bytes_are_those_of_the_moment(self):
        other = DaemonWorker(self, self.project)
        self.run_node("def main(): return {'n': [1, 2], 's': {3}}", keep={"ref": "n_1"})
        exported = self.worker.ask("export", ref="n_1")
        self.run_node("def main(d): d['n'].append(9)", edges=[{"ref": "n_1"}])
        other.ask("import", ref="m_1", path=self.path(exported["fd"]), layout=exported["layout"])
        reply = self.run_node("def main(d): return d['n']", other, edges=[{"ref": "m_1"}])
        self.assertEqual(reply["output"], [1, 2])

    def test_imports_are_under_the_memory_bound(self):
        other = DaemonWorker(self, self.project, object_limit=30 * MIB)
        self.run_node("def main(): return {'b': bytearray(%d)}" % (20 * MIB), keep={"ref": "n_1"})
        self.run_node("def main(): return {'b': bytearray(%d)}" % (20 * MIB), keep={"ref": "n_2"})
        self.assertNotIn("dropped", self.hand_over(other, "n_1"))
        self.assertEqual(self.hand_over(other, "n_2")["dropped"], ["n_1"])

    def test_what_cannot_go_across(self):
        def check(source, *expected):
            self.run_node(source, keep={"ref": "n_1"})
            reply = self.worker.ask("export", ref="n_1")
            self.assertFalse(reply["ok"], reply)
            for part in expected:
                self.assertIn(part, reply["error"])

        check("class P: pass\ndef main(): return P()", "P cannot go to another worker (", "__main__")
        check("class Worker: pass\ndef main(): return Worker()", "Worker cannot go to another worker (", "__main__")
        check("def main(): return lambda: 1", "function cannot go to another worker (", "lambda")
        check("import threading\ndef main(): return threading.Lock()", "lock cannot go to another worker (TypeError: ")
        self.assertEqual(self.worker.ask("export", ref="x")["error"], "Object x is not kept")
        self.assertEqual(self.descriptors(), [])

    def test_bad_imports(self):
        for path, layout in (("/nowhere", [[0, 1]]), (__file__, [[0, 10]]), (__file__, []), (os.devnull, [[0, 1]])):
            reply = self.worker.ask("import", ref="n_1", path=path, layout=layout)
            self.assertFalse(reply["ok"], (path, reply))
        self.assertEqual(self.worker.ask("objects")["objects"], [])

    def test_a_module_that_the_other_worker_does_not_have(self):
        self.project.write("box.py", BOX)
        self.run_node("import box\ndef main(): return box.Box([])", keep={"ref": "n_1"})
        elsewhere = DaemonWorker(self, Project(self))
        self.assertEqual(self.hand_over(elsewhere)["error"], "No module named 'box'")

    def descriptors(self):
        folder = "/proc/%d/fd" % self.worker.process.pid
        links = [os.readlink(os.path.join(folder, name)) for name in os.listdir(folder)]
        return [link for link in links if "memfd" in link]


# A class whose parts are pickled out of band, as numpy's arrays are.
BOX = """
import pickle
class Box:
    def __init__(self, parts): self.parts = parts
    def __reduce_ex__(self, protocol): return Box, ([pickle.PickleBuffer(part) for part in self.parts],)
"""

if __name__ == "__main__":
    unittest.main()
