"""What a person is shown of an output that JSON has no form for, and of the choice of the function."""

import os
import unittest

from process import DaemonWorker, Project, setUpModule, tearDownModule  # noqa: F401


class Shown(unittest.TestCase):
    def setUp(self):
        self.project = Project(self)
        self.worker = DaemonWorker(self, self.project)
        self.figure = os.path.join(self.project.root, "figures", "node.png")

    def run_node(self, source, **show):
        self.project.write("node.py", source)
        keep = {"ref": "n_1", "unless_json": True}
        return self.worker.run("node.py", keep=keep, show=dict({"figure": self.figure}, **show))

    def check(self, source, text):
        reply = self.run_node(source)
        self.assertEqual((reply["ok"], reply["output"]["type"], reply["text"]), (True, "reference", text), reply)

    def test_json_is_left_as_it_is_and_not_kept(self):
        for value in ("[1]", "'a'", "(1, 2)", "[0] * 20000", "None"):
            reply = self.run_node("def f(): return " + value)
            self.assertNotIn("text", reply)
            self.assertNotIn("kept", reply)

    def test_an_object_is_kept_and_has_its_text(self):
        self.check("def f(): return {1}", "{1}")
        self.check("class A:\n    def __repr__(self): return '<A>'\ndef main(): return [A()]\n", "[<A>]")
        self.check("class A:\n    def to_string(self): return 'a table'\ndef main(): return A()\n", "a table")

    def test_a_text_that_cannot_be_made_is_said_and_ends_nothing(self):
        for body, why in (
            ("def __repr__(self): raise ValueError('x')", "x"),
            ("def to_string(self): return 7", "unsupported operand type(s) for +: 'int' and 'str'"),
        ):
            source = "class A:\n    %s\ndef main(): return A()\n" % body
            self.check(source, "<A object; its text cannot be made: %s>" % why)

    def test_it_is_bounded(self):
        reply = self.run_node("class A:\n    def __repr__(self): return 'x' * (17 << 20)\ndef main(): return A()\n")
        self.assertEqual((len(reply["text"]), reply["is_cut"]), (16 << 20, True))

    def test_no_more_rows_of_a_table_are_made_than_are_wanted(self):
        source = (
            "class T:\n    shape = %s, 3\n    rows = None\n"
            "    def head(self, n):\n        t = T(); t.rows = n; return t\n"
            "    def to_string(self): return str(self.rows)\ndef main(): return T()\n"
        )
        for rows, lines, text, is_cut in (
            (50, 100, "None", None), (500, 100, "101", None), (500, None, "None", None),
            (10**9, 100, "101", None), (10**9, None, str((16 << 20) // 6), True),
        ):  # fmt: skip
            reply = self.run_node(source % rows, **({} if lines is None else {"lines": lines}))
            self.assertEqual((reply["text"], reply.get("is_cut")), (text, is_cut), reply)

    def test_a_figure_is_saved(self):
        figure = "class F:\n    def savefig(self, path): open(path, 'w').write('drawn')\n"
        for result in ("F()", "Axes()"):
            source = figure + "class Axes:\n    figure = F()\ndef main(): return %s\n" % result
            reply = self.run_node(source)
            self.assertEqual(reply["figure"], self.figure, reply)
            self.assertNotIn("text", reply)
            with open(self.figure) as stream:
                self.assertEqual(stream.read(), "drawn")

    def test_a_figure_that_is_not_saved_has_its_text_and_the_reason(self):
        for what, why in (("raise OSError('disk full')", "disk full"), ("pass", "no file was written")):
            source = "class F:\n    def savefig(self, path): %s\n    def __repr__(self): return '<F>'\n" % what
            reply = self.run_node(source + "def main(): return F()\n")
            self.assertEqual(reply["text"], "<F>\n(it cannot be saved as a figure: %s)" % why)

    def test_which_function_ran(self):
        two = "from math import sin\nclass A: pass\ndef _own(): pass\n"
        two += "def a(): pass\ndef main(): return 1\ndef b(): pass\n"
        reply = self.run_node(two)
        self.assertEqual((reply["ran"], reply["also"]), ("main", ["a", "b"]))
        self.assertNotIn("ran", self.run_node("from math import sin\ndef main(): return 1\n"))
        self.project.write("node.py", two)
        self.assertNotIn("ran", self.worker.run("node.py"))

    def test_who_asks_a_person_is_known(self):
        for source in ("def f(): input()", "def f():\n    breakpoint()\n    return 1"):
            self.assertTrue(self.run_node(source)["needs_person"], source)
        self.assertNotIn("needs_person", self.run_node("def f(): raise EOFError('mine')"))


if __name__ == "__main__":
    unittest.main()
