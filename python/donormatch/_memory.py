"""How much memory one call may take."""

from __future__ import annotations

from donormatch import _core

__all__ = ["max_memory", "set_max_memory"]


def max_memory() -> float:
    """Memory that one call may take, in GiB.

    Returns
    -------
    float
        16 where nothing else was said.

    See Also
    --------
    set_max_memory : Choose it.

    Examples
    --------
    >>> max_memory() > 0
    True
    """
    return _core.max_memory() / 2**30


def set_max_memory(gib: float) -> None:
    """Choose how much memory one call may take.

    What a call will hold is worked out before it begins; what cannot fit raises `MemoryError`
    with what it would take.

    Parameters
    ----------
    gib : float
        Memory in GiB.

    Raises
    ------
    ParameterError
        No positive number.

    See Also
    --------
    max_memory : The memory allowed.

    Examples
    --------
    >>> import donormatch
    >>> set_max_memory(8)
    >>> donormatch.max_memory()
    8.0
    >>> set_max_memory(16)
    """
    _core.set_max_memory(gib)
