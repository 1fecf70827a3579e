"""`on_change` in real processes, around real pip."""

import unittest

from project import Project, wait_for

site = None

WATCH = """
import aim_toolkit, threading
seen = []
watch = aim_toolkit.on_change(seen.append)
result = sum(thread.name == "aim_toolkit" for thread in threading.enumerate())
"""


def setUpModule():
    global site
    site = Project()


def tearDownModule():
    site.close()


class OnChange(unittest.TestCase):
    def test_it_tells_generations_and_changes(self):
        with site.session() as session:
            self.assertEqual(session.run(WATCH), 1)
            before = site.generation
            site.install("told", "1.0")
            seen = wait_for(lambda: session.get("seen"), "a call")
            self.assertEqual(seen, [[before, before + 1, [["told", None, "1.0"]]]])
            site.install("told", "2.0")
            wait_for(lambda: session.get("len(seen) > 1"), "another call")
            self.assertEqual(session.get("seen[1]"), [before + 1, before + 2, [["told", "1.0", "2.0"]]])
            site.pip("uninstall", "-y", "told")
            wait_for(lambda: session.get("len(seen) > 2"), "another call")
            self.assertEqual(session.get("seen[2]"), [before + 2, before + 3, [["told", "2.0", None]]])

    def test_one_thread_that_ends_when_nobody_watches(self):
        with site.session() as session:
            session.run(WATCH)
            count = "sum(thread.name == 'aim_toolkit' for thread in threading.enumerate())"
            self.assertEqual(session.run("second = aim_toolkit.on_change(print)\nresult = " + count), 1)
            session.run("watch.cancel(); watch.cancel()")
            self.assertEqual(session.get(count), 1)
            session.run("with second: pass")
            wait_for(lambda: session.get(count) == 0, "the thread's end")
            self.assertEqual(session.run(WATCH), 1)

    def test_an_exception_is_told_and_the_next_change_too(self):
        with site.session() as session:
            session.run("import threading\ntold = []\ndef tell(about): told.append(str(about.exc_value))")
            session.run(
                "threading.excepthook = tell\nimport aim_toolkit\nwatch = aim_toolkit.on_change(lambda change: 1 / 0)"
            )
            for version in ("1.0", "2.0"):
                count = session.get("len(told)")
                site.install("raising", version)
                wait_for(lambda: session.get("len(told) > %d" % count), "the exception")
            self.assertEqual(session.get("told[0]"), "division by zero")

    def test_who_cancelled_hears_nothing(self):
        with site.session() as session:
            session.run(WATCH)
            session.run("heard = []\nother = aim_toolkit.on_change(heard.append)\nwatch.cancel()")
            site.install("unheard", "1.0")
            wait_for(lambda: session.get("heard"), "the other one's call")
            self.assertEqual(session.get("seen"), [])

    def test_a_forked_child_begins_anew(self):
        fork = """
import os
read, write = os.pipe()
child = os.fork()
if child == 0:
    import time
    inherited = len(aim_toolkit._watch._watcher._watches)
    found = []
    with aim_toolkit.on_change(found.append):
        os.write(write, b"r")
        end = time.monotonic() + 60
        while not found and time.monotonic() < end:
            time.sleep(0.05)
    os.write(write, repr((inherited, len(found), aim_toolkit.stale_modules())).encode())
    os._exit(0)
os.read(read, 1)
"""
        with site.session() as session:
            session.run(WATCH)
            session.run(fork)
            site.install("forked", "1.0")
            self.assertEqual(session.run("os.waitpid(child, 0)\nresult = os.read(read, 100).decode()"), "(0, 1, [])")
            self.assertEqual(len(wait_for(lambda: session.get("seen"), "the parent's call")), 1)


if __name__ == "__main__":
    unittest.main()
