"""Profiles → arrays, frames and annotated matrices in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from donormatch import _core
from donormatch._optional import optional

if TYPE_CHECKING:
    import anndata
    import pandas as pd
    import polars as pl
    import scipy.sparse


class ToMemory:
    """The ways out of :class:`donormatch.Profiles` into objects in memory."""

    __slots__ = ()

    _table: _core.ProfileTable

    def to_numpy(self) -> npt.NDArray[np.float64]:
        """The abundances, samples × taxa, with every zero written out.

        Returns
        -------
        numpy.ndarray
            A new array in C order.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[60.0, 40.0]], sample_ids=["a"], taxa=["s__A", "s__B"], unit="percent"
        ... )
        >>> profiles.to_numpy()
        array([[60., 40.]])
        """
        return self._table.to_dense()

    def to_scipy(self) -> scipy.sparse.csr_array:
        """The abundances in compressed sparse rows.

        Returns
        -------
        scipy.sparse.csr_array
            A new matrix of samples × taxa.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[60.0, 40.0]], sample_ids=["a"], taxa=["s__A", "s__B"], unit="percent"
        ... )
        >>> profiles.to_scipy().nnz
        2
        """
        sparse = optional("scipy.sparse", "to_scipy")
        indptr, indices, values = self._table.to_csr()
        return sparse.csr_array((values, indices, indptr), shape=self._table.shape)

    def to_pandas(self) -> pd.DataFrame:
        """A frame of samples × taxa, the ids of the samples as its index ``sample_id``.

        Returns
        -------
        pandas.DataFrame
            The abundances, columns by label.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[60.0, 40.0]], sample_ids=["a"], taxa=["s__A", "s__B"], unit="percent"
        ... )
        >>> profiles.to_pandas()
                   s__A  s__B
        sample_id
        a          60.0  40.0
        """
        pandas = optional("pandas", "to_pandas")
        index = pandas.Index(self._table.sample_ids, name="sample_id")
        frame: pd.DataFrame = pandas.DataFrame(
            self.to_numpy(), index=index, columns=self._table.taxa
        )
        return frame

    def to_polars(self) -> pl.DataFrame:
        """A frame with the column ``sample_id`` and one column a taxon.

        Returns
        -------
        polars.DataFrame
            The abundances.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[60.0, 40.0]], sample_ids=["a"], taxa=["s__A", "s__B"], unit="percent"
        ... )
        >>> profiles.to_polars().columns
        ['sample_id', 's__A', 's__B']
        """
        polars = optional("polars", "to_polars")
        columns = dict(zip(self._table.taxa, self.to_numpy().T, strict=True))
        return polars.DataFrame({"sample_id": self._table.sample_ids, **columns})

    def to_anndata(self) -> anndata.AnnData:
        """AnnData with samples in ``obs``, taxa and their lineages in ``var``.

        Unit, vocabulary and completeness stand in ``uns["donormatch"]``, the unclassified fraction
        in ``obs``.

        Returns
        -------
        anndata.AnnData
            Sparse abundances in ``X``.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[60.0, 40.0]], sample_ids=["a"], taxa=["s__A", "s__B"], unit="percent"
        ... )
        >>> profiles.to_anndata().var_names.tolist()
        ['s__A', 's__B']
        """
        package = optional("anndata", "to_anndata")
        pandas = optional("pandas", "to_anndata")
        sparse = optional("scipy.sparse", "to_anndata")
        return package.AnnData(
            X=sparse.csr_matrix(self.to_scipy()),
            obs=pandas.DataFrame(
                {"unclassified": self._table.unclassified}, index=self._table.sample_ids
            ),
            var=pandas.DataFrame({"lineage": self._table.lineages}, index=self._table.taxa),
            uns={
                "donormatch": {
                    "unit": self._table.unit,
                    "vocabulary": self._table.vocabulary,
                    "completeness": self._table.completeness,
                }
            },
        )
