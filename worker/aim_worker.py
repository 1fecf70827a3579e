"""The worker: a Python process of a project's environment that runs nodes, one request at a time.

A node is a Python file of the project; `exec_node` runs it in a fresh namespace, calls its function and
answers with what that returned. Requests and replies are UTF-8, one JSON object a line. The worker is started as

    <venv>/bin/python -u -I -S aim_worker.py

with the other `aim_worker_*.py` beside it, in one of two ways:

* by the daemon: descriptor 0 is one end of a socket pair and carries both directions; 1 and 2 are pipes, read as
  the node's stdout and stderr. The process says `{"event": "spare"}` and waits: because of `-S` it has not looked
  at the environment yet. `activate` makes it the worker of a project.
* by AIM-Forge's manager, known by the variable WORKER_PROJECT_PATH: requests come on descriptor 0, replies go to 1.
  That manager never reads stderr, so what nodes print goes to `.aim-worker.log` in the project. (Descriptor 0 being
  a socket does not tell the two apart: asyncio gives its children a socket pair as stdin.)

op          | fields                                             | reply, beside `id` and `ok`
----------- | -------------------------------------------------- | ---------------------------------------------
activate    | generation, project_root, env, shm, object_limit   | event "ready", generation, python, prefix, time_ms
exec_node   | file, project_root, input or edges, keep, show     | output (see below), time_ms, generation
invalidate  | generation (optional)                              | (nothing more)
changed     |                                                    | files that are loaded and are others now
objects     |                                                    | objects: ref, preview, data_type, size of each; bytes
release     | refs, or all: true                                 | store
full_result | ref, handle                                        | output as JSON, else as text and why: not_json
display     | ref, handle                                        | output: text for people, of 30 000 characters at most
export      | ref                                                | fd, size, layout
import      | ref, path, layout                                  | (nothing more)
close_fd    | fd                                                 | no reply at all

`changed` leaves out the files that are loaded again before the next node. Without `file`, the edges' value is the
output. `edges` are `{"value"}` or `{"ref"}` with `handle` (the member that is meant) and `into` (the key
of the input).
With `keep: {"ref"}`, an output that JSON cannot carry, or only in 10 000 characters or more, stays here: the output is
then a reference and the reply has `kept: true`, `dropped` when older objects had to go for it, and `store`: the
count and the bytes of what is kept now, and how many had to go in all. So does a short one that would be another after
JSON (NaN, a tuple, keys that are no strings); its reply has the JSON as output, and `whole: true`.
With `unless_json` beside that `ref`, only an output that JSON has no form for is kept.
With `show`, the reply is for a person, too: of an output that JSON has no form for it has `text`, with `is_cut` when it
was too long, or `figure`, the file that a figure was saved as (at `show.figure`), and where the file defines several
functions `ran` and `also`, their names. A node that failed since it asked something of a person has `needs_person`.
With `shm`, an output of more than 1 MiB is in a memfd: `output_fd`, `output_size` and `output_kind` ("json", or "text"
for a string) instead of `output`. The daemon reads `/proc/<pid>/fd/<fd>` and sends `close_fd`.

A node that is not to run here, since a new process would have other modules, is answered with `spent`, the reason
(`reason` and `file`), unless the request says `anyway`. That modules were loaded again is told by
`{"event": "loading", "file", "id"}`.
A SIGINT that ends a running node is told by `{"event": "interrupted", "id"}`; one that finds none running is not.
A failure is `{"id", "ok": false, "error", "traceback"}`; for AIM-Forge, a line that cannot be used is answered with
`"id": null`. The daemon's ids cannot be guessed, and stand first in a reply: it takes nothing else for one.

What is where: `_process` descriptors and streams, `_requests` the operations, `_nodes` how a file is run, `_fresh` and
`_path` whether the loaded modules are what a new process would load, `_objects` what stays here by reference,
`_memory` what goes by shared memory, `_show` what people see, `_end` how it ends, `_text` JSON and tracebacks; and
`_here` runs one node in a person's terminal, without any of this protocol.
They are modules so that Python keeps them compiled: this file alone is compiled at every start.

**Invariant:** only the standard library, and of it only what the first node needs; the rest when it is needed.
"""

import _thread
import os
import sys

# `-I` keeps this folder off the path, and it must not be on it when node code runs.
sys.path.append(os.path.dirname(os.path.abspath(__file__)))
from aim_worker_end import limit_end
from aim_worker_fresh import Modules
from aim_worker_own import __builtins__, modules, os, stat, time  # noqa: F401, F811
from aim_worker_process import HIGH, Channel, Unusable, move_up, open_log
from aim_worker_requests import PYTHON, Worker
from aim_worker_text import to_json

sys.path.pop()

# Nobody who goes through the loaded modules (to put a frozen clock in all of them, say) is to find these.
hidden = [modules.pop(name) for name in list(modules) if name.startswith("aim_worker_")]


def main():
    project = os.environ.get("WORKER_PROJECT_PATH")
    is_ours = project is None and stat.S_ISSOCK(os.fstat(0).st_mode)
    requests = move_up(os.dup(0), HIGH)
    channel = Channel(requests, requests if is_ours else move_up(os.dup(1), HIGH + 1))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    project = os.path.abspath(project or os.getcwd())
    if not is_ours:
        open_log(project)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    channel.keep_streams()
    worker = Worker(channel, project, is_ours)
    _thread.start_new_thread(channel.watch, ())
    worker.rehearse()
    if is_ours:
        channel.send(to_json({"event": "spare", "pid": worker.pid, "python": PYTHON}) + "\n")
    else:
        try:
            worker.enter(project)
        except Unusable:
            # There is no such project; each request is told so.
            worker.modules = Modules(project, time.time_ns(), worker.tell_of_loading)
    worker.serve()
    channel.is_ending = True
    limit_end()
    worker.objects.release(None)


if __name__ == "__main__":
    main()
