"""A small backend: python3 main.py FOLDER... serves these projects. A line `demo greeting` on standard input asks the
worker of the project `demo` which `greeting` it has; changes of environments are told as they come."""

import sys

import aim_socket
from workers import Workers

workers = Workers(sys.argv[1:])


def on_change(project, generation):
    workers.on_change(project, generation)
    print(f"changed {project} {generation}", flush=True)


server = aim_socket.Server(workers.projects, on_change, workers.worker, workers.restart, program="example-backend")
print(f"serves at {server.path}", flush=True)
try:
    for line in sys.stdin:
        project, module = line.split()
        print(f"{project} has {workers.ask(project, module)}", flush=True)
except KeyboardInterrupt:
    pass
server.close()
workers.end()
