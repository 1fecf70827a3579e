"""The IPython extension in a real kernel, which real clients talk to, while real pip changes the environment."""

import os
import subprocess
import unittest

from kernels import PATIENCE, Kernel, environment, wheel_of

site = None


def setUpModule():
    global site
    site = environment()


class TheExtension(unittest.TestCase):
    def kernel(self, **variables):
        kernel = Kernel(site, **variables)
        self.addCleanup(kernel.close)
        kernel.run("%load_ext aim_toolkit")
        return kernel

    def test_the_sentence_comes_before_the_next_cell_and_once(self):
        hello = "'hello you, this is greeting 1.0'"
        site.install("greeting", "1.0")
        kernel = self.kernel()
        self.assertEqual(kernel.run("import greeting; greeting.greet('you')").text, hello)
        site.install("greeting", "2.0")
        ran = kernel.run("greeting.greet('you')")
        sentence = "greeting 1.0 is loaded, 2.0 is installed: restart, or %aim reload\n"
        self.assertEqual((ran.stderr, ran.text), (sentence, hello))
        self.assertEqual(kernel.run("greeting.greet('you')").stderr, "")
        site.install("greeting", "3.0")
        self.assertIn("greeting 1.0 is loaded, 3.0 is installed", kernel.run("1").stderr)
        site.install("greeting", "1.0")
        self.assertEqual(kernel.run("1").stderr, "")

    def test_status(self):
        site.install("listed", "1.0")
        kernel = self.kernel()
        kernel.run("import listed")
        first = "generation %d of %s\n" % (site.generation, site.venv)
        self.assertEqual(kernel.run("%aim status").stdout, first + "all that is loaded is what is installed\n")
        site.pip("uninstall", "-y", "listed")
        removed = "listed 1.0 is loaded, and not installed any more: restart (%aim restart)\n"
        ran = kernel.run("%aim")
        self.assertEqual(ran.stdout, "generation %d of %s\n" % (site.generation, site.venv) + removed)
        self.assertEqual(kernel.run("%aim nonsense").stderr, "%aim status | reload | restart\n")
        refused = "listed cannot be loaded again, it is not installed any more: restart (%aim restart)\n"
        self.assertEqual(kernel.run("%aim reload").stderr, refused)

    def test_reload_gives_the_new_version(self):
        base = {"pack__init": "from .b import late\nBASE = %d\n", "pack__a": "def early():\n    return %d\n"}
        base["pack__b"] = "from .a import early\nfrom . import a\nN = %d\ndef late(): return early(), a.early(), N\n"
        files = [{name: text.replace("%d", version) for name, text in base.items()} for version in "12"]
        site.install("pack", "1", **files[0])
        kernel = self.kernel()
        kernel.run("import pack, pack.a as kept\nfrom pack import late\nfrom pack.a import early as mine")
        site.install("pack", "2", **files[1])
        self.assertIn("pack 1 is loaded, 2 is installed: restart, or %aim reload", kernel.run("1").stderr)
        self.assertEqual(kernel.run("%aim reload").stdout, "loaded again: pack 1 → 2 (modules: 3)\n")
        seen = kernel.run("pack.BASE, pack.late(), late(), mine(), kept.early(), kept is pack.a").text
        self.assertEqual(seen, "(2, (2, 2, 2), (2, 2, 2), 2, 2, True)")
        self.assertEqual(kernel.run("%aim reload").stdout, "all that is loaded is what is installed\n")

    def test_a_reload_follows_where_modules_went(self):
        site.install("moved", "1", moved__init="from .old import f\n", moved__old="def f(): return 1\n")
        kernel = self.kernel()
        kernel.run("import moved")
        site.install("moved", "2", moved__init="from .new import f\n", moved__new="def f(): return 2\n")
        kernel.run("%aim reload")
        seen = kernel.run("import sys; moved.f(), 'moved.old' in sys.modules, 'moved.new' in sys.modules").text
        self.assertEqual(seen, "(2, False, True)")
        self.assertIn("all that is loaded is what is installed", kernel.run("%aim").stdout)

    def test_a_reload_that_fails_changes_nothing(self):
        site.install("broken", "1", broken__init="from .part import ONE\n", broken__part="ONE = 1\n")
        kernel = self.kernel()
        kernel.run("import broken")
        site.install("broken", "2", broken__init="ONE = 2\nfrom .part import TWO\n", broken__part="import nowhere\n")
        ran = kernel.run("%aim reload")
        self.assertIn("nothing was loaded again, all is as it was: broken.part: ModuleNotFoundError", ran.stderr)
        self.assertEqual(kernel.run("import broken.part; broken.ONE, broken.part.ONE").text, "(1, 1)")
        self.assertIn("broken 1 is loaded, 2 is installed", kernel.run("%aim status").stdout)

    def test_what_is_compiled_or_the_session_itself_is_refused(self):
        numpy = wheel_of("numpy")
        if numpy is None:
            self.skipTest("no wheel of numpy in target/test-wheels, where .ci/fetch puts it")
        site.pip("install", "--no-index", numpy)
        kernel = self.kernel()
        version = kernel.run("import numpy; print(numpy.__version__)").stdout.strip()
        site.install("numpy", "99.0", numpy__init="__version__ = '99.0'\n")
        said = "numpy %s is loaded, 99.0 is installed: restart (%%aim restart)\n" % version
        self.assertEqual(kernel.run("1").stderr, said)
        refused = r"numpy cannot be loaded again, numpy\.\S+ is compiled: restart \(%aim restart\)\n"
        self.assertRegex(kernel.run("%aim reload").stderr, refused)
        self.assertEqual(kernel.run("print(numpy.__version__)").stdout.strip(), version)
        traitlets = kernel.run("import traitlets; print(traitlets.__version__)").stdout.strip()
        site.install("traitlets", "99.0", traitlets__init="")
        try:
            self.assertIn("traitlets cannot be loaded again, this session itself", kernel.run("%aim reload").stderr)
        finally:
            site.pip("install", "--no-index", wheel_of("traitlets", "jupyter"))
        self.assertNotIn("traitlets", kernel.run("%aim status").stdout, traitlets)

    def test_pip_within_a_cell(self):
        site.wheel("within", "1.0")
        site.wheel("within", "2.0")
        kernel = self.kernel()
        install = "%pip install -q --no-index --find-links " + site.wheels
        kernel.run(install + " within==1.0\nimport within")
        self.assertEqual(kernel.run("within.__version__").text, "'1.0'")
        kernel.run(install + " within==2.0")
        self.assertIn("within 1.0 is loaded, 2.0 is installed", kernel.run("1").stderr)

    def test_a_failure_inside_is_one_line_and_the_cell_runs(self):
        kernel = self.kernel()
        kernel.run("import aim_toolkit.ipython as ours\ndef fails():\n    raise OSError('no descriptors')")
        kernel.run("ours.stale_modules = fails")
        ran = kernel.run("6 * 7")
        line = "aim: could not look at the environment: OSError: no descriptors\n"
        self.assertEqual((ran.text, ran.stderr), ("42", line * 2))
        self.assertEqual(ran.status, "ok")

    def test_it_can_be_taken_out(self):
        site.install("out", "1.0")
        kernel = self.kernel()
        kernel.run("import out")
        kernel.run("%unload_ext aim_toolkit")
        site.install("out", "2.0")
        ran = kernel.run("1")
        self.assertEqual((ran.stderr, ran.text), ("", "1"))
        self.assertIn("not found", kernel.run("%aim").stderr)

    def test_in_korean(self):
        site.install("korean", "1.0")
        kernel = self.kernel(AIM_LANG="ko")
        kernel.run("import korean")
        site.install("korean", "2.0")
        said = "korean: 1.0 버전이 로드되어 있고 2.0 버전이 설치되어 있습니다."
        self.assertIn(said, kernel.run("1").stderr)

    def test_a_terminal_says_that_it_cannot_restart(self):
        code = "%load_ext aim_toolkit\n%aim restart\nprint(6 * 7)\nexit\n"
        command = [os.path.join(site.venv, "bin", "ipython"), "--simple-prompt", "--no-banner", "--colors=NoColor"]
        options = {"cwd": site.folder, "env": site.variables, "stderr": subprocess.STDOUT, "timeout": PATIENCE}
        printed = subprocess.check_output(command, input=code, universal_newlines=True, **options)
        self.assertIn("a session in a terminal cannot restart itself", printed)
        self.assertIn("42", printed)


