"""What the worker needs of Python, as it was at the start: nodes may put anything in its place.

A node that sets `os.stat`, `builtins.len` or `time.time` to something of its own (a test's mock, a frozen clock) sets
it in the module, where everybody finds it. So the worker's code takes what it calls from here: copies of the modules
that it uses, whose Python functions call each other and not what is in the module now, and builtins of its own. The
modules of the worker begin with `from aim_worker_own import __builtins__`, which is what their functions look names
up in.

**Invariant:** nothing here is ever looked up in a module again. What is meant to be seen as it is now (`sys.path`, say)
is asked of the real module.
"""

import _signal
import builtins
import gc
import os
import posixpath
import resource
import select
import stat
import sys
import time

__builtins__ = vars(builtins).copy()
Function = type(lambda: None)
HUGE = 1 << 64  # RLIM_INFINITY is -1.
Module = type(sys)


def own(module, **others):
    """A copy of a module, with functions that find each other and the `others` in the copy."""
    copy = Module(module.__name__)
    names = vars(copy)
    names.update(vars(module), __builtins__=__builtins__, **others)
    for name, value in list(names.items()):
        if type(value) is Function and value.__globals__ is vars(module):
            function = Function(value.__code__, names, name, value.__defaults__, value.__closure__)
            function.__kwdefaults__ = value.__kwdefaults__
            names[name] = function
    return copy


gc, select, signal, stat, time = own(gc), own(select), own(_signal), own(stat), own(time)
own_sys = own(sys)
resource = own(resource)
os = own(os, sys=own_sys, st=stat)
os.path = own(posixpath, os=os, sys=own_sys, stat=stat)
modules = sys.modules
# Who wants them loads them again, from where a new process would. That `resource` is loaded says then that limits may
# be others.
for name in ("resource", "select"):
    modules.pop(name)

settrace, setprofile, RECURSION_LIMIT = sys.settrace, sys.setprofile, sys.getrecursionlimit()
SIGNAL_MASK = signal.pthread_sigmask(signal.SIG_BLOCK, ())
LIMITS = {getattr(resource, name): None for name in vars(resource) if name.startswith("RLIMIT_")}
LIMITS = {number: resource.getrlimit(number) for number in LIMITS}


def put_back():
    """Undo what a node set that is in no module and would stop the worker or end the next node."""
    settrace(None)
    setprofile(None)
    gc.enable()
    if own_sys.getrecursionlimit() < RECURSION_LIMIT:
        own_sys.setrecursionlimit(RECURSION_LIMIT)
    if "signal" in modules:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, SIGNAL_MASK)
    if "resource" in modules:
        for number, (soft, _) in LIMITS.items():
            now, hard = resource.getrlimit(number)
            if now != soft:
                wanted = soft if hard == resource.RLIM_INFINITY else min(soft % HUGE, hard)
                try:
                    resource.setrlimit(number, (wanted, hard))
                except (OSError, ValueError):
                    pass  # It stays as the node wanted it.
