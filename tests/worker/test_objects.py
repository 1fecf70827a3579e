"""Objects that stay in the worker: inputs from edges, references and previews, and the memory bound (compat, 10)."""

import unittest

from process import DaemonWorker, Project, setUpModule, tearDownModule  # noqa: F401

PERSON = """
class Person:
    def __init__(self, name): self.name = name
    def hello(self): return 'I am ' + self.name
"""


class Objects(unittest.TestCase):
    def setUp(self):
        self.project = Project(self)
        self.worker = DaemonWorker(self, self.project, object_limit=64 << 20)

    def run_node(self, source, **fields):
        self.project.write("node.py", source)
        reply = self.worker.ask(file="node.py", **fields)
        self.assertTrue(reply["ok"], reply)
        return reply

    def keep(self, expression, ref="n_1"):
        return self.run_node("def main(): return " + expression, keep={"ref": ref})

    def check_input(self, edges, expected):
        """What `main` gets from these edges."""
        self.assertEqual(self.run_node("def main(a): return [a]", edges=edges)["output"], [expected])

    def kept(self):
        return [found["ref"] for found in self.worker.ask("objects")["objects"]]

    # -- edges

    def test_edges(self):
        value = {"sum": 3, "other": 4}
        self.check_input([{"value": value, "handle": "sum", "into": "a"}], {"a": 3})
        self.check_input([{"value": value, "handle": "none", "into": "a"}], {"a": value})
        self.check_input([{"value": value, "handle": None, "into": "input_7"}], {"input_7": value})
        self.check_input([{"value": [1], "handle": "0", "into": None}], [1])
        self.check_input([{"value": 1, "into": "a"}, {"value": 2, "into": "b"}], {"a": 1, "b": 2})
        self.check_input([{"value": 1, "into": "a"}, {"value": 2, "into": "a"}], {"a": 2})
        self.check_input([{"value": {"x": 1}, "into": None}, {"value": 2, "into": "b"}], {"x": 1, "b": 2})
        self.check_input([{"value": 5, "into": None}, {"value": 2, "into": "b"}], {"b": 2})

    def test_no_edges(self):
        source = "def main(a=None): return a"
        self.assertEqual(self.run_node(source, edges=[], input=3)["output"], 3)
        self.assertIsNone(self.run_node(source, edges=[])["output"])

    def test_an_object_goes_from_node_to_node(self):
        reply = self.run_node(PERSON + "def main(): return Person('Kim')", keep={"ref": "15_1"})
        self.assertEqual((reply["kept"], reply["output"]["type"], reply["output"]["ref"]), (True, "reference", "15_1"))
        edges = [{"ref": "15_1", "handle": "x", "into": "who"}]
        reply = self.run_node("def RunScript(who): return who.hello()", edges=edges, keep={"ref": "16_1"})
        self.assertEqual((reply["output"], "kept" in reply), ("I am Kim", False))

    def test_identity_and_members(self):
        self.keep("{'a': [object()], 'n': 1}")
        edges = [{"ref": "n_1", "handle": "a", "into": "x"}, {"ref": "n_1", "handle": None, "into": "y"}]
        self.assertIs(self.run_node("def RunScript(x, y): return x is y['a']", edges=edges)["output"], True)

    def test_inputs_do_not_alias_a_kept_object(self):
        self.keep("{'a': object()}")
        edges = [{"ref": "n_1", "into": None}, {"value": 1, "into": "b"}]
        self.run_node("def RunScript(a, b): return b", edges=edges)
        self.assertEqual(self.worker.ask("objects")["objects"][0]["preview"], "Dict with 1 keys (a)")
        self.assertEqual(self.run_node("def main(d): return list(d)", edges=[{"ref": "n_1"}])["output"], ["a"])

    # -- what is kept

    def test_what_goes_as_it_is(self):
        for expression in ("None", "True", "5", "1.5", "'x' * 20000", "[1, 2]", "{'a': [1]}", "[]", "[0] * 3333"):
            reply = self.keep(expression)
            self.assertEqual((reply["output"], "kept" in reply), (eval(expression), False))
        self.assertEqual(self.kept(), [])

    def test_what_json_would_change_is_kept_and_shown(self):
        """Each goes from node to node as it is; the answer has it as JSON where JSON has a form for it."""
        shown = {
            "float('nan')": None, "-float('inf')": None, "[1.5, float('inf')]": [1.5, None], "'a\\ud800'": "a\ufffd",
            "['\\udc00']": ["\ufffd"], "{'\\ud800': 1}": {"\ufffd": 1}, "(1, 2)": [1, 2], "{'a': (1,)}": {"a": [1]},
            "{1: 2}": {"1": 2}, "{None: 1, True: 2}": {"null": 1, "true": 2},
            "collections.OrderedDict(a=1)": {"a": 1}, "__import__('enum').IntEnum('E', 'A')(1)": 1,
            "type('S', (str,), {})('x')": "x", "type('F', (float,), {})(1.5)": 1.5, "type('L', (list,), {})([1])": [1],
        }  # fmt: skip
        for expression, expected in shown.items():
            reply = self.keep(expression)
            self.assertEqual((reply["output"], reply["kept"], reply["whole"]), (expected, True, True), expression)
            again = "def main(a): return [repr(a), type(a).__name__]"
            value = self.run_node(again, edges=[{"ref": "n_1"}])["output"]
            self.assertEqual(value, self.run_node("def main(): a = %s; return [repr(a), type(a).__name__]" % expression)
                             ["output"], expression)  # fmt: skip

    def test_what_json_has_no_form_for_goes_on_as_it_is(self):
        point = "__import__('dataclasses').make_dataclass('P', 'x')(3)"
        for expression in (
            "{1, 2}", "b'x'", "datetime.datetime(2020, 1, 2)", "datetime.date(2020, 1, 2)", "datetime.timedelta(1)",
            "__import__('decimal').Decimal('1.10')", "__import__('fractions').Fraction(1, 3)", "Path('a')", "1j",
            "__import__('enum').Enum('E', 'A').A", "__import__('uuid').UUID(int=3)", "range(3)", "frozenset([1])",
            point,
        ):  # fmt: skip
            reply = self.keep(expression)
            self.assertEqual((reply["kept"], reply["output"]["type"]), (True, "reference"), expression)
            value = self.run_node("def main(a): return [repr(a)]", edges=[{"ref": "n_1"}])["output"]
            expected = self.run_node("def main(): a = %s; return [repr(a)]" % expression)["output"]
            self.assertEqual(value, expected, expression)

    def test_a_member_is_found_by_its_name_in_json(self):
        self.keep("{1: 'one', None: 'nothing', 2.5: 'half', True: 'yes'}")
        for handle, expected in (("1", "yes"), ("null", "nothing"), ("2.5", "half")):
            source = "def main(a): return a"
            self.assertEqual(self.run_node(source, edges=[{"ref": "n_1", "handle": handle}])["output"], expected)

    def test_the_limit_is_that_of_the_json_text(self):
        self.assertNotIn("kept", self.keep("'%s'" % ("x" * 10), ref="n_0"))
        self.assertNotIn("kept", self.keep("['x' * 9995]"))  # ["x…x"]: four characters more.
        self.assertIn("kept", self.keep("['x' * 9996]"))
        self.assertIn("kept", self.keep("[0] * 3334"))  # Counted with a space behind each comma.
        self.assertIn("kept", self.keep("{'k': [[0] * 50] * 70}"))

    def test_what_is_kept(self):
        for expression in ("object()", "{1}", "b'x'", "[1j]", "lambda: 1", "{(1,): 2}", "__import__('math')"):
            self.assertTrue(self.keep(expression).get("kept"), expression)
        cycle = "def f():\n    a = []\n    a.append(a)\n    return a"
        self.assertTrue(self.run_node(cycle, keep={"ref": "n_2"})["kept"])
        deep = "def f():\n    a = []\n    for _ in range(200000): a = [a]\n    return a"
        self.assertTrue(self.run_node(deep, keep={"ref": "n_3"})["kept"])

    def test_without_keep_it_is_an_error(self):
        self.project.write("node.py", "def main(): return {1}")
        self.assertEqual(self.worker.run("node.py")["error"], "Object of type set is not JSON serializable")

    def test_the_newest_wins(self):
        self.keep("{1}", ref="n_1")
        self.keep("{2}", ref="n_2")
        self.keep("{1, 2, 3}", ref="n_1")
        self.assertEqual(self.kept(), ["n_2", "n_1"])
        self.assertEqual(self.run_node("def main(s): return len(s)", edges=[{"ref": "n_1"}])["output"], 3)

    # -- previews

    def check_preview(self, expression, preview, data_type):
        output = self.keep(expression)["output"]
        self.assertEqual(list(output), ["type", "ref", "preview", "data_type", "size"])
        self.assertEqual((output["preview"], output["data_type"]), (preview, data_type))
        self.assertIsInstance(output["size"], int)

    def test_previews(self):
        self.check_preview("list(range(5000))", "list with 5000 items (first: 0)", "list")
        self.check_preview("['x' * 20000]", "list with 1 items (first: %s)" % ("x" * 50), "list")
        self.check_preview("[{1: 2, 'b': {3}}]", "list with 1 items (first: {1: 2, 'b': {3}})", "list")
        text = str(list(range(1000)))[:50]
        self.check_preview("[list(range(100000))] * 3", "list with 3 items (first: %s)" % text, "list")
        self.check_preview("(1j, 2)", "tuple with 2 items (first: 1j)", "tuple")
        self.check_preview("{'a': {1}, 'b': 2, 'c': 3}", "Dict with 3 keys (a, b, c)", "dict")
        self.check_preview("{'a': {1}, 2: 2, 'c': 3, 'd': 4}", "Dict with 4 keys (a, 2, c...)", "dict")
        self.check_preview("{1, 2}", "Set with 2 items", "set")
        self.check_preview("frozenset([1])", "frozenset (1 items)", "frozenset")
        self.check_preview("b'abc'", "bytes (3 items)", "bytes")
        self.check_preview("1 + 2j", "complex: (1+2j)", "complex")
        self.check_preview("type('T', (), {'__str__': lambda s: 'y' * 101})()", "T: %s..." % ("y" * 100), "T")
        frame = "type('F', (), {'shape': (3, 2), 'columns': []})()"
        self.check_preview(frame, "DataFrame: 3 rows \u00d7 2 cols", "F")
        array = "type('A', (), {'shape': (3,), 'ndim': 1, 'dtype': 'int64'})()"
        self.check_preview(array, "Array: shape=(3,), dtype=int64", "A")
        self.check_preview("type('B', (), {'__str__': lambda s: 1 / 0})()",
                           "B object (preview error: division by zero)", "B")  # fmt: skip

    # -- memory

    def test_release(self):
        for number in range(4):
            self.keep("{%d}" % number, ref="n_%d" % number)
        reply = self.worker.ask("release", refs=["n_1", "none"])
        self.assertEqual((reply["ok"], reply["store"]["count"], reply["store"]["dropped"]), (True, 3, 0))
        self.assertEqual(self.kept(), ["n_0", "n_2", "n_3"])
        reply = self.worker.ask(file="node.py", edges=[{"ref": "n_1", "into": "a"}])
        self.assertEqual((reply["ok"], reply["error"]), (False, "Object n_1 is not kept"))
        self.assertNotIn("aim_worker", reply["traceback"])
        self.worker.ask("release", all=True)
        self.assertEqual(self.worker.ask("objects"), {"id": "1", "ok": True, "objects": [], "bytes": 0})

    def test_release_frees_the_memory(self):
        self.run_node(
            "import weakref\nclass Big: data = bytearray(20 << 20)\n"
            "def main():\n    b = Big()\n    sys.seen = weakref.ref(b)\n    b.me = b\n    b.x = b.data\n    return b",
            keep={"ref": "n_1"},
        )
        alive = "def main(): return sys.seen() is not None"
        self.assertIs(self.run_node(alive)["output"], True)
        self.worker.ask("release", all=True)
        self.assertIs(self.run_node(alive)["output"], False)

    def test_the_oldest_go_when_it_is_too_much(self):
        for number in range(3):
            reply = self.keep("bytearray(20 << 20)", ref="n_%d" % number)
            self.assertNotIn("dropped", reply)
        self.assertGreater(self.worker.ask("objects")["bytes"], 60 << 20)
        reply = self.keep("bytearray(40 << 20)", ref="n_9")
        self.assertEqual((reply["dropped"], self.kept()), (["n_0", "n_1"], ["n_2", "n_9"]))
        self.assertEqual((reply["store"]["count"], reply["store"]["dropped"]), (2, 2))
        error = self.worker.ask(file="node.py", edges=[{"ref": "n_0"}])["error"]
        bound = "a worker keeps 64 MiB of objects at most, the newest: worker.object_limit_mib"
        self.assertEqual(error, "Object n_0 is no longer kept (%s)" % bound)
        self.assertEqual(self.keep("bytearray(100 << 20)", ref="n_10")["dropped"], ["n_2", "n_9"])
        self.assertEqual(self.kept(), ["n_10"])  # The newest stays, or its flow could not go on.

    def test_weight_sees_what_is_inside(self):
        self.assertEqual(self.keep("[bytearray(20 << 20) for _ in range(4)]", ref="n_1").get("dropped"), None)
        self.assertGreater(self.worker.ask("objects")["bytes"], 80 << 20)
        self.assertEqual(self.keep("{1}", ref="n_2")["dropped"], ["n_1"])
        self.run_node("class P: pass\ndef main():\n    p = P()\n    p.d = {'k': bytearray(30 << 20)}\n    return p",
                      keep={"ref": "n_3"})  # fmt: skip
        self.assertGreater(self.worker.ask("objects")["bytes"], 30 << 20)

    def test_one_object_under_two_references_counts_once(self):
        self.keep("bytearray(40 << 20)", ref="n_1")
        reply = self.run_node("def main(a): return a", edges=[{"ref": "n_1"}], keep={"ref": "n_2"})
        self.assertEqual(reply.get("dropped"), None)
        self.assertEqual(self.kept(), ["n_1", "n_2"])

    # -- full results and texts

    def test_full_result(self):
        self.keep("list(range(5000))")
        reply = self.worker.ask("full_result", ref="n_1")
        self.assertEqual((reply["output"], "not_json" in reply), (list(range(5000)), False))
        self.keep("{'a': {1}, 'b': 2}")
        reply = self.worker.ask("full_result", ref="n_1")
        self.assertEqual(reply["output"], "{'a': {1}, 'b': 2}")
        self.assertEqual(reply["not_json"], "Object of type set is not JSON serializable")
        self.assertEqual(self.worker.ask("full_result", ref="n_1", handle="b")["output"], 2)
        self.assertEqual(self.worker.ask("full_result", ref="x")["error"], "Object x is not kept")

    def check_display(self, expression, expected):
        self.keep(expression)
        self.assertEqual(self.worker.ask("display", ref="n_1")["output"], expected)

    def test_display(self):
        expected = '{\n  "a": [\n    "\ud55c"\n  ],\n  "b": {\n    "c": "%s"\n  }\n}' % ("x" * 10000)
        self.check_display("{'a': ['\ud55c'], 'b': {'c': 'x' * 10000}}", expected)
        whole = "[\n" + ",\n".join("  %d" % n for n in range(1000000)) + "\n]"
        self.check_display("list(range(1000000))", whole[:30000] + "...")
        self.check_display("['y' * 100000]", '[\n  "' + "y" * 29995 + "...")
        self.check_display("{'a': {1}}", "{'a': {1}}")
        self.check_display("1 + 2j", "(1+2j)")
        self.check_display("[{1}] * 100000", str([{1}] * 100000)[:30000] + "...")

    def test_a_text_that_does_not_end_can_be_interrupted(self):
        self.run_node(ENDLESS, keep={"ref": "n_1"})
        self.run_node("def main(): sys.slow = True")
        for op in ("display", "full_result"):
            self.worker.send(b'{"id":"1","op":"%s","ref":"n_1"}\n' % op.encode())
            self.assertEqual(self.worker.process.stdout.readline(), b"in\n")
            self.assertEqual(self.worker.interrupt()["error"], "KeyboardInterrupt")
        self.assertEqual(self.kept(), ["n_1"])


ENDLESS = """
sys.slow = False
class E:
    def __str__(self):
        if sys.slow:
            print('in', flush=True)
            time.sleep(60)
        return ''
def main(): return E()
"""


if __name__ == "__main__":
    unittest.main()
