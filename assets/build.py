#!/usr/bin/env python3
"""Build the compiled-in taxonomy of donormatch from tables of names.

    python3 assets/build.py ../shared/domain assets [--ladder LABELS]

reads the crosswalk, the synonyms, the Segatella clades and the TOPOSCORE lists, and writes
`taxonomy-1.tsv.gz`, bit for bit the same each time. `--ladder` takes a file whose first column
holds full MetaPhlAn lineages; only the ranks from kingdom to family are used, and the result is
kept in `assets/source/families.tsv`, so that it is needed only for a new version of the database.
"""
import csv
import gzip
import io
import re
import sys
from pathlib import Path

VERSION = 1
# SGB7097 is labelled Gardnerella vaginalis in vJan21, but its genomes are this Limosilactobacillus.
NOT_THIS_SPECIES = {("Gardnerella_vaginalis", "Limosilactobacillus portuensis")}
BINOMIAL = re.compile(r"\[?[A-Z][a-z]+\]?(?:_[A-Z]+)? [a-z]+(?:_[A-Z]+)?")


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def source_rows(path):
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def plain(name):
    """`[Clostridium] innocuum` -> `Clostridium_innocuum`."""
    return re.sub(r"[\[\]]", "", name).strip().replace(" ", "_")


def sgb_number(sgb):
    return re.sub(r"_group$", "", sgb)


def species_key(name, sgb):
    """Placeholders and split species go by SGB, all others by name."""
    if re.search(r"_SGB\d+$", name):
        return sgb_number(sgb)
    if sgb_number(sgb) == "SGB9228":  # Akkermansia muciniphila_B: TOPOSCORE counts SGB9226 only
        return "SGB9228"
    return name


def read_ladder(label_file):
    families = {}
    opener = gzip.open if label_file.endswith(".gz") else open
    with opener(label_file, "rt") as file:
        for line in file:
            label = line.split("\t", 1)[0]
            names = [part[3:] for part in label.split("|")]
            if len(names) < 5 or not label.startswith("k__"):
                continue
            kingdom, phylum, class_, order, family = names[:5]
            if re.match(r"FGB\d+$|.*_unclassified$", family):
                continue
            families[family] = (order, class_, phylum, kingdom)
    return families


def families_table(folder, ladder):
    path = folder / "source" / "families.tsv"
    if ladder:
        with open(path, "w", encoding="utf-8") as file:
            file.write("# Family to kingdom in the taxonomy of MetaPhlAn mpa_vJan21 (MIT).\n")
            file.write("family\torder\tclass\tphylum\tkingdom\n")
            for family, ranks in sorted(read_ladder(ladder).items()):
                file.write("\t".join((family, *ranks)) + "\n")
    return source_rows(path)


def gtdb_names(text):
    return [name.strip().removeprefix("s__") for name in text.split(",") if name.strip(" s_")]


def species_table(domain):
    """key -> genus, family, SGBs, GTDB names."""
    crosswalk = rows(domain / "crosswalk_mpaJan21_sgb_gtdb.tsv")
    genera = {
        row["genus_mpa"]
        for row in crosswalk
        if not re.match(r"GGB\d+$|.*_unclassified$", row["genus_mpa"])
    }
    named_families = {
        row["genus_mpa"]: row["family_mpa"]
        for row in crosswalk
        if row["genus_mpa"] in genera and not row["family_mpa"].endswith("_unclassified")
    }
    species = {}
    for row in crosswalk:
        key = species_key(row["species_mpa_vJan21"], row["sgb"])
        gtdb_genus = re.sub(r"_[A-Z]+$", "", row["gtdb_genus"])
        genus = row["genus_mpa"]
        if genus not in genera:
            # `Coprococcus comes`, which MetaPhlAn puts in no genus: the genus of its name where the
            # family agrees, else GTDB's where other vocabularies know it.
            own = row["species_mpa_vJan21"].split("_")[0]
            own_agrees = named_families.get(own) == row["family_mpa"]
            genus = own if own_agrees else gtdb_genus if gtdb_genus in genera else ""
        family = row["family_mpa"]
        if re.match(r"FGB\d+$|.*_unclassified$", family):
            family = ""
        entry = species.setdefault(key, {"genus": "", "family": "", "sgbs": [], "gtdb": []})
        entry["genus"] = entry["genus"] or genus
        entry["family"] = entry["family"] or family
        entry["sgbs"].append(sgb_number(row["sgb"]))
        for column in ("gtdb_species_via_mpa_vJan21_map", "gtdb_species_via_mpa_vOct22_map"):
            if (key, row[column]) in NOT_THIS_SPECIES:
                continue
            if row[column] and row[column] not in entry["gtdb"]:
                entry["gtdb"].append(row[column])
    families = {}
    for entry in species.values():
        if entry["genus"] and entry["family"]:
            families.setdefault(entry["genus"], entry["family"])
    for entry in species.values():
        entry["family"] = entry["family"] or families.get(entry["genus"], "")
    for list_name in ("toposcore_sig1.tsv", "toposcore_sig2.tsv"):
        for row in rows(domain / list_name):
            sgbs = row["SGB_vJan21"].split(",")
            # r220 renamed many; the pairing of SGB to name is only sure for a single SGB, but all
            # SGBs of a member share the key.
            key = species_key(row["species_mpa_vJan21"], sgbs[0])
            for column in ("GTDB_r207", "GTDB_r220"):
                for name in gtdb_names(row[column]):
                    if name not in species[key]["gtdb"]:
                        species[key]["gtdb"].append(name)
    return species, genera, families


