"""How many threads the compiled half uses."""

from __future__ import annotations

from donormatch import _core

__all__ = ["n_threads", "set_n_threads"]


def n_threads() -> int:
    """The number of threads that calls use.

    The numbers that come out do not depend on it.

    Returns
    -------
    int
        As :func:`set_n_threads` says, else as the environment does by ``RAYON_NUM_THREADS`` or
        ``OMP_NUM_THREADS``, else one a core.

    See Also
    --------
    set_n_threads : Choose it.

    Examples
    --------
    >>> n_threads() >= 1
    True
    """
    return _core.n_threads()


def set_n_threads(n_threads: int) -> None:
    """Choose the number of threads of later calls.

    Workers of joblib or Dask run best with one thread each.

    Parameters
    ----------
    n_threads : int
        At most 1,024; 0 goes back to the environment's choice.

    See Also
    --------
    n_threads : The number there is.

    Examples
    --------
    >>> import donormatch
    >>> set_n_threads(2)
    >>> donormatch.n_threads()
    2
    >>> set_n_threads(0)
    """
    _core.set_n_threads(n_threads)
