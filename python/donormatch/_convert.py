"""Words, labels and matrices of Python as the core takes them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from donormatch import _core
from donormatch._errors import InputError, ParameterError

Unit = Literal["count", "fraction", "percent"]
Orientation = Literal["samples_in_rows", "taxa_in_rows"]
Completeness = Literal["complete", "filtered"]
Duplicates = Literal["reject", "sum"]
EmptySamples = Literal["reject", "drop"]
Ranks = Literal["repeated", "disjoint"]


class SparseParts:
    """The parts of a compressed SciPy matrix as the core takes them: sorted, wide indices."""

    __slots__ = ("data", "indices", "indptr", "shape")

    def __init__(self, compressed: Any) -> None:
        compressed.sum_duplicates()
        self.shape = compressed.shape
        self.indptr = compressed.indptr.astype(np.int64)
        self.indices = compressed.indices.astype(np.int64)
        self.data = compressed.data.astype(np.float64)


def settings_json(**settings: object) -> str:
    """Settings as JSON for the core, each made plain; what cannot be is named."""
    return json.dumps({name: _plain(name, value) for name, value in settings.items()})


def options_json(**settings: object) -> str:
    """The settings that are not left to the core, as JSON."""
    return settings_json(**{name: value for name, value in settings.items() if value is not None})


def _plain(name: str, value: Any) -> Any:
    """Plain Python for what notebooks and searches hand over: scalars, arrays, paths, mappings."""
    if is_missing(value) and value is not None:
        message = f"`{name}`: expected a value, found a missing one (`{value}`)"
        raise ParameterError(message)
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            message = f"`{name}`: expected a finite number, found {value}"
            raise ParameterError(message)
        return value
    if isinstance(value, np.ndarray):
        return _plain(name, present(name, value).tolist())
    if isinstance(value, Mapping):
        return {str(key): _plain(f"{name}.{key}", its) for key, its in value.items()}
    if isinstance(value, list | tuple | set | frozenset | range):
        return [_plain(name, its) for its in value]
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real) or _is_decimal(value):
        return _plain(name, float(value))
    message = f"`{name}`: expected a number, a word or a list, found {type(value).__name__}"
    raise ParameterError(message)


def present(name: str, values: Any) -> Any:
    """An array as it is, unless entries of it are masked."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        at = ", ".join(str(int(index[0])) for index in np.nonzero(np.ma.getmaskarray(values)))
        message = f"`{name}`: the value at [{at}] is masked; fill it, or drop its row"
        raise InputError(message)
    return values


def is_missing(label: object) -> bool:
    """Whether a label or value is None, NaN, NaT, NA or masked; texts never are."""
    if label is None or type(label).__name__ in {"NAType", "NaTType", "MaskedConstant"}:
        return True
    if isinstance(label, tuple):
        return any(is_missing(part) for part in label)
    is_number = isinstance(label, float | np.floating | np.datetime64 | np.timedelta64)
    return (is_number or _is_decimal(label)) and bool(label != label)


def _is_decimal(value: object) -> bool:
    """Told by name: to import `decimal` takes a tenth of the time of importing the package."""
    return type(value).__name__ == "Decimal"


def texts(labels: Iterable[object], what: str = "label") -> list[str]:
    """Labels as text, none of which may be missing."""
    found = []
    for number, label in enumerate(labels, start=1):
        if is_missing(label):
            message = f"{what} {number} is missing (`{label}`): give it an id, or drop it"
            raise InputError(message)
        found.append(str(label))
    return found


def maybe_texts(labels: Iterable[object] | None) -> list[str] | None:
    """Labels as text where there are any; a missing one is blank."""
    if labels is None:
        return None
    return ["" if is_missing(label) else str(label) for label in labels]


def maybe_list(names: Iterable[object] | None) -> list[str] | None:
    """Names as text where there are any; one text is no list of names."""
    if isinstance(names, str):
        message = f"expected a list of names, found the text `{names}`"
        raise ParameterError(message)
    return None if names is None else texts(names, "name")


class ScoredRows(NamedTuple):
    """Held-out scores beside outcomes, as the core takes them."""

    scores: npt.NDArray[np.float64]
    outcomes: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64] | None
    groups: npt.NDArray[np.uint32] | None


def numbers(name: str, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """One number a row, as the core takes them."""
    try:
        found = np.ascontiguousarray(present(name, values), dtype=np.float64)
    except (TypeError, ValueError) as error:
        message = f"`{name}`: expected numbers, {error}"
        raise InputError(message) from error
    if np.ndim(values) != 1:
        message = f"`{name}`: expected one number a row, found the shape {np.shape(values)}"
        raise InputError(message)
    return found


def group_numbers(labels: Iterable[object]) -> npt.NDArray[np.uint32]:
    """Numbers of groups by their labels, each of which must be known."""
    return _core.number_groups(group_labels(labels))


def group_labels(labels: Iterable[object]) -> list[str]:
    """Labels of groups as text, each of which must be known."""
    labels = list(labels)
    for row, label in enumerate(labels):
        if is_missing(label):
            message = f"`groups`: the group of row {row} is unknown"
            raise InputError(message)
    return texts(labels)


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
