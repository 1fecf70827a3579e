# aim-toolkit hook 1. `aim-venv-sync remove` takes it away.
"""Leads calls of pip to aim-pip.

00_aim_pip.pth has this module imported at once where the command line names pip (a script pip or pip3, or -m pip from
Python 3.10 on), before other start-up code runs, else when Python looks for pip for the first time. If this process was
started to run pip, as a module or by a script of pip's, and the call can change the environment, it becomes aim-pip,
which runs the same command line again with AIM_PIP_GUARD set. If it only reads, pip just goes on. If it is another
program, the module inside looks whether it runs pip. A package, so that what Python compiles lies in its folder: an
empty site-packages has no __pycache__, and pip --target would show one.

It runs inside other people's programs: it uses only what start-up has loaded, never raises, prints nothing, and
opens files with os.open alone (a text-mode open would show up under -X warn_default_encoding).
"""

import os
import sys

AIM_PIP = b"/@AIM_PIP@"

# Commands of pip that cannot change the environment. aim-pip knows pip's grammar; this is only the quick way out
# that saves a second start of Python, so it must be sure, not complete.
READING = frozenset(
    "cache check completion config debug download freeze hash help index inspect list lock search show wheel"
    " -h --help -V --version".split()
)
# Those of them that build: the pips which they start for that are part of the call.
BUILDING = frozenset("download index lock wheel".split())
# Options that may stand before the command and take no value.
QUIET_OPTIONS = frozenset(
    "-q -qq -qqq -v -vv -vvv --quiet --verbose --isolated --no-input --no-color --no-cache-dir"
    " --disable-pip-version-check --no-python-version-warning --require-virtualenv".split()
)


# What scripts of pip's consist of, with one kind of quotes.
LONGEST_SCRIPT = 4096
IMPORTS_OF_PIP = frozenset(
    b"from pip%s import %s" % (module, name)
    for module in (b"", b"._internal", b"._internal.main", b"._internal.cli.main")
    for name in (b"main", b"cli", b"cli as main")
)
ENDS_OF_SCRIPTS = frozenset((b"sys.exit(main())", b"sys.exit(cli())"))
OTHER_LINES_OF_SCRIPTS = (
    b"#",
    b"import re",
    b"import sys",
    b"if __name__ ==",
    b"if sys.argv[0].endswith(",
    b"elif sys.argv[0].endswith(",
    b"sys.argv[0] = ",
    b"try:",
    b"except ImportError:",
    b'"""exec" ',
    b'" """',
)


def enter():
    """Becomes aim-pip if this process was started to run pip; returns otherwise."""
    if is_switched_off() or not _is_at_home():
        return
    words = _command_line()
    count, way = _words_before_pip(words)
    # What start-up made of the command line must agree with what was read from it.
    if not count or words[count:] != sys.argv[1:]:
        from _aim_pip_hook import inside

        inside.watch()
    elif only_reads(sys.argv[1:]):
        if command(sys.argv[1:]) in BUILDING:
            os.environ["AIM_PIP_GUARD"] = "1"
    elif os.access(AIM_PIP, os.X_OK) and sys.executable:
        call = [AIM_PIP, "--aim-%s=%d" % (way, count), sys.prefix, sys.executable]
        _exec(call + words)


def is_switched_off():
    """Whether this call is one of pip's own, below another that is remembered, or is to go past us."""
    if "AIM_PIP_GUARD" in os.environ:
        return True
    bypass = os.environ.get("AIM_PIP_BYPASS", "")
    return bypass.strip().lower() not in ("", "0", "false", "no", "off")


def only_reads(arguments):
    """Whether pip with these arguments surely leaves the environment as it is."""
    word = command(arguments)
    return word is None or word in READING


def command(arguments):
    """The first word that is no option without a value: pip's command, where such options alone stand before it."""
    for word in arguments:
        if word not in QUIET_OPTIONS:
            return word
    return None


def site_packages():
    """The folder that this package lies in."""
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _is_at_home():
    """Whether this environment is the one that the hook was put into, not one laid over it, as uv run --with does."""
    return _same(os.path.join(site_packages(), "..", "..", ".."), sys.prefix)


def _command_line():
    """The command line as it was given, the interpreter's own options included."""
    words = getattr(sys, "orig_argv", None)  # Python 3.10 and newer
    if words is not None:
        return list(words)
    text = _whole("/proc/self/cmdline")
    if text is None:
        return _command_line_of_c()
    return [os.fsdecode(word) for word in text.split(b"\0")[:-1]]


