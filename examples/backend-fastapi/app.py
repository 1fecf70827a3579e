"""A FastAPI backend that is in step with pip: PROJECTS=~/projects uvicorn app:app

`aim_socket.py` and `workers.py` are links here; copy the first into your backend, the second stands for what you have.
The socket answers on threads of its own: also while the event loop is busy, and whatever uvicorn itself listens at.
"""

import os
from contextlib import asynccontextmanager
from pathlib import Path

import aim_socket
from fastapi import FastAPI, HTTPException
from workers import Workers

root = Path(os.environ.get("PROJECTS", "."))
workers = Workers(folder for folder in root.iterdir() if (folder / ".venv").is_dir())


@asynccontextmanager
async def lifespan(_):
    server = aim_socket.Server(
        workers.projects, workers.on_change, workers.worker, workers.restart, program="fastapi-backend"
    )
    yield
    server.close()
    workers.end()


app = FastAPI(lifespan=lifespan)


# Not `async`: it waits for a worker, and FastAPI gives such a route a thread.
@app.get("/projects/{project}/modules/{module}")
def version(project: str, module: str):
    if project not in workers.projects():
        raise HTTPException(404, f"no such project: {project}")
    return {"module": module, "is": workers.ask(project, module)}
