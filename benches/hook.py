"""What the hook costs a Python that does not run pip: `python benches/hook.py [PYTHON...]`.

Three numbers for each interpreter: the time that `site` takes for the hook's line, the first time in a process, over
that for a bare one-line import test (at most 1.5); the whole start with the hook over the start with the bare line,
sums over alternating starts (at most 1.03); and what the finder adds to each module that is looked for on disk.
"""

import os
import resource
import subprocess
import sys
import tempfile

SHIMS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "shims")
BARE = 'import sys; sys.argv[0] == "-m" and __import__("_aim_pip_hook")\n'
STARTS = 150
LINES = 100

LINE = r"""
import site, sys, time
begun = time.perf_counter()
site.addpackage(sys.argv[1], "00_aim_pip.pth", set())
print((time.perf_counter() - begun) * 1e6)
"""

FINDER = r"""
import site, sys, time
site.addpackage(sys.argv[1], "00_aim_pip.pth", set())
find, begun = sys.meta_path[-2].find_spec, time.perf_counter()
for _ in range(100000):
    find("json.decoder", None, None)
print((time.perf_counter() - begun) * 10)
"""


def numbers(python, code, *arguments):
    output = subprocess.run([python, "-I", "-c", code] + list(arguments), check=True, stdout=subprocess.PIPE).stdout
    return [float(word) for word in output.split()]


def start(python):
    """Microseconds of processor time that one start takes: steadier than the clock on a machine with other work."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([python, "-I", "-c", "pass"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e6


def environment(python, folder, line):
    subprocess.run([python, "-I", "-m", "venv", "--without-pip", folder], check=True)
    inside = os.path.join(folder, "bin", "python")
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([inside, "-c", code], check=True, stdout=subprocess.PIPE).stdout.decode().strip()
    with open(os.path.join(site, "00_aim_pip.pth"), "w", encoding="utf-8") as file:
        file.write(line)
    return inside, site


def measure(python):
    with open(os.path.join(SHIMS, "00_aim_pip.pth"), encoding="utf-8") as file:
        hook = file.read()
    with tempfile.TemporaryDirectory() as folder:
        bare, bare_site = environment(python, os.path.join(folder, "bare"), BARE)
        ours, our_site = environment(python, os.path.join(folder, "ours"), hook)
        lines = {bare_site: [], our_site: []}
        for _ in range(LINES):
            for site, found in lines.items():
                found += numbers(python, LINE, site)
        # The lower quartile: what other programs take of the machine only ever adds.
        bare_line, our_line = (sorted(found)[LINES // 4] for found in lines.values())
        finder = numbers(python, FINDER, our_site)[0]
        times = {bare: 0.0, ours: 0.0}
        for _ in range(STARTS):
            for one in times:
                times[one] += start(one)
    print(
        "%s: line %.1f us, bare %.1f us, ratio %.2f; start %.2f ms, bare %.2f ms, ratio %.3f; finder %.3f us a module"
        % (python, our_line, bare_line, our_line / bare_line, times[ours] / STARTS / 1e3, times[bare] / STARTS / 1e3,
           times[ours] / times[bare], finder)
    )


if __name__ == "__main__":
    for python in sys.argv[1:] or [sys.executable]:
        measure(python)
