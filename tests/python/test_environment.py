"""Whose record counts, as `src/project/whose/tests.rs` has it; and the words."""

import os
import re
import shutil
import string
import sys
import tempfile
import unittest

from project import ROOT

sys.path.insert(0, os.path.join(ROOT, "python"))
from aim_toolkit import _words
from aim_toolkit._environment import Environment, keeper_of, read_generation
from aim_toolkit._installed import INFO

sys.path.pop(0)


class Whose(unittest.TestCase):
    def setUp(self):
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="aim-whose-"))
        self.addCleanup(shutil.rmtree, self.root)

    def write(self, path, text=""):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as stream:
            stream.write(text)

    def venv(self, path):
        self.write(path + "/pyvenv.cfg")

    def note(self, venv, project):
        self.write(venv + "/.aim/project", os.path.join(self.root, project) + "\n")

    def keeper(self, venv):
        return os.path.relpath(keeper_of(os.path.join(self.root, venv)), self.root)

    def test_by_place_alone(self):
        for venv in ("a/.venv", "b/venv", "c/env", "d/.env", "e/.direnv/python-3.11"):
            self.venv(venv)
            self.assertEqual(self.keeper(venv), venv[0])
        self.venv("f")
        self.assertEqual(self.keeper("f"), "f")

    def test_a_second_one_in_the_same_folder_keeps_its_own_record(self):
        self.venv("p/.venv")
        self.venv("p/venv")
        self.assertEqual((self.keeper("p/.venv"), self.keeper("p/venv")), ("p", "p/venv"))
        self.note("p/venv", "p")
        self.assertEqual((self.keeper("p/.venv"), self.keeper("p/venv")), ("p/.venv", "p"))

    def test_one_elsewhere_when_both_say_so(self):
        self.venv("central/x")
        self.note("central/x", "p")
        self.assertEqual(self.keeper("central/x"), "central/x")
        self.write("p/.pip-logs/environment", os.path.join(self.root, "central/x") + "\n")
        self.assertEqual(self.keeper("central/x"), "p")
        self.write("central/y/pyvenv.cfg")
        self.write("central/y/.project", os.path.join(self.root, "p"))
        self.assertEqual(self.keeper("central/y"), "central/y")

    def test_nobody_is_claimed_by_a_note_alone(self):
        self.venv("victim/.venv")
        self.venv("clone/.venv")
        self.note("clone/.venv", "victim")
        self.assertEqual(self.keeper("clone/.venv"), "clone")

    def test_a_view_has_the_generation_that_it_is_of(self):
        self.venv("p/.venv")
        self.write("p/env_meta.json", '{"generation": 9}')
        self.venv("p/.venv/.aim/views/g7-abc")
        generation = lambda path: Environment(os.path.join(self.root, path)).generation()
        self.assertEqual((generation("p/.venv"), generation("p/.venv/.aim/views/g7-abc")), (9, 7))

    def test_what_is_no_generation(self):
        path = os.path.join(self.root, "env_meta.json")
        for text, expected in (
            ('{"generation": 3}', 3),
            ('{"generation": 0}', 0),
            ('{"packages": []}', None),
            ('{"generation": true}', None),
            ('{"generation": -1}', None),
            ('{"generation": "3"}', None),
            ('{"generation": 9000000000000000}', None),
            ("[3]", None),
            ('{"generation"', None),
            ("\udcff", None),
        ):
            with open(path, "w", errors="surrogateescape") as stream:
                stream.write(text)
            self.assertEqual(read_generation(path), expected, text)
        self.assertIsNone(read_generation(path + "-none"))


class Names(unittest.TestCase):
    def test_of_the_folders_of_distributions(self):
        for name, expected in (
            ("numpy-2.3.1.dist-info", ("numpy", "2.3.1")),
            ("python_dateutil-2.9.0.post0.dist-info", ("python_dateutil", "2.9.0.post0")),
            ("torch-2.1.0+cu118.dist-info", ("torch", "2.1.0+cu118")),
            ("zope.interface-5.0-py3.11.egg-info", ("zope.interface", "5.0")),
            ("old.egg-info", ("old", None)),
            ("numpy", None),
            ("~umpy-1.0.dist-info.tmp", None),
        ):
            found = INFO.fullmatch(name)
            self.assertEqual(found and found.group("name", "version"), expected, name)


class Words(unittest.TestCase):
    def test_both_languages_have_the_same(self):
        english, korean = _words.WORDS["en"], _words.WORDS["ko"]
        self.assertEqual(list(english), list(korean))
        values = lambda text: {name for _, name, _, _ in string.Formatter().parse(text) if name}
        for key in english:
            self.assertEqual(values(english[key]), values(korean[key]), key)

    def test_each_is_asked_for(self):
        folder = os.path.dirname(_words.__file__)
        text = ""
        for name in os.listdir(folder):
            if name.endswith(".py") and name != "_words.py":
                with open(os.path.join(folder, name)) as stream:
                    text += stream.read()
        # `changed` and `again` are asked for with the ending that fits.
        made = {key for key in _words.WORDS["en"] if key.endswith("_compiled")}
        unasked = [key for key in _words.WORDS["en"] if '"%s"' % key not in text]
        self.assertLessEqual(set(unasked), made - {"has_compiled"})

    def test_no_korean_particle_guesses_the_sound_of_a_value(self):
        guess = re.compile(r"\}[`'\"]?(은|는|이|가|을|를|과|와|로|으로|이나|나|이랑|랑|이라|라)(?![가-힣(])")
        for text in _words.WORDS["ko"].values():
            self.assertIsNone(guess.search(text), text)

    def test_the_language_is_that_of_the_commands(self):
        names = ("AIM_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
        before = {name: os.environ.pop(name, None) for name in names}
        try:
            for variables, expected in (
                ({}, "en"),
                ({"LANG": "ko_KR.UTF-8"}, "ko"),
                ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, "en"),
                ({"LANG": "en_US.UTF-8", "AIM_LANG": "ko"}, "ko"),
                ({"LANG": "kok_IN"}, "en"),
                ({"LC_ALL": "", "LANG": "ko"}, "ko"),
            ):
                os.environ.update(variables)
                self.assertEqual(_words.language(), expected, variables)
                for name in variables:
                    del os.environ[name]
        finally:
            os.environ.update({name: value for name, value in before.items() if value is not None})


if __name__ == "__main__":
    unittest.main()
