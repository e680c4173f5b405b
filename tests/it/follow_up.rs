//! Transplants followed up: by hand, against q2-fmt's definitions on Baruch and Davar, and by the
//! shell.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use approx::assert_abs_diff_eq;
use donormatch::cohort::{Cohort, ColumnNames, MetadataTable};
use donormatch::explanation::follow_up::{
    Change, FollowUpParams, FollowUpReport, follow_up, read_untransplanted,
};
use donormatch::explanation::report::follow_up_page;
use donormatch::profile::{ProfileTable, ReadOptions, Taxon, Unit, WriteFormat, read, write};

/// Two recipients of two donors, one of them seen twice, and one with placebo.
const TRANSPLANTS: &str = "donor\tdonor_samples\trecipient\tbaseline\tfollow_up\tday\tarm\n\
one\td1\tx\tx0\tx1\t7\tfmt\none\td1\tx\tx0\tx2\t30\tfmt\ntwo\td2\ty\ty0\ty1\t7\tfmt\n\
\t\tz\tz0\tz1\t7\tplacebo\n";

fn table() -> ProfileTable {
    let sample = |columns: &[u32]| columns.iter().map(|&at| (at, 10.0)).collect::<Vec<_>>();
    ProfileTable::builder(Unit::Percent)
        .taxa(["s__A", "s__B", "s__C", "s__D", "s__<b>"].map(Taxon::new))
        .sample("d1", sample(&[0, 1, 2, 4]))
        .sample("d2", sample(&[3]))
        .sample("x0", sample(&[2, 3]))
        .sample("x1", sample(&[0, 1, 2]))
        .sample("x2", sample(&[0, 2, 4]))
        .sample("y0", sample(&[0]))
        .sample("y1", sample(&[0, 3]))
        .sample("z0", sample(&[0, 1]))
        .sample("z1", sample(&[0]))
        .build()
        .unwrap()
}

fn followed_up() -> FollowUpReport {
    let metadata = MetadataTable::parse("<text>", TRANSPLANTS).unwrap();
    let placebo = read_untransplanted(&metadata).unwrap();
    assert_eq!(placebo.len(), 1);
    let cohort = Cohort::from_metadata(&metadata, table()).unwrap();
    follow_up(&cohort, &placebo, None, &FollowUpParams::default()).unwrap()
}

#[test]
fn every_number_is_as_by_hand() {
    let report = followed_up();
    assert_eq!(report.rows.len(), 3);
    let [first, later, other] = &report.rows[..] else {
        unreachable!()
    };
    // D = ABCE, R = CD, P = ABC at first: gained A and B, both the donor's; kept C, lost D.
    assert_eq!((first.n_gained, first.n_gained_from_donor), (2, 2));
    assert_eq!((first.n_kept, first.n_lost), (1, 1));
    assert_abs_diff_eq!(first.peds, 3.0 / 4.0, epsilon = 1e-12);
    assert_abs_diff_eq!(first.pprs, 1.0 / 2.0, epsilon = 1e-12);
    assert_eq!(first.persistence, None);
    // Of A and B the second follow-up, ACE, has A.
    assert_eq!(later.persistence, Some(0.5));
    assert_eq!((later.p_value, first.p_value.is_some()), (None, true));
    assert_abs_diff_eq!(other.peds, 1.0, epsilon = 1e-12);
    // Mismatched: d1 in y1 1/4, d2 in x1 0/1.
    assert_abs_diff_eq!(first.peds_mismatched.unwrap(), 1.0 / 8.0, epsilon = 1e-12);
    assert_abs_diff_eq!(
        later.peds_over_mismatched.unwrap(),
        3.0 / 4.0 - 0.125,
        epsilon = 1e-12
    );
    // Placebo kept A of A and B; d1's ABCE are there by a quarter.
    assert_abs_diff_eq!(first.pprs_over_placebo.unwrap(), 0.0, epsilon = 1e-12);
    assert_abs_diff_eq!(first.peds_over_placebo.unwrap(), 0.5, epsilon = 1e-12);
    assert_eq!(report.backgrounds[0].n_placebo, 1);
    let lost: Vec<&str> = first
        .taxa
        .iter()
        .filter(|one| one.change == Change::Lost)
        .map(|one| one.taxon.as_str())
        .collect();
    assert_eq!(lost, ["s__D"]);
}