def _whole(path):
    """The bytes of a file that the kernel makes; None where there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        text = b""
        while True:
            part = os.read(descriptor, 65536)
            if not part:
                return text
            text += part
    finally:
        os.close(descriptor)


def _command_line_of_c():
    """The command line where there is no /proc. ctypes is slow to load, but this is pip already."""
    import ctypes

    count = ctypes.c_int()
    words = ctypes.POINTER(ctypes.c_wchar_p)()
    ctypes.pythonapi.Py_GetArgcArgv(ctypes.byref(count), ctypes.byref(words))
    return [words[i] for i in range(count.value)]


def _words_before_pip(words):
    """How many words come before pip's own arguments, 0 when it is not this environment's pip that will run; and which
    way it is run: "hook" for its module, "script" for a script of its own."""
    at = 1
    while at < len(words):
        word = words[at]
        at += 1
        if word == "--":
            return _if_script(words, at)
        if word == "--check-hash-based-pycs":
            at += 1
        elif word[:2] == "--":
            continue
        elif word[:1] != "-" or word == "-":
            return _if_script(words, at - 1)
        else:
            # Short options: several may share a word, and one with a value ends it.
            for place, letter in enumerate(word[1:], 2):
                if letter in "cmWX":
                    value = word[place:]
                    if not value and at < len(words):
                        value = words[at]
                        at += 1
                    if letter == "c":
                        return 0, None
                    if letter == "m":
                        return (at, "hook") if value == "pip" and not _is_shadowed() else (0, None)
                    break
    return 0, None


def _is_shadowed():
    """Whether `-m pip` will run something in the working folder, which comes first on sys.path."""
    if sys.flags.isolated or getattr(sys.flags, "safe_path", False):
        return False
    return os.path.exists("pip.py") or os.path.exists("pip/__init__.py")


def _if_script(words, at):
    """at + 1 if words[at] is pip of this environment: its package's folder, or a script of pip's, wherever it lies."""
    if at >= len(words):
        return 0, None
    folder, name = os.path.split(words[at])
    if name == "__main__.py":
        folder, name = os.path.split(folder)
    elif _is_pips(name) and _same(folder or ".", os.path.join(sys.prefix, "bin")):
        return at + 1, "script"
    if name == "pip" and _same(folder or ".", site_packages()):
        return at + 1, "hook"
    return (at + 1, "script") if _is_script_of_pip(words[at]) else (0, None)


def _is_pips(name):
    """Whether pip gives its scripts such a name: pip, pip3, pip3.11, pip-3.11."""
    return name[:3] == "pip" and not name[3:].strip("-.0123456789")


def _is_script_of_pip(path):
    """Whether the file is a script that runs pip and nothing else: a copy or a link of one in bin, by whatever name.

    Those of pip since 9, of distlib, setuptools, conda and uv have no other lines than these.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            text = os.read(descriptor, LONGEST_SCRIPT)
        finally:
            os.close(descriptor)
    except OSError:  # a folder, say, or a pipe
        return False
    if len(text) == LONGEST_SCRIPT or b"pip" not in text:
        return False
    lines = [line.strip().replace(b"'", b'"') for line in text.splitlines()]
    if any(line.startswith(b'# EASY-INSTALL-ENTRY-SCRIPT: "pip') for line in lines):
        return True
    has_main = ends = False
    for line in lines:
        if line in IMPORTS_OF_PIP:
            has_main = True
        elif line in ENDS_OF_SCRIPTS:
            ends = True
        elif line and not line.startswith(OTHER_LINES_OF_SCRIPTS):
            return False
    return has_main and ends


def _same(one, other):
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _environment_given():
    """The environment without what start-up added: in the C locale Python sets LC_CTYPE for its children (PEP 538)."""
    given = dict(os.environ)
    if given.get("LC_CTYPE") in ("C.UTF-8", "C.utf8", "UTF-8"):
        text = _whole("/proc/self/environ")
        if text is None:
            return given
        if b"\0LC_CTYPE=" not in b"\0" + text:
            del given["LC_CTYPE"]
    return given


def _exec(call):
    """Becomes the program call[0]. Returns by an exception only, with everything as before."""
    import _signal

    # Python ignores these from its start on, and a program that is exec'ed would inherit that.
    ignored = [
        number
        for number in (getattr(_signal, "SIGPIPE", None), getattr(_signal, "SIGXFSZ", None))
        if number is not None and _signal.getsignal(number) == _signal.SIG_IGN
    ]
    try:
        for number in ignored:
            _signal.signal(number, _signal.SIG_DFL)
        os.execve(call[0], call, _environment_given())
    finally:
        for number in ignored:
            _signal.signal(number, _signal.SIG_IGN)


try:
    enter()
except (EOFError, TypeError, ValueError):  # perhaps a compiled file that a full disk cut off: the line tries without
    raise
except Exception:  # pip must run, whatever went wrong here
    pass
