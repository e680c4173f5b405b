//! One small synthetic cohort whose ranking is the same through every door.
//!
//! `tests/data/golden` holds the tables and, made by the bundled model, `expected.json`. The same
//! files are read by `tests/python/test_golden.py`. `make golden` writes them again.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::fs;
use std::path::{Path, PathBuf};

use donormatch::cohort::{MetadataTable, TreatmentContext};
use donormatch::matcher::{Matcher, PredictParams};
use donormatch::profile::{ReadOptions, read};
use donormatch::ranking::{Ranking, RankingParams, rank_harmonized};
use donormatch::taxonomy::{HarmonizeParams, Target, harmonize};
use donormatch::trial::SimulationParams;
use serde_json::Value;

const TOLERANCE: f64 = 1e-12;
const SEED: u64 = 7;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden")
}

fn by_the_api() -> Ranking {
    let table = |name: &str| {
        let table = read(folder().join(name), &ReadOptions::default()).unwrap();
        harmonize(&table, &HarmonizeParams::new(Target::Species))
            .unwrap()
            .0
    };
    let (donors, recipients) = (table("donors.tsv"), table("recipients.tsv"));
    let metadata = MetadataTable::read(folder().join("metadata.tsv")).unwrap();
    let contexts: Vec<TreatmentContext> = (0..metadata.n_rows())
        .map(|row| {
            assert_eq!(
                metadata.text(row, "recipient_id"),
                Some(recipients.samples()[row].as_str())
            );
            TreatmentContext::new(
                metadata.text(row, "regimen").unwrap().parse().unwrap(),
                metadata.text(row, "cancer").unwrap().parse().unwrap(),
                metadata.text(row, "line").unwrap().parse().unwrap(),
            )
        })
        .collect();
    let mut params = PredictParams::default();
    params.seed = SEED;
    let matcher = Matcher::bundled().unwrap();
    let ranking = RankingParams::default();
    rank_harmonized(
        &matcher,
        &donors.into(),
        &recipients,
        &contexts,
        &params,
        &ranking,
    )
    .unwrap()
}

/// The expected ranking, or why the comparison is left out.
fn expected() -> Option<Value> {
    if !Matcher::has_bundled() {
        eprintln!("skipped: this build has no bundled model; see `make models`");
        return None;
    }
    let Ok(text) = fs::read_to_string(folder().join("expected.json")) else {
        eprintln!("skipped: no expected values; see `make golden`");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

fn assert_same(expected: &Value, found: &Value, at: &str) {
    match (expected, found) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            assert!((a - b).abs() <= TOLERANCE, "{at}: expected {a}, found {b}");
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{at}");
            for (row, (a, b)) in a.iter().zip(b).enumerate() {
                assert_same(a, b, &format!("{at}[{row}]"));
            }
        }
        (Value::Object(a), Value::Object(b)) => {
            assert_eq!(
                a.keys().collect::<Vec<_>>(),
                b.keys().collect::<Vec<_>>(),
                "{at}"
            );
            for (key, value) in a {
                assert_same(value, &b[key], &format!("{at}.{key}"));
            }
        }
        (a, b) => assert_eq!(a, b, "{at}"),
    }
}

#[test]
fn the_rust_api_gives_the_golden_numbers() {
    let Some(expected) = expected() else { return };
    let found = by_the_api().to_json().unwrap();
    assert_same(&expected, &serde_json::from_str(&found).unwrap(), "ranking");
}

#[cfg(feature = "cli")]
#[test]
fn the_command_line_gives_the_golden_numbers() {
    let Some(expected) = expected() else { return };
    let path = |name: &str| folder().join(name).display().to_string();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let seed = SEED.to_string();
    let (donors, recipients, metadata) = (
        path("donors.tsv"),
        path("recipients.tsv"),
        path("metadata.tsv"),
    );
    let args = [
        "donormatch",
        "rank",
        &donors,
        &recipients,
        "--metadata",
        &metadata,
        "--seed",
        &seed,
        "--json",
    ];
    let code = donormatch::cli::run(args, &mut out, &mut err);
    assert_eq!(code, 0, "{}", String::from_utf8_lossy(&err));
    assert_same(&expected, &serde_json::from_slice(&out).unwrap(), "ranking");
}

/// The tables themselves are a draw of the generator, so that anyone can tell where they are from.
fn write_tables(to: &Path) {
    let params = SimulationParams {
        n_donors: 4,
        n_recipients: 3,
        seed: 7,
        ..Default::default()
    };
    let folder = tempfile::tempdir().unwrap();
    params.simulate().unwrap().write(folder.path()).unwrap();
    for name in ["donors.tsv", "recipients.tsv", "metadata.tsv"] {
        fs::copy(folder.path().join(name), to.join(name)).unwrap();
    }
}

#[test]
fn the_golden_tables_are_a_draw_of_the_generator() {
    let again = tempfile::tempdir().unwrap();
    write_tables(again.path());
    for name in ["donors.tsv", "recipients.tsv", "metadata.tsv"] {
        let (here, there) = (folder().join(name), again.path().join(name));
        assert_eq!(fs::read(here).unwrap(), fs::read(there).unwrap(), "{name}");
    }
}

#[test]
#[ignore = "writes tests/data/golden; run by `make golden`"]
fn regenerate() {
    fs::create_dir_all(folder()).unwrap();
    write_tables(&folder());
    if Matcher::has_bundled() {
        fs::write(
            folder().join("expected.json"),
            by_the_api().to_json().unwrap() + "\n",
        )
        .unwrap();
    } else {
        eprintln!("no bundled model: only the tables were written; see `make models`");
    }
}
