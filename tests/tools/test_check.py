"""tools/check.py keeps silent on a clean tree and finds each kind of broken rule."""

import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLEAN = {"include/aeon/base.h": '#include <stddef.h>\n',
         "src/base/mem.h": '#include "aeon/base.h"\n',
         "src/text/bpe.c": '#include "base/mem.h"\n/* strcpy(a, b) in a comment */\n',
         "src/cli/main.c": '#include "aeon/base.h"\n'}

# (file, its text, what the complaint must say)
BROKEN = [
    ("src/base/a.c", '#include "text/bpe.h"\n', "floor 2 is not below base on floor 1"),
    ("src/text/a.c", '#include "tensor/tensor.h"\n', "floor 2 is not below text on floor 2"),
    ("src/train/a.c", '#include "engine/session.h"\n', "floor 5 is not below train on floor 5"),
    ("src/text/a.c", '#include "bpe.h"\n', "an include names its folder"),
    ("src/text/a.c", '#include "attic/bpe.h"\n', "there is no such floor"),
    ("src/attic/a.c", "int x;\n", "folder attic has no floor"),
    ("src/cli/a.c", '#include "base/mem.h"\n', "the program knows the public headers alone"),
    ("include/aeon/a.h", '#include "base/mem.h"\n', "public headers alone"),
    ("src/text/a.c", "#if defined(__AVX2__)\n#endif\n", "outside kernels/"),
    ("src/text/a.c", "int x;\n" * 801, "801 lines, at most 800"),
    ("src/cli/a.c", "void f(char *a)\n{\n    strcpy(a, a);\n}\n", "strcpy is banned"),
    ("src/text/a.c", "void f(void)\n{\n    malloc(1);\n}\n", "malloc is banned"),
    ("src/text/a.c", "int  x;\n", "not formatted"),
]


def check(files, *options):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / ".clang-format").write_text((ROOT / ".clang-format").read_text())
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        run = subprocess.run([sys.executable, ROOT / "tools/check.py", *options, root],
                             capture_output=True, text=True)
        return run.returncode, run.stdout + run.stderr


def check_library(text):
    """The verdict on a libaeon.so compiled from text."""
    with tempfile.TemporaryDirectory() as build:
        subprocess.run(["cc", "-shared", "-fPIC", "-o", f"{build}/libaeon.so", "-xc", "-"],
                       input=text, text=True, check=True)
        return check(CLEAN, "--library", build)


def main():
    failures = []

    def expect(what, result, status, phrase):
        if result[0] != status or phrase not in result[1]:
            failures.append(f"{what}: wanted status {status} and '{phrase}', got {result}")

    expect("clean tree", check(CLEAN), 0, "all kept")
    _, format_note = check(CLEAN)
    for name, text, phrase in BROKEN:
        if phrase == "not formatted" and "format not checked" in format_note:
            continue
        expect(name, check({**CLEAN, name: text}), 1, phrase)
    expect("clean library", check_library("int aeon_x;"), 0, "all kept")
    expect("other name", check_library("int aeon_x; int ae_y;"), 1, "exports ae_y")
    expect("no name", check_library("static int x;"), 1, "exports nothing")
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