def binomials(text):
    """All species names of a cell, `Clostridium clostridioforme / clostridiiforme` being two."""
    text = re.sub(r"\((?:ex|via|MetaPhlAn|GTDB)?[^)]*\)", "", text.split(";")[0])
    found, genus = [], None
    for part in re.split(r" / |/| -> ", text):
        part = part.strip()
        match = BINOMIAL.match(part)
        if match:
            genus = match.group(0).split(" ")[0]
            found.append(match.group(0))
        elif genus and re.fullmatch(r"[a-z]+", part):
            found.append(f"{genus} {part}")
    return found


def synonym_table(domain, folder, species, genera, families):
    """variant -> (key, how); species that the crosswalk lacks are added under their current name."""
    names = {}

    def add(variant, key, how):
        variant = plain(variant)
        if variant != key and variant not in species:
            names.setdefault(variant, (key, how))

    for row in source_rows(folder / "source" / "names.tsv"):
        add(row["variant"], row["key"], row["how"])
    for row in source_rows(folder / "source" / "names.tsv"):
        if row["key"] not in species:
            raise SystemExit(f"unknown key {row['key']} in names.tsv")
    order = ("reclass", "misclassified", "split", "synonym", "unchanged", "db-difference")
    table = [row for row in rows(domain / "taxon_synonyms.tsv") if row["rank"] == "species"]
    for row in sorted(table, key=lambda row: order.index(row["kind"])):
        old, current = binomials(row["old_or_variant"]), binomials(row["current_or_target"])
        key = row["mpa_vJan21_name"]
        if "subsp." in row["old_or_variant"] or not (old or current):
            continue
        if not key:
            if row["kind"] == "db-difference" or "unresolved" in row["current_or_target"]:
                continue
            if plain(old[0]) in species or plain(old[0]) in names:
                continue
            target = plain((current or old)[0])
            key = names.get(target, (target, ""))[0]
            if key not in species:
                genus = key.split("_")[0]
                family = families.get(genus) or families.get(old[0].split(" ")[0], "")
                species[key] = {"genus": genus, "family": family, "sgbs": [], "gtdb": []}
                genera.add(genus)
        if key not in species:
            raise SystemExit(f"unknown key {key} in taxon_synonyms.tsv")
        how = "split" if row["kind"] == "split" else "synonym"
        for name in (*old, *current):
            if row["kind"] == "db-difference" and name in current:
                if name not in species[key]["gtdb"]:
                    species[key]["gtdb"].append(name)
            else:
                add(name, key, how)
    return names


SIGNATURES = {
    "toposcore_sig1": ("toposcore_sig1.tsv", "SIG1 of TOPOSCORE: 37 species of resistance"),
    "toposcore_sig2": ("toposcore_sig2.tsv", "SIG2 of TOPOSCORE: 45 species of response"),
}
TOPOSCORE = (
    "Derosa 2024, Cell, doi 10.1016/j.cell.2024.05.029; repository valerioiebba/TOPOSCORE (MIT), "
    "HEAD 46932188"
)
METAPHLAN = "taxonomy of MetaPhlAn 4, mpa_vJan21 (biobakery, MIT)"


