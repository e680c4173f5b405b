"""Models and splitters in the idiom of scikit-learn; needs ``pip install 'donormatch[sklearn]'``.

Estimators store their arguments unchanged; the core checks them in ``fit``. They take dense arrays,
frames and SciPy sparse matrices, give the same numbers for any number of threads, and work in
pipelines, searches and cross-validation. Splitters never part a group and say so when they cannot
split.
"""

from __future__ import annotations

from donormatch._optional import optional

optional("sklearn", "donormatch.sklearn")

from donormatch.sklearn._base import Contributions  # noqa: E402
from donormatch.sklearn._boosting import (  # noqa: E402
    BoostedTreesClassifier,
    BoostedTreesRegressor,
)
from donormatch.sklearn._composition import (  # noqa: E402
    Diversity,
    RobustCenteredLogRatio,
    SignatureBalances,
    SignatureFractions,
)
from donormatch.sklearn._logistic import (  # noqa: E402
    ElasticNetLogisticClassifier,
    ElasticNetLogisticClassifierCV,
)
from donormatch.sklearn._split import GroupKFold, LeaveOneStudyOut, PairSplit  # noqa: E402
from donormatch.sklearn._transform import CenteredLogRatio  # noqa: E402

__all__ = [
    "BoostedTreesClassifier",
    "BoostedTreesRegressor",
    "CenteredLogRatio",
    "Contributions",
    "Diversity",
    "ElasticNetLogisticClassifier",
    "ElasticNetLogisticClassifierCV",
    "GroupKFold",
    "LeaveOneStudyOut",
    "PairSplit",
    "RobustCenteredLogRatio",
    "SignatureBalances",
    "SignatureFractions",
]
