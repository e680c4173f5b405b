"""Match stool donors to cancer patients, honestly. Research use only.

Read profiles with :func:`read_profiles` or one of the ``Profiles.from_`` methods. Models in the
idiom of scikit-learn live in :mod:`donormatch.sklearn`, which needs the extra ``sklearn``; the
package itself needs NumPy only.
"""

from __future__ import annotations

from donormatch import calibration, design, metrics
from donormatch._calendar import Calendar
from donormatch._cohort import Cohort, PatientCohort
from donormatch._core import __version__
from donormatch._engraftment import MismatchedNull, TransplantPrediction
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
from donormatch._explain import Explanation
from donormatch._features import toposcore_from_counts
from donormatch._follow_up import FollowUpReport, follow_up
from donormatch._harmonize import HarmonizationReport
from donormatch._matcher import Matcher
from donormatch._memory import max_memory, set_max_memory
from donormatch._profiles import Profiles
from donormatch._rank import rank_batches, rank_donors
from donormatch._ranking import Assignment, Ranking, RankingBatches, WrittenRanking
from donormatch._read import Decision, check, read_profiles, read_tree
from donormatch._screening import Screening, screen, screening_panel
from donormatch._signature import (
    Member,
    Membership,
    Signature,
    signature,
    signature_names,
    signatures,
)
from donormatch._simulate import SyntheticCohort, simulate
from donormatch._table import Table
from donormatch._threads import n_threads, set_n_threads
from donormatch._versions import show_versions, versions

__all__ = [
    "Assignment",
    "Calendar",
    "Cohort",
    "ConvergenceError",
    "Decision",
    "DonorMatchError",
    "DonorMatchWarning",
    "Explanation",
    "FollowUpReport",
    "HarmonizationReport",
    "InputError",
    "Matcher",
    "Member",
    "Membership",
    "MismatchedNull",
    "MissingTaxaWarning",
    "ModelFormatError",
    "NotFittedError",
    "OutOfDomainWarning",
    "ParameterError",
    "PatientCohort",
    "Profiles",
    "Ranking",
    "RankingBatches",
    "Screening",
    "Signature",
    "SynonymWarning",
    "SyntheticCohort",
    "Table",
    "TransplantPrediction",
    "UnitWarning",
    "WrittenRanking",
    "__version__",
    "calibration",
    "check",
    "design",
    "follow_up",
    "max_memory",
    "metrics",
    "n_threads",
    "rank_batches",
    "rank_donors",
    "read_profiles",
    "read_tree",
    "screen",
    "screening_panel",
    "set_max_memory",
    "set_n_threads",
    "show_versions",
    "signature",
    "signature_names",
    "signatures",
    "simulate",
    "toposcore_from_counts",
    "versions",
]
