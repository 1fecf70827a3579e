"""The examples of docs/jupyter.md, in a real kernel with real pip.

`In [n]: ` is typed into a cell, and what follows is what is seen; `$ ` is typed in a terminal; `[..]` is any text.
"""

import os
import re
import unittest

from kernels import Kernel, environment
from project import ROOT

site = None


def setUpModule():
    global site
    site = environment()


class Examples(unittest.TestCase):
    def test_they_are_true(self):
        with open(os.path.join(ROOT, "docs", "jupyter.md"), encoding="utf-8") as stream:
            blocks = re.findall(r"^```(ipython|console)\n(.*?)^```", stream.read(), re.MULTILINE | re.DOTALL)
        site.wheel("requests", "2.32.3")
        site.install("requests", "2.31.0")
        kernel = Kernel(site)
        self.addCleanup(kernel.close)
        cells = 0
        for kind, text in blocks:
            if kind == "console":
                for line in text.splitlines():
                    site.run("/bin/sh", "-c", line[2:], **self.terminal())
                continue
            for example in re.split(r"^In \[\d+\]: ", text, flags=re.MULTILINE)[1:]:
                code, _, expected = example.partition("\n")
                ran = kernel.run(code)
                out = "Out[%d]: %s\n" % (cells + 1, ran.text) if ran.text else ""
                pattern = re.escape(expected.strip()).replace(re.escape("[..]"), ".*")
                self.assertRegex((ran.stderr + ran.stdout + out).strip(), "^%s$" % pattern)
                cells += 1
        self.assertGreater(cells, 5, "the reader of examples found next to nothing")

    def terminal(self):
        path = os.path.join(site.venv, "bin") + os.pathsep + site.variables["PATH"]
        return {"PATH": path, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": site.wheels}


if __name__ == "__main__":
    unittest.main()
