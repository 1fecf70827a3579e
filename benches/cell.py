"""What the IPython extension costs a cell, in the environment of the Python that runs this: medians of 2,000.

usage: .venv/bin/python benches/cell.py [PACKAGE]...

Imports the packages first; a kernel has `ipykernel.kernelapp`. The floor is one `stat`.
"""

import importlib
import os
import statistics
import sys
import time


class Events:
    def register(self, _event, _function):
        pass


class Shell:
    events = Events()

    def register_magic_function(self, *_about):
        pass


def median(function, times=2000):
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        function()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken) * 1e6


def main():
    for name in sys.argv[1:]:
        importlib.import_module(name)
    begin = time.perf_counter()
    import aim_toolkit

    first = time.perf_counter() - begin
    from aim_toolkit import ipython

    extension = ipython.Extension(Shell())
    while not aim_toolkit._loaded._memory._installed._is_final:  # A folder that was just written is looked at twice.
        time.sleep(0.1)
        extension.before_cell()
    installed = aim_toolkit._loaded._memory._installed

    def moved():
        installed._folders = ()
        installed._record = None
        extension.before_cell()

    def imported():
        name = "made_%d" % len(sys.modules)
        sys.modules[name] = type(sys)(name)
        extension.after_cell()

    print("%d distributions, %d modules" % (len(installed.distributions), len(sys.modules)))
    print("import and first look: %.1f ms" % (first * 1e3))
    print("one stat: %.1f us" % median(lambda: os.stat(sys.prefix)))
    print("before a cell, nothing changed: %.1f us" % median(extension.before_cell))
    print("after a cell that imported one module: %.1f us" % median(imported, 200))
    print("before a cell, after a change: %.1f us" % median(moved, 50))


if __name__ == "__main__":
    main()
