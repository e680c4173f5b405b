"""Pictures of results on matplotlib; needs ``pip install 'donormatch[plot]'``.

Every function takes the axes to draw on as `ax` (new ones by default) and returns them. The classes
``...Display`` are made by ``from_estimator`` or ``from_predictions``, as those of scikit-learn, and
keep what they drew on in ``ax_`` and ``figure_``. Colors can be told apart by color-blind readers;
what a color says, a marker, a hatch or a word says too. Lines and texts that are no data take the
colors of matplotlib's style, so that dark styles work.

Research use only: an association that a picture shows is no effect.
"""

from __future__ import annotations

from donormatch._optional import optional

optional("matplotlib", "donormatch.plots")

from donormatch.plots._evaluation import (  # noqa: E402
    CalibrationDisplay,
    DecisionCurveDisplay,
    study_forest,
)
from donormatch.plots._evidence import donor_effects, prior_and_posterior  # noqa: E402
from donormatch.plots._explanation import ContributionsDisplay, waterfall  # noqa: E402
from donormatch.plots._plan import assignment_calendar, power_curves  # noqa: E402
from donormatch.plots._profiles import before_and_after, composition, ordination  # noqa: E402
from donormatch.plots._ranking import heat_map, interval_forest, pareto_front  # noqa: E402

__all__ = [
    "CalibrationDisplay",
    "ContributionsDisplay",
    "DecisionCurveDisplay",
    "assignment_calendar",
    "before_and_after",
    "composition",
    "donor_effects",
    "heat_map",
    "interval_forest",
    "ordination",
    "pareto_front",
    "power_curves",
    "prior_and_posterior",
    "study_forest",
    "waterfall",
]
