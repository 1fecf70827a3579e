"""Nodes: how a file becomes code, which function is called and with what.

These are AIM-Forge's rules with its gaps filled: all builtins, real file names, imported names skipped when the
function is chosen. `aim_worker_requests.py` runs what is prepared here.

**Invariant:** a node's file is inside the project, also by way of symbolic links.
**Invariant:** nothing here keeps a file's old content: each use asks by `stat` whether the file is still the same.
"""

import sys

from aim_worker_own import Function, __builtins__, modules, os, own_sys, stat, time  # noqa: F401

STANDARD_PATH = list(sys.path)
STANDARD = os.path.join(os.path.dirname(os.__file__), "")
CLOCK_REALTIME_COARSE = 5  # Linux's number; the time module has no name for it.
CO_VARARGS, CO_VARKEYWORDS = 0x04, 0x08

# The names that a node finds ready. `asyncio` alone takes 60 ms to import, so a node gets the ones its source mentions.
READY_MADE = {
    "json": "json", "math": "math", "datetime": "datetime", "time": "time", "random": "random", "re": "re",
    "collections": "collections", "itertools": "itertools", "pathlib": "pathlib", "Path": "pathlib", "os": "os",
    "sys": "sys", "asyncio": "asyncio", "tempfile": "tempfile",
}  # fmt: skip

# A table that leaves a source's words, so that `return` does not mention `re`, which takes 6 ms to import.
WORDS = bytes(byte if byte >= 128 or chr(byte).isalnum() or byte == ord("_") else 32 for byte in range(256))


async def _nothing():
    pass


_coroutine = _nothing()
_coroutine.close()
Coroutine = type(_coroutine)


class Node:
    """A compiled file: the name it was asked by, its real path, the folder beside it if that is not the project's, its
    ready-made names, the stamp of what was read."""

    __slots__ = ("name", "path", "folder", "code", "ready", "stamp")

    def __init__(self, name, path, folder, code, ready, stamp):
        self.name, self.path, self.folder = name, path, folder
        self.code, self.ready, self.stamp = code, ready, stamp


def read_node(root, file):
    """Compile a file of the project. A path that leads out of it, by `..` or by a symbolic link, is refused."""
    name = os.path.join(root, file)
    inside = os.path.join(os.path.realpath(root), "")
    try:
        path = os.path.realpath(name)
        if not path.startswith(inside) and path != inside.rstrip(os.sep):
            raise PermissionError("Node file path escapes project root")
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise FileNotFoundError
        tick = clock_tick()
        with open(path, "rb") as stream:
            stamp = stamp_from(os.fstat(stream.fileno()))
            source = stream.read()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise FileNotFoundError("Node file not found: %s" % file) from None
    code = compile(source, path, "exec", dont_inherit=True)
    ready = {}
    words = set(source.translate(WORDS).split())
    for ready_name, module_name in READY_MADE.items():
        if ready_name.encode() in words:
            module = import_standard(module_name)
            ready[ready_name] = module.Path if ready_name == "Path" else module
    # Written in this very tick of the file system's clock, it could be written again and look the same.
    folder = os.path.dirname(path)
    folder = None if os.path.join(folder, "") == inside else folder
    return Node(name, path, folder, code, ready, stamp if stamp[2] < tick else None)


def choose_function(namespace):
    """`RunScript`, else `main`, else the first function or class that the file itself defines."""
    for name in ("RunScript", "main"):
        if callable(namespace.get(name)):
            return namespace[name]
    for _, value in own_functions(namespace):
        return value
    raise RuntimeError("No callable function found in node")


def own_functions(namespace):
    """The functions and classes that the file itself defines, in order; not those that call themselves private."""
    for name, value in list(namespace.items()):
        if name[0:1] != "_" and name not in READY_MADE and name != "input_data" and callable(value):
            if is_defined_here(value):
                yield name, value


def functions(namespace, chosen):
    """The name of the function that was chosen, then those of the others in the file."""
    own = [(name, value) for name, value in own_functions(namespace) if not isinstance(value, type) or value is chosen]
    names = [name for name, value in own if value is chosen] or [getattr(chosen, "__name__", "?")]
    return names[:1] + [name for name, value in own if value is not chosen]


def is_defined_here(value):
    """False for what was imported: an object of another module that is one of that module's own values.

    The second half keeps `partial(f, 1)` and the results of decorators, which belong to the node although
    their `__module__` is where they were made.
    """
    origin = getattr(value, "__module__", None) or type(value).__module__
    if origin == "__main__":
        return True
    module = modules.get(origin) if isinstance(origin, str) else None
    return module is not None and not any(value is other for other in list(vars(module).values()))


