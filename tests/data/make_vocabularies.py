"""Writes `vocabularies.tsv`: the species of the simulated cohort in other naming systems.

    python tests/data/make_vocabularies.py ../shared/domain/crosswalk_mpaJan21_sgb_gtdb.tsv

The crosswalk is MetaPhlAn's own (`mpa_vJan21` SGB -> GTDB r207), not the crate's harmonizer. A
species is `one` where it is one SGB with one GTDB species that no other species shares, `several`
where either is more than one (the first in the alphabet stands), `absent` where the crosswalk
lacks it and its name stays.
"""

import collections
import csv
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
GTDB = "gtdb_species_via_mpa_vJan21_map"


def main(crosswalk):
    header = (HERE / "golden/donors.tsv").read_text().splitlines()[1]
    species = [label.removeprefix("s__") for label in header.split("\t")[1:]]
    by_species = collections.defaultdict(list)
    sharing = collections.defaultdict(set)
    with open(crosswalk, encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            by_species[row["species_mpa_vJan21"]].append(row)
            sharing[row[GTDB]].add(row["species_mpa_vJan21"])
    out = ["species\tmapping\tsgb\tmpa_family\tgtdb_family\tgtdb_genus\tgtdb_species"]
    for name in species:
        rows = sorted((row for row in by_species[name] if row[GTDB]), key=lambda row: row[GTDB])
        if not rows:
            out.append(f"{name}\tabsent\t\t\t\t\t")
            continue
        first = rows[0]
        is_one = len(rows) == 1 and len(sharing[first[GTDB]]) == 1
        fields = ["sgb", "family_mpa", "gtdb_family", "gtdb_genus", GTDB]
        mapping = "one" if is_one else "several"
        out.append("\t".join([name, mapping, *(first[field] for field in fields)]))
    (HERE / "vocabularies.tsv").write_text("\n".join(out) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
