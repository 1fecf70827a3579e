"""A node in the person's own terminal, without a daemon: what it asks is typed there, and `breakpoint()` debugs it.

It is run by the environment's Python as the worker is, with the same rules. Its argument is a file with one of the
worker's requests (`exec_node`), in whose place the reply is written when the node is done.
"""

import os
import sys

sys.path.append(os.path.dirname(os.path.abspath(__file__)))
from aim_worker_own import modules
from aim_worker_requests import Worker
from aim_worker_text import from_json

sys.path.pop()
hidden = [modules.pop(name) for name in list(modules) if name.startswith("aim_worker_")]


class Nobody:
    """In the place of the channel to a daemon."""

    sent_at = 0

    def send(self, _line):
        pass


def main():
    exchange = sys.argv[1]
    with open(exchange, encoding="utf-8") as stream:
        request = from_json(stream.read())
    root = os.environ["WORKER_PROJECT_PATH"] = request["project_root"]
    worker = Worker(Nobody(), root, True)
    worker.enter(root)
    worker.is_spare = False
    reply = worker.exec_node(request)
    with open(exchange, "w", encoding="ascii") as stream:
        stream.write(reply)


if __name__ == "__main__":
    main()
