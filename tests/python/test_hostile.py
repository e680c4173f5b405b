"""Mutants of files of every container through Python, in a process of their own.

`DONORMATCH_FUZZ` sets how many of each; `make prove` asks for more.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"
N_MUTANTS = int(os.environ.get("DONORMATCH_FUZZ", "60"))
SEEDS = [
    *sorted(path for path in (DATA / "readers").iterdir() if path.suffix != ".py"),
    *sorted((DATA / "models").glob("v*/matcher.dmm")),
]

# Exceptions that a caller foresees; all else ends the process with another code.
SCRIPT = """
import pathlib, random, resource, sys, tempfile, time, warnings, zlib

import donormatch as dm

warnings.simplefilter("ignore")
seed, n_mutants = pathlib.Path(sys.argv[1]), int(sys.argv[2])
content = seed.read_bytes()
numbers = random.Random(seed.name)
read = dm.Matcher.read if seed.suffix == ".dmm" else dm.read_profiles
path = pathlib.Path(tempfile.mkdtemp(), "mutant")
slowest, before = 0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for _ in range(n_mutants):
    mutant = bytearray(content)
    for _ in range(numbers.randint(1, 4)):
        at = numbers.randrange(len(mutant))
        kind = numbers.random()
        if kind < 0.7:
            mutant[at] = numbers.choice([0, 1, 0x7F, 0xFF, numbers.randrange(256)])
        elif kind < 0.85:
            del mutant[at : at + numbers.randint(1, 40)]
        else:
            mutant[at:at] = mutant[at : at + numbers.randint(1, 40)]
        if not mutant:
            mutant = bytearray(b"x")
    if seed.suffix == ".dmm":
        # The checksum is mended, so that what lies behind it is looked at.
        mutant[-4:] = zlib.crc32(mutant[:-4]).to_bytes(4, "little")
    path.write_bytes(mutant)
    start = time.process_time()
    try:
        read(path)
    except (ValueError, OSError):
        pass
    slowest = max(slowest, time.process_time() - start)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(f"slowest {slowest:.2f} s of the processor, {grown} kB more")
sys.exit(3 if slowest > 2 or grown > 1_000_000 else 0)
"""


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_mutant_is_read_or_refused_by_an_exception_that_is_foreseen(seed):
    pytest.importorskip("resource")
    command = [sys.executable, "-c", SCRIPT, str(seed), str(N_MUTANTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=3600)
    assert done.returncode == 0, done.stdout + done.stderr
