"""A node sees what a new interpreter would: what can be loaded again is, for the rest another worker is asked for."""

import json
import os
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import unittest
import zipfile

from process import (  # noqa: F401
    DaemonWorker, Project, lets_others_in, setUpModule, site_packages, tearDownModule, venv, write,
)  # fmt: skip


class Site(unittest.TestCase):
    """A project, a folder beside it, and installed files."""

    def setUp(self):
        self.project = Project(self)
        self.beside = os.path.realpath(tempfile.mkdtemp(prefix="aim-beside-"))
        self.addCleanup(shutil.rmtree, self.beside)
        self.installed = []
        self.addCleanup(self.uninstall)
        self.worker = None
        self.home = os.path.realpath(tempfile.mkdtemp(prefix="aim-home-"))
        self.addCleanup(shutil.rmtree, self.home)
        self.env = {"HOME": self.home, "PATH": os.environ["PATH"]}

    def user_site(self):
        return os.path.join(self.home, ".local", "lib", "python%d.%d" % sys.version_info[:2], "site-packages")

    def uninstall(self):
        for path in self.installed:
            shutil.rmtree(path, ignore_errors=True)
            if os.path.exists(path):
                os.remove(path)

    def install(self, name, text):
        """Put a file among the installed ones, until the test is over."""
        path = write(site_packages(), name, text)
        self.installed.append(os.path.join(site_packages(), name.split("/")[0]))
        return path

    def pack(self, files):
        """Put an archive beside the project, in the place of the one before, and tell its path."""
        archive = os.path.join(self.beside, "lib.zip")
        with zipfile.ZipFile(archive + "~", "w") as stream:
            for name, text in files.items():
                stream.writestr(name, text)
        os.replace(archive + "~", archive)
        return archive

    def add_to_path(self, *paths):
        self.install("beside.pth", "".join(path + "\n" for path in paths))

    def start(self):
        self.worker = DaemonWorker(self, self.project, env=self.env)
        return self.worker

    def run_node(self, source):
        self.project.write("node.py", source)
        # While node follows node without a pause, not everything is looked at before each.
        time.sleep(0.002)
        return self.worker.run("node.py")

    def check(self, source, expected):
        reply = self.run_node(source)
        self.assertEqual(reply.get("output"), expected, reply)

    def check_spent(self, source, reason, file):
        """The node is not run; a new worker is where it belongs."""
        reply = self.run_node(source)
        self.assertEqual(reply, {"id": "1", "spent": {"reason": reason, "file": file}})
        self.assertTrue(self.worker.ask(file="node.py", anyway=True)["ok"])
        self.start()
        self.assertIn("output", self.run_node(source))


