"""What files are given as: paths, open files, standard input."""

from __future__ import annotations

import os
import sys
from typing import IO, TypeAlias

from donormatch._errors import InputError

Readable: TypeAlias = "str | bytes | os.PathLike[str] | os.PathLike[bytes] | IO[str] | IO[bytes]"


def path_or_bytes(source: object) -> str | bytes:
    """The path that is named, or the bytes of an open file or of standard input."""
    if isinstance(source, str) and source == "-":
        return sys.stdin.buffer.read()
    if isinstance(source, str | bytes | os.PathLike):
        return os.fsdecode(source)
    if hasattr(source, "read"):
        content = source.read()
        return content.encode() if isinstance(content, str) else bytes(content)
    message = f"expected a path or an open file, found {type(source).__name__}"
    raise InputError(message)
