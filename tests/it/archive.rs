//! Model files that were written by earlier releases, and what they predicted.
//!
//! `tests/data/models/v2` holds one small file of each kind, fitted on synthetic data, and
//! `expected.json`, their predictions. A file that is there is never written again: it stands for
//! those that users have. `cargo test --workspace --test it archive::write_what_is_missing --
//! --ignored` writes the files of a new format, and no other.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::fs;
use std::path::{Path, PathBuf};

use donormatch::cohort::{Donors, PatientCohort};
use donormatch::matcher::{Matcher, MatcherParams, PredictParams};
use donormatch::model::{
    BoostingLoss, BoostingModel, BoostingParams, LogisticModel, LogisticParams, TrainingData,
};
use donormatch::persist::{self, FORMAT, ModelHeader, Stored};
use donormatch::profile::{ProfileTable, ReadOptions, read};
use donormatch::taxonomy::{HarmonizeParams, Target, harmonize};
use donormatch::trial::SimulationParams;
use ndarray::Array2;
use serde_json::{Value, json};

const TOLERANCE: f64 = 1e-12;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn folder(format: u16) -> PathBuf {
    data().join(format!("models/v{format}"))
}

/// A matcher of few and small trees; far too small to be good.
fn matcher() -> Matcher {
    let simulation = SimulationParams {
        n_donors: 8,
        n_recipients: 60,
        seed: 2,
        ..SimulationParams::default()
    };
    let (patients, transplants) = simulation.simulate().unwrap().to_cohorts().unwrap();
    let species = HarmonizeParams::new(Target::Species);
    let (profiles, _) = harmonize(patients.profiles(), &species).unwrap();
    let patients = PatientCohort::new(patients.patients().to_vec(), &profiles).unwrap();
    let (profiles, _) = harmonize(transplants.profiles(), &species).unwrap();
    let transplants = transplants.with_profiles(profiles).unwrap();
    let mut params = MatcherParams::default();
    params.engraftment.n_members = 2;
    params.engraftment.presence.n_rounds = 10;
    params.engraftment.abundance.n_rounds = 10;
    params.response.n_members = 2;
    params.response.n_slope_members = 1;
    params.response.boosting.n_rounds = 10;
    params.evidence.n_kept = 100;
    params.fit(&patients, &[transplants]).unwrap()
}

/// 60 rows of three features, one with missing values, by a formula.
fn features() -> Array2<f64> {
    Array2::from_shape_fn((60, 3), |(row, column)| match (row, column) {
        (row, 2) if row % 7 == 0 => f64::NAN,
        (row, column) => f64::from(((row * 37 + column * 11) % 23) as u32) / 4.0 - 2.0,
    })
}

fn outcomes() -> Vec<f64> {
    (0..60_u32).map(|row| f64::from(row * 7 % 5 > 2)).collect()
}

fn boosting(loss: BoostingLoss) -> BoostingModel {
    let (features, outcomes) = (features(), outcomes());
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let mut params = BoostingParams::default();
    params.n_rounds = 20;
    params.loss = loss;
    params.fit(&data).unwrap()
}

fn complete() -> Array2<f64> {
    features().mapv(|value| if value.is_nan() { 0.0 } else { value })
}

fn logistic() -> LogisticModel {
    let (features, outcomes) = (complete(), outcomes());
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    LogisticParams::default().fit(&data).unwrap()
}

