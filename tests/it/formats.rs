//! Every genuine file under `../shared/formats` against `EXPECTED.json`, which was made with
//! biom-format 2.1.18, anndata 0.12.19, scikit-bio 0.7.4, pandas 2.3.3 and pyarrow 26.0.1.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in its helpers"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use donormatch::profile::{
    EmptySamples, ProfileTable, Rank, ReadLimits, ReadOptions, Tree, Unit, read,
};
use serde_json::Value;

/// What became of a file.
#[derive(Debug, PartialEq)]
enum Outcome {
    Equal,
    RefusedAsExpected,
}

fn folder() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/formats");
    if path.join("EXPECTED.json").is_file() {
        return Some(path);
    }
    eprintln!("skipped: `{}` is absent", path.display());
    None
}

fn options() -> ReadOptions {
    ReadOptions::default()
}

fn counts() -> ReadOptions {
    let mut options = options().with_unit(Unit::Count);
    options.empty_samples = EmptySamples::Drop;
    options
}

fn total(table: &ProfileTable) -> f64 {
    table.abundance().row_sums().iter().sum()
}

/// Samples, those dropped for want of abundance included.
fn n_samples_in_file(table: &ProfileTable) -> usize {
    let dropped = table
        .notes()
        .iter()
        .find(|note| note.contains("were left out"));
    let n_dropped = dropped.map_or(0, |note| note.split(' ').next().unwrap().parse().unwrap());
    table.n_samples() + n_dropped
}

fn near(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: found {found}, expected {expected}"
    );
}

fn number(entry: &Value, key: &str) -> f64 {
    entry[key].as_f64().unwrap()
}

fn size(entry: &Value, key: &str) -> usize {
    usize::try_from(entry[key].as_u64().unwrap()).unwrap()
}

#[test]
fn every_genuine_file_reads_as_its_own_tool_reads_it() {
    let Some(folder) = folder() else { return };
    let text = std::fs::read_to_string(folder.join("EXPECTED.json")).unwrap();
    let expected: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    // By family: equal, refused as expected. `tests/data/README.md` has the same figures.
    let mut families: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for (name, entry) in &expected {
        let family = name.split('/').next().unwrap();
        let place = match check(&folder, name, entry) {
            Outcome::Equal => 0,
            Outcome::RefusedAsExpected => 1,
        };
        families.entry(family).or_default()[place] += 1;
    }
    for (family, [n_equal, n_refused]) in &families {
        eprintln!("{family}: {n_equal} equal, {n_refused} refused as expected");
    }
    let n_equal: usize = families.values().map(|[n_equal, _]| n_equal).sum();
    eprintln!("{n_equal} of {} files equal", expected.len());
    assert!(n_equal >= 65, "only {n_equal} files were read");
}

fn check(folder: &Path, name: &str, entry: &Value) -> Outcome {
    let path = folder.join(name);
    let kind = entry["kind"].as_str().unwrap();
    match kind {
        "metaphlan_profile" => metaphlan(&path, entry),
        "metaphlan_merged_v3" => metaphlan_merged(&path, entry),
        "motus3" => motus(&path, entry),
        "bracken" => bracken(&path, entry),
        "kraken_report" | "krakenuniq" => kraken(&path, entry),
        "kraken_mpa_style_single_underscore" => mpa(&path),
        "biom2_hdf5" | "biom1_json" | "biom1_json?" => biom(&path, entry),
        "qza" => qza(folder, &path, entry),
        "h5ad" => h5ad(&path, entry),
        "newick" => newick(&path, entry),
        "parquet" => parquet(&path, entry),
        _ => delimited(&path, entry),
    }
}

fn refused(path: &Path, options: &ReadOptions, word: &str) -> Outcome {
    let error = read(path, options).unwrap_err();
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        message = format!("{message}: {next}");
        cause = next.source();
    }
    assert!(message.contains(word), "{}: {message}", path.display());
    Outcome::RefusedAsExpected
}

