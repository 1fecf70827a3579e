"""A project for tests: a real environment and real pip, with the toolkit's hook or not, and wheels made on the spot."""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
PACKAGE = os.path.join(ROOT, "python", "aim_toolkit")
PROGRAMS = os.path.join(ROOT, "target", "debug")
WHEELS = os.path.join(ROOT, "target", "test-wheels")
PATIENCE = 60

sys.path.insert(0, os.path.join(ROOT, "examples", "demo"))
from make_wheel import make_wheel

sys.path.pop(0)

ENTRY_POINTS = "[jupyter_client.kernel_provisioners]\naim-provisioner = aim_toolkit.provisioner:Provisioner\n"

# Runs what it is told, a JSON string a line, and answers with what `result` is then.
SESSION = """
import json, sys
names = {"__name__": "__main__"}
for line in sys.stdin:
    names["result"] = None
    exec(json.loads(line), names)
    print(json.dumps(names["result"]), flush=True)
"""


class Project:
    """A folder with an environment, both gone when it is closed."""

    def __init__(self, hook=True):
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="aim-python-"))
        self.venv = os.path.join(self.root, "demo", ".venv")
        self.folder = os.path.dirname(self.venv)
        self.wheels = os.path.join(self.root, "wheels")
        for folder in (self.folder, self.wheels, os.path.join(self.root, "run")):
            os.makedirs(folder)
        os.chmod(os.path.join(self.root, "run"), 0o700)
        ours = "AIM_", "PYTHON", "PIP_", "JUPYTER", "IPYTHON", "LC_", "LANG", "VIRTUAL_ENV"
        self.variables = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        homes = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR")
        self.variables.update({name: os.path.join(self.root, "run") for name in homes})
        self.variables.update(PATH=PROGRAMS + os.pathsep + self.variables["PATH"], PIP_DISABLE_PIP_VERSION_CHECK="1")
        self.run(sys.executable, "-m", "venv", self.venv)
        if hook:
            self.run(os.path.join(PROGRAMS, "aim-venv-sync"), "init")
        self.pip("install", own_wheel(self.wheels))

    def close(self):
        shutil.rmtree(self.root)

    @property
    def python(self):
        return os.path.join(self.venv, "bin", "python")

    @property
    def site_packages(self):
        return os.path.join(self.venv, "lib", "python%d.%d" % sys.version_info[:2], "site-packages")

    @property
    def generation(self):
        """As the toolkit's own record has it."""
        with open(os.path.join(self.folder, "env_meta.json")) as stream:
            return json.load(stream)["generation"]

    def run(self, *command, **variables):
        """Run a command to its end, and give what it printed."""
        ran = subprocess.run(
            command,
            cwd=self.folder,
            env=dict(self.variables, **variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            universal_newlines=True,
        )
        if ran.returncode:
            raise AssertionError("%s: status %d\n%s" % (" ".join(command), ran.returncode, ran.stdout))
        return ran.stdout

    def pip(self, *arguments):
        return self.run(self.python, "-m", "pip", *arguments)

    def wheel(self, name, version, requires=(), **files):
        """Make a wheel of modules: `a__b` is the file `a/b.py`, `a__init` is `a/__init__.py`. Without any it is one
        with `greet`."""
        paths = {name: name.replace("__", "/").replace("/init", "/__init__") for name in files}
        files = {paths[name] + ".py": text for name, text in files.items()}
        return make_wheel(self.wheels, name, version, files, requires)

    def install(self, name, version, *options, **files):
        """Install a wheel of this version, which is made for it."""
        self.pip("install", "--no-index", "--no-deps", *options, self.wheel(name, version, **files))

    def session(self):
        return Session(self)


class Session:
    """A Python process of a project's environment, in which one thing after the other is run."""

    def __init__(self, project):
        command = [project.python, "-u", "-c", SESSION]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, cwd=project.folder, env=project.variables, stdin=pipe, stdout=pipe, universal_newlines=True
        )

    def __enter__(self):
        return self

    def __exit__(self, *_about):
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        self.process.stdout.close()
        assert status == 0, status

    def run(self, code):
        """Run `code`, and give what it assigned to `result`."""
        self.process.stdin.write(json.dumps(code) + "\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            raise TimeoutError(code)
        return json.loads(self.process.stdout.readline())

    def get(self, expression):
        return self.run("result = " + expression)

    def stale(self):
        """What is out of date: name, loaded and installed version, modules."""
        found = self.get("__import__('aim_toolkit').stale_modules()")
        return [tuple(one[:3]) + (one[3],) for one in found]


def own_wheel(folder):
    """A wheel of the package as the release has it, without the programs."""
    files = {"aim_toolkit-0.1.0.dist-info/entry_points.txt": ENTRY_POINTS}
    for name in sorted(os.listdir(PACKAGE)):
        if name.endswith((".py", ".typed")):
            with open(os.path.join(PACKAGE, name), encoding="utf-8") as stream:
                files["aim_toolkit/" + name] = stream.read()
    return make_wheel(folder, "aim-toolkit", "0.1.0", files, ())


def wait_for(question, what):
    """Ask until the answer is not empty, and give it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = question()
        if answer:
            return answer
        time.sleep(0.05)
    raise TimeoutError(what)
