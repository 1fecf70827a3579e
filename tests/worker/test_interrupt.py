"""Interrupts at every line of an event loop's code: each ends the loop, and lets its tasks clean up."""

import asyncio
import faulthandler
import os
import sys
import unittest

import process

sys.path.insert(0, os.path.dirname(process.SCRIPT))
from aim_worker_interrupt import Interrupt  # noqa: E402

LOOP = os.path.dirname(asyncio.__file__) + os.sep


class Interrupts(unittest.TestCase):
    """A trace function that raises does so in the line that it traces, as a handler of a signal does."""

    def setUp(self):
        faulthandler.dump_traceback_later(process.PATIENCE, exit=True, file=sys.__stderr__)
        self.addCleanup(faulthandler.cancel_dump_traceback_later)
        self.interrupt = Interrupt()
        self.started, self.ended = [], []

    async def task(self, name, seconds):
        self.started.append(name)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.ended.append(name)

    async def main(self):
        await asyncio.gather(self.task("a", 0), self.task("b", 60), self.task("c", 60))

    def interrupted_at(self, number):
        """Whether the loop came to that line of its own code, after it began to run and before it waited."""
        seen = 0

        def trace(frame, event, _argument):
            nonlocal seen
            if not frame.f_code.co_filename.startswith(LOOP):
                return None
            if event == "line" and asyncio._get_running_loop() is not None:
                seen += 1
                if seen == number:
                    sys.settrace(None)
                    self.interrupt(frame)
            return trace

        async def main():
            task = asyncio.ensure_future(self.main())
            asyncio.get_running_loop().call_later(0.01, task.cancel)
            await task

        sys.settrace(trace)
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            return True
        except asyncio.CancelledError:
            return False
        finally:
            sys.settrace(None)

    def test_at_every_line(self):
        number = 1
        while self.interrupted_at(number):
            self.assertEqual(sorted(self.started), sorted(self.ended), number)
            self.started, self.ended = [], []
            number += 1
        self.assertGreater(number, 100)

    def test_in_the_task_it_is_raised_at_once(self):
        async def main():
            with self.assertRaises(KeyboardInterrupt):
                self.interrupt(sys._getframe())
            with self.assertRaises(KeyboardInterrupt):
                self.called_of_the_standard_library()

        asyncio.run(main())

    def called_of_the_standard_library(self):
        """The innermost frame is the standard library's, called by the node."""

        class Text(str):
            pass

        import textwrap

        def trace(frame, _event, _argument):
            if frame.f_code.co_filename == textwrap.__file__:
                sys.settrace(None)
                self.interrupt(frame)

        sys.settrace(trace)
        textwrap.dedent(Text("x"))

    def test_a_second_does_not_wait(self):
        async def main():
            frame = asyncio.sleep(1).cr_frame
            self.interrupt(frame)
            with self.assertRaises(KeyboardInterrupt):
                self.interrupt(frame)
            await asyncio.sleep(60)

        with self.assertRaises(KeyboardInterrupt):
            asyncio.run(main())

    def test_without_a_loop_it_is_raised_at_once(self):
        for frame in (asyncio.sleep(1).cr_frame, None):
            with self.assertRaises(KeyboardInterrupt):
                self.interrupt(frame)
