"""Words, labels and matrices of Python as the core takes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from donormatch import _core
from donormatch._errors import InputError, ParameterError

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


def plain(value: Any) -> Any:
    """Plain Python for what NumPy and searches hand over: scalars, arrays."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    message = f"expected a number, a word or a list, found {type(value).__name__}"
    raise ParameterError(message)


def options_json(**settings: object) -> str:
    """The settings that are not left to the core, as JSON."""
    given = {name: value for name, value in settings.items() if value is not None}
    return json.dumps(given, default=plain)


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


def numbers(name: str, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """One number a row, as the core takes them."""
    try:
        found = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        message = f"`{name}`: expected numbers, {error}"
        raise InputError(message) from error
    if np.ndim(values) != 1:
        message = f"`{name}`: expected one number a row, found the shape {np.shape(values)}"
        raise InputError(message)
    return found


def group_numbers(labels: Iterable[object]) -> npt.NDArray[np.uint32]:
    """Numbers of groups by their labels, each of which must be known."""
    labels = list(labels)
    for row, label in enumerate(labels):
        if label is None or label != label:
            message = f"`groups`: the group of row {row} is unknown"
            raise InputError(message)
    return _core.number_groups(texts(labels))


def scored_rows(
    outcomes: npt.ArrayLike,
    scores: npt.ArrayLike,
    weights: npt.ArrayLike | None,
    groups: Iterable[object] | None,
) -> ScoredRows:
    """Held-out scores beside outcomes, weights and labels of groups, where there are any."""
    return ScoredRows(
        numbers("scores", scores),
        numbers("outcomes", outcomes),
        None if weights is None else numbers("weights", weights),
        None if groups is None else group_numbers(groups),
    )
