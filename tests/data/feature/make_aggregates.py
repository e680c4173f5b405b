"""Writes aggregates.json: what scikit-bio and NumPy say of the real tables, in means only.

    python tests/data/feature/make_aggregates.py ../shared/data

No row of the tables is stored. `mean` is over all samples (or pairs i < j); `weighted` is the same
with the weights ((31 i + 17 j) mod 101) / 101 (j = 0 for samples), so that a wrong order shows.
"""

import json
import pathlib
import sys
import warnings

import numpy as np
import pandas as pd
import scipy
import skbio
from scipy.spatial.distance import pdist, squareform
from skbio.diversity import alpha_diversity, beta_diversity
from skbio.stats.composition import clr, rclr

warnings.filterwarnings("ignore")
# Folder, file, whether samples are columns, whether counts.
TABLES = [
    ("fmt-davar-baruch2021", "profiles.metaphlan.tsv.gz", True, False),
    ("fmt-goyal2018", "profiles.tsv.gz", False, True),
    ("fmt-recast", "profiles.tsv.gz", False, True),
]


def read(path, samples_are_columns):
    frame = pd.read_csv(path, sep="\t", index_col=0, skiprows=int(samples_are_columns))
    return (frame.T if samples_are_columns else frame).astype(float)


def heap_tree(n_tips):
    """A complete binary tree: node k has the children 2k+1 and 2k+2; the last n nodes are tips."""
    n_nodes = 2 * n_tips - 1
    length = [(k % 7 + 1) / 10 for k in range(n_nodes)]
    nodes = [
        skbio.TreeNode(
            name=f"tip{k - n_tips + 1}" if k >= n_tips - 1 else None,
            length=length[k] if k else None,
        )
        for k in range(n_nodes)
    ]
    for k in range(1, n_nodes):
        nodes[(k - 1) // 2].append(nodes[k])
    return nodes[0]


def of_samples(values):
    weights = (31 * np.arange(len(values)) % 101) / 101
    return {"mean": float(np.mean(values)), "weighted": float(np.mean(values * weights))}


def of_pairs(square):
    i, j = np.triu_indices(len(square), 1)
    weights = ((31 * i + 17 * j) % 101) / 101
    values = square[i, j]
    return {"mean": float(values.mean()), "weighted": float((values * weights).mean())}


def of_table(x, counts):
    taxa = [f"tip{t}" for t in range(x.shape[1])]
    tree = {"tree": heap_tree(x.shape[1]), "taxa": taxa, "validate": False}
    alpha = {
        "richness": alpha_diversity("sobs", x, validate=False),
        "shannon": alpha_diversity("shannon", x, validate=False),
        "simpson": alpha_diversity("simpson", x, validate=False),
        "inverse_simpson": alpha_diversity("inv_simpson", x, validate=False),
        "pielou": alpha_diversity("pielou_e", x, validate=False),
        "faith_pd": alpha_diversity("faith_pd", (x > 0).astype(int), **tree),
    }
    if counts:
        alpha["chao1"] = alpha_diversity("chao1", x.astype(int))
    beta = {
        "bray_curtis": beta_diversity("braycurtis", x, validate=False).data,
        "jaccard": beta_diversity("jaccard", x, validate=False).data,
        "jensen_shannon": beta_diversity("jensenshannon", x, validate=False).data,
        "aitchison": squareform(pdist(clr(x + 0.5))),
        "robust_aitchison": squareform(pdist(np.nan_to_num(rclr(x), nan=0.0))),
        "unweighted_unifrac": beta_diversity(
            "unweighted_unifrac", (x > 0).astype(int), **tree
        ).data,
    }
    if counts:
        # scikit-bio cuts abundances to whole numbers, so that percentages would be lost.
        assert (x == np.floor(x)).all()
        for name, normalized in [
            ("weighted_unifrac", False),
            ("weighted_normalized_unifrac", True),
        ]:
            beta[name] = beta_diversity(
                "weighted_unifrac", x.astype(int), normalized=normalized, **tree
            ).data
    return {
        "alpha": {name: of_samples(np.asarray(values)) for name, values in alpha.items()},
        "beta": {name: of_pairs(square) for name, square in beta.items()},
    }


def engraftment(folder):
    """q2-fmt's definitions, in NumPy, on its own test data."""
    x = read(folder / "profiles.tsv.gz", False)
    triads = pd.read_csv(folder / "transplants.tsv", sep="\t", dtype=str)
    d = x.loc[triads.donor_samples].to_numpy()
    r = x.loc[triads.pre_sample].to_numpy()
    p = x.loc[triads.post_sample].to_numpy()
    in_d, in_r, in_p = d > 0, r > 0, p > 0
    novel = in_d & ~in_r
    measures = {
        "peds": (in_d & in_p).sum(1) / in_d.sum(1),
        "pprs": (in_r & in_p).sum(1) / in_r.sum(1),
        "novel_peds": (novel & in_p).sum(1) / novel.sum(1),
        "weighted_peds": (d * in_p).sum(1) / d.sum(1),
        "engrafted_abundance": (p * novel).sum(1) / p.sum(1),
        "n_lost": (in_r & ~in_p).sum(1),
        "n_kept": (in_r & in_p).sum(1),
        "n_gained": (in_p & ~in_r).sum(1),
    }
    mismatched = [
        (in_d[i] & in_p[j]).sum() / in_d[i].sum()
        for i in np.unique(triads.donor_samples, return_index=True)[1]
        for j in range(len(triads))
        if triads.donor_samples[i] != triads.donor_samples[j]
    ]
    return {name: of_samples(values) for name, values in measures.items()} | {
        "n_triads": len(triads),
        "n_mismatched": len(mismatched),
        "mismatched_mean": float(np.mean(mismatched)),
    }


def main():
    data = pathlib.Path(sys.argv[1])
    answer = {"scikit_bio": skbio.__version__, "scipy": scipy.__version__, "tables": {}}
    for folder, name, samples_are_columns, counts in TABLES:
        table = read(data / folder / name, samples_are_columns)
        table = table[table.sum(axis=1) > 0]
        answer["tables"][folder] = of_table(table.to_numpy(), counts)
    answer["fmt-q2fmt"] = engraftment(data / "fmt-q2fmt")
    path = pathlib.Path(__file__).with_name("aggregates.json")
    path.write_text(json.dumps(answer, indent=1) + "\n")


if __name__ == "__main__":
    main()
