"""What harmonization did, as a tidy table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from donormatch import _core, _html
from donormatch._errors import SynonymWarning, warn
from donormatch._optional import optional
from donormatch._table import Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HarmonizationReport"]


class HarmonizationReport:
    """What became of every taxon when names were brought into one vocabulary.

    Attributes
    ----------
    source, target : str
        The vocabularies before and after.
    taxa : Table
        One row a taxon: ``original target how candidates n_samples mean_fraction max_fraction``.
    mapped_mass, dropped_mass : dict of str to float
        Fraction of each sample that landed on an entry of the vocabulary, and that was left out.
    """

    def __init__(self, report: dict[str, Any]) -> None:
        self.source: str = report["source"]
        self.target: str = report["target"]
        self.taxa: Table[dict[str, Any]] = Table(report["taxa"])
        samples: list[str] = report["samples"]
        self.mapped_mass = dict(zip(samples, report["mapped_mass"], strict=True))
        self.dropped_mass = dict(zip(samples, report["dropped_mass"], strict=True))

    @classmethod
    def _from_json(cls, text: str) -> HarmonizationReport:
        return cls(json.loads(text))

    @property
    def mean_mapped_mass(self) -> float:
        """The mean of `mapped_mass` over the samples."""
        masses: list[float] = list(self.mapped_mass.values())
        return sum(masses) / max(len(masses), 1)

    def _warn_of_names(self, what: str) -> None:
        """For the caller of a public function that harmonizes on its own."""
        mapped = self.mean_mapped_mass
        if mapped < _core.WARN_BELOW:
            message = (
                f"`{what}`: only {100 * mapped:.1f} % of the abundance is in taxa of the "
                "vocabulary; check the names of the taxa"
            )
            warn(message, SynonymWarning)

    def to_pandas(self) -> pd.DataFrame:
        """The rows of :attr:`taxa` as a frame.

        Returns
        -------
        pandas.DataFrame
            One row a taxon of the source, in its order.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[60.0, 40.0]], sample_ids=["a"], taxa=["s__Blautia_obeum", "s__B"], unit="percent"
        ... )
        >>> _, report = profiles.harmonize()
        >>> report.to_pandas()[["original", "target", "how"]]
                   original         target    how
        0  s__Blautia_obeum  Blautia_obeum  exact
        1              s__B              B   kept
        """
        frame: pd.DataFrame = optional("pandas", "to_pandas").DataFrame(self.taxa)
        return frame

    def __repr__(self) -> str:
        return f"HarmonizationReport({self.source!r} → {self.target!r}, {len(self.taxa)} taxa)"

    def _repr_html_(self) -> str:
        columns = ["original", "target", "how", "n_samples", "mean_fraction"]
        rows = ([taxon[name] for name in columns] for taxon in self.taxa)
        return _html.table(repr(self), columns, rows, len(self.taxa))
