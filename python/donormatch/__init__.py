"""Match stool donors to cancer patients, honestly. Research use only.

Read profiles with :func:`read_profiles` or one of the ``Profiles.from_`` methods. Models in the
idiom of scikit-learn live in :mod:`donormatch.sklearn`, which needs the extra ``sklearn``; the
package itself needs NumPy only.
"""

from __future__ import annotations

from donormatch import metrics
from donormatch._core import __version__, n_threads, set_n_threads
from donormatch._errors import (
    ConvergenceError,
    DonorMatchError,
    DonorMatchWarning,
    InputError,
    MissingTaxaWarning,
    ModelFormatError,
    NotFittedError,
    OutOfDomainWarning,
    ParameterError,
    SynonymWarning,
    UnitWarning,
)
from donormatch._harmonize import HarmonizationReport
from donormatch._profiles import Profiles, read_profiles

__all__ = [
    "ConvergenceError",
    "DonorMatchError",
    "DonorMatchWarning",
    "HarmonizationReport",
    "InputError",
    "MissingTaxaWarning",
    "ModelFormatError",
    "NotFittedError",
    "OutOfDomainWarning",
    "ParameterError",
    "Profiles",
    "SynonymWarning",
    "UnitWarning",
    "__version__",
    "metrics",
    "n_threads",
    "read_profiles",
    "set_n_threads",
]
