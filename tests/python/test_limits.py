"""Limits of what is held: what refusing a bomb takes, and how limits are set from Python."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import textwrap
import zlib

import pytest

import donormatch as dm
from donormatch._errors import warned

TABLE = "sample_id\ts__Blautia_obeum\ts__Dorea_longicatena\nd1\t60\t40\n"

# Prints the message, the processor's seconds of the call and by how many kilobytes it grew.
CHILD = textwrap.dedent(
    """
    import json, resource, sys, time
    import donormatch
    table = b"sample_id\\ts__A_b\\ts__C_d\\nd1\\t60\\t40\\n"
    import io
    donormatch.read_profiles(io.BytesIO(table), unit="percent")
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    before, start, message = peak(), time.process_time(), ""
    try:
        donormatch.read_profiles(sys.argv[1])
    except donormatch.InputError as error:
        message = str(error)
    print(json.dumps([message, time.process_time() - start, peak() - before]))
    """
)

BOMBS = {
    "blanks of JSON": ('{"id":"', " "),
    "entries of JSON": ('{"type":"OTU table","data":[', "[0,0,1],"),
    "empty entries of JSON": ('{"type":"OTU table","data":[', "[],"),
    "rows": ("sample_id\ts__A_b\n", "x\t1\n"),
    "blank rows": ("sample_id\ts__A_b\n", "\n"),
    "long rows": ("sample_id\ttaxon\tabundance\n", "x\ts__A_b\t1\n"),
    "columns": ("sample_id", "\ts__A"),
    "values": ("sample_id\ts__A_b\nx", "\t1"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="kilobytes of ru_maxrss")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_within_a_second_and_64_megabytes(name, tmp_path):
    head, part = BOMBS[name]
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = part.encode() * (1_000_000 // len(part))
    path = tmp_path / "bomb.gz"
    with path.open("wb") as out:
        out.write(packer.compress(head.encode()))
        for _ in range(300):
            out.write(packer.compress(block))
        out.write(packer.flush())
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, check=True
    )
    message, seconds, kilobytes = json.loads(done.stdout)
    # A long line is refused by its own limit where that one is met first.
    assert "allowed by `limits.expansion`" in message or "allowed by `limits.line_bytes`" in message
    assert seconds < 1.0
    assert kilobytes < 64 * 1024, f"{kilobytes} kB"


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ({"axis": 1}, "`limits.axis`"),
        ({"nonzeros": 1}, "`limits.nonzeros`"),
        ({"line_bytes": 8}, "`limits.line_bytes`"),
        ({"label_bytes": 3}, "`limits.label_bytes`"),
        ({"text_bytes": 10}, "`limits.text_bytes`"),
    ],
)
def test_a_limit_is_an_argument_and_its_message_names_it(limits, named):
    assert dm.read_profiles(io.StringIO(TABLE), unit="percent").shape == (1, 2)
    with pytest.raises(dm.InputError, match=named):
        dm.read_profiles(io.StringIO(TABLE), unit="percent", limits=limits)


@pytest.mark.parametrize("limits", [{"rows": 1}, {"axis": -1}, {"axis": "many"}, {"axis": 1.5}])
def test_what_is_no_limit_is_refused(limits):
    with pytest.raises(dm.ParameterError, match="limits"):
        dm.read_profiles(io.StringIO(TABLE), unit="percent", limits=limits)


def test_a_limit_holds_for_trees(tmp_path):
    path = tmp_path / "tree.nwk"
    path.write_text("((a:1,b:2):0.5,c:3);")
    assert dm.read_tree(path, limits={"nodes": 5}).n_tips == 3
    with pytest.raises(dm.InputError, match=r"`limits\.nodes`"):
        dm.read_tree(path, limits={"nodes": 3})


@pytest.mark.parametrize("id_", ["d\x1b[2J1", "d\u202e1", "d\x9b31m1", "d\nforged"])
def test_a_warning_shows_no_character_that_acts_on_a_terminal(id_):
    with pytest.warns(dm.DonorMatchWarning) as caught:
        texts = warned("metadata", [(True, f"no profile for `{id_}`")])
    assert len(caught) == 1
    assert str(caught[0].message).isprintable(), repr(str(caught[0].message))
    # What is kept for programs is as it came.
    assert id_ in texts[0]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize("redirection", [">&-", "| true", ">/dev/full"])
def test_a_result_that_is_lost_is_an_error(redirection, tmp_path):
    if redirection == ">/dev/full" and sys.platform != "linux":
        pytest.skip("no /dev/full here")
    path = tmp_path / "table.tsv"
    rows = "".join(f"sample_{row}\t60\t40\n" for row in range(5000))
    path.write_text(TABLE.splitlines()[0] + "\n" + rows)
    command = f"{sys.executable} -m donormatch diversity {path} --unit percent {redirection}"
    script = f"set -o pipefail; {command}"
    done = subprocess.run(["bash", "-c", script], stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "stdout" in done.stderr or "standard output" in done.stderr
