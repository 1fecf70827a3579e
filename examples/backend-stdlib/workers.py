"""What any backend may have: a worker process for each project. These import modules and say where those come from."""

import subprocess
import threading
from pathlib import Path

import aim_socket

LOOP = """
import importlib, sys
for line in sys.stdin:
    try:
        module = importlib.import_module(line.strip())
        print(getattr(module, "__version__", module.__name__), flush=True)
    except Exception as error:
        print(repr(error), flush=True)
"""


class Worker:
    def __init__(self, folder):
        # Before the start, never after it: what changes in between is then seen by the next comparison.
        self.generation = aim_socket.generation(folder)
        self.process = subprocess.Popen(
            [Path(folder) / ".venv/bin/python", "-c", LOOP],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.turn = threading.Lock()

    def ask(self, module):
        with self.turn:
            self.process.stdin.write(f"{module}\n")
            self.process.stdin.flush()
            return self.process.stdout.readline().strip()

    def end(self):
        """Ends when what it runs is done."""
        with self.turn:
            self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()


class Workers:
    """The four functions that `aim_socket.Server` is given, and `ask`."""

    def __init__(self, folders):
        self.folders = {Path(folder).name: str(folder) for folder in folders}
        self.running = {}
        self.lock = threading.Lock()

    def projects(self):
        return self.folders

    def on_change(self, project, generation):
        """Brings a worker that runs along; a project that has none has nothing to bring along."""
        worker = self.running.get(project)
        if worker and worker.generation != generation:
            self.restart(project)

    def worker(self, project):
        worker = self.running.get(project)
        if worker is None or worker.process.poll() is not None:
            return {"state": "stopped"}
        state = "busy" if worker.turn.locked() else "idle"
        return {"state": state, "pid": worker.process.pid, "generation": worker.generation}

    def restart(self, project, now=False):
        """The new one takes over before the old one ends, so that nobody waits for either."""
        with self.lock:
            old = self.running.get(project)
            self.running[project] = Worker(self.folders[project])
        if old and now:
            old.process.kill()
        if old:
            threading.Thread(target=old.end).start()

    def ask(self, project, module):
        """Which `module` the project's worker has. Compares first: a message may have been lost."""
        worker = self.running.get(project)
        if worker is None or worker.generation != aim_socket.generation(self.folders[project]):
            self.restart(project)
        return self.running[project].ask(module)

    def end(self):
        for worker in self.running.values():
            worker.end()