def write_signature(folder, name, title, source, grade, evidence, members):
    lines = [f"# name: {name}", "# version: 1", f"# title: {title}", f"# source: {source}",
             f"# grade: {grade}", f"# evidence: {evidence}", "taxon", *members]
    (folder / "signature" / f"{name}.tsv").write_text("\n".join(lines) + "\n", "utf-8")


def write_signatures(domain, folder):
    """The lists that follow from tables; the others in `assets/signature` are kept by hand."""
    for name, (table, title) in SIGNATURES.items():
        members = [species_key(r["species_mpa_vJan21"], r["SGB_vJan21"]) for r in rows(domain / table)]
        write_signature(folder, name, title, TOPOSCORE,
                        "replicated", "modest in lung cancer, none shown in melanoma", members)
    pcr = rows(domain / "toposcore_pcr21.tsv")
    keys = {row["species_mpa_vJan21"]: row["group"] for row in pcr}
    for suffix, group, title in (
        ("", None, "the 21 species of TOPOSCORE's qPCR version, of both directions"),
        ("_sig1", "SIG1", "the 5 SIG1 species of TOPOSCORE's qPCR version"),
        ("_sig2", "SIG2", "the 15 SIG2 species of TOPOSCORE's qPCR version"),
    ):
        members = [key for key, of in keys.items() if group in (None, of)]
        write_signature(folder, f"toposcore_pcr21{suffix}", title, TOPOSCORE,
                        "single_study", "as the full lists; posted data do not allow a check", members)
    members = [species_key(row["species_mpa_vJan21"], row["sgb"])
               for row in rows(domain / "prevotellaceae_sgbs_mpaJan21.tsv")]
    write_signature(folder, "prevotellaceae", "all 77 SGBs of the family Prevotellaceae", METAPHLAN,
                    "single_study",
                    "one trial with 20 patients on dual checkpoint inhibition; cut-off unknown", members)
    oral = [row["taxon"] for row in source_rows(folder / "source" / "traits.tsv")
            if row["trait"] == "oral" and row["value"] == "yes"]
    write_signature(folder, "oral", "taxa that live mainly in the mouth",
                    "TOPOSCORE SIG1 oral taxa; expanded Human Oral Microbiome Database (from memory)",
                    "marker",
                    "SIG1 oral taxa replicate in a second lung cohort; the others by habitat only", oral)


def write(path, lines):
    raw = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=9, mtime=0) as file:
        file.write("\n".join(lines).encode() + b"\n")
    path.write_bytes(raw.getvalue())


def main():
    domain, folder = Path(sys.argv[1]), Path(sys.argv[2])
    ladder = sys.argv[4] if len(sys.argv) > 4 and sys.argv[3] == "--ladder" else None
    species, genera, families = species_table(domain)
    names = synonym_table(domain, folder, species, genera, families)
    lines = [f"#donormatch taxonomy {VERSION}"]
    for row in families_table(folder, ladder):
        lines.append("\t".join(["family", *row.values()]))
    for key, entry in sorted(species.items()):
        lines.append(
            "\t".join(
                ["species", key, entry["genus"], entry["family"],
                 ",".join(entry["sgbs"]), ";".join(entry["gtdb"])]
            )
        )
    for variant, (key, how) in sorted(names.items()):
        lines.append("\t".join(["name", variant, key, how]))
    for row in source_rows(folder / "source" / "sgbs.tsv"):
        lines.append("\t".join(["sgb", row["sgb"], row["key"]]))
    known = {sgb for entry in species.values() for sgb in entry["sgbs"]}
    for list_name in ("toposcore_sig1.tsv", "toposcore_sig2.tsv"):
        for row in rows(domain / list_name):
            for sgb in map(sgb_number, row["SGB_vJan21"].split(",")):
                if sgb not in known:
                    lines.append("\t".join(["sgb", sgb, row["species_mpa_vJan21"]]))
    for row in source_rows(folder / "source" / "ranks.tsv"):
        lines.append("\t".join(["rank", row["rank"], row["variant"], row["target"], row["how"]]))
    for row in source_rows(folder / "source" / "traits.tsv"):
        lines.append("\t".join(["trait", row["trait"], row["taxon"], row["value"], row["confidence"]]))
    write(folder / f"taxonomy-{VERSION}.tsv.gz", lines)
    write_signatures(domain, folder)
    print(f"{len(species)} species, {len(names)} other names, {len(lines)} lines", file=sys.stderr)


if __name__ == "__main__":
    main()
