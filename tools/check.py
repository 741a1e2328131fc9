#!/usr/bin/env python3
"""Hold the rules that the design promises and a compiler does not see.

    tools/check.py [--library BUILD] [ROOT]

Layers, file sizes, banned functions and formatting are read from the sources; with --library also
the names that BUILD's libaeon exports. One line per broken rule, exit status 1 if there is any.
Python's standard library alone.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys

# A file includes its own folder and lower floors, never another folder of its own floor.
FLOORS = {"base": 1,
          "tensor": 2, "text": 2, "memory": 2, "reason": 2, "hub": 2,
          "kernels": 3, "format": 3,
          "model": 4,
          "engine": 5, "train": 5,
          "eval": 6, "companion": 6,
          "server": 7,
          "cli": 8}

WARN_LINES, MAX_LINES = 600, 800
LONG_FILES = {}  # path -> why it may be longer

# Unbounded, unsafe in threads, or able to run a program; and what to use instead.
BANNED = {"strcpy": "snprintf", "strcat": "aeon_text_append", "sprintf": "snprintf",
          "vsprintf": "vsnprintf", "gets": "fgets", "scanf": "strtol", "sscanf": "strtol",
          "fscanf": "strtol", "atoi": "strtol", "atol": "strtol", "atoll": "strtoll",
          "atof": "strtod", "strtok": "memchr", "system": "no program is ever run",
          "popen": "no program is ever run", "tmpnam": "mkstemp", "mktemp": "mkstemp",
          "rand": "a seeded generator", "srand": "a seeded generator", "alloca": "ae_mem_alloc",
          "localtime": "localtime_r", "gmtime": "gmtime_r", "ctime": "strftime",
          "asctime": "strftime", "longjmp": "a status"}

# The library never prints or exits, and all its memory is counted. Programs may do as they like.
BANNED_IN_LIBRARY = {"printf": "aeon_error", "puts": "aeon_error", "putchar": "aeon_error",
                     "perror": "aeon_error", "exit": "a status", "_exit": "a status",
                     "abort": "AEON_ASSERT", "malloc": "ae_mem_alloc", "calloc": "ae_mem_alloc",
                     "realloc": "ae_mem_resize", "strdup": "ae_mem_text", "strndup": "ae_mem_text",
                     "asprintf": "aeon_text_append"}
PROGRAMS = {"cli"}
MAY_USE = {("src/base/status.c", "abort"), ("src/base/mem.c", "calloc")}

# Instruction sets are the business of kernels/ alone.
ISA = re.compile(r"^\s*#\s*(?:if|elif|ifdef|ifndef)\b.*\b"
                 r"(__x86_64__|__i386__|__AVX\w*|__SSE\w*|__F16C__|__FMA__|__aarch64__|__ARM_\w+)")
MAY_ASK_ISA = {"src/base/pool.c",    # the pause of a spinning thread
               "src/base/clones.h"}  # what gcc may clone for

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def code_of(text):
    """The text with comments, strings and characters blanked out; its lines stay where they are."""
    blank = lambda m: re.sub(r"[^\n]", " ", m.group())
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.S)


def sources(root, *folders):
    for folder in folders:
        for path in sorted((root / folder).rglob("*.[chS]")):
            yield path, path.relative_to(root).as_posix()


def check_layers(root):
    for path, name in sources(root, "src", "include"):
        layer = name.split("/")[1]
        is_public = name.startswith("include/")
        if not is_public and layer not in FLOORS and "/" in name[4:]:
            yield f"{name}: folder {layer} has no floor, add it to FLOORS in tools/check.py"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            folder, slash, _ = found.group(1).partition("/")
            where = f'{name}:{number}: includes "{found.group(1)}"'
            if not slash:
                yield f"{where}, an include names its folder"
            elif folder == "aeon" or folder == layer and not is_public:
                continue
            elif is_public:
                yield f"{where}, a public header includes public headers alone"
            elif layer == "cli":
                yield f"{where}, the program knows the public headers alone"
            elif folder not in FLOORS:
                yield f"{where}, there is no such floor"
            elif FLOORS[folder] >= FLOORS[layer]:
                yield (f"{where}, floor {FLOORS[folder]} is not below {layer} on floor "
                       f"{FLOORS[layer]}")


def check_instruction_sets(root):
    for path, name in sources(root, "src"):
        if name.startswith("src/kernels/") or name in MAY_ASK_ISA:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = ISA.match(line)
            if found:
                yield f"{name}:{number}: asks for {found.group(1)} outside kernels/"


def check_sizes(root):
    for path, name in sources(root, "src", "include", "tests", "bench", "docs"):
        if "/node_modules/" in name:
            continue
        n_lines = path.read_text().count("\n")
        if n_lines > MAX_LINES and name not in LONG_FILES:
            yield f"{name}: {n_lines} lines, at most {MAX_LINES}: split it"
        elif n_lines > WARN_LINES:
            print(f"note: {name}: {n_lines} lines, more than {WARN_LINES}")


def check_banned(root):
    for path, name in sources(root, "src"):
        banned = dict(BANNED)
        if name.split("/")[1] not in PROGRAMS:
            banned.update(BANNED_IN_LIBRARY)
        call = re.compile(r"(?<![\w.>])(" + "|".join(map(re.escape, banned)) + r")\s*\(")
        for number, line in enumerate(code_of(path.read_text()).splitlines(), 1):
            for word in call.findall(line):
                if (name, word) not in MAY_USE:
                    yield f"{name}:{number}: {word} is banned, use {banned[word]}"


def check_format(root):
    program = shutil.which("clang-format-14") or shutil.which("clang-format")
    version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout \
        if program else "none"
    if "version 14." not in version:
        print(f"note: format not checked: it is defined by clang-format 14, here: {version.strip()}")
        return
    files = [str(path) for path, name in sources(root, "src", "include", "tests", "bench", "docs")
             if path.suffix != ".S" and "/node_modules/" not in name]
    run = subprocess.run([program, "--dry-run", "-Werror", *files], capture_output=True, text=True)
    unformatted = re.findall(r"^(.+?):\d+:\d+: error:", run.stderr, flags=re.M)
    for path in dict.fromkeys(unformatted):
        yield f"{path.removeprefix(f'{root}/')}: not formatted, run `make format`"


def check_exports(root, build):
    libraries = [p for p in build.rglob("libaeon.so*") if not p.is_symlink()]
    if not libraries:
        yield f"{build}: no libaeon.so, build it first"
    for library in libraries:
        listing = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", library],
                                 check=True, capture_output=True, text=True).stdout
        names = [line.split()[0] for line in listing.splitlines()]
        for name in names:
            if not name.startswith("aeon_"):
                yield f"{library.name}: exports {name}, every public name begins with aeon_"
        if not names:
            yield f"{library.name}: exports nothing"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", metavar="BUILD", type=pathlib.Path)
    parser.add_argument("root", nargs="?", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    args = parser.parse_args()
    checks = [check_layers, check_instruction_sets, check_sizes, check_banned, check_format]
    problems = [problem for check in checks for problem in check(args.root)]
    if args.library:
        problems += check_exports(args.root, args.library)
    for problem in problems:
        print(problem)
    print(f"rules: {len(problems)} broken" if problems else "rules: all kept")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
