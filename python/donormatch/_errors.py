"""Exceptions and warnings of donormatch.

Every exception is a :class:`DonorMatchError` and also the builtin that fits, so that code which
knows nothing of donormatch still catches it. Trouble with files is an :class:`OSError`.
"""

from __future__ import annotations

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
