"""`stale_modules` and `generation` in real processes, around real pip."""

import json
import os
import unittest

from project import Project, make_wheel, wait_for

hooked = bare = None


def setUpModule():
    global hooked, bare
    hooked, bare = Project(), Project(hook=False)


def tearDownModule():
    hooked.close()
    bare.close()


class Both:
    """What is the same with the hook and without it."""

    def test_an_upgrade_and_the_way_back(self):
        self.site.install("greeting", "1.0")
        with self.site.session() as session:
            session.run("import aim_toolkit, greeting")
            self.look(session, [])
            self.site.install("greeting", "2.0")
            self.look(session, [("greeting", "1.0", "2.0", ["greeting"])])
            self.site.install("greeting", "1.0")
            self.look(session, [])

    def test_what_was_not_loaded_is_not_out_of_date(self):
        self.site.install("farewell", "1.0")
        with self.site.session() as session:
            session.run("import aim_toolkit")
            self.site.install("farewell", "2.0")
            self.look(session, [])
            session.run("import farewell")
            self.look(session, [])
            self.site.install("farewell", "3.0")
            self.look(session, [("farewell", "2.0", "3.0", ["farewell"])])

    def test_a_removal(self):
        self.site.install("passing", "1.0", passing__init="", passing__part="")
        with self.site.session() as session:
            session.run("import aim_toolkit, passing.part")
            self.look(session, [])
            self.site.pip("uninstall", "-y", "passing")
            self.look(session, [("passing", "1.0", None, ["passing", "passing.part"])])

    def test_the_same_version_again(self):
        self.site.install("same", "1.0", same="ONE = 1\n")
        with self.site.session() as session:
            session.run("import aim_toolkit, same")
            self.look(session, [])
            self.site.install("same", "1.0", "--force-reinstall", same="ONE = 1\n")
            self.look(session, [])
            self.site.install("same", "1.0", "--force-reinstall", same="ONE = 2\n")
            self.look(session, [("same", "1.0", "1.0", ["same"])])


