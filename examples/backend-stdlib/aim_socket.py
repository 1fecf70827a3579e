"""aim-toolkit's local socket for any Python backend: one file to copy, standard library only, Python 3.8 or later.

    server = aim_socket.Server(projects, on_change, worker, restart, program="my-backend")
It offers the starred calls of docs/api.md until `server.close()`, on threads of its own, which call plain functions:
* `projects()`: the folders of projects by id, `{"demo": "/home/kim/demo"}`.
* `on_change(project, generation)`: the environment changed; put a fresh worker in the place of the old one. A message
  can be lost: before each request to a worker, compare `aim_socket.generation(folder)` with the worker's own.
* `worker(project)`: `{"state": "idle", "pid": 7, "generation": 4}`; what is in it, docs/api.md says.
* `restart(project, now)`: begins to put a fresh worker in the old one's place, now or when idle; see `worker`.
"""
import atexit
import contextlib
import fcntl
import json
import logging
import os
import queue
import socket
import socketserver
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

PRIVATE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def environments(folder):
    """The environments that `aim-venv-sync init` has set up for a project, in its folder or where it names one."""
    root, named = Path(folder), []
    with contextlib.suppress(OSError):
        named = [root / (root / ".pip-logs/environment").read_text("utf-8", "replace").strip()]
    return [it for it in (*named, root, *root.glob("*env"), *root.glob(".direnv/python-*")) if (it / ".aim").is_dir()]


def generation(folder):
    """The generation of a project's environment, 0 while none is recorded; of several projects the first keeps it."""
    for venv in (None, *environments(folder)):
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            keeper = (venv / ".aim/project").read_text("utf-8").split("\t")[0].strip() if venv else folder
            return int(json.loads(Path(keeper, "env_meta.json").read_text("utf-8")).get("generation") or 0)
    return 0


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads, request_queue_size, handle_error = True, 64, lambda *_: None  # callers may go away

    def __init__(self, projects, on_change, worker=lambda project: {}, restart=None, program="python"):
        self.projects, self.on_change, self.worker, self.restart = projects, on_change, worker, restart
        self.changes, self.told, self.program, self.pid = queue.Queue(), {}, program, os.getpid()
        self.about = {"program": program, "pid": self.pid, "started_at": time.strftime("%FT%T+00:00", time.gmtime())}
        self.path, self.lock = _place()
        super().__init__(self.path, Call)
        os.chmod(self.path, 0o600)
        self.inode = os.stat(self.path).st_ino
        for target in (self.serve_forever, self.tell):
            threading.Thread(target=target, daemon=True).start()
        self.leave_word()
        atexit.register(self.close)

    def tell(self):
        for project, number in iter(self.changes.get, None):
            try:
                self.on_change(project, number)
            except Exception:  # one that fails must not keep those that follow from being told
                logging.getLogger("aim_socket").exception("on_change(%r, %r)", project, number)

    def words(self):
        return [venv / ".aim/daemon" for folder in self.projects().values() for venv in environments(folder)]

    def leave_word(self):
        """Says in each project's environment who serves it; to be called again when there are more projects."""
        stat = Path("/proc/self/stat")  # when the process began, so that its number is not taken for another's
        began = int(stat.read_text().rsplit(")", 1)[1].split()[19]) if stat.exists() else None
        word = {"schema": 1, "socket": self.path, "pid": self.pid, "began": began, "program": self.program}
        for path in self.words():
            with contextlib.suppress(OSError):  # then clients look at the usual places
                with os.fdopen(os.open(f"{path}.{self.pid}", PRIVATE | os.O_TRUNC, 0o600), "w") as file:
                    json.dump(word, file)
                os.replace(f"{path}.{self.pid}", path)

    def close(self):
        """Ends serving, and removes what is still this server's."""
        if os.getpid() != self.pid:
            return  # a process that was forked has nothing of its own
        self.changes.put(None)
        self.shutdown()
        for path in self.words():
            with contextlib.suppress(OSError, ValueError):
                if json.loads(path.read_text("utf-8"))["pid"] == self.pid:
                    os.remove(path)
        with contextlib.suppress(OSError):
            if os.stat(self.path).st_ino == self.inode:
                os.remove(self.path)
        self.server_close()
        self.lock.close()

    def find(self, folder, named):
        known = {Path(os.path.realpath(root)): project for project, root in self.projects().items()}
        if not folder and not named.startswith("/"):
            return named if named in known.values() else None
        asked = Path(os.path.realpath(folder or named))
        return next((known[above] for above in (asked, *asked.parents) if above in known), None)

    def status(self, project):
        newest = generation(self.projects()[project])
        return {"project": project, "state": "stopped", "env_generation": newest, **self.worker(project)}

    def settled(self, project, wanted, wait_s, old=-1):
        """The worker's state when one is ready at `wanted`, and not `old`, or none is to come; or when time is over."""
        end = time.monotonic() + min(float(wait_s or 0), 300)
        while True:
            state = self.status(project)
            is_ready = state["state"] in ("idle", "busy") and (state.get("generation") or 0) >= wanted
            is_over = state["state"] in ("stopped", "failed") or time.monotonic() >= end
            if is_over or is_ready and state.get("pid") != old:
                return state
            time.sleep(0.02)


