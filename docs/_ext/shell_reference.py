"""The reference of the command line: what every command says of itself under `--help`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HEAD = """# Shell

`pip install donormatch` and `cargo install donormatch` bring the same command. Data go to standard
output as tab-separated text, or as JSON with `--json`; everything else goes to standard error. Exit
codes: 0 done, 1 refused or failed (one message and its causes), 2 wrong usage, 130 ended by Ctrl-C.

`donormatch completions SHELL` prints the completions of a shell, `donormatch manual FOLDER` writes
manual pages. What follows is what each command says under `--help`.
"""


def help_of(command: list[str]) -> str:
    """What a command says under `--help`, wrapped for a page."""
    words = [sys.executable, "-m", "donormatch", *command, "--help"]
    told = subprocess.run(
        words, env={**os.environ, "COLUMNS": "78"}, capture_output=True, text=True, check=True
    )
    return told.stdout.rstrip()


def commands_in(text: str) -> list[str]:
    """The commands that a help lists, but for `help` itself."""
    if "\nCommands:\n" not in text:
        return []
    listed = text.split("\nCommands:\n")[1].split("\n\n")[0].splitlines()
    # A summary that is too long goes on below, deeper in.
    names = [line.split()[0] for line in listed if not line.startswith("   ")]
    return [name for name in names if name != "help"]


def pages(command: list[str]) -> Iterator[tuple[list[str], str]]:
    """A command and its help, then those of its own commands."""
    text = help_of(command)
    yield command, text
    for name in commands_in(text):
        yield from pages([*command, name])


def write(path: Path) -> None:
    """Write the page."""
    parts = [HEAD]
    for command, text in pages([]):
        name = " ".join(["donormatch", *command])
        parts.append(f"{'#' * (2 + (len(command) > 1))} `{name}`\n\n```text\n{text}\n```\n")
    page = "\n".join(parts)
    if not path.exists() or path.read_text(encoding="utf-8") != page:
        path.write_text(page, encoding="utf-8")