def call(function, value):
    """Call a node's function with its input, by AIM-Forge's rules.

    An object gives its members by name: always to a function that calls itself `RunScript`, under whatever name it was
    found; to another function when it has two parameters or more and every required name is there. Anything else is the
    first argument. Keys without a parameter are dropped, but never all of an input for want of named parameters.
    """
    is_script = getattr(function, "__name__", None) == "RunScript"
    names, required, positional, takes_more, takes_names = parameters(function)
    count = len(names) + takes_more + takes_names
    if count == 0:
        return function()
    if isinstance(value, dict):
        if names and (is_script or (count > 1 and all([name in value for name in required]))):
            if not positional:
                return function(**{name: value[name] for name in names if name in value})
            return function(*leading(value, positional), **{
                name: value[name] for name in names if name in value and name not in positional
            })  # fmt: skip
        if not names and not takes_more and all([isinstance(key, str) for key in value]):
            return function(**value)
    if value is None and not is_script:
        return function()
    if not takes_more and names and names[0] not in positional and is_keyword_only(function, names[0]):
        return function(**{names[0]: value})
    return function(value)


def leading(value, names):
    """The members of these names, as far as there is one for each."""
    found = []
    for name in names:
        if name not in value:
            break
        found.append(value[name])
    return found


def is_keyword_only(function, name):
    if type(function) is Function and not function.__dict__:
        return function.__code__.co_argcount == 0
    inspect = import_standard("inspect")
    try:
        return inspect.signature(function).parameters[name].kind == inspect.Parameter.KEYWORD_ONLY
    except (TypeError, ValueError, KeyError):
        return False


def parameters(function):
    """Names of the parameters, those without a default, those that only a place gives, whether there is `*args`, and
    whether `**kwargs`.

    Read off the code object, because `inspect` costs 10 ms to load; it is asked where a function is not a plain one.
    """
    if type(function) is not Function or function.__dict__:
        return inspected_parameters(function)
    code = function.__code__
    positional = code.co_argcount
    names = code.co_varnames[: positional + code.co_kwonlyargcount]
    defaults = function.__defaults__ or ()
    by_keyword = function.__kwdefaults__ or ()
    required = names[: positional - len(defaults)]
    required += tuple(name for name in names[positional:] if name not in by_keyword)
    flags = code.co_flags
    return names, required, names[: code.co_posonlyargcount], bool(flags & CO_VARARGS), bool(flags & CO_VARKEYWORDS)


def inspected_parameters(function):
    inspect = import_standard("inspect")
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ("",), (), ("",), False, False  # A built-in that does not tell: one parameter, its name unknown.
    kinds = [p.kind for p in found]
    named = [p for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    required = [p.name for p in named if p.default is p.empty]
    positional = [p.name for p in named if p.kind == p.POSITIONAL_ONLY]
    variable = inspect.Parameter.VAR_POSITIONAL in kinds, inspect.Parameter.VAR_KEYWORD in kinds
    return ([p.name for p in named], required, positional) + variable


def module_file(module):
    """A module's file, without waking modules that load themselves when an attribute is read."""
    try:
        return object.__getattribute__(module, "__dict__").get("__file__")
    except Exception:  # Anything may stand there.
        return None


def stamp_of(file):
    """What tells one version of a file from another, or None when there is no file."""
    try:
        return stamp_from(os.stat(file))
    except (OSError, ValueError):
        return None


def stamp_from(info):
    return info.st_dev, info.st_ino, info.st_mtime_ns, info.st_size


def clock_tick():
    """The least time that a file written from now on can have: the kernel's clock for that moves in steps."""
    return time.clock_gettime_ns(CLOCK_REALTIME_COARSE) if own_sys.platform == "linux" else time.time_ns()


# What the worker has of the standard library under names that are the project's, among the modules too.
hidden = {}


def is_standard(file):
    return file.startswith(STANDARD) and "-packages/" not in file


def import_standard(name):
    """Import from the standard library, also where the project has a module of that name."""
    module = hidden.get(name) or modules.get(name)
    if module is not None and is_standard(module_file(module) or STANDARD):
        return module
    theirs = modules.pop(name, None)
    path, sys.path = sys.path, STANDARD_PATH[:]
    try:
        __import__(name)
        module = modules[name]
    finally:
        sys.path = path
        if theirs is not None:
            modules[name] = theirs
            hidden[name] = module
    return module