class WithTheHook(Both, unittest.TestCase):
    """What pip does is seen as soon as it has ended, by the record."""

    def setUp(self):
        self.site = hooked

    def look(self, session, expected):
        self.assertEqual(session.stale(), expected)

    def test_only_files_that_are_loaded_count(self):
        self.site.install("parts", "1.0", parts__init="", parts__one="A = 1\n", parts__two="A = 1\n")
        with self.site.session() as session:
            session.run("import aim_toolkit, parts.one")
            self.look(session, [])
            self.site.install("parts", "1.1", parts__init="", parts__one="A = 1\n", parts__two="A = 2\n")
            self.look(session, [])
            self.site.install("parts", "1.2", parts__init="", parts__one="A = 2\n", parts__two="A = 2\n")
            self.look(session, [("parts", "1.0", "1.2", ["parts", "parts.one"])])

    def test_a_namespace_that_two_share(self):
        self.site.install("space-one", "1.0", space__one="A = 1\n")
        self.site.install("space-two", "1.0", space__two="A = 1\n")
        with self.site.session() as session:
            session.run("import aim_toolkit, space.one, space.two")
            self.look(session, [])
            self.site.install("space-two", "2.0", space__two="A = 2\n")
            self.look(session, [("space-two", "1.0", "2.0", ["space.two"])])

    def test_a_compiled_module(self):
        self.site.install("stone", "1.0", stone__init="from stone import part\n", stone__part="")
        # A real extension module without a compiler: one of the standard library's, that is none of this process yet.
        find = "import importlib.util; print(importlib.util.find_spec('_lsprof').origin)"
        source = self.site.run(self.site.python, "-c", find).strip()
        if not os.path.isfile(source):
            self.skipTest("this Python has _lsprof inside: " + source)
        folder = os.path.join(self.site.site_packages, "stone")
        with open(source, "rb") as stream, open(os.path.join(folder, "_lsprof.so"), "wb") as copy:
            copy.write(stream.read())
        with self.site.session() as session:
            session.run("import aim_toolkit, stone._lsprof")
            self.look(session, [])
            os.unlink(os.path.join(folder, "_lsprof.so"))
            self.site.install("stone", "2.0", stone__init="")
            modules = ["stone.part", "stone", "stone._lsprof"]
            self.look(session, [("stone", "1.0", "2.0", modules)])

    def test_loaded_again_by_hand_is_not_out_of_date(self):
        self.site.install("again", "1.0")
        with self.site.session() as session:
            session.run("import aim_toolkit, again, importlib, sys")
            self.look(session, [])
            self.site.install("again", "2.0")
            self.look(session, [("again", "1.0", "2.0", ["again"])])
            session.run("importlib.reload(again)")
            self.look(session, [])
            self.site.install("again", "3.0")
            self.look(session, [("again", "2.0", "3.0", ["again"])])
            session.run("del sys.modules['again']; import again")
            self.look(session, [])

    def test_who_looks_too_late(self):
        self.site.install("late", "1.0")
        with self.site.session() as session:
            session.run("import late")
            self.site.install("late", "2.0")
            session.run("import aim_toolkit")
            self.look(session, [("late", "1.0", "2.0", ["late"])])

    def test_loaded_and_installed_anew_between_two_looks(self):
        self.site.install("between", "1.0")
        self.site.install("after", "1.0")
        with self.site.session() as session:
            session.run("import aim_toolkit")
            session.run("import between")
            self.site.install("between", "2.0")
            self.site.install("after", "2.0")
            session.run("import after")
            self.look(session, [("between", "1.0", "2.0", ["between"])])

    def test_an_editable_project(self):
        source = os.path.join(self.site.root, "source")
        os.makedirs(source, exist_ok=True)
        with open(os.path.join(source, "mine.py"), "w") as stream:
            stream.write("A = 1\n")
        self.install_editable("mine", "1.0", source)
        with self.site.session() as session:
            session.run("import aim_toolkit, mine")
            self.assertTrue(session.get("mine.__file__").startswith(source))
            self.look(session, [])
            with open(os.path.join(source, "mine.py"), "a") as stream:
                stream.write("A = 2\n")
            self.install_editable("mine", "1.0", source)
            self.look(session, [])
            self.site.install("mine", "2.0", mine="A = 3\n")
            self.look(session, [("mine", "1.0", "2.0", ["mine"])])

    def install_editable(self, name, version, source):
        """As PEP 660 and PEP 610 have it, without a build: a path file, and a note where it came from."""
        wheel = make_wheel(self.site.wheels, name, version, {"__editable__.pth": source + "\n"}, ())
        self.site.pip("install", "--no-index", "--force-reinstall", wheel)
        note = os.path.join(self.site.site_packages, "%s-%s.dist-info" % (name, version), "direct_url.json")
        with open(note, "w") as stream:
            json.dump({"url": "file://" + source, "dir_info": {"editable": True}}, stream)

    def test_the_standard_library_never(self):
        with self.site.session() as session:
            session.run("import aim_toolkit, json, decimal, sqlite3")
            self.site.install("other", "1.0")
            self.look(session, [])

    def test_generation(self):
        self.site.install("counted", "1.0")
        with self.site.session() as session:
            before = session.get("__import__('aim_toolkit').generation()")
            self.assertEqual(before, self.site.generation)
            self.site.install("counted", "2.0")
            self.assertEqual(session.get("__import__('aim_toolkit').generation()"), self.site.generation)
            self.assertGreater(self.site.generation, before)


class WithoutTheHook(Both, unittest.TestCase):
    """The same by the folders' times alone; an installer may have ended a second ago."""

    def setUp(self):
        self.site = bare

    def look(self, session, expected):
        if expected:
            wait_for(lambda: session.stale() == expected, (session.stale(), expected))
        else:
            waits = "__import__('aim_toolkit')._loaded._memory._installed.is_waiting"
            wait_for(lambda: not session.stale() and not session.get(waits), session.stale())

    def test_generation(self):
        with self.site.session() as session:
            self.assertIsNone(session.get("__import__('aim_toolkit').generation()"))

    def test_an_installer_at_work_is_waited_for(self):
        self.site.install("slow", "1.0")
        with self.site.session() as session:
            session.run("import aim_toolkit, slow")
            self.look(session, [])
            sign = os.path.join(self.site.site_packages, "~low")
            os.mkdir(sign)
            self.site.pip("uninstall", "-y", "slow")
            waits = "__import__('aim_toolkit')._loaded._memory._installed.is_waiting"
            rested = "__import__('time').time() - __import__('os').stat(%r).st_mtime > 1" % self.site.site_packages
            wait_for(lambda: session.get(rested), "the folder rests")
            self.assertEqual((session.stale(), session.get(waits)), ([], True))
            os.rmdir(sign)
            self.look(session, [("slow", "1.0", None, ["slow"])])


if __name__ == "__main__":
    unittest.main()
