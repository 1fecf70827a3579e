"""Kernels for tests: started by real managers of jupyter_client, and asked by real clients."""

import asyncio
import atexit
import json
import logging
import os
import queue
import shutil
import sys
import threading
import unittest

from project import PATIENCE, WHEELS, Project, wait_for


_made = []


def wheel_of(name, folder=""):
    """A wheel that `.ci/fetch` has put there, by the beginning of its name; None without."""
    folder = os.path.join(WHEELS, folder)
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return next((os.path.join(folder, found) for found in names if found.startswith(name + "-")), None)


def environment():
    """A project whose environment has ipykernel, one for all tests of this process, which imports jupyter_client from a
    copy of it: a server of Jupyter's would have its own."""
    if wheel_of("ipykernel", "jupyter") is None:
        raise unittest.SkipTest("no ipykernel in target/test-wheels/jupyter, where .ci/fetch puts it")
    if not _made:
        site = Project()
        atexit.register(site.close)
        wheels = os.path.join(WHEELS, "jupyter")
        site.pip("install", "-q", "--no-index", "--find-links", wheels, "ipykernel", "jupyter_client")
        copy = os.path.join(site.root, "server")
        shutil.copytree(site.site_packages, copy)
        sys.path.append(copy)
        _made.append(site)
    return _made[0]


class Ran:
    """What a cell has printed and given."""

    def __init__(self):
        self.stdout = self.stderr = ""
        self.text = self.status = None

    def take(self, message):
        content = message["content"]
        if message["msg_type"] == "stream":
            setattr(self, content["name"], getattr(self, content["name"]) + content["text"])
        elif message["msg_type"] == "execute_result":
            self.text = content["data"]["text/plain"]
        elif message["msg_type"] == "error":
            self.stderr += "\n".join(content["traceback"])


class Kernel:
    """A kernel and its client. With `restarts`, its manager starts it again when it has ended."""

    def __init__(self, site, restarts=False, provisioner=False, config=None, **variables):
        from jupyter_client.kernelspec import KernelSpecManager
        from traitlets.config import Config

        kernels = os.path.join(site.root, "kernels")
        name = "test-%d" % (len(os.listdir(kernels)) if os.path.isdir(kernels) else 0)
        spec = {"argv": [site.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]}
        spec["argv"].append("--log-level=ERROR")
        spec["display_name"] = name
        spec["language"] = "python"
        if provisioner:
            stanza = {"provisioner_name": "aim-provisioner", "config": config or {}}
            spec["metadata"] = {"kernel_provisioner": stanza}
        os.makedirs(os.path.join(kernels, name))
        with open(os.path.join(kernels, name, "kernel.json"), "w") as stream:
            json.dump(spec, stream)
        specs = KernelSpecManager(kernel_dirs=[kernels], ensure_native_kernel=False)
        traits = {"kernel_name": name, "kernel_spec_manager": specs, "log": self._logger(name)}
        traits["connection_file"] = os.path.join(kernels, name, "connection.json")
        traits["config"] = Config(KernelRestarter={"time_to_dead": 0.3, "random_ports_until_alive": False})
        start = {"env": dict(site.variables, **variables), "cwd": site.folder}
        self._loop, self._restarts, self._stray = None, 0, []
        if restarts:
            self._start_with_loop(traits, start)
        else:
            from jupyter_client.manager import KernelManager

            self._manager = KernelManager(**traits)
            self._manager.start_kernel(**start)
        self._connect()

    def _logger(self, name):
        self._lines = []
        logger = logging.Logger(name)
        handler = logging.Handler()
        handler.emit = lambda record: self._lines.append(record.getMessage())
        logger.addHandler(handler)
        return logger

    def _start_with_loop(self, traits, start):
        """A manager that looks after its kernel on a loop, which runs in a thread."""
        from jupyter_client.ioloop import AsyncIOLoopKernelManager

        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

        async def begin():
            self._manager = AsyncIOLoopKernelManager(**traits)
            await self._manager.start_kernel(**start)
            self._manager.add_restart_callback(self._count)

        asyncio.run_coroutine_threadsafe(begin(), self._loop).result(PATIENCE)

    def _count(self):
        self._restarts += 1

    def _connect(self):
        from jupyter_client import BlockingKernelClient

        self._client = BlockingKernelClient(connection_file=self._manager.connection_file)
        self._client.load_connection_file()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=PATIENCE)

    def begin(self, code):
        """Send a cell, and give what `finish` wants."""
        return self._client.execute(code)

    def finish(self, cell):
        """Wait for the end of a cell."""
        ran = Ran()
        while True:
            message = self._client.get_iopub_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") != cell:
                self._stray.append(message)
            elif message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
            else:
                ran.take(message)
        while True:
            reply = self._client.get_shell_msg(timeout=PATIENCE)
            if reply["parent_header"].get("msg_id") == cell:
                ran.status = reply["content"]["status"]
                return ran

    def run(self, code):
        return self.finish(self.begin(code))

    def wait_for_restart(self):
        """Wait until the manager has started the kernel once more, and it answers."""
        wait_for(lambda: self._restarts, "a restart")
        self._restarts = 0
        self._keep_what_was_printed()
        self._client.wait_for_ready(timeout=PATIENCE)

    def _keep_what_was_printed(self):
        while True:
            try:
                self._stray.append(self._client.get_iopub_msg(timeout=0.2))
            except queue.Empty:
                return

    def printed_between_cells(self):
        """What came after the cells had ended."""
        return "".join(message["content"].get("text", "") for message in self._stray)

    def server_log(self):
        return "\n".join(self._lines)

    def close(self):
        self._client.stop_channels()
        if self._loop is None:
            self._manager.shutdown_kernel(now=True)
            return
        done = self._manager.shutdown_kernel(now=True)
        asyncio.run_coroutine_threadsafe(done, self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()