fn metaphlan(path: &Path, entry: &Value) -> Outcome {
    let ranks = &entry["per_rank"];
    let Some(leaves) = ["t__", "s__"]
        .iter()
        .find_map(|rank| ranks[rank].as_array())
    else {
        // 100 % UNKNOWN: a table must hold abundance, so such a sample is refused or dropped.
        return refused(path, &options(), "sums to 0");
    };
    let table = read(path, &options()).unwrap();
    assert_eq!(table.n_taxa() as u64, leaves[0].as_u64().unwrap());
    near(
        total(&table),
        leaves[1].as_f64().unwrap(),
        2e-5,
        &path.display().to_string(),
    );
    assert_eq!(table.unit(), Unit::Percent);
    assert!(table.vocabulary().as_str().starts_with("mpa_v"));
    Outcome::Equal
}

fn metaphlan_merged(path: &Path, entry: &Value) -> Outcome {
    let table = read(path, &options()).unwrap();
    let samples: Vec<&str> = table.samples().iter().map(AsRef::as_ref).collect();
    let expected: Vec<&str> = entry["samples"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s.as_str().unwrap())
        .collect();
    assert_eq!(samples, expected);
    assert_eq!(table.n_taxa(), size(entry, "species"));
    let sums = entry["species_sum"].as_array().unwrap();
    for (sum, expected) in table.abundance().row_sums().iter().zip(sums) {
        near(*sum, expected.as_f64().unwrap(), 2e-5, "sum of a sample");
    }
    Outcome::Equal
}

fn motus(path: &Path, entry: &Value) -> Outcome {
    if entry["expect"].as_str().unwrap().starts_with("error") {
        return refused(path, &options(), "line 15: expected 3 fields");
    }
    let table = read(path, &options()).unwrap();
    let unassigned: f64 = entry["unassigned"][0].as_str().unwrap().parse().unwrap();
    assert_eq!(table.n_taxa(), size(entry, "rows") - 1);
    assert_eq!(table.abundance().n_nonzero(), size(entry, "nonzero") - 1);
    near(
        total(&table),
        number(entry, "total") - unassigned,
        0.0,
        "reads",
    );
    near(
        table.unclassified()[0],
        unassigned / number(entry, "total"),
        1e-12,
        "unassigned",
    );
    assert_eq!(
        (table.unit(), table.vocabulary().as_str()),
        (Unit::Count, "mOTUs_3.0.3")
    );
    Outcome::Equal
}

/// Reads of the host in a text, whose column this is; they are no part of a table.
fn host(path: &Path, column: usize) -> Option<f64> {
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    if bytes.starts_with(b"\x1f\x8b") {
        let mut unpacked = flate2::read::MultiGzDecoder::new(&bytes[..]);
        std::io::Read::read_to_string(&mut unpacked, &mut text).unwrap();
    } else {
        text.push_str(&String::from_utf8(bytes).unwrap());
    }
    let row = text.lines().find(|line| line.contains("Homo sapiens"))?;
    Some(row.split('\t').nth(column).unwrap().parse().unwrap())
}

fn bracken(path: &Path, entry: &Value) -> Outcome {
    let table = read(path, &options()).unwrap();
    let host = host(path, 5);
    assert_eq!(
        table.n_taxa() + usize::from(host.is_some()),
        size(entry, "rows")
    );
    let reads = number(entry, "reads") - host.unwrap_or(0.0);
    near(total(&table), reads, 0.0, "reads");
    let is_odd = entry["expect"].as_str().unwrap().starts_with("warn");
    assert_eq!(
        table
            .notes()
            .iter()
            .any(|note| note.contains("fractions sum")),
        is_odd
    );
    Outcome::Equal
}

fn kraken(path: &Path, entry: &Value) -> Outcome {
    let reads = number(entry, "direct_reads") - host(path, 2).unwrap_or(0.0);
    if entry["expect"] != "ok" {
        // 119 reads in the root's clade, none of them in a row: nothing is classified.
        return refused(path, &options(), "sums to 0");
    }
    let table = read(path, &options()).unwrap();
    // Columns and unclassified fraction together hold every read.
    let found = total(&table) / (1.0 - table.unclassified()[0]);
    near(found / reads, 1.0, 1e-9, &path.display().to_string());
    Outcome::Equal
}