class Fresh(Site):
    # -- what can be loaded again

    def test_a_folder_beside_the_project(self):
        lib = write(self.beside, "lib/inner.py", "X = 1")
        write(self.beside, "lib/__init__.py", "from .inner import X")
        self.add_to_path(self.beside)
        self.start()
        self.check("import lib\ndef main(): return lib.X", 1)
        for number in range(2, 6):
            write(self.beside, "lib/inner.py", "X = %d" % number)
            self.check("import lib\ndef main(): return lib.X", number)
        self.assertEqual(self.worker.loaded_again, [lib] * 4)

    def test_what_lies_beside_a_node_in_a_folder(self):
        """It is found after all else, and beside another node it is another one."""
        self.start()
        self.project.write("kept.py", "X = 'of the project'")
        for folder in ("a", "b"):
            self.project.write(folder + "/util.py", "X = %r" % folder)
            self.project.write(folder + "/kept.py", "X = 'hidden'")
            self.project.write(folder + "/pack/__init__.py", "X = %r" % folder)
            source = "import kept, pack, util, sys\ndef main(): return [util.X, pack.X, kept.X, len(sys.path)]"
            self.project.write(folder + "/node.py", source)
        found = [self.worker.run(folder + "/node.py")["output"] for folder in ("a", "a", "b", "a")]
        count = found[0][3]
        self.assertEqual(found, [[name, name, "of the project", count] for name in ("a", "a", "b", "a")])
        self.project.write("a/util.py", "X = 'changed'")
        time.sleep(0.002)
        self.assertEqual(self.worker.run("a/node.py")["output"][0], "changed")
        self.check("import sys\ndef main(): return len(sys.path)", count - 1)
        reply = self.run_node("import util")
        self.assertEqual(reply["error"], "No module named 'util'", reply)

    def test_an_editable_library(self):
        """As setuptools makes one: a finder of its own, which is asked last."""
        finder = (
            "import sys, importlib.util\nclass Finder:\n    @staticmethod\n"
            "    def find_spec(name, path=None, target=None):\n"
            "        if name == 'lib': return importlib.util.spec_from_file_location(name, %r)\n"
            "sys.meta_path.append(Finder)\n"
        )
        lib = write(self.beside, "lib.py", "X = 1")
        self.install("__editable___lib_finder.py", finder % lib)
        self.install("__editable__.lib.pth", "import __editable___lib_finder")
        self.start()
        self.check("import lib\ndef main(): return lib.X", 1)
        write(self.beside, "lib.py", "X = 2")
        self.check("import lib\ndef main(): return lib.X", 2)

    def test_a_folder_that_a_node_puts_on_the_path(self):
        write(self.beside, "lib.py", "X = 1")
        self.start()
        source = "import sys\nif %r not in sys.path: sys.path.append(%r)\nimport lib\ndef main(): return lib.X"
        source %= (self.beside, self.beside)
        self.check(source, 1)
        write(self.beside, "lib.py", "X = 2")
        self.check(source, 2)

    def test_an_archive(self):
        self.add_to_path(self.pack({"lib.py": "X = 1"}))
        self.start()
        self.check("import lib\ndef main(): return lib.X", 1)
        self.pack({"lib.py": "X = 'two'"})
        self.check("import lib\ndef main(): return lib.X", "two")
        self.pack({"lib.py": "X = 3", "other.py": "Y = 4"})
        self.check("import lib\ntry: import other\nexcept ImportError: other = lib\n"
                    "def main(): return [lib.X, getattr(other, 'Y', 0)]", [3, 4])  # fmt: skip

    def test_an_archive_that_changes_time_and_again(self):
        """Also within one tick of the clock."""
        self.add_to_path(self.pack({"lib.py": "X = 0"}))
        self.start()
        for number in range(1, 20):
            self.pack({"lib.py": "X = '%s'" % ("x" * number)})
            self.check("import lib\ndef main(): return lib.X", "x" * number)

    def test_inside_an_archive(self):
        """A package in an archive, and a folder of one on the path, also a module that comes there later."""
        archive = self.pack({"src/lib/__init__.py": "", "src/lib/one.py": "X = 1"})
        source = "import sys\nif %r not in sys.path: sys.path.append(%r)\n" % ((os.path.join(archive, "src"),) * 2)
        self.start()
        source += "from lib.one import X\ntry: from later import Y\nexcept ImportError: Y = 0\n"
        source += "def main(): return [X, Y]"
        self.check(source, [1, 0])
        self.pack({"src/lib/__init__.py": "# longer", "src/lib/one.py": "X = 'two'"})
        self.check(source, ["two", 0])
        self.pack({"src/lib/__init__.py": "", "src/lib/one.py": "X = 3", "src/later.py": "Y = 4"})
        self.check(source, [3, 4])

    def test_a_path_that_comes_later(self):
        later = os.path.join(self.beside, "later")
        self.start()
        source = "import sys\nif %r not in sys.path: sys.path.append(%r)\ntry: import lib; X = lib.X\n" % (later, later)
        source += "except ImportError: X = 0\ndef main(): return X"
        self.check(source, 0)
        write(later, "lib.py", "X = 1")
        self.check(source, 1)

    def test_a_file_that_comes_first(self):
        write(self.beside, "lib.py", "X = 'beside'")
        self.add_to_path(self.beside)
        self.project.write("uses.py", "from lib import X")
        self.start()
        source = "import uses\ndef main(): return uses.X"
        self.check(source, "beside")
        os.mkdir(os.path.join(self.project.root, "lib"))
        self.check(source, "beside")
        self.project.write("lib/__init__.py", "X = 'package'")
        self.check(source, "package")
        shutil.rmtree(os.path.join(self.project.root, "lib"))
        self.check(source, "beside")

    def test_what_was_missing_for_a_module_of_the_project(self):
        self.project.write("uses.py", "try: from fast import X\nexcept ImportError: X = 'slow'")
        self.start()
        source = "import uses\ndef main(): return uses.X"
        self.check(source, "slow")
        self.project.write("fast.py", "X = 'fast'")
        self.check(source, "fast")

    def test_a_namespace_that_gets_another_part(self):
        self.project.write("space/one.py", "X = 1")
        write(self.beside, "other.py", "")
        self.add_to_path(self.beside)
        self.start()
        source = "import space, space.one\ntry: import space.two; N = 2\nexcept ImportError: N = 1\n"
        source += "def main(): return N"
        self.check(source, 1)
        write(self.beside, "space/two.py", "X = 2")
        self.check(source, 2)

    # -- what cannot

    def test_an_installed_module_that_is_edited(self):
        lib = self.install("lib.py", "X = 1")
        self.start()
        self.check("import lib\ndef main(): return lib.X", 1)
        self.install("lib.py", "X = 22")
        self.check_spent("import lib\ndef main(): return lib.X", "file-changed", lib)
        self.check("import lib\ndef main(): return lib.X", 22)

    def test_an_extension(self):
        folder = sysconfig.get_path("platstdlib") + "/lib-dynload"
        suffix = sysconfig.get_config_var("EXT_SUFFIX")
        names = [name for name in ("_heapq", "_bisect") if os.path.exists(os.path.join(folder, name + suffix))]
        if not names:
            self.skipTest("this Python has no extension to copy")
        with open(os.path.join(folder, names[0] + suffix), "rb") as stream:
            code = stream.read()
        inside = self.project.write("native" + names[0] + suffix, code)
        # An extension is found by its name, which its code has.
        os.rename(inside, os.path.join(self.project.root, names[0] + suffix))
        inside = os.path.join(self.project.root, names[0] + suffix)
        self.start()
        source = "import sys; sys.modules.pop(%r, None)\nimport %s as m\ndef main(): return m.__file__"
        source %= (names[0], names[0])
        self.check(source, inside)
        self.project.write(names[0] + suffix, code)
        self.check_spent(source, "file-changed", inside)

    def test_what_was_missing_for_an_installed_module(self):
        self.install("uses.py", "try: from fast import X\nexcept ImportError: X = 'slow'")
        self.start()
        source = "import uses\ndef main(): return uses.X"
        self.check(source, "slow")
        fast = self.install("fast.py", "X = 'fast'")
        self.check_spent(source, "import-works", fast)
        self.check(source, "fast")

    def test_a_file_that_comes_before_an_installed_module(self):
        self.install("lib.py", "X = 'installed'")
        self.start()
        source = "import lib\ndef main(): return lib.X"
        self.check(source, "installed")
        first = self.project.write("lib.py", "X = 'first'")
        self.check_spent(source, "comes-first", first)
        self.check(source, "first")

    def test_a_users_folder_that_comes_later(self):
        lets_others_in(self, True)
        self.start()
        source = "try: import theirs; X = theirs.X\nexcept ImportError: X = None\ndef main(): return X"
        self.check(source, None)
        write(self.user_site(), "theirs.py", "X = 1")
        self.check_spent(source, "startup-changed", self.user_site())
        self.check(source, 1)

    def test_files_named_like_the_standard_library(self):
        """Those that a new interpreter has not loaded before it looks into the project, whatever the worker uses."""
        names = "collections datetime fcntl gc inspect io itertools json math mmap os pathlib pickle random re "
        names += "resource select signal site sys tempfile time traceback types zipimport"
        for name in names.split():
            self.project.write(name + ".py", "MINE = 'mine'")
            source = "import %s\ndef main(): return getattr(%s, 'MINE', None)" % (name, name)
            # What the worker takes of the library for a node's sake, before and after its file is run.
            source += "\nsorted = sorted, re, json, random, tempfile, datetime, pathlib, math"
            python = os.path.join(venv(), "bin", "python")
            code = "import sys, %s; sys.stdout.write(str(getattr(%s, 'MINE', None)))" % (name, name)
            fresh = subprocess.check_output([python, "-c", code], cwd=self.project.root).decode()
            self.start()
            for _ in range(2):
                reply = self.run_node(source)
                self.assertEqual(str(reply.get("output")), fresh, (name, reply))
                self.project.write("fails.py", "def f(): return 1 / 0")
                self.assertEqual(self.worker.run("fails.py")["error"], "division by zero")
            self.worker.close()
            os.remove(os.path.join(self.project.root, name + ".py"))

    def test_a_file_that_comes_before_the_standard_library(self):
        self.start()
        source = "import textwrap\ndef main(): return getattr(textwrap, 'MINE', None)"
        self.check(source, None)
        mine = self.project.write("textwrap.py", "MINE = 'mine'")
        self.check_spent(source, "comes-first", mine)
        self.check(source, "mine")
        os.remove(mine)
        self.check(source, None)
        # Nobody's file comes before what is built in, or was loaded before anybody could ask for it.
        for name in ("time", "sys", "os", "site"):
            self.project.write(name + ".py", "raise RuntimeError('not this one')")
            self.check(source, None)

    def test_startup_files(self):
        write(self.beside, "lib.py", "X = 1")
        self.start()
        self.check("def main(): return 1", 1)
        self.add_to_path(self.beside)
        file = os.path.join(site_packages(), "beside.pth")
        self.check_spent("def main(): return 1", "startup-changed", file)
        self.check("import lib\ndef main(): return lib.X", 1)
        os.remove(file)
        self.check_spent("def main(): return 1", "startup-changed", file)

    def test_nothing_is_said_when_nothing_changed(self):
        self.install("lib/__init__.py", "try: import nothing\nexcept ImportError: pass")
        source = "import lib, json, email.message\ntry: import none_of_it\nexcept ImportError: pass"
        self.project.write("own.py", source)
        self.start()
        for number in range(200):
            self.project.write("result-%d.txt" % number, "x")
            write(site_packages(), "lib/data.txt", "x")
            self.check("import own\ndef main(): return %d" % number, number)
        self.assertEqual(self.worker.loaded_again, [])