/// What a matcher says of the golden cohort.
fn of_matcher(matcher: &Matcher) -> Value {
    let table = |name: &str| -> ProfileTable {
        let table = read(data().join("golden").join(name), &ReadOptions::default()).unwrap();
        let params = HarmonizeParams::new(Target::Species);
        harmonize(&table, &params).unwrap().0
    };
    let (donors, recipients) = (table("donors.tsv"), table("recipients.tsv"));
    let schema = matcher.response().schema();
    let features = schema.features(&recipients.closure()).unwrap();
    let recipient = recipients.select(&[0]).unwrap();
    let (transplant, _) = matcher
        .predict_transplant(
            &Donors::one(donors.clone(), &"donor".into()).unwrap(),
            &recipient,
            &PredictParams::default(),
        )
        .unwrap();
    let donor = donors.select(&[0]).unwrap();
    let (of_one_sample, _) = matcher
        .predict_transplant(&donor.into(), &recipient, &PredictParams::default())
        .unwrap();
    json!({
        "cohorts": matcher.response().cohorts(),
        "engine": matcher.response().engine(),
        "members": matcher.response().member_scores(features.view()).unwrap(),
        "slope": matcher.response().slope(),
        "presence": transplant.mean_presence(),
        "abundance": transplant.log_abundance,
        "abundance_sd": of_one_sample.abundance_sd,
    })
}

fn of_boosting(model: &BoostingModel) -> Value {
    let features = features();
    json!({
        "scores": model.scores(features.view()).unwrap(),
        "gain": model.gain_importance(),
    })
}

fn of_logistic(model: &LogisticModel) -> Value {
    let features = complete();
    json!({
        "scores": model.scores(features.view()).unwrap(),
        "base_score": model.base_score(),
    })
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
            assert!(a.keys().eq(b.keys()), "{at}");
            for (key, value) in a {
                assert_same(value, &b[key], &format!("{at}.{key}"));
            }
        }
        (a, b) => assert_eq!(a, b, "{at}"),
    }
}

/// The predictions of every file of a format.
fn predictions(format: u16) -> Value {
    fn load<M: Stored>(format: u16, name: &str) -> M {
        persist::read(folder(format).join(name)).unwrap().0
    }
    json!({
        "matcher.dmm": of_matcher(&load(format, "matcher.dmm")),
        "boosting.dmm": of_boosting(&load(format, "boosting.dmm")),
        "squared_error.dmm": of_boosting(&load(format, "squared_error.dmm")),
        "logistic.dmm": of_logistic(&load(format, "logistic.dmm")),
    })
}

#[test]
fn files_of_format_2_load_and_predict_what_they_did() {
    let text = fs::read_to_string(folder(2).join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    assert_same(&expected, &predictions(2), "v2");
}

#[test]
fn files_of_the_archive_are_small_and_of_the_kind_and_format_that_they_say() {
    let mut kinds = Vec::new();
    for entry in fs::read_dir(folder(2)).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        assert!(bytes.len() < 100_000, "{}", path.display());
        if path.extension().is_some_and(|extension| extension == "dmm") {
            assert_eq!(bytes[4..6], 2_u16.to_le_bytes(), "{}", path.display());
            kinds.push(persist::read_header(&path).unwrap().kind);
        }
    }
    kinds.sort();
    assert_eq!(kinds, ["boosting", "boosting", "logistic", "matcher"]);
}

fn write<M: Stored>(path: PathBuf, model: &M, header: ModelHeader) {
    persist::write(path, model, &header.with_name("archive")).unwrap();
}

#[test]
#[ignore = "writes the files of a new format into tests/data/models"]
fn write_what_is_missing() {
    let folder = folder(FORMAT);
    fs::create_dir_all(&folder).unwrap();
    let expected = folder.join("expected.json");
    assert!(!expected.exists(), "the archive of this format is written");
    let (matcher, trees, linear) = (matcher(), boosting(BoostingLoss::Logistic), logistic());
    let squared = boosting(BoostingLoss::SquaredError);
    write(folder.join("matcher.dmm"), &matcher, matcher.header());
    write(folder.join("boosting.dmm"), &trees, trees.header());
    write(folder.join("squared_error.dmm"), &squared, squared.header());
    write(folder.join("logistic.dmm"), &linear, linear.header());
    let json = json!({
        "matcher.dmm": of_matcher(&matcher),
        "boosting.dmm": of_boosting(&trees),
        "squared_error.dmm": of_boosting(&squared),
        "logistic.dmm": of_logistic(&linear),
    });
    fs::write(
        expected,
        serde_json::to_string_pretty(&json).unwrap() + "\n",
    )
    .unwrap();
}