fn mpa(path: &Path) -> Outcome {
    let table = read(path, &options()).unwrap();
    // By hand: rows whose last part is a species hold the reads of the columns.
    let text = std::fs::read_to_string(path).unwrap();
    let species: Vec<f64> = text
        .lines()
        .filter(|line| {
            line.split('\t')
                .next()
                .unwrap()
                .rsplit('|')
                .next()
                .unwrap()
                .starts_with("s_")
        })
        .map(|line| line.rsplit('\t').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(table.n_taxa(), species.len());
    near(total(&table), species.iter().sum(), 0.0, "reads");
    Outcome::Equal
}

fn biom(path: &Path, entry: &Value) -> Outcome {
    let expect = entry["expect"].as_str().unwrap();
    if expect.starts_with("error") {
        return refused(path, &counts(), "");
    }
    if size(entry, "n_obs") == 0 {
        // 0 × 0 is a table for BIOM; ours must hold abundance.
        return refused(path, &counts(), "empty");
    }
    let table = read(path, &counts()).unwrap();
    assert_eq!(table.n_taxa(), size(entry, "n_obs"), "{}", path.display());
    assert_eq!(n_samples_in_file(&table), size(entry, "n_samples"));
    let n_nonzero = entry
        .get("nnz")
        .unwrap_or(&entry["nnz_sample"])
        .as_u64()
        .unwrap();
    assert_eq!(table.abundance().n_nonzero() as u64, n_nonzero);
    if let Some(first) = entry["first_obs"].as_str() {
        assert_eq!(table.taxa()[0].label(), first);
        near(total(&table), number(entry, "total"), 1e-6, "total");
    }
    Outcome::Equal
}

fn qza(folder: &Path, path: &Path, entry: &Value) -> Outcome {
    match entry["type"].as_str().unwrap() {
        "FeatureTable[Frequency]" => {
            let table = read(path, &options()).unwrap();
            assert_eq!(table.n_taxa(), size(entry, "n_obs"));
            assert_eq!(table.n_samples(), size(entry, "n_samples"));
            assert_eq!(table.abundance().n_nonzero(), size(entry, "nnz"));
            near(total(&table), number(entry, "total"), 0.0, "total");
            assert_eq!(table.unit(), Unit::Count);
            Outcome::Equal
        }
        "FeatureData[Taxonomy]" => {
            let with_taxonomy = options().with_taxonomy(path);
            let table = read(folder.join("qza/table.qza"), &with_taxonomy).unwrap();
            assert!(
                table
                    .notes()
                    .iter()
                    .any(|note| note == "the taxonomy names 770 of 770 taxa")
            );
            // One of the 770 is `Unassigned`: it stays a column, under its id alone.
            let n_named = table
                .taxa()
                .iter()
                .filter(|taxon| taxon.lineage().name(Rank::Kingdom).is_some());
            assert_eq!(n_named.count(), 769);
            refused(path, &options(), "FeatureData[Taxonomy]");
            Outcome::Equal
        }
        "Phylogeny[Rooted]" => {
            let tree = Tree::read(path, &ReadLimits::default()).unwrap();
            assert_eq!(tree.tips().count(), size(entry, "tips"));
            Outcome::Equal
        }
        kind => refused(path, &options(), kind),
    }
}

fn h5ad(path: &Path, entry: &Value) -> Outcome {
    if entry["X"] == "NoneType" {
        return refused(path, &counts(), "no matrix `X`");
    }
    if number(entry, "total") < 0.0 {
        // Scaled expression: negative numbers are no abundances; the raw counts beside them are.
        refused(path, &counts(), "0 or more");
        let mut raw = counts();
        raw.layer = Some("raw/X".to_owned());
        let table = read(path, &raw).unwrap();
        assert_eq!(
            (table.n_samples(), table.n_taxa()),
            (size(entry, "n_obs"), size(entry, "n_vars"))
        );
        assert_eq!(table.abundance().n_nonzero(), 174_400);
        assert_eq!(table.samples()[0].as_str(), entry["first_obs"]);
        return Outcome::Equal;
    }
    let table = match read(path, &counts()) {
        // Percentages are never counts, also if they are declared to be.
        Err(donormatch::Error::Unit { message }) => {
            assert!(message.contains("whole numbers"), "{message}");
            let table = read(path, &options()).unwrap();
            assert_eq!(table.unit(), Unit::Percent);
            table
        }
        read => read.unwrap(),
    };
    assert_eq!(table.n_taxa(), size(entry, "n_vars"));
    assert_eq!(n_samples_in_file(&table), size(entry, "n_obs"));
    assert_eq!(table.samples()[0].as_str(), entry["first_obs"]);
    near(
        total(&table),
        number(entry, "total"),
        1e-3,
        "total of single precision",
    );
    Outcome::Equal
}

fn newick(path: &Path, entry: &Value) -> Outcome {
    let tree = Tree::read(path, &ReadLimits::default());
    if entry["expect"] != "ok" {
        assert!(tree.is_err());
        return Outcome::RefusedAsExpected;
    }
    let tree = tree.unwrap();
    assert_eq!(tree.tips().count(), size(entry, "tips"));
    near(
        tree.total_length(),
        number(entry, "total_branch_length"),
        6e-6,
        "branch length",
    );
    Outcome::Equal
}

fn parquet(path: &Path, entry: &Value) -> Outcome {
    let table = read(path, &options()).unwrap();
    let merged = read(
        path.parent()
            .unwrap()
            .join("../metaphlan/merged_abundance_table.txt"),
        &options(),
    )
    .unwrap();
    // The Parquet files were made from the merged MetaPhlAn table: 6 samples × 16 species.
    assert_eq!(
        (table.n_samples(), table.n_taxa()),
        (6, 16),
        "{}",
        path.display()
    );
    let _ = size(entry, "rows");
    let sum = |table: &ProfileTable| total(table);
    near(sum(&table), sum(&merged), 1e-4, "total");
    let ids = |table: &ProfileTable| -> BTreeSet<String> {
        table
            .samples()
            .iter()
            .map(|id| id.as_str().to_owned())
            .collect()
    };
    assert_eq!(ids(&table), ids(&merged));
    Outcome::Equal
}

fn delimited(path: &Path, entry: &Value) -> Outcome {
    if entry["kind"].as_str().unwrap().starts_with("metadata") {
        // Ages and diets are no abundances.
        return refused(path, &options(), "");
    }
    let table = match read(path, &options()) {
        // The OTU table has 10 and more reads a sample, but none more than 100.
        Err(donormatch::Error::Unit { .. }) => read(path, &counts()).unwrap(),
        other => other.unwrap(),
    };
    let n_samples = entry
        .get("samples")
        .unwrap_or(&entry["n_samples"])
        .as_u64()
        .unwrap();
    let n_taxa = entry
        .get("taxa")
        .unwrap_or(&entry["n_obs"])
        .as_u64()
        .unwrap();
    assert_eq!(
        (n_samples_in_file(&table) as u64, table.n_taxa() as u64),
        (n_samples, n_taxa)
    );
    if let Some(expected) = entry.get("total") {
        near(total(&table), expected.as_f64().unwrap(), 0.0, "total");
    }
    if let Some(expected) = entry.get("row_sum_min") {
        let lowest = table
            .abundance()
            .row_sums()
            .into_iter()
            .fold(f64::INFINITY, f64::min);
        near(lowest, expected.as_f64().unwrap(), 1e-6, "lowest sum");
    }
    Outcome::Equal
}

#[test]
fn files_without_expected_values_are_read_or_refused_by_name() {
    let Some(folder) = folder() else { return };
    let polars = read(
        folder.join("arrow_parquet/generated_polars.parquet"),
        &options(),
    )
    .unwrap();
    let arrow = read(
        folder.join("arrow_parquet/generated_polars.arrow"),
        &options(),
    )
    .unwrap();
    assert_eq!(polars.abundance(), arrow.abundance());
    assert_eq!(polars.taxa(), arrow.taxa());
    refused(
        &folder.join("humann/humann_output.tsv"),
        &options(),
        "HUMAnN",
    );
    refused(
        &folder.join("phyloseq/GlobalPatterns.RData"),
        &options(),
        "unpack",
    );
    let table = folder.join("qza/table.qza");
    for (name, word) in [
        ("blanks", "empty"),
        ("duplicate-ids.tsv", "more than once"),
        ("headerless.tsv", "header"),
        ("jagged.tsv", "line 3"),
    ] {
        let with = options().with_taxonomy(folder.join("qiime2_taxonomy_tsv").join(name));
        refused(&table, &with, word);
    }
    for name in ["3-column.tsv", "many-rows.tsv", "valid-but-messy.tsv"] {
        let with = options().with_taxonomy(folder.join("qiime2_taxonomy_tsv").join(name));
        let table = read(&table, &with).unwrap();
        assert!(
            table
                .notes()
                .iter()
                .any(|note| note == "the taxonomy names 0 of 770 taxa")
        );
    }
}

#[test]
fn a_files_name_never_matters() {
    let Some(folder) = folder() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let samples = [
        "metaphlan/merged_abundance_table.txt",
        "biom_hdf5/rich_sparse_otu_table_hdf5.biom",
        "biom_json/rich_sparse_otu_table.biom",
        "qza/table.qza",
        "h5ad/generated_anndata012.h5ad",
        "arrow_parquet/generated_polars.parquet",
        "tsv_csv/pseq_feature_table_subset.csv.gz",
    ];
    for name in samples {
        let expected = read(folder.join(name), &options()).unwrap();
        for ending in ["tsv", "csv.gz", "biom", "h5ad", "qza", "parquet", "exe"] {
            let path = scratch.path().join(format!("x.{ending}"));
            std::fs::copy(folder.join(name), &path).unwrap();
            assert_eq!(
                read(&path, &options()).unwrap(),
                expected,
                "{name} as {ending}"
            );
        }
    }
}

/// Σ abundance · sample · taxon, both numbered from 1: any value in another place changes it.
fn weighted(table: &ProfileTable) -> f64 {
    let rows = table.abundance().rows().zip(1_u32..);
    rows.map(|((columns, values), sample)| {
        let row = columns.iter().zip(values);
        row.map(|(&taxon, value)| value * f64::from(sample) * f64::from(taxon + 1))
            .sum::<f64>()
    })
    .sum()
}

#[test]
fn every_value_stands_where_the_formats_own_library_puts_it() {
    let Some(folder) = folder() else { return };
    // Computed with biom-format 2.1.18 (BIOM, QIIME 2), h5py 3.16.0 with SciPy (AnnData) and
    // pandas 2.3.3 (text): `(m * np.outer(i, j)).sum()` over samples i and taxa j.
    let expected = [
        ("biom_json/feature-table_v100.biom", 8_509.0),
        ("biom_json/min_dense_otu_table.biom", 239.0),
        ("biom_json/rich_sparse_otu_table.biom", 245.0),
        ("biom_hdf5/mia_complete.biom", 4_160.0),
        ("biom_hdf5/edgecase_issue_952.biom", 207_616_208.643_135_46),
        (
            "biom_hdf5/feature-table-with-taxonomy-metadata_v210.biom",
            1_000.0,
        ),
        ("biom_hdf5/rich_sparse_otu_table_hdf5.biom", 245.0),
        ("qza/table.qza", 134_531_570.0),
        ("qza/table-rownamesInSeq.qza", 134_531_570.0),
        ("h5ad/generated_anndata012.h5ad", 20_901.272_844_791_412),
        ("metaphlan/merged_abundance_table.txt", 20_901.272_87),
        ("metaphlan/ERR7569997.txt", 1_023.109_549_999_999_9),
        ("tsv_csv/HMP2_taxonomy.tsv", 27_434_545.709_293_686),
        ("tsv_csv/pseq_feature_table_subset.csv.gz", 31_628_730_126.0),
    ];
    for (name, sum) in expected {
        let table = read(folder.join(name), &options())
            .or_else(|_| read(folder.join(name), &counts()))
            .unwrap();
        // Sums in another order differ in the last bits.
        near(weighted(&table) / sum, 1.0, 1e-12, name);
    }
    for (layer, sum) in [("raw/X", 184_639.0), ("array", 47_464.006_850_052_54)] {
        let mut options = counts();
        options.layer = Some(layer.to_owned());
        let table = read(folder.join("h5ad/adata_v0.7.0.h5ad"), &options).unwrap();
        near(weighted(&table) / sum, 1.0, 1e-12, layer);
    }
}