NAMES = ("alpha", "beta", "gamma")
PROBE = """
import json, sys
def probe():
    found = {}
    for name in %r:
        try:
            module = __import__(name)
            found[name] = [getattr(getattr(module, member, None), "n", None) for member in ("X", "SEEN")]
            try:
                __import__(name + ".sub")
                found[name].append(module.sub.X)
            except ImportError:
                pass
        except ImportError:
            found[name] = None
    return found
def main(): return probe()
if len(sys.argv) > 1: print(json.dumps(probe()))
""" % (NAMES,)


class AtRandom(Site):
    """Files come, change and go at random; after each step a new interpreter and the worker say the same."""

    STEPS = 20

    def change(self, dice, folders):
        folder, name = dice.choice(folders), dice.choice(NAMES)
        other = dice.choice([other for other in NAMES if other != name])
        # Python takes a file of the same second and size for the one that it has compiled.
        self.longer += "#"
        text = "class X: n = %d\ntry: from %s import X as SEEN\nexcept ImportError: SEEN = None\n"
        text = text % (dice.randrange(10**5, 10**6), other) + self.longer
        kind = dice.randrange(6)
        package = os.path.join(folder, name)
        if kind == 0:
            write(folder, name + ".py", text)
        elif kind == 1:
            write(folder, name + "/__init__.py", text)
        elif kind == 2:
            write(folder, name + "/sub.py", "X = %d" % dice.randrange(10**5, 10**6) + self.longer)
        elif kind == 3 and os.path.exists(package + ".py"):
            os.remove(package + ".py")
        elif kind == 4 and os.path.exists(package):
            shutil.rmtree(package)
        elif os.path.exists(os.path.join(package, "__init__.py")):
            os.remove(os.path.join(package, "__init__.py"))

    def check_seed(self, seed):
        dice = random.Random(seed)
        self.setUp()
        self.longer = ""
        folders = [self.project.root, self.beside, site_packages(), self.user_site()]
        lets_others_in(self, True)
        self.installed += [os.path.join(site_packages(), end) for name in NAMES for end in (name, name + ".py")]
        self.add_to_path(self.beside)
        self.project.write("probe.py", PROBE)
        self.start()
        for step in range(self.STEPS):
            for _ in range(dice.randrange(1, 3)):
                self.change(dice, folders)
            # What was compiled before counts for the same within one second, which is not meant here.
            options = ["-B", "-X", "pycache_prefix=" + os.path.join(self.beside, "none")]
            command = [os.path.join(venv(), "bin", "python")] + options + ["probe.py", "print"]
            fresh = json.loads(subprocess.check_output(command, env=self.env, cwd=self.project.root))
            reply = self.worker.run("probe.py")
            if "spent" in reply:
                self.start()
                reply = self.worker.run("probe.py")
            self.assertEqual(reply.get("output"), fresh, "seed %d, step %d: %s" % (seed, step, reply))
        self.worker.close()
        self.uninstall()

    def test_at_random(self):
        for seed in range(int(os.environ.get("AIM_SEEDS", "3"))):
            self.check_seed(seed)


if __name__ == "__main__":
    unittest.main()
