"""Makes the small HDF5 files beside it: `python tests/data/readers/make.py` (h5py 3.16.0, NumPy)."""

from pathlib import Path

import h5py
import numpy as np

FOLDER = Path(__file__).parent
# Samples × taxa, the abundances of every file here.
ABUNDANCE = np.array([[5.0, 0.0, 7.0], [0.0, 2.0, 1.0]])
SAMPLES = ["a", "b"]
TAXA = ["t1", "t2", "t3"]
LINEAGES = [["k__B", "p__X"], ["k__B", "p__Y"], ["k__B", "p__"]]


def compressed(matrix):
    """The arrays of compressed sparse rows."""
    rows, columns = np.nonzero(matrix)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=matrix.shape[0]))])
    return matrix[rows, columns], columns.astype("int32"), indptr.astype("int32")


def write_compressed(group, matrix, change):
    data, indices, indptr = compressed(matrix)
    arrays = {"data": data, "indices": indices, "indptr": indptr}
    change(arrays)
    for name, array in arrays.items():
        group[name] = array


def texts(group, name, values):
    group.create_dataset(name, data=values, dtype=h5py.string_dtype())


def biom(name, change=lambda arrays: None):
    with h5py.File(FOLDER / name, "w", libver="latest") as file:
        file.attrs["type"] = "OTU table"
        for axis, ids, matrix in [
            ("observation", TAXA, ABUNDANCE.T),
            ("sample", SAMPLES, ABUNDANCE),
        ]:
            group = file.create_group(axis)
            texts(group, "ids", ids)
            is_sample = axis == "sample"
            write_compressed(
                group.create_group("matrix"), matrix, change if is_sample else lambda a: None
            )
        texts(file["observation"].create_group("metadata"), "taxonomy", LINEAGES)


def anndata(name, change=lambda arrays: None, dense=None):
    with h5py.File(FOLDER / name, "w", libver="latest") as file:
        for table, index in [("obs", SAMPLES), ("var", TAXA)]:
            group = file.create_group(table)
            group.attrs["_index"] = "_index"
            texts(group, "_index", index)
        texts(file["var"], "lineage", [";".join(names) for names in LINEAGES])
        if dense is not None:
            file.create_dataset(
                "X",
                shape=dense,
                dtype="f8",
                chunks=tuple(min(n, 1024) for n in dense),
                compression="gzip",
            )
            return
        group = file.create_group("X")
        group.attrs["encoding-type"] = "csr_matrix"
        write_compressed(group, ABUNDANCE, change)
        layer = file.create_group("layers/doubled")
        layer.attrs["encoding-type"] = "csc_matrix"
        write_compressed(layer, 2 * ABUNDANCE.T, lambda arrays: None)


def set_last(key, value):
    def change(arrays):
        arrays[key][-1] = value

    return change


def fall(arrays):
    arrays["indptr"][:] = [0, 9, 4]


biom("small.biom")
biom("wild_index.biom", set_last("indices", 1_000_000_000))
biom("negative_index.biom", set_last("indices", -1))
biom("falling_rows.biom", fall)
biom("short_rows.biom", lambda arrays: arrays.update(indptr=arrays["indptr"][:2]))
biom("not_finite.biom", set_last("data", np.nan))
biom("negative.biom", set_last("data", -3.0))
anndata("small.h5ad")
anndata("wild_index.h5ad", set_last("indices", 1_000_000_000))
anndata("huge.h5ad", dense=(1 << 20, 1 << 40))
anndata("wrong_shape.h5ad", dense=(3, 2))
