"""What node code sees, which of its functions is called, and with what (compat, section 9)."""

import sys
import unittest

from process import DaemonWorker, Project, setUpModule, tearDownModule  # noqa: F401


class Calls(unittest.TestCase):
    def setUp(self):
        self.project = Project(self)
        self.worker = DaemonWorker(self, self.project)

    def check(self, source, value, expected):
        self.project.write("node.py", source)
        reply = self.worker.run("node.py", value)
        self.assertTrue(reply["ok"], reply)
        self.assertEqual(reply["output"], expected)

    def check_error(self, source, value, expected):
        self.project.write("node.py", source)
        reply = self.worker.run("node.py", value)
        self.assertFalse(reply["ok"], reply)
        self.assertIn(expected, reply["error"])
        return reply

    def test_which_function(self):
        self.check("def other(): return 1\ndef main(): return 2\ndef RunScript(): return 3", {}, 3)
        self.check("def other(): return 1\ndef main(): return 2", {}, 2)
        self.check("def _private(): return 1\ndef first(): return 2\ndef second(): return 3", {}, 2)
        self.check("RunScript = 5\ndef first(): return 2", {}, 2)
        self.check_error("x = 1", {}, "No callable function found in node")
        self.check_error("", {}, "No callable function found in node")

    def test_imported_names_are_not_the_function(self):
        self.check("from typing import Any, List as L\ndef f(): return 1", {}, 1)
        self.check("from random import randint\nfrom math import sqrt as root\ndef f(): return 1", {}, 1)
        self.check("from datetime import datetime\nfrom collections import OrderedDict\ndef f(): return 1", {}, 1)
        self.check("from functools import partial\ng = partial(lambda: 4)", {}, 4)
        self.project.write("helper.py", "def wrap(f):\n    def inner(): return f() + 1\n    return inner\n")
        self.check("from helper import wrap\n@wrap\ndef f(): return 1", {}, 2)
        self.check_error("from helper import wrap", {}, "No callable function found in node")

    def test_no_parameters(self):
        self.check("def RunScript(): return 1", {"a": 2}, 1)
        self.check("def f(): return 1", {"a": 2}, 1)

    def test_run_script_by_name(self):
        self.check("def RunScript(a, b=5): return [a, b]", {"a": 1, "c": 9}, [1, 5])
        self.check("def RunScript(a, *, b): return [a, b]", {"a": 1, "b": 2}, [1, 2])
        self.check("def RunScript(a, **kw): return [a, kw]", {"a": 1, "c": 9}, [1, {}])
        self.check("def RunScript(a=3): return a", {"b": 1}, 3)
        source = "def RunScript(a, b): return 1"
        reply = self.check_error(source, {"a": 1}, "missing 1 required positional argument: 'b'")
        self.assertTrue(reply["traceback"].endswith("argument: 'b'\n"))
        self.assertNotIn("aim_worker", reply["traceback"])

    def test_run_script_with_other_input(self):
        self.check("def RunScript(a, b=5): return [a, b]", 3, [3, 5])
        self.check("def RunScript(a, b=5): return [a, b]", [1], [[1], 5])
        self.check("def RunScript(a): return a", None, None)

    def test_other_functions(self):
        self.check("def f(a, b): return [a, b]", {"a": 1, "b": 2, "c": 3}, [1, 2])
        self.check("def f(a, b=7): return [a, b]", {"a": 1}, [1, 7])
        self.check("def f(a, b=7): return [a, b]", {"x": 1}, [{"x": 1}, 7])
        self.check("def f(a): return a", {"a": 1}, {"a": 1})
        self.check("def f(a, **kw): return [a, kw]", {"a": 1, "z": 2}, [1, {}])
        self.check("def f(*args, **kw): return [args, kw]", {"a": 1}, [[{"a": 1}], {}])
        self.check("def f(a=4): return a", None, 4)
        self.check("def f(a): return a", 0, 0)
        self.check("def f(a): return a", [1, 2], [1, 2])

    def test_the_rule_is_that_of_the_function_s_own_name(self):
        process = "def process(a=0, b=0): return [a, b]\n"
        whole = {"a": 1, "z": 2}
        self.check(process + "RunScript = process", whole, [1, 0])  # By name, as every required one is there.
        self.check("def one(a): return a\nRunScript = one", whole, whole)
        self.check("def both(a, b=0): return [a, b]\nRunScript = both", {"b": 1}, [{"b": 1}, 0])
        self.check("def RunScript(a): return a\nmain = RunScript\ndel RunScript", whole, 1)
        wrap = "def deco(f):\n    def wrapper(*args, **kw): return [f.__name__, args, kw]\n    return wrapper\n"
        self.check(wrap + "@deco\ndef RunScript(a): return a", whole, ["RunScript", [whole], {}])
        self.check("class C:\n    def __call__(self, a): return a\nRunScript = C()", whole, whole)
        self.check("class C:\n    def RunScript(self, a): return a\nRunScript = C().RunScript", whole, 1)
        source = "import functools\ndef f(k, a): return [k, a]\nRunScript = functools.partial(f, 5)"
        self.check(source, whole, [5, whole])
        self.check("class RunScript(dict):\n    def __init__(self, a): self['got'] = a", whole, {"got": 1})
        self.check("RunScript = lambda a: a", whole, whole)

    def test_an_input_is_never_dropped_whole(self):
        value = {"a": 1, "b": 2}
        self.check("def RunScript(*args): return args", value, [value])
        self.check("def RunScript(**kw): return kw", value, value)
        self.check("def RunScript(*args, **kw): return [args, kw]", value, [[value], {}])
        self.check("def f(**kw): return kw", value, value)
        self.check("def RunScript(a, /, b): return [a, b]", value, [1, 2])
        self.check("def f(a, /, b): return [a, b]", value, [1, 2])
        self.check("def RunScript(*, a): return a", 5, 5)
        self.check("def f(*, a): return a", [5], [5])
        self.check("def RunScript(*args): return args", 5, [5])
        self.check("import functools\ndef f(*, a): return a\nmain = functools.partial(f)", 5, 5)
        self.check_error("def RunScript(a, /, b): return 1", {"b": 2}, "missing 1 required positional argument: 'a'")

    def test_no_function(self):
        reply = self.check_error("x = 1", {}, "No callable function found in node")
        self.assertTrue(reply["traceback"].endswith("RuntimeError: No callable function found in node\n"))

    def test_functions_that_are_not_plain(self):
        wraps = "import functools\ndef deco(f):\n    @functools.wraps(f)\n    def g(*a, **k): return f(*a, **k)\n"
        wraps += "    return g\n"
        self.check(wraps + "@deco\ndef RunScript(a, b=2): return [a, b]", {"a": 1, "c": 3}, [1, 2])
        self.check("class Add:\n    def __call__(self, a, b): return a + b\nmain = Add()", {"a": 1, "b": 2}, 3)
        partial = "import functools\ndef f(a, b, c): return [a, b, c]\nmain = functools.partial(f, 1)"
        self.check(partial, {"b": 2, "c": 3}, [1, 2, 3])
        self.check("main = dict", {"a": 1}, {"a": 1})
        self.check("main = len", [1, 2], 2)

    def test_coroutines(self):
        self.check("async def RunScript(a):\n    await asyncio.sleep(0)\n    return a", {"a": 1}, 1)
        self.check("async def inner(): return 5\ndef main(): return inner()", {}, 5)
        self.check("async def inner(): return 5\ndef main(): return asyncio.run(inner())", {}, 5)
        reply = self.check_error("async def main():\n    raise ValueError('late')", {}, "late")
        self.assertNotIn("asyncio", reply["traceback"])

    def test_ready_made_names(self):
        names = "json math datetime time random re collections itertools pathlib os sys asyncio tempfile Path"
        for name in names.split():
            self.check("def f(): return repr(%s)[:1]" % name, {}, "<")
        self.check("def f(): return Path('a').name + input_data['x']", {"x": "b"}, "ab")
        self.check("def f(): return eval('ti' 'me').time() > 0  # time", {}, True)

    def test_builtins_are_all_there(self):
        self.check("def f(): return [callable(open), ord('a'), pow(2, 3)]", {}, [True, 97, 8])
        self.check("def f(): return FileNotFoundError.__name__", {}, "FileNotFoundError")
        self.check("def f(): return callable(exit) and callable(help)", {}, True)

    def test_namespace_is_fresh(self):
        source = "try:\n    seen\nexcept NameError:\n    seen = False\nelse:\n    seen = True\ndef f(): return seen"
        self.check(source, {}, False)
        self.check(source, {}, False)

    def test_main_module(self):
        self.check("def f(): return [__name__, __file__ == sys.argv[0]]", {}, ["__main__", True])
        pickled = "import pickle\nclass P:\n    x = 3\ndef main(): return pickle.loads(pickle.dumps(P())).x"
        self.check(pickled, {}, 3)
        data = "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: 'int'\ndef main(): return P(4).x"
        self.check(data, {}, 4)
        self.check("import __main__\nx = 6\ndef main(): return __main__.x", {}, 6)

    def test_environment(self):
        self.check("def f(): return os.getcwd()", {}, self.project.root)
        self.check("def f(): os.chdir('/')", {}, None)
        self.check("def f(): return os.getcwd()", {}, self.project.root)
        self.check("def f(): return sys.path[0]", {}, self.project.root)
        self.project.write("textwrap.py", "mine = 1")
        self.check("import textwrap\ndef f(): return textwrap.mine", {}, 1)

    def test_project_file_named_like_the_standard_library(self):
        for name in ("traceback", "linecache", "inspect", "asyncio", "importlib", "random", "re", "tempfile"):
            self.project.write(name + ".py", "raise RuntimeError('not this one')")
        self.check_error("def f(): return 1 / 0", {}, "division by zero")
        self.check("async def f(): return asyncio.__name__", {}, "asyncio")
        self.check("def f(): return random.randint(3, 3)", {}, 3)
        self.check("class F:\n    def __call__(self, a): return a\nmain = F()", {"a": 1}, {"a": 1})

    @unittest.skipIf(sys.version_info < (3, 11), "exception groups came with 3.11")
    def test_exception_group(self):
        reply = self.check_error("def f(): raise ExceptionGroup('g', [ValueError('one')])", {}, "g (1 sub-exception)")
        self.assertIn("ValueError: one", reply["traceback"])
