"""Reads command lines as pip itself does. Started with a pip wheel first on sys.path.

First prints one JSON line with pip's grammar: its commands, and for `general`, `install` and `uninstall` each option's
names and whether it takes a value. Then answers each JSON list of words on stdin with what pip's
own parsers make of it: the command, its operands, and what its options mean; or null where pip gives up on the words.
"""

import io
import json
import os
import sys

os.environ["_PIP_RUNNING_IN_SUBPROCESS"] = "1"  # or `--python` would start another pip

from pip._internal.cli import main_parser
from pip._internal.commands import commands_dict, create_command


def options_of(parser):
    """Every option of an optparse parser."""
    return [
        {"names": option._short_opts + option._long_opts, "takes_value": option.takes_value(), "action": option.action}
        for option in parser._get_all_options()
    ]


def read(words):
    """What pip makes of the words."""
    name, rest = main_parser.parse_command(list(words))
    if name == "help":
        return {"action": name, "operands": [], "reads": True}
    options, operands = create_command(name).parse_args(rest)
    elsewhere = ("target_dir", "prefix_path", "root_path", "use_user_site")
    return {
        "action": name,
        "operands": operands,
        "requirements": (getattr(options, "requirements", None) or []),
        "editables": (getattr(options, "editables", None) or []),
        "reads": bool(getattr(options, "dry_run", False)),
        "elsewhere": any(getattr(options, attribute, None) for attribute in elsewhere),
        "python": getattr(options, "python", None),
    }


def answer(words):
    out, err = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = io.StringIO()
    try:
        return read(words)
    except SystemExit as end:
        # 0 after a help text or a version; otherwise the words are wrong.
        return {"action": None} if not end.code else None
    except Exception:  # CommandError and the like
        return None
    finally:
        sys.stdout, sys.stderr = out, err


def main():
    grammar = {"commands": list(commands_dict), "general": options_of(main_parser.create_main_parser())}
    for name in ("install", "uninstall"):
        grammar[name] = options_of(create_command(name).parser)
    print(json.dumps(grammar), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


main()
