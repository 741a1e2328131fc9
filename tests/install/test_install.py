"""An installed AEON can be used: by its program, through pkg-config (shared and static), and
through find_package.

    test_install.py BUILD/bin/aeon

The example of the documentation is built each way against a temporary prefix and must print the
same answer each time. Each public header must stand alone.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HELLO_C = ROOT / "docs/examples/hello.c"


def output_of(*command, **options):
    run = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                         errors="replace", **options)
    if run.returncode != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}\n{run.stdout}{run.stderr}")
    return run.stdout


def library_folder(prefix):
    return next(prefix.rglob("libaeon.so")).parent


def hello_by_pkg_config(prefix, work, *options):
    libraries = library_folder(prefix)
    env = {**os.environ, "PKG_CONFIG_PATH": str(libraries / "pkgconfig")}
    flags = output_of("pkg-config", "--cflags", "--libs", *options, "aeon", env=env).split()
    if options == ("--static",):
        flags = [libraries / "libaeon.a" if flag == "-laeon" else flag for flag in flags]
    output_of("cc", HELLO_C, *flags, "-o", work / "hello")
    return output_of(work / "hello", env={**env, "LD_LIBRARY_PATH": str(libraries)})


def hello_by_find_package(prefix, work):
    output_of("cmake", "-G", "Ninja", "-S", ROOT / "tests/install", "-B", work / "build",
              f"-DCMAKE_PREFIX_PATH={prefix}", f"-DHELLO_C={HELLO_C}")
    output_of("cmake", "--build", work / "build")
    return output_of(work / "build/hello")


def main():
    build = pathlib.Path(sys.argv[1]).parents[1]
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        prefix = work / "prefix"
        output_of("cmake", "--install", build, "--prefix", prefix)
        output_of(prefix / "bin/aeon", "--version")
        for header in sorted((prefix / "include/aeon").glob("*.h")):
            output_of("cc", "-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                      "-fsyntax-only", "-xc", "-I", prefix / "include", header)
        answers = [hello_by_pkg_config(prefix, work),
                   hello_by_pkg_config(prefix, work, "--static"),
                   hello_by_find_package(prefix, work)]
    if not answers[0].strip() or len(set(answers)) != 1:
        sys.exit(f"shared, static and find_package say: {answers}")
    print(f"hello: {answers[0].strip()}")


if __name__ == "__main__":
    main()
