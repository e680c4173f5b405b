"""Exceptions and warnings of donormatch.

Every exception is a :class:`DonorMatchError` and also the builtin that fits, so that code which
knows nothing of donormatch still catches it. Trouble with files is an :class:`OSError`.
"""

from __future__ import annotations

import os
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
