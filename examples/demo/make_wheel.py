"""Makes a small, pure-Python wheel (PEP 427) without network or build tools.

usage: make_wheel.py FOLDER NAME VERSION [--file PATH=TEXT]... [--requires SPEC]...

Without `--file` the wheel holds one module with `__version__` and a `greet` function. Prints the wheel's path.
Used by the demo and by the tests.
"""

import argparse
import base64
import hashlib
import os
import zipfile

MODULE = '''"""A module made on the spot."""

__version__ = "{version}"


def greet(whom):
    return "hello {{}}, this is {name} {version}".format(whom)
'''


def record_line(path, data):
    """One line of RECORD: path, hash and size (PEP 376, PEP 427)."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return "{},sha256={},{}\n".format(path, digest, len(data))


def make_wheel(folder, name, version, files, requires):
    """Writes the wheel and returns its path."""
    module = name.replace("-", "_").replace(".", "_")
    info = "{}-{}.dist-info".format(module, version)
    files = dict(files) or {module + ".py": MODULE.format(name=name, version=version)}
    files[info + "/METADATA"] = "Metadata-Version: 2.1\nName: {}\nVersion: {}\nSummary: made on the spot\n".format(
        name, version
    ) + "".join("Requires-Dist: {}\n".format(spec) for spec in requires)
    files[info + "/WHEEL"] = "Wheel-Version: 1.0\nGenerator: make_wheel\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    path = os.path.join(folder, "{}-{}-py3-none-any.whl".format(module, version))
    record = ""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name_in_wheel, text in files.items():
            data = text.encode()
            wheel.writestr(name_in_wheel, data)
            record += record_line(name_in_wheel, data)
        wheel.writestr(info + "/RECORD", record + info + "/RECORD,,\n")
    return path


def main():
    parser = argparse.ArgumentParser(description="Makes a small wheel.")
    parser.add_argument("folder")
    parser.add_argument("name")
    parser.add_argument("version")
    parser.add_argument("--file", action="append", default=[], metavar="PATH=TEXT")
    parser.add_argument("--requires", action="append", default=[], metavar="SPEC")
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    files = dict(pair.split("=", 1) for pair in options.file)
    print(make_wheel(options.folder, options.name, options.version, files, options.requires))


if __name__ == "__main__":
    main()
