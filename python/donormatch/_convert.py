"""Words, labels and matrices of Python as the core takes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from donormatch import _core

Unit = Literal["count", "fraction", "percent"]
Orientation = Literal["samples_in_rows", "taxa_in_rows"]
Completeness = Literal["complete", "filtered"]


class SparseParts:
    """The parts of a compressed SciPy matrix as the core takes them: sorted, wide indices."""

    __slots__ = ("data", "indices", "indptr", "shape")

    def __init__(self, compressed: Any) -> None:
        compressed.sum_duplicates()
        self.shape = compressed.shape
        self.indptr = compressed.indptr.astype(np.int64)
        self.indices = compressed.indices.astype(np.int64)
        self.data = compressed.data.astype(np.float64)


def options_json(**settings: object) -> str:
    """The settings that are not left to the core, as JSON."""
    return json.dumps({name: value for name, value in settings.items() if value is not None})


def texts(labels: Iterable[object]) -> list[str]:
    """Labels as text."""
    return [str(label) for label in labels]


def maybe_texts(labels: Iterable[object] | None) -> list[str] | None:
    """Labels as text, where there are any."""
    return None if labels is None else texts(labels)


class ScoredRows(NamedTuple):
    """Held-out scores beside outcomes, as the core takes them."""

    scores: npt.NDArray[np.float64]
    outcomes: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64] | None
    groups: npt.NDArray[np.uint32] | None


def scored_rows(
    outcomes: npt.ArrayLike,
    scores: npt.ArrayLike,
    weights: npt.ArrayLike | None,
    groups: Iterable[object] | None,
) -> ScoredRows:
    """Held-out scores beside outcomes, weights and labels of groups, where there are any."""
    return ScoredRows(
        np.ascontiguousarray(scores, dtype=np.float64),
        np.ascontiguousarray(outcomes, dtype=np.float64),
        None if weights is None else np.ascontiguousarray(weights, dtype=np.float64),
        None if groups is None else _core.number_groups(texts(groups)),
    )
