"""Exceptions and warnings of donormatch.

Every exception is a :class:`DonorMatchError` and also the builtin that fits, so that code which
knows nothing of donormatch still catches it. Trouble with files is an :class:`OSError`.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Iterable

from donormatch import _core

__all__ = [
    "ConvergenceError",
    "DonorMatchError",
    "DonorMatchWarning",
    "InputError",
    "MissingTaxaWarning",
    "ModelFormatError",
    "NotFittedError",
    "OutOfDomainWarning",
    "ParameterError",
    "SynonymWarning",
    "UnitWarning",
]


class DonorMatchError(Exception):
    """Base of every exception that donormatch raises on purpose."""


class ParameterError(DonorMatchError, ValueError):
    """An argument is out of its range or contradicts another."""

    def __init__(self, message: str = "") -> None:
        super().__init__(in_words_of_python(message))


class InputError(DonorMatchError, ValueError):
    """The data are not usable as they are: the message names the row, taxon or file."""


class ModelFormatError(DonorMatchError, ValueError):
    """A model file is truncated, foreign, damaged or of an unknown format."""


class ConvergenceError(DonorMatchError, RuntimeError):
    """An iterative fit did not reach its tolerance."""


class NotFittedError(DonorMatchError, ValueError, AttributeError):
    """A model was asked for predictions before it was fitted."""


class DonorMatchWarning(UserWarning):
    """Base of every warning: something is odd, and the result still usable."""


class MissingTaxaWarning(DonorMatchWarning):
    """Taxa that a model or signature looks for are absent from the table."""


class OutOfDomainWarning(DonorMatchWarning):
    """A profile lies outside what a model was fitted on."""


class UnitWarning(DonorMatchWarning):
    """A unit was found from the numbers, not stated by the source."""


class SynonymWarning(DonorMatchWarning):
    """Names of taxa were ambiguous or could not all be brought into the vocabulary."""


_UNKNOWN = re.compile(r"unknown (?:variant|field) `([^`]*)`, expected (?:one of )?(.*)", re.DOTALL)
_INVALID = re.compile(
    r"invalid (?:value|type): (?:integer|floating point|string|boolean|sequence|map) "
    r"?[`\"]?([^`\"]*)[`\"]?, expected ([ui](?:8|16|32|64|size)|a?n? ?f64|a string|a boolean)\b"
)
_KINDS = {"u": "a whole number of 0 or more", "i": "a whole number", "f": "a number"}


def in_words_of_python(message: str) -> str:
    """What a parser of settings says, as a Python user would say it."""
    if found := _UNKNOWN.search(message):
        word, known = found[1], found[2]
        # Imported where it is used, like whatever few need.
        import difflib

        close = difflib.get_close_matches(word, re.findall(r"`([^`]+)`", known), n=1, cutoff=0.4)
        hint = f"; did you mean `{close[0]}`" if close else ""
        said = f"expected {'one of ' if ',' in known else ''}{known}, found `{word}`{hint}"
        return message[: found.start()] + said
    if found := _INVALID.search(message):
        expected = found[2].removeprefix("an ").removeprefix("a ")
        kind = _KINDS.get(expected[0], found[2]) if expected[-1].isdigit() else found[2]
        said = f"expected {kind}, found {found[1]}"
        return message[: found.start()] + said + message[found.end() :]
    return message


def caller_level() -> int:
    """The `stacklevel` with which a warning of our caller names the first line outside the package.

    Frames are counted, since `skip_file_prefixes` needs Python 3.12.
    """
    package = os.path.dirname(__file__)
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
        frame, level = frame.f_back, level + 1
    return level


def warn(message: str, category: type[DonorMatchWarning] = DonorMatchWarning) -> None:
    """Warn the first line outside the package, with what acts on a terminal written out."""
    warnings.warn(_core.printable(message), category, stacklevel=caller_level())


def warned(what: str, notes: Iterable[tuple[bool, str]]) -> list[str]:
    """The notes of the core on an argument; of those that are probably mistakes it is warned."""
    texts = []
    for is_warning, note in notes:
        texts.append(f"`{what}`: {note}")
        if is_warning:
            warn(texts[-1])
    return texts
