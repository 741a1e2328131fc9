#!/usr/bin/env python3
"""Processors without the instructions of this one: the program takes what they have, and never an
instruction that they lack. qemu stops at such an instruction, as they do."""

import shutil
import subprocess

from harness import AEON, Skip, check, environment, equal, main, test, works

EMULATOR = shutil.which("qemu-x86_64")
ASK = ("run", "-p", "Who are you?", "-n", "8", "--temp", "0")


def on(cpu, *args, isa=None):
    if not EMULATOR:
        raise Skip("needs qemu-x86_64")
    env = environment(AEON_ISA=isa) if isa else environment()
    return subprocess.run([EMULATOR, "-cpu", cpu, str(AEON), *args], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=300, env=env)


def answers(cpu, kernels):
    told = on(cpu, "doctor", "--no-probe")
    check(f"kernels   {kernels}".encode() in told.stdout, cpu, told)
    said = on(cpu, *ASK)
    equal(said.returncode, 0, said)
    equal(said.stdout, works(*ASK, env={"AEON_ISA": kernels}).out)


@test
def without_avx2():
    answers("Nehalem", "scalar")


@test
def with_avx2_alone():
    answers("Haswell", "avx2")


@test
def what_the_processor_lacks_is_refused_by_name():
    result = on("Nehalem", *ASK, isa="avx2")
    check(result.returncode != 0 and b"AEON_ISA" in result.stderr, result)


main()
