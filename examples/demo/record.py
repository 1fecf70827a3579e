"""Records the demo as a picture that moves: plain SVG, one line after the other, as a terminal shows them.

usage: record.py SVG

Runs demo.sh beside this file on a terminal of its own (AIM_BIN as there), and writes what it shows, with the pauses that it
made, the long ones cut. No script is in the picture, and it stands still where people want that.
"""

import fcntl
import html
import os
import pty
import re
import struct
import sys
import tempfile
import termios
import time

COLUMNS, ROWS = 92, 26
WIDTH, HEIGHT = 8.4, 18
LONGEST_PAUSE = 1.2
AT_THE_END = 6.0
STYLE = """
svg { background: #14171c; font: 14px ui-monospace, Menlo, "DejaVu Sans Mono", monospace; }
text { fill: #dfe3e8; white-space: pre; }
.b { font-weight: bold; fill: #6cb0ff; }
.d { fill: #5cc46b; }
"""


def recorded(command):
    """The lines that the command shows on a terminal, each with the time when it was whole."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", ROWS, COLUMNS, 0, 0))
    begun, text, lines = time.monotonic(), b"", []
    while True:
        try:
            more = os.read(terminal, 4096)
        except OSError:
            more = b""
        if not more:
            break
        text += more
        *whole, text = text.split(b"\n")
        lines += [(time.monotonic() - begun, line.decode(errors="replace").rstrip("\r")) for line in whole]
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status:
        sys.exit("the demo failed: exit {}".format(status))
    return lines


def without_places(line, demo, shown):
    """The line without the folders of the machine that it was recorded on."""
    line = line.replace(demo, shown)
    line = re.sub(r"/\S*/bin/python3", "/usr/bin/python3", line)
    return re.sub(r"/\S*/aim-demo\.\w+", "/run/user/1000/aim", line)


def spans(line):
    """The line as SVG: bold and dim as the demo has them, all other sequences left out."""
    made, kind = [], ""
    for part in re.split(r"(\x1b\[[\d;]*[A-Za-z])", line):
        if not part.startswith("\x1b"):
            part = html.escape(part)
            made.append('<tspan class="{}">{}</tspan>'.format(kind, part) if kind and part else part)
        elif part.endswith("m"):
            kind = {"1": "b", "2": "d"}.get(part[2:-1], "")
    return "".join(made)


def wrapped(line):
    """The line in as many rows as a terminal needs; sequences take no room."""
    rows, row, width = [], "", 0
    for part in re.split(r"(\x1b\[[\d;]*[A-Za-z])", line):
        if part.startswith("\x1b"):
            row += part
            continue
        for character in part:
            if width == COLUMNS:
                rows.append(row)
                row, width = "", 0
            row += character
            width += 1
    return rows + [row]


def picture(lines):
    """The lines as one SVG: each appears at its time, and the whole moves up when it is longer than the window."""
    rows, at, last = [], 0.5, 0.0
    for when, line in lines:
        at += min(when - last, LONGEST_PAUSE) + 0.03
        last = when
        rows += [(at, row) for row in wrapped(line)]
    whole = at + AT_THE_END
    style, body = STYLE, []
    for number, (when, row) in enumerate(rows):
        part = 100 * when / whole
        style += "@keyframes r{0} {{ 0%, {1:.2f}% {{ opacity: 0 }} {2:.2f}%, 100% {{ opacity: 1 }} }}\n".format(
            number, part, min(part + 0.01, 100)
        )
        style += "#r{0} {{ animation: r{0} {1:.1f}s infinite }}\n".format(number, whole)
        body.append(
            '<text id="r{}" x="12" y="{}">{}</text>'.format(number, 24 + number * HEIGHT, spans(row))
        )
    steps = ["0% { transform: translateY(0) }"]
    for number, (when, _) in enumerate(rows):
        if number >= ROWS:
            up = (number - ROWS + 1) * HEIGHT
            steps.append("{:.2f}% {{ transform: translateY(-{}px) }}".format(100 * when / whole, up))
    up = max(0, len(rows) - ROWS) * HEIGHT
    steps.append("100% {{ transform: translateY(-{}px) }}".format(up))
    style += "@keyframes up {{ {} }}\n".format(" ".join(steps))
    style += "#all {{ animation: up {:.1f}s step-end infinite }}\n".format(whole)
    still = "@media (prefers-reduced-motion) {{ text, #all {{ animation: none !important }} #all {{ transform: translateY(-{}px) }} }}\n"
    style += still.format(up)
    width, height = int(COLUMNS * WIDTH + 24), ROWS * HEIGHT + 24
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}">\n'
        "<style>{2}</style>\n"
        '<rect width="100%" height="100%" rx="8" fill="#14171c"/>\n'
        '<g id="all">\n{3}\n</g>\n</svg>\n'
    ).format(width, height, style, "\n".join(body))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    here = os.path.dirname(os.path.abspath(__file__))
    with tempfile.TemporaryDirectory() as demo:
        os.environ["DEMO"] = demo
        # As long as the folder's own name, so that what was cut and lined up stays so.
        shown = "~/" + "projects/demonstration"[: len(demo) - 2].rjust(len(demo) - 2, "_")
        lines = [(when, without_places(line, demo, shown)) for when, line in recorded([os.path.join(here, "demo.sh")])]
    with open(sys.argv[1], "w", encoding="utf-8") as to:
        to.write(picture(lines))


if __name__ == "__main__":
    main()
