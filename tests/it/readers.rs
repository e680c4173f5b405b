//! The readers of profiles: what each format means, and what is refused.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in its helpers"
)]

use std::path::{Path, PathBuf};

use donormatch::Error;
use donormatch::profile::{
    Completeness, Orientation, ReadOptions, Taxon, Unit, Vocabulary, read, read_bytes,
};

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
    let names: Vec<&str> = table.taxa().iter().map(Taxon::name).collect();
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
        .replace("80\t", "0.8\t")
        .replace("60\t", "0.6\t")
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
    // pandas 2.3: the sum of the first line of the table, over all samples.
    let first_taxon: f64 = davar.abundance().transpose().row(0).1.iter().sum();
    assert!((first_taxon - 811.955_46).abs() < 1e-9);
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

#[test]
fn estimated_reads_are_read_where_counts_are_asked_for() {
    let text = b"#mpa_vJan21\n#estimated_reads_mapped_to_known_clades:900\n\
        #SampleID\tpatient 7\n\
        #clade_name\tclade_taxid\trelative_abundance\tcoverage\testimated_number_of_reads_from_the_clade\n\
        k__B|s__X\t1\t75.0\t0.5\t700\nk__B|s__Y\t1\t25.0\t0.1\t200\n";
    let percent = read_bytes(text, &ReadOptions::default()).unwrap();
    assert_eq!(
        (percent.unit(), percent.abundance().row(0).1),
        (Unit::Percent, &[75.0, 25.0][..])
    );
    assert_eq!(percent.samples()[0].as_str(), "patient 7");
    let counts = read_bytes(text, &ReadOptions::default().with_unit(Unit::Count)).unwrap();
    assert_eq!(
        (counts.unit(), counts.abundance().row(0).1),
        (Unit::Count, &[700.0, 200.0][..])
    );
}

#[test]
fn kraken_reads_are_rolled_up_from_direct_reads_and_none_is_lost() {
    let text = b" 10.00\t10\t10\tU\t0\tunclassified\n 90.00\t90\t1\tR\t1\troot\n\
        \x2089.00\t89\t4\tD\t2\t  Bacteria\n 85.00\t85\t5\tG\t3\t    Blautia\n\
        \x2050.00\t50\t20\tS\t4\t      Blautia obeum\n 30.00\t30\t30\tS1\t5\t        Blautia obeum A2\n\
        \x2030.00\t30\t30\tS\t6\t      Blautia 'wexlerae'\n";
    let table = read_bytes(text, &ReadOptions::default()).unwrap();
    assert_eq!(table.abundance().row(0).1, [50.0, 30.0]);
    // 10 unclassified, 1 + 4 + 5 above the species, of 100.
    assert!((table.unclassified()[0] - 0.2).abs() < 1e-15);
    assert_eq!(table.vocabulary().as_str(), "ncbi");
    assert_eq!(
        table.taxa()[1].label(),
        "k__Bacteria|g__Blautia|s__Blautia 'wexlerae'"
    );
    let by_read = read_bytes(b"C\tread1\t5\t150\t5:116\n", &ReadOptions::default());
    assert!(by_read.unwrap_err().to_string().contains("--report"));
}

#[test]
fn motus_merged_and_benchmark_tables_are_read() {
    let Some(data) = shared("data") else { return };
    let limeta = read(
        data.join("icb-limeta2020/profiles.motus.tsv.gz"),
        &ReadOptions::default(),
    );
    let limeta = limeta.unwrap();
    // 1,473 rows by `zcat | wc -l`, the last of them the unassigned `-1|m__-1`; 129 samples.
    assert_eq!((limeta.n_samples(), limeta.n_taxa()), (129, 1_472));
    assert_eq!(
        (limeta.unit(), limeta.vocabulary().as_str()),
        (Unit::Count, "mOTUs_v2")
    );
    // By awk: 81 of 4,910 reads of the first sample are unassigned; one sample has none.
    assert!((limeta.unclassified()[0] - 81.0 / 4_910.0).abs() < 1e-15);
    assert_eq!(
        limeta
            .unclassified()
            .iter()
            .filter(|&&fraction| fraction == 0.0)
            .count(),
        1
    );
    // Sums from 0.57 to 1: filtered, so that the unit must be said.
    let crc = data.join("bench-crc-5studies/profiles.tsv.gz");
    assert!(matches!(
        read(&crc, &ReadOptions::default()),
        Err(Error::Unit { .. })
    ));
    let crc = read(&crc, &ReadOptions::default().with_unit(Unit::Fraction)).unwrap();
    assert_eq!((crc.n_samples(), crc.n_taxa()), (551, 484));
    assert_eq!(crc.completeness(), Completeness::Filtered);
    for name in ["Cirrhosis", "Colorectal", "IBD", "Obesity", "T2D", "WT2D"] {
        let path = data.join(format!("bench-metaml/{name}.profiles.tsv.gz"));
        let result = read(&path, &ReadOptions::default());
        match result {
            Ok(table) => assert_eq!(table.unit(), Unit::Percent, "{name}"),
            // Some hold samples of 0 throughout.
            Err(error) => assert!(error.to_string().contains("sums to 0"), "{name}: {error}"),
        }
    }
}

#[test]
fn metaphlan_2_is_read_in_both_of_its_forms() {
    let single = "#SampleID\tMetaphlan2_Analysis\nk__B\t100.0\nk__B|s__X\t75.0\nk__B|s__Y\t25.0\n";
    let table = parse(single).unwrap();
    assert_eq!(
        (table.n_samples(), table.n_taxa(), table.unit()),
        (1, 2, Unit::Percent)
    );
    let merged = "ID\ta\tb\n#SampleID\tMetaphlan2_Analysis\tMetaphlan2_Analysis\n\
        k__B\t100.0\t100.0\nk__B|s__X\t75.5\t100.0\nk__B|s__Y\t24.5\t0.0\n";
    let table = parse(merged).unwrap();
    assert_eq!(
        (table.n_samples(), table.n_taxa(), table.unit()),
        (2, 2, Unit::Percent)
    );
    assert!(table.vocabulary().is_unknown());
    assert!(message(&merged.replace("24.5", "x")).contains("line 5"));
}

#[test]
fn lineages_tell_the_orientation_even_against_the_corner() {
    let table = parse("#SampleID\ta\tb\nk__B|s__X\t0.25\t1\nk__B|s__Y\t0.75\t0\n").unwrap();
    assert_eq!(table.samples()[1].as_str(), "b");
    let tie = message("\tone\ttwo\nthree\t0.25\t0.75\nfour\t0.5\t0.5\n");
    assert!(tie.contains("`orientation`"), "{tie}");
    let options = ReadOptions::default().with_orientation(Orientation::TaxaInRows);
    let text = b"\tone\ttwo\nthree\t0.25\t0.75\nfour\t0.75\t0.25\n";
    assert_eq!(
        read_bytes(text, &options).unwrap().samples()[0].as_str(),
        "one"
    );
}

#[test]
fn a_declared_vocabulary_fills_in_and_does_not_contradict() {
    let mut options = ReadOptions::default();
    options.vocabulary = Some(Vocabulary::new("gtdb_r220"));
    let plain = b"sample_id\ts__A_b\ts__C_d\nx\t0.25\t0.75\n";
    let table = read_bytes(plain, &options).unwrap();
    assert_eq!(table.vocabulary().as_str(), "gtdb_r220");
    let error = read_bytes(MERGED.as_bytes(), &options).unwrap_err();
    assert!(error.to_string().contains("mpa_vJan21"), "{error}");
}