class ARestart(unittest.TestCase):
    """By a manager that starts again what has ended, as those of Jupyter's servers do."""

    def start(self, **options):
        kernel = Kernel(site, restarts=True, **options)
        self.addCleanup(kernel.close)
        return kernel

    def pid(self, kernel):
        return int(kernel.run("import os; print(os.getpid())").stdout)

    def test_the_kernel_comes_back_with_the_new_version(self):
        site.install("back", "1.0")
        kernel = self.start()
        kernel.run("%load_ext aim_toolkit\nimport back")
        before = self.pid(kernel)
        site.install("back", "2.0")
        ran = kernel.run("%aim restart")
        self.assertIn("back 1.0 is loaded, 2.0 is installed", ran.stderr)
        self.assertIn("this kernel ends now, and Jupyter starts it again", ran.stdout)
        kernel.wait_for_restart()
        self.assertEqual(kernel.run("import back; back.__version__").text, "'2.0'")
        self.assertNotEqual(self.pid(kernel), before)

    def test_an_idle_kernel_restarts_where_it_is_asked_to(self):
        site.install("idle", "1.0")
        for way in ({"config": {"restart": "idle"}}, {"AIM_KERNEL_RESTART": "idle"}):
            kernel = self.start(provisioner=True, **way)
            kernel.run("import idle")
            before = self.pid(kernel)
            site.install("unrelated", "1.0", "--force-reinstall")
            site.install("idle", "2.0")
            kernel.wait_for_restart()
            self.assertEqual(kernel.run("import idle; idle.__version__").text, "'2.0'")
            self.assertNotEqual(self.pid(kernel), before)
            self.assertIn("its variables are gone", kernel.printed_between_cells())
            site.install("idle", "1.0")

    def test_a_busy_kernel_is_left_alone(self):
        site.install("busy", "1.0")
        kernel = self.start(provisioner=True, config={"restart": "idle"})
        kernel.run("import busy, os, time")
        gate = os.path.join(site.root, "gate")
        reply = kernel.begin("while not os.path.exists(%r):\n    time.sleep(0.1)\nprint(busy.__version__)" % gate)
        site.install("busy", "2.0")
        # Longer than an idle kernel would wait, seen by another one that does restart meanwhile.
        other = self.start(provisioner=True, config={"restart": "idle"})
        site.install("busy", "1.5")
        other.run("import busy")
        site.install("busy", "2.0")
        other.wait_for_restart()
        open(gate, "w").close()
        self.assertEqual(kernel.finish(reply).stdout, "1.0\n")
        os.unlink(gate)

    def test_by_default_never(self):
        site.install("never", "1.0")
        kernel = self.start(provisioner=True)
        kernel.run("import never")
        self.assertNotIn("aim_toolkit.idle", kernel.run("import sys; print(list(sys.modules))").stdout)

    def test_who_would_not_be_started_again_does_not_end(self):
        kernel = Kernel(site, provisioner=True, config={"restart": "idle"})
        self.addCleanup(kernel.close)
        self.assertNotIn("aim_toolkit.idle", kernel.run("import sys; print(list(sys.modules))").stdout)
        self.assertIn("not restarted when idle", kernel.server_log())


if __name__ == "__main__":
    unittest.main()
