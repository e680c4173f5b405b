//! The readers of profiles: what each format means, and what is refused.

use std::path::{Path, PathBuf};

use donormatch::Error;
use donormatch::profile::{Completeness, ReadOptions, Unit, read, read_bytes};

fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared")
        .join(folder);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: `{}` is absent", path.display());
    None
}

fn parse(text: &str) -> donormatch::Result<donormatch::profile::ProfileTable> {
    read_bytes(text.as_bytes(), &ReadOptions::default())
}

fn message(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

const MERGED: &str = "#mpa_vJan21_CHOCOPhlAnSGB_202103\n\
    clade_name\ta\tb\n\
    UNCLASSIFIED\t20\t0\n\
    k__Bacteria\t80\t100.0\n\
    k__Bacteria|g__X\t80\t100.0\n\
    k__Bacteria|g__X|s__X_y\t60\t0\n\
    k__Bacteria|g__X|s__X_y|t__SGB1\t50\t0.0\n\
    k__Bacteria|g__X|s__X_y|t__SGB2\t10\t0.0\n\
    k__Bacteria|g__X|s__X_z\t20\t100.0\n\
    k__Bacteria|g__X|s__X_z|t__SGB3_group\t20\t100.0\n";

#[test]
fn a_merged_metaphlan_table_keeps_its_leaves_only() {
    let table = parse(MERGED).unwrap();
    let names: Vec<&str> = table.taxa().iter().map(|taxon| taxon.name()).collect();
    assert_eq!(names, ["SGB1", "SGB2", "SGB3_group"]);
    assert_eq!(table.unit(), Unit::Percent);
    assert_eq!(
        table.vocabulary().as_str(),
        "mpa_vJan21_CHOCOPhlAnSGB_202103"
    );
    assert_eq!(table.unclassified(), [0.2, 0.0]);
    assert_eq!(
        table.abundance().row(0),
        (&[0_u32, 1, 2][..], &[50.0, 10.0, 20.0][..])
    );
    assert_eq!(table.completeness(), Completeness::Complete);
    assert_eq!(table.notes().len(), 2);
}

#[test]
fn a_plain_table_reads_the_same_either_way_round() {
    let upright = "sample_id\ts__A_b\ts__C_d\nx\t0.25\t0.75\ny\t1\t0\n";
    let lying = "taxon,x,y\r\ns__A_b,0.25,1\r\n\"s__C_d\",0.75,0\r\n";
    let r = "\u{feff}\"s__A_b\"\t\"s__C_d\"\n\"x\"\t0.25\t0.75\n\"y\"\t1\t0\n";
    let expected = parse(upright).unwrap();
    for text in [lying, r] {
        let table = parse(text).unwrap();
        assert_eq!(table.samples(), expected.samples());
        assert_eq!(table.taxa(), expected.taxa());
        assert_eq!(table.abundance(), expected.abundance());
        assert_eq!(table.unit(), Unit::Fraction);
    }
}

#[test]
fn an_ambiguous_or_mixed_unit_is_asked_for() {
    let filtered = "sample_id\ts__A_b\ts__C_d\nx\t0.25\t0.5\n";
    assert!(matches!(parse(filtered), Err(Error::Unit { .. })));
    let options = ReadOptions::default().with_unit(Unit::Fraction);
    let table = read_bytes(filtered.as_bytes(), &options).unwrap();
    assert_eq!(table.completeness(), Completeness::Filtered);
    let mixed = message("sample_id\ts__A_b\ts__C_d\nx\t0.25\t0.75\ny\t30.5\t69.5\n");
    assert!(mixed.contains("`x`") && mixed.contains("`y`"), "{mixed}");
    let divided = MERGED
        .replace("20\t", "0.2\t")
        .replace("50\t", "0.5\t")
        .replace("10\t", "0.1\t");
    let divided = divided.replace("100.0", "1");
    assert!(matches!(parse(&divided), Err(Error::Unit { .. })));
}

#[test]
fn a_bad_abundance_is_named_with_its_sample_taxon_and_line() {
    for (bad, word) in [
        ("-1", "0 or more"),
        ("NaN", "finite"),
        ("1e400", "finite"),
        ("NA", "missing"),
        ("high", "`high`"),
        ("", "empty"),
    ] {
        let text = format!("sample_id\ts__A_b\ts__C_d\nx\t60.5\t39.5\ny\t{bad}\t1\n");
        let message = message(&text);
        assert!(
            message.contains("line 3") && message.contains("`y`") && message.contains("`s__A_b`"),
            "{message}"
        );
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn broken_tables_are_refused_by_name() {
    for (text, word) in [
        ("sample_id\ts__A\ts__B\nx\t1\n", "fields"),
        ("sample_id\ts__A\ts__A\nx\t50.5\t49.5\n", "more than once"),
        (
            "sample_id\ts__A\ts__B\nx\t0.5\t0.5\nx\t0.5\t0.5\n",
            "sample `x` occurs",
        ),
        ("sample_id\ts__A\ts__B\nx\t0\t0\n", "sums to 0"),
        ("", "empty"),
        ("\n\n", "empty"),
        ("sample_id\ts__A\ts__B\n", "no rows"),
        ("sample_id\ts__A\0\ts__B\nx\t1\t2\n", "NUL"),
        ("sample_id\t\"s__A\ts__B\nx\t1\t2\n", "does not end"),
        ("sample_id;s__A;s__B\nx;0,5;0,5\n", "decimal comma"),
    ] {
        let message = message(text);
        assert!(message.contains(word), "{text:?}: {message}");
    }
}

#[test]
fn the_real_tables_of_issue_2_are_read() {
    let Some(data) = shared("data") else { return };
    let thomas = read(
        data.join("icb-thomas2023/profiles.metaphlan.tsv.gz"),
        &ReadOptions::default(),
    )
    .unwrap();
    // Dimensions from ../shared/data/README.md.
    assert_eq!((thomas.n_samples(), thomas.n_taxa()), (808, 2_641));
    assert_eq!(thomas.unit(), Unit::Percent);
    assert_eq!(
        thomas.vocabulary().as_str(),
        "mpa_vJan21_CHOCOPhlAnSGB_202103"
    );
    let davar = read(
        data.join("fmt-davar-baruch2021/profiles.metaphlan.tsv.gz"),
        &ReadOptions::default(),
    )
    .unwrap();
    assert_eq!((davar.n_samples(), davar.n_taxa()), (256, 1_442));
    // Second field of the first row: SRR13068812, Akkermansia_muciniphila.
    assert!((davar.abundance().value(0, 0) - 41.5578).abs() == 0.0);
    for folder in [
        "fmt-goyal2018",
        "fmt-kump2017",
        "fmt-recast",
        "fmt-seekatz2017",
        "fmt-q2fmt",
        "fmt-jacob2017",
        "fmt-nusbaum2018",
    ] {
        let path = data.join(folder).join("profiles.tsv.gz");
        let table = read(&path, &ReadOptions::default()).unwrap();
        let unit = if folder == "fmt-kump2017" {
            Unit::Fraction
        } else {
            Unit::Count
        };
        assert_eq!(table.unit(), unit, "{folder}");
    }
}
