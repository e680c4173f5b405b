"""Explanations: why one donor rather than another, part by part."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from donormatch import _core, _html
from donormatch._harmonize import HarmonizationReport
from donormatch._optional import optional

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Asked", "Explanation"]

# Donors, recipients, treatment, metadata of both, settings of prediction and ranking.
_Words: TypeAlias = "tuple[str | None, str | None, str | None, str | None]"
Asked: TypeAlias = "tuple[_core.ProfileTable, _core.ProfileTable, _Words, Any, tuple[str, str]]"


class Explanation:
    """Why a donor for a recipient, against another donor or a random eligible one.

    Got by :meth:`Matcher.explain` or :meth:`Ranking.why`; research use only. The contributions of
    an endpoint (``"response"``, ``"severe_irae"``) sum to the difference of the mean log-odds. They
    say what the models did: associations, not what a change would bring.

    Each contribution has an `endpoint`, a `term` of a `kind` (``evidence``, ``record``,
    ``diversity``, ``signature`` or ``genus``), the `contribution` to the log-odds with its 90 %
    interval over the draws, and, where it has them, its own `log_odds` and `log_odds_against`; what
    the transplant is expected to change of it, from `baseline` to `expected` (`expected_against`
    with the other), in its `measure`; the `grade` of the `evidence` and its `source`; the
    `heterogeneity` over cohorts of the log odds ratio of response for one standard deviation more
    (`n_cohorts`, `n_same_sign`, pooled `ln_or` with `ln_or_se`, `tau`, `i2`); and the `features` of
    the model behind it.
    """

    __slots__ = ("_content", "_text", "_tsv", "harmonization", "notes")

    def __init__(self, content: str, text: str, tsv: str) -> None:
        self._content: dict[str, Any] = json.loads(content)
        self._text = text
        self._tsv = tsv
        #: What harmonization did to ``donors`` and ``recipients``.
        self.harmonization: dict[str, HarmonizationReport] = {}
        #: What was noticed about treatments: columns without a use, defaults that stood in.
        self.notes: list[str] = []

    @classmethod
    def _of(
        cls,
        model: _core.Matcher,
        asked: Asked,
        question: tuple[str, str | None, str],
    ) -> tuple[Explanation, list[str], Any]:
        """The answer of a model, the reports of harmonization and notes."""
        told, *reports, notes = model.explain(*asked, question)
        return cls(*told), reports, notes

    @property
    def donor_id(self) -> str:
        """The donor explained."""
        return str(self._content["donor_id"])

    @property
    def against(self) -> str | None:
        """The donor it is compared with; ``None`` for the mean of the eligible donors."""
        found: str | None = self._content["against"]
        return found

    @property
    def recipient_id(self) -> str:
        """The recipient."""
        return str(self._content["recipient_id"])

    @property
    def contributions(self) -> list[dict[str, Any]]:
        """One record a term of each endpoint."""
        return [
            {"endpoint": endpoint, **one}
            for endpoint in ("response", "severe_irae")
            for one in self._content[endpoint]["contributions"]
        ]

    @property
    def log_odds(self) -> dict[str, dict[str, float]]:
        """Of each endpoint the mean `log_odds`, `log_odds_against` and their `difference`."""
        names = ("log_odds", "log_odds_against", "difference")
        return {
            endpoint: {name: self._content[endpoint][name] for name in names}
            for endpoint in ("response", "severe_irae")
        }

    @property
    def counterfactual(self) -> dict[str, Any] | None:
        """What would have to differ for the donor that comes second by utility to come first.

        Between two donors: `first`, `second` and their `utility_gap`; `response_change` and
        `severe_irae_change`, the smallest changes of the log-odds of the second that make a tie;
        `swaps`, the gap were the second like the first in one term; and `weights`, the value of
        each at which the two are level.
        """
        found: dict[str, Any] | None = self._content["counterfactual"]
        return found

    def to_pandas(self) -> pd.DataFrame:
        """The contributions as a frame.

        Returns
        -------
        pandas.DataFrame
            One row a term, without the columns of the model behind it; what is told of
            heterogeneity stands in columns of its own.
        """
        pandas = optional("pandas", "to_pandas")
        nested = ("features", "heterogeneity")
        rows = [
            {name: value for name, value in one.items() if name not in nested}
            | dict(one["heterogeneity"] or {})
            for one in self.contributions
        ]
        frame: pd.DataFrame = pandas.DataFrame(rows)
        return frame

    def to_tsv(self) -> str:
        """The contributions as tab-separated text, safe to open in a spreadsheet.

        Returns
        -------
        str
            A header and one line a term.
        """
        return self._tsv

    def to_json(self) -> str:
        """Everything as JSON.

        Returns
        -------
        str
            Numbers read back to the same bits.
        """
        return json.dumps(self._content, ensure_ascii=False, indent=2)

    def __len__(self) -> int:
        return len(self.contributions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Explanation) and self._content == other._content

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        against = self.against or "the eligible donors"
        return f"Explanation({self.donor_id!r} against {against!r} for {self.recipient_id!r})"

    def __str__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        columns = [
            "endpoint",
            "term",
            "kind",
            "contribution",
            "baseline",
            "expected",
            "expected_against",
            "grade",
            "cohorts of the same sign",
        ]
        shown = [one for one in self.contributions if one["contribution"] != 0.0]
        rows = (self._shown(one, columns[:-1]) for one in shown)
        return _html.table(f"{self!r}, research use only", columns, rows, len(shown))

    @staticmethod
    def _shown(one: dict[str, Any], columns: list[str]) -> list[Any]:
        told = one["heterogeneity"]
        agree = f"{told['n_same_sign']} of {told['n_cohorts']}" if told else ""
        return [*("" if one[name] is None else one[name] for name in columns), agree]
