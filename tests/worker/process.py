"""A worker process for tests: started as the daemon starts it, or as AIM-Forge's manager does."""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

SCRIPT = os.path.join(os.path.dirname(__file__), "..", "..", "worker", "aim_worker.py")
PATIENCE = 30

_base = None


def setUpModule():
    """One environment for all tests of a module; making one costs more than running them."""
    global _base
    _base = tempfile.mkdtemp(prefix="aim-worker-")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", os.path.join(_base, "venv")], check=True)


def tearDownModule():
    shutil.rmtree(_base)


def venv():
    return os.path.join(_base, "venv")


def site_packages():
    return os.path.join(venv(), "lib", "python%d.%d" % sys.version_info[:2], "site-packages")


def lets_others_in(test, whether):
    """Say in `pyvenv.cfg` whether packages of the person and of the system are imported, until the test is over."""
    file = os.path.join(venv(), "pyvenv.cfg")
    with open(file) as stream:
        before = stream.read()
    test.addCleanup(write, venv(), "pyvenv.cfg", before)
    lines = [line for line in before.splitlines() if not line.startswith("include-system-site-packages")]
    lines.append("include-system-site-packages = " + ("true" if whether else "false"))
    write(venv(), "pyvenv.cfg", "".join(line + "\n" for line in lines))


def write(folder, name, text):
    """Write a file as an editor does, and tell its path."""
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + "~", "wb") as stream:
        stream.write(text if isinstance(text, bytes) else text.encode())
    os.replace(path + "~", path)
    return path


def command():
    return [os.path.join(venv(), "bin", "python"), "-u", "-I", "-S", SCRIPT]


class Project:
    """A project folder that is gone when the test is over."""

    def __init__(self, test):
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="aim-project-"))
        test.addCleanup(shutil.rmtree, self.root, ignore_errors=True)

    def write(self, name, text):
        return write(self.root, name, text)


class Lines:
    """What both ways have in common: one request out, one reply in."""

    def ask(self, op="exec_node", **fields):
        self.send(json.dumps(dict({"id": "1", "op": op}, **fields)).encode() + b"\n")
        return self.receive()

    def run(self, file, value=None, **fields):
        return self.ask(file=file, input=value, **fields)


class DaemonWorker(Lines):
    """Started by the daemon: a socket pair on descriptor 0, pipes on 1 and 2."""

    def __init__(self, test, project=None, activate=True, **fields):
        ours, theirs = socket.socketpair()
        ours.settimeout(PATIENCE)
        environment = {name: value for name, value in os.environ.items() if name != "WORKER_PROJECT_PATH"}
        self.process = subprocess.Popen(
            command(), stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
        theirs.close()
        self.socket, self.buffer = ours, ours.makefile("rb")
        self.interrupts, self.loaded_again = 0, []
        test.addCleanup(self.close)
        self.spare = self.receive()
        if activate:
            self.ready = self.ask("activate", generation=7, project_root=project.root, **fields)

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """The next reply. Other events are counted or kept; what nodes wrote here is left out."""
        while True:
            line = self.buffer.readline()
            message = json.loads(line[max(line.find(b'{"id":'), 0) :].decode())
            if message.get("event") == "interrupted":
                self.interrupts += 1
            elif message.get("event") == "loading":
                self.loaded_again.append(message["file"])
            else:
                return message

    def interrupt(self):
        """Interrupt as the daemon does, until the worker says something; give the reply.

        An interrupt on the way into a call that waits is seen only when that call is over.
        """
        while True:
            self.process.send_signal(signal.SIGINT)
            if select.select([self.socket], [], [], 0.5)[0]:
                return self.receive()

    def printed(self):
        """What is in the two pipes by now. What a node printed is there before its reply, so this needs no wait."""
        found = []
        for stream in (self.process.stdout, self.process.stderr):
            data = b""
            while select.select([stream], [], [], 0)[0]:
                chunk = os.read(stream.fileno(), 1 << 16)
                if not chunk:
                    break
                data += chunk
            found.append(data.decode())
        return tuple(found)

    def wait(self):
        return self.process.wait(PATIENCE)

    def hang_up(self):
        self.buffer.close()
        self.socket.close()

    def close(self):
        self.hang_up()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()


class ForgeWorker(Lines):
    """Started by AIM-Forge's manager: requests on stdin, replies on stdout, stderr never read."""

    def __init__(self, test, root, socket_as_stdin=False, **variables):
        environment = {"PATH": os.environ["PATH"], "WORKER_PROJECT_PATH": root, "PYTHONNOUSERSITE": "1"}
        environment.update(variables)
        self.socket = None
        stdin = subprocess.PIPE
        if socket_as_stdin:
            self.socket, stdin = socket.socketpair()
        self.process = subprocess.Popen(
            command()[:-1] + ["-s", SCRIPT],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,  # Nothing is read ahead of what `select` tells of.
            env=environment,
            cwd=root if os.path.isdir(root) else None,
        )
        if socket_as_stdin:
            stdin.close()
        test.addCleanup(self.close)

    def send(self, data):
        if self.socket is not None:
            self.socket.sendall(data)
        else:
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def receive(self):
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            raise TimeoutError("the worker did not answer")
        return json.loads(self.process.stdout.readline().decode())

    def wait(self):
        return self.process.wait(PATIENCE)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr, self.socket):
            if stream is not None:
                stream.close()
