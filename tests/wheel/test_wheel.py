"""The wheel, installed as people do, and the main story with the programs that came of it. Needs no network."""

import glob
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
import venv

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MAKE_WHEEL = os.path.join(TOP, "examples/demo/make_wheel.py")
PROGRAMS = ["aim-backend", "aim-logs", "aim-lsp", "aim-pip", "aim-venv-sync", "aim-worker"]
COMPLETIONS = ["bash-completion/completions/{}.bash", "zsh/site-functions/_{}", "fish/vendor_completions.d/{}.fish"]
PYTHON = ".venv/bin/python"
# The entry point that jupyter_client looks for, and whether its module is there.
KERNELS = """import importlib.metadata, importlib.util
of = importlib.metadata.distribution("aim-toolkit").entry_points
(one,) = [one for one in of if one.group == "jupyter_client.kernel_provisioners"]
module = one.value.split(":")[0]
print(one.name, module, importlib.util.find_spec(module) is not None)
"""
NODE = "def main():\n    import tidings\n    return tidings.__version__\n"


WHEELS = os.path.join(TOP, os.environ.get("WHEELS", "target/wheel-test"))


def the_wheel():
    """The one that `run` has built."""
    (wheel,) = glob.glob(os.path.join(WHEELS, "*.whl"))
    return wheel


