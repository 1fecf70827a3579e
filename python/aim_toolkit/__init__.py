"""What a running Python process can know of its environment: whether pip has changed it meanwhile, and what of it.

    >>> import aim_toolkit
    >>> aim_toolkit.generation()                     # the environment's generation, as `aim-venv-sync status` has it
    27
    >>> for stale in aim_toolkit.stale_modules():    # what is loaded and is not what is installed any more
    ...     print(stale.distribution, stale.loaded, "->", stale.installed)
    requests 2.31.0 -> 2.32.3
    >>> with aim_toolkit.on_change(print):           # or be called when it changes
    ...     serve()

In a notebook, `%load_ext aim_toolkit` says before a cell what is out of date, and has `%aim status|reload|restart`.

Start reading at `_loaded`, which remembers what was installed when each module was loaded; `_installed` looks at the
folders of packages, `_environment` finds the record that aim-pip keeps, `_watch` looks once a second for `on_change`.
`ipython` is the extension, `_reload` what `%aim reload` does, `_restart` what `%aim restart` does; `provisioner` and
`idle` restart kernels in which nothing runs.

**Invariant:** pure Python from 3.8 on, the standard library alone; IPython and Jupyter are known to `ipython`,
`_restart`, `idle` and `provisioner` only, and no other imports these before they are asked for. Nothing is written, no
program is started, and where the rest of the toolkit is not, all works but the generation.
"""

from typing import Any

from aim_toolkit._environment import generation
from aim_toolkit._installed import Difference
from aim_toolkit._loaded import Stale, stale_modules
from aim_toolkit._watch import Change, Watch, on_change

__all__ = ["Change", "Difference", "Stale", "Watch", "generation", "on_change", "stale_modules"]


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext aim_toolkit` calls."""
    from aim_toolkit import ipython

    ipython.load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """What `%unload_ext aim_toolkit` calls."""
    from aim_toolkit import ipython

    ipython.unload(shell)
