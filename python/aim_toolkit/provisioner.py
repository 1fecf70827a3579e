"""A kernel provisioner (`aim-provisioner`): a local kernel as ever, that is restarted while it is idle, when asked to.

It is asked by `AIM_KERNEL_RESTART=idle` in the variables of the server or of the kernel, or by `kernel.json`:

    "metadata": {"kernel_provisioner": {"provisioner_name": "aim-provisioner", "config": {"restart": "idle"}}}

A provisioner starts and ends a process; what runs in a kernel it is not told. So it has an extension loaded into the
kernel (`idle`) that decides there, and sees that somebody will start the kernel again that has ended.

The one module that imports Jupyter, and runs in the environment of Jupyter's server, which may be another one.
"""

import os
from typing import Any, Dict

from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Unicode

from aim_toolkit._words import say

VARIABLE = "AIM_KERNEL_RESTART"
EXTENSION = "--ext=aim_toolkit.idle"
# How the command of a kernel of IPython's names it: `python -m ipykernel_launcher`, or `-m ipykernel`.
KERNELS = ("ipykernel_launcher", "ipykernel")


class Provisioner(LocalProvisioner):
    """jupyter_client's local provisioner, which has a kernel of IPython's restart itself when that is wanted."""

    restart = Unicode("never", config=True, help="When a kernel restarts that is out of date: never, idle")

    async def pre_launch(self, **about: Any) -> Dict[str, Any]:
        """The way to start the kernel, as it is started each time."""
        about = await super().pre_launch(**about)
        wanted = about.get("env", os.environ).get(VARIABLE) or self.restart
        if wanted not in ("never", "idle"):
            self.log.warning(say("unknown_restart", value=wanted))
        if wanted == "idle" and any(word in KERNELS for word in about["cmd"]):
            if self.is_started_again():
                about["cmd"] = [*about["cmd"], EXTENSION]
            else:
                self.log.warning(say("nobody_restarts"))
        return about

    def is_started_again(self) -> bool:
        """Whether the manager starts a kernel that has ended again, as those of Jupyter's servers do."""
        manager = self.parent
        return bool(
            isinstance(manager, KernelManager)
            and manager.autorestart
            and type(manager).start_restarter is not KernelManager.start_restarter
        )