class Call(BaseHTTPRequestHandler):
    protocol_version, timeout, log_message = "HTTP/1.1", 30, lambda *_: None

    def do_GET(self):
        """Makes the call; each is a method below by its name, `POST …/env-changed` is `POST_env_changed`."""
        url = urlsplit(self.path)
        self.query = dict(parse_qsl(url.query))
        parts = [unquote(part) for part in url.path.split("/")[1:]]
        of_project = parts[:3] == ["api", "v1", "projects"] and len(parts) > 4
        name = "_".join([self.command, *parts[4 if of_project else 0:]]).replace("-", "_")
        folder, named, project = self.query.get("path"), parts[3] if of_project else "", None
        try:
            self.body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
            if not hasattr(self, name) or (name == "POST_worker_restart" and not self.server.restart):
                return self.reply(404, {"code": "no-such-call", "detail": f"no such call: {name}"})
            if (of_project or folder) and (project := self.server.find(folder, named)) is None:
                return self.reply(404, {"code": "no-such-project", "detail": f"no such project: {folder or named}"})
            self.reply(200, getattr(self, name)(project))
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            self.reply(400, {"code": "bad-request", "detail": str(error)})
        except Exception as error:
            self.reply(500, {"code": "internal", "detail": repr(error)})
    do_POST = do_GET

    def GET_api_health(self, _):
        return {"status": "healthy", "service": "backend", "api_version": "1.0.0", **self.server.about}
    GET_api_version = GET_api_health

    def GET_api_v1_resolve(self, project):
        return {"id": project, "path": os.path.realpath(self.server.projects()[project])}

    def GET_worker(self, project):
        return self.server.settled(project, int(self.query.get("generation", 0)), self.query.get("wait_s"))

    def POST_env_changed(self, project):
        newest = generation(self.server.projects()[project])  # the file is the truth, the message only a nudge
        if self.server.told.get(project) != newest:
            self.server.told[project] = newest
            self.server.changes.put((project, newest))
        return self.server.settled(project, newest, self.body.get("wait_s"))

    def POST_worker_restart(self, project):
        old = self.server.status(project).get("pid")
        self.server.restart(project, self.body.get("when") == "now")
        new = {"pid": None, **self.server.settled(project, 0, self.body.get("wait_s"), old or -1)}
        return {"restarted": new["pid"] not in (None, old), "old_pid": old, "new_pid": new["pid"], "worker": new}

    def reply(self, status, value):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def _place():
    """The path of a socket that is free, and its lock: the usual one, or one beside it where somebody serves."""
    uid = os.getuid()
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}"
    has_one = os.path.isdir(runtime) and os.stat(runtime).st_uid == uid
    folder = os.path.join(runtime, "aim") if has_one else os.path.join(tempfile.gettempdir(), f"aim-{uid}")
    usual = os.path.abspath(os.environ.get("AIM_SOCKET") or os.path.join(folder, "backend.sock"))
    os.makedirs(os.path.dirname(usual), 0o700, exist_ok=True)
    about = os.lstat(os.path.dirname(usual))
    if about.st_uid not in (uid, 0) or (about.st_mode & 0o022 and not about.st_mode & 0o1000):
        raise PermissionError(f"others can change files beside {usual}: set AIM_SOCKET to a place of your own")
    for path in (usual, f"{usual}.{os.getpid()}"):
        lock = os.fdopen(os.open(f"{path}.lock", PRIVATE, 0o600), "w")
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as stream:  # where somebody serves
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(lock.fileno()).st_ino == os.stat(f"{path}.lock").st_ino and stream.connect_ex(path):
                print(f"{os.getpid():<20}", file=lock, flush=True)
                with contextlib.suppress(FileNotFoundError):
                    os.remove(path)
                return path, lock
        lock.close()
    raise FileExistsError(f"{usual} is in use")
