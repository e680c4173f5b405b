"""Pictures of profiles: what they consist of, and where they lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from donormatch._errors import ParameterError
from donormatch.plots import _style

if TYPE_CHECKING:
    from donormatch._engraftment import TransplantPrediction
    from donormatch._profiles import Profiles


def composition(profiles: Profiles, *, n_taxa: int = 10, ax: Any = None) -> Any:
    """The most abundant taxa of every sample as stacked bars.

    Parameters
    ----------
    profiles
        Samples, such as donor, recipient before and recipient after; shown as fractions.
    n_taxa
        Taxa with a color of their own, by their mean; the others stand together.
    ax
        Axes to draw on; new ones by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    fractions = profiles.closure().to_numpy()
    return _stacked(profiles.sample_ids, profiles.names, fractions, n_taxa, ax)


def before_and_after(prediction: TransplantPrediction, *, n_taxa: int = 10, ax: Any = None) -> Any:
    """What a transplant is expected to leave: donor, recipient before, recipient after.

    Parameters
    ----------
    prediction
        What :meth:`donormatch.Matcher.predict_transplant` gives.
    n_taxa
        Taxa with a color of their own, by their mean; the others stand together.
    ax
        Axes to draw on; new ones by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    rows = _style.records_of(prediction.taxa, ["donor", "recipient", "expected_fraction"])
    columns = ("donor", "recipient", "expected_fraction")
    fractions = np.array([[row[name] for row in rows] for name in columns], dtype=float)
    labels = ["donor", "recipient\nbefore", "recipient after\n(expected)"]
    axes = _stacked(labels, [row["taxon"] for row in rows], fractions, n_taxa, ax)
    counts = {name: getattr(prediction, f"n_{name}") for name in ("gained", "kept", "lost")}
    told = ", ".join(f"{count:.0f} taxa {name}" for name, count in counts.items())
    axes.set_title(f"expected: {told}", fontsize="medium")
    return axes


def ordination(
    profiles: Profiles,
    *,
    metric: str = "bray_curtis",
    groups: Sequence[str] | str | None = None,
    arrows: Iterable[tuple[str, str]] = (),
    ax: Any = None,
) -> Any:
    """Samples by their distances, in the first two principal coordinates.

    Parameters
    ----------
    profiles
        At least three samples.
    metric
        A distance of :meth:`donormatch.Profiles.distances`; counts are closed for Bray-Curtis.
    groups
        The group of each sample, or a column of ``profiles.metadata``.
    arrows
        Pairs of sample ids to join, such as a recipient before and after.
    ax
        Axes to draw on; new ones by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes; their labels say how much of the variation each coordinate holds.

    References
    ----------
    Gower 1966, Biometrika 53:325.
    """
    closed = profiles.closure() if metric == "bray_curtis" else profiles
    points, shares = _principal_coordinates(closed.distances(metric=metric))  # type: ignore[arg-type]
    column = profiles.metadata[groups] if isinstance(groups, str) else groups
    labels = [str(one) for one in column] if column is not None else [""] * len(points)
    if len(labels) != len(points):
        message = f"`groups`: expected one a sample ({len(points)}), found {len(labels)}"
        raise ParameterError(message)
    axes = _style.axes_or_new(ax, 6, 4.5)
    for number, label in enumerate(dict.fromkeys(labels)):
        chosen = points[[one == label for one in labels]]
        marker = _style.POINTS[number % len(_style.POINTS)]
        axes.scatter(*chosen.T, color=_style.color_of(number), marker=marker, label=label or None)
    places = dict(zip(profiles.sample_ids, points, strict=True))
    for start, end in arrows:
        for name in (start, end):
            if name not in places:
                message = f"`arrows`: no sample `{name}` among the profiles"
                raise ParameterError(message)
        arrow = {"arrowstyle": "->", "color": _style.NEUTRAL, "shrinkA": 4, "shrinkB": 4}
        axes.annotate("", places[end], xytext=places[start], arrowprops=arrow)
    axes.set_xlabel(f"principal coordinate 1 ({shares[0]:.0%})")
    axes.set_ylabel(f"principal coordinate 2 ({shares[1]:.0%})")
    axes.set_title(metric.replace("_", " "))
    if any(labels):
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return axes


def _principal_coordinates(
    distances: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], tuple[float, float]]:
    """Two coordinates a sample, and each one's share of the positive variation."""
    n = len(distances)
    if n < 3:
        message = f"expected three samples or more, found {n}"
        raise ParameterError(message)
    centering = np.eye(n) - 1.0 / n
    inner = -0.5 * centering @ distances**2 @ centering
    values, vectors = np.linalg.eigh(inner)
    values, vectors = np.clip(values[::-1], 0.0, None), vectors[:, ::-1]
    # The sign of an axis is free: fixed, so that a picture comes out the same everywhere.
    largest = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.sign(vectors[largest, np.arange(n)])
    total = values.sum()
    shares = values / total if total > 0 else values
    return vectors[:, :2] * np.sqrt(values[:2]), (float(shares[0]), float(shares[1]))


def _stacked(
    samples: Sequence[str],
    taxa: Sequence[str],
    fractions: npt.NDArray[np.float64],
    n_taxa: int,
    ax: Any,
) -> Any:
    if n_taxa < 1:
        message = f"`n_taxa`: expected 1 or more, found {n_taxa}"
        raise ParameterError(message)
    order = np.argsort(-fractions.mean(axis=0), kind="stable")[:n_taxa]
    axes = _style.axes_or_new(ax, 4.5 + 0.5 * len(samples), 5)
    bottom = np.zeros(len(samples))
    edge = {"edgecolor": _style.paper(), "linewidth": 0.5}
    for number, taxon in enumerate(order):
        hatch = _style.HATCHES[number // len(_style.PALETTE) % len(_style.HATCHES)]
        color, label = _style.color_of(number), taxa[taxon].replace("_", " ")
        axes.bar(
            range(len(samples)),
            fractions[:, taxon],
            bottom=bottom,
            color=color,
            hatch=hatch,
            label=label,
            **edge,
        )
        bottom = bottom + fractions[:, taxon]
    rest = np.clip(fractions.sum(axis=1) - bottom, 0.0, None)
    n_others = len(taxa) - len(order)
    if n_others:
        label = f"{n_others} others"
        axes.bar(range(len(samples)), rest, bottom=bottom, color="#999999", label=label, **edge)
    turned = {"rotation": 45, "ha": "right"} if len(samples) > 4 else {}
    axes.set_xticks(range(len(samples)), samples, **turned)
    axes.set_ylabel("fraction of the profile")
    handles, names = axes.get_legend_handles_labels()
    place = {"frameon": False, "loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
    # As they are stacked, the first at the bottom.
    axes.legend(handles[::-1], names[::-1], **place)
    return axes