#[test]
fn counts_are_compared_at_one_depth() {
    let deep = |n: f64| vec![(0, n), (1, n / 10.0)];
    let table = ProfileTable::builder(Unit::Count)
        .taxa(["s__A", "s__B"].map(Taxon::new))
        .sample("d", deep(1000.0))
        .sample("r0", deep(100.0))
        .sample("r1", deep(10.0))
        .build()
        .unwrap();
    let text = "donor\tdonor_samples\trecipient\tbaseline\tfollow_up\nd\td\tr\tr0\tr1\n";
    let metadata = MetadataTable::parse("<text>", text).unwrap();
    let cohort = Cohort::from_metadata(&metadata, table).unwrap();
    let params = FollowUpParams::default();
    let report = follow_up(&cohort, &[], None, &params).unwrap();
    assert_eq!(report.depth, Some(11));
    assert_eq!(report.backgrounds[0].peds_mismatched, None);
    let deeper = FollowUpParams {
        depth: Some(50),
        ..params.clone()
    };
    let error = follow_up(&cohort, &[], None, &deeper)
        .unwrap_err()
        .to_string();
    assert!(error.contains("no follow-up can be used"), "{error}");
    let wrong = FollowUpParams {
        min_fraction: 1.0,
        ..params
    };
    let error = follow_up(&cohort, &[], None, &wrong)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("`min_fraction`"), "{error}");
}

#[test]
fn the_page_stands_alone_and_escapes() {
    let page = follow_up_page(&followed_up());
    assert!(page.contains("s__&lt;b&gt;") && !page.contains("<b>"));
    assert!(!page.contains("<script") && !page.contains("http:") && !page.contains("https:"));
    assert!(page.contains("Research use only") && page.matches("<section>").count() == 2);
}

#[test]
fn baruch_and_davar_equal_an_independent_computation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("../shared/data/fmt-davar-baruch2021");
    if !folder.exists() {
        eprintln!("skipped: no ../shared/data");
        return;
    }
    let script = root.join("tests/data/follow_up.py");
    let Ok(done) = Command::new("python3").arg(script).arg(&folder).output() else {
        eprintln!("skipped: no python3");
        return;
    };
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let text = String::from_utf8(done.stdout).unwrap();
    let mut expected = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let numbers: Vec<f64> = cells[1..]
            .iter()
            .map(|cell| cell.parse().unwrap())
            .collect();
        expected.insert(cells[0].to_owned(), numbers);
    }
    let names: ColumnNames = [
        ("donor", "donor_subject"),
        ("donor_samples", "donor_sample"),
        ("baseline", "pre_sample"),
        ("follow_up", "post_sample"),
        ("day", "post_day"),
    ]
    .map(|(role, column)| (role.to_owned(), column.to_owned()))
    .into();
    let metadata = MetadataTable::read(folder.join("transplants.tsv"))
        .unwrap()
        .with_names(names);
    let profiles = folder.join("profiles.metaphlan.tsv.gz");
    let profiles = read(profiles, &ReadOptions::default()).unwrap();
    let cohort = Cohort::from_metadata(&metadata, profiles).unwrap();
    let report = follow_up(&cohort, &[], None, &FollowUpParams::default()).unwrap();
    assert_eq!(report.rows.len(), expected.len());
    for row in &report.rows {
        let numbers = &expected[row.follow_up.as_str()];
        assert_abs_diff_eq!(row.peds, numbers[0], epsilon = 1e-12);
        assert_abs_diff_eq!(row.pprs, numbers[1], epsilon = 1e-12);
        assert_abs_diff_eq!(row.n_lost as f64, numbers[2], epsilon = 0.0);
        assert_abs_diff_eq!(row.n_gained as f64, numbers[3], epsilon = 0.0);
        assert_abs_diff_eq!(row.peds_mismatched.unwrap(), numbers[4], epsilon = 1e-12);
    }
    println!("{}", report.verdict());
}

#[test]
fn the_shell_gives_the_same_and_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("transplants.tsv"), TRANSPLANTS).unwrap();
    write(path("profiles.tsv"), &table(), WriteFormat::Tsv).unwrap();
    let words = ["donormatch", "follow-up"].map(str::to_owned);
    let files = [path("profiles.tsv"), path("transplants.tsv")];
    let more = ["--report".to_owned(), path("page.html")];
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = words.into_iter().chain(files).chain(more);
    let code = donormatch::cli::run(args, &mut out, &mut err);
    let (out, err) = (
        String::from_utf8(out).unwrap(),
        String::from_utf8(err).unwrap(),
    );
    assert_eq!(code, 0, "{err}");
    assert_eq!(out, followed_up().to_tsv().unwrap());
    assert!(err.contains("3 follow-ups of 2 recipients"), "{err}");
    assert!(
        fs::read_to_string(path("page.html"))
            .unwrap()
            .starts_with("<!doctype html>")
    );
}