class Person:
    """Somebody with a home, a project with an environment, and the toolkit on PATH."""

    def __init__(self, is_within):
        # Short: sockets lie in it.
        self.home = tempfile.mkdtemp(prefix="aim-wheel-", dir="/tmp")
        self.project = os.path.join(self.home, "project")
        self.environment = os.path.join(self.project, ".venv")
        self.tool = self.environment if is_within else os.path.join(self.home, "tool")
        os.mkdir(self.project)
        for folder in {self.environment, self.tool}:
            venv.create(folder, with_pip=True)
        with open(os.path.join(self.project, "node.py"), "w") as node:
            node.write(NODE)
        # Nothing of who runs the tests: no settings of pip, no daemon.
        self.variables = {
            "HOME": self.home,
            "LANG": "C.UTF-8",
            "PATH": os.path.join(self.tool, "bin") + ":/usr/local/bin:/usr/bin:/bin",
            "AIM_SOCKET": os.path.join(self.home, "s"),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": os.path.join(self.home, "wheels"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def run(self, *words, fails=False):
        """What a command prints that is run in the project."""
        done = subprocess.run(
            words,
            cwd=self.project,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
        )
        if (done.returncode != 0) != fails:
            raise AssertionError("{} ended with {}:\n{}".format(words, done.returncode, done.stdout))
        return done.stdout

    def pip(self, *words):
        """What the environment's own pip prints."""
        return self.run(os.path.join(self.environment, "bin/pip"), *words)

    def pip_of_the_tool(self, *words):
        """What the pip of the toolkit's own environment prints."""
        return self.run(os.path.join(self.tool, "bin/python"), "-m", "pip", *words)

    def has(self, version):
        """Offers `tidings` in this version."""
        where = self.variables["PIP_FIND_LINKS"]
        subprocess.run([sys.executable, MAKE_WHEEL, where, "tidings", version], check=True, stdout=subprocess.DEVNULL)

    def generation(self):
        """How often the environment was changed."""
        with open(os.path.join(self.project, "env_meta.json")) as meta:
            return json.load(meta)["generation"]

    def runs(self):
        """What the history has: its commands, the newest first."""
        runs = json.loads(self.run("aim-logs", "list", "--json"))
        return [" ".join(run["argv"]) for run in runs]

    def node(self):
        """What the project's node gives, by a worker."""
        return json.loads(self.run("aim-worker", "run", "node.py", "--json").splitlines()[-1])

    def leaves(self):
        """Ends what runs, and removes all."""
        backend = os.path.join(self.tool, "bin/aim-backend")
        if os.path.exists(backend):
            # It ends with 3 where none was started.
            subprocess.run([backend, "stop"], env=self.variables, cwd=self.home, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.home)


class OfAPerson(unittest.TestCase):
    is_within = False

    def setUp(self):
        self.person = Person(self.is_within)
        self.addCleanup(self.person.leaves)
        self.person.pip_of_the_tool("install", the_wheel())


class BesideTheEnvironment(OfAPerson):
    """As `uv tool install` and `pipx install` have it: in an environment of its own."""

    def test_the_main_story(self):
        person = self.person
        person.run("aim-venv-sync", "init")
        person.has("1.0.0")
        person.pip("install", "tidings")
        self.assertEqual(person.node()["output"], "1.0.0")
        before = person.generation()
        person.has("2.0.0")
        person.pip("install", "--upgrade", "tidings")
        self.assertEqual(person.generation(), before + 1)
        self.assertEqual(person.node()["output"], "2.0.0")
        self.assertIn("--upgrade tidings", person.runs()[0])
        person.run("aim-logs", "undo", "-y")
        self.assertEqual(person.node()["output"], "1.0.0")

    def test_pages_completions_and_programs_come_along(self):
        share = os.path.join(self.person.tool, "share")
        for program in PROGRAMS:
            shown = self.person.run(program, "--version")
            self.assertTrue(shown.startswith(program + " "), shown)
            self.assertTrue(os.path.isfile(os.path.join(share, "man/man1", program + ".1")), program)
        for place in COMPLETIONS:
            self.assertTrue(os.path.isfile(os.path.join(share, place.format("aim-logs"))), place)

    def test_another_build_needs_no_init(self):
        person = self.person
        person.run("aim-venv-sync", "init")
        person.pip_of_the_tool("install", "--force-reinstall", the_wheel())
        person.has("1.0.0")
        person.pip("install", "tidings")
        self.assertIn("install tidings", person.runs()[0])

    def test_pip_is_pip_when_the_toolkit_is_gone(self):
        person = self.person
        person.run("aim-venv-sync", "init")
        before = person.generation()
        person.pip_of_the_tool("uninstall", "--yes", "aim-toolkit")
        person.has("1.0.0")
        self.assertIn("Successfully installed tidings-1.0.0", person.pip("install", "tidings"))
        self.assertEqual(person.generation(), before)


class WithinTheEnvironment(OfAPerson):
    """Installed by the pip that it stands in front of."""

    is_within = True

    def test_it_stands_in_front_of_the_pip_that_installed_it(self):
        person = self.person
        person.run("aim-venv-sync", "init")
        person.has("1.0.0")
        person.pip("install", "tidings")
        self.assertEqual(person.node()["output"], "1.0.0")
        person.pip("install", "--force-reinstall", the_wheel())
        self.assertIn("--force-reinstall", person.runs()[0])
        person.has("2.0.0")
        person.pip("install", "--upgrade", "tidings")
        self.assertIn("--upgrade tidings", person.runs()[0])
        self.assertEqual(person.node()["output"], "2.0.0")

    def test_programs_in_it_can_ask_and_kernels_find_what_restarts_them(self):
        person = self.person
        person.run("aim-venv-sync", "init")
        asked = person.run(PYTHON, "-c", "import aim_toolkit; print(aim_toolkit.generation())")
        self.assertEqual(asked.strip(), str(person.generation()))
        found = person.run(PYTHON, "-c", KERNELS).split()
        self.assertEqual(found, ["aim-provisioner", "aim_toolkit.provisioner", "True"])

    def test_its_uninstall_leaves_the_environment_its_own_pip(self):
        person = self.person
        person.run("aim-venv-sync", "init")
        before = person.generation()
        self.assertIn("Successfully uninstalled aim-toolkit", person.pip("uninstall", "--yes", "aim-toolkit"))
        self.assertEqual(person.generation(), before + 1)
        left = glob.glob(os.path.join(person.environment, "lib/python3*/site-packages/*aim*"))
        self.assertEqual(left, [])
        person.has("1.0.0")
        self.assertIn("Successfully installed tidings-1.0.0", person.pip("install", "tidings"))


class Sources(unittest.TestCase):
    """The sdist: what is in it is enough to build the programs, with the page and without Node."""

    def test_they_are_whole(self):
        found = glob.glob(os.path.join(WHEELS, "*.tar.gz"))
        if not found:
            self.skipTest("there is no sdist in " + WHEELS)
        with tempfile.TemporaryDirectory() as folder, tarfile.open(found[0]) as sources:
            sources.extractall(folder)
            (top,) = os.listdir(folder)
            self.assertTrue(os.path.isfile(os.path.join(folder, top, "web/page/dist/index.html")))
            # What was checked of other crates serves again; of this one it is another place.
            call = ["cargo", "check", "--quiet", "--locked", "--bins", "--target-dir", os.path.join(TOP, "target")]
            done = subprocess.run(call, cwd=os.path.join(folder, top), stdin=subprocess.DEVNULL)
            self.assertEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
