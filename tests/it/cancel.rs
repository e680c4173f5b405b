//! Work that is told to end: within a second it has, and nothing is half-written.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use donormatch::Error;
use donormatch::cancel::Cancel;
use donormatch::cohort::{Cohort, PatientCohort};
use donormatch::engraftment::EngraftmentParams;
use donormatch::evaluation::{
    BootstrapParams, Metric, ReportParams, ScoredRows, evaluate_response,
};
use donormatch::matcher::{MatcherParams, ResponseParams};
use donormatch::model::{BoostingParams, LambdaGrid, LogisticParams, TrainingData};
use donormatch::output::Access;
use donormatch::profile::{ReadOptions, Unit, read};
use donormatch::ranking::{RankingJob, RankingParams};
use donormatch::taxonomy::{HarmonizeParams, Target, harmonize};
use donormatch::trial::SimulationParams;
use ndarray::Array2;

use crate::cli::SCENE;
use crate::ranking_files::BANK;

/// Tells a task to end at some moments; each time it must have ended a second later.
fn ends<T: Send>(what: &str, task: impl Fn() -> donormatch::Result<T> + Sync) {
    for wait in [1, 40, 170, 310] {
        let cancel = Cancel::default();
        let (done, told) = std::thread::scope(|scope| {
            let working = scope.spawn(|| {
                let done = cancel.run(&task);
                (done, Instant::now())
            });
            std::thread::sleep(Duration::from_millis(wait));
            cancel.cancel();
            let told = Instant::now();
            (working.join().unwrap(), told)
        });
        // On a fast machine the later moments come after the work is done.
        let was_over = wait > 1 && done.1 <= told + Duration::from_millis(100);
        assert!(
            matches!(done.0, Err(Error::Cancelled)) || was_over && done.0.is_ok(),
            "{what} was not ended after {wait} ms, or failed: {:?}",
            done.0.err()
        );
        let after = done.1.saturating_duration_since(told);
        assert!(after < Duration::from_secs(1), "{what}: {after:?}");
    }
}

/// Numbers without a pattern.
fn noise(n: usize) -> Vec<f64> {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f64 / f64::from(1 << 24)
    };
    (0..n).map(|_| next()).collect()
}

fn cohorts() -> (PatientCohort, Cohort) {
    let params = SimulationParams {
        n_donors: 20,
        n_recipients: 200,
        ..SimulationParams::default()
    };
    let (patients, transplants) = params.simulate().unwrap().to_cohorts().unwrap();
    let harmonized = |table| {
        let params = HarmonizeParams::new(Target::Species);
        harmonize(table, &params).unwrap().0
    };
    let profiles = harmonized(patients.profiles());
    let patients = PatientCohort::new(patients.patients().to_vec(), &profiles).unwrap();
    let profiles = harmonized(transplants.profiles());
    (patients, transplants.with_profiles(profiles).unwrap())
}

#[test]
fn a_ranking_ends_and_leaves_no_file() {
    let mut predict = BANK.predict.clone();
    predict.n_draws = 20_000;
    let params = RankingParams::default();
    let job = RankingJob {
        predict: &predict,
        matcher: &BANK.matcher,
        donors: &BANK.donors,
        recipients: &BANK.recipients,
        contexts: &BANK.contexts,
        params: &params,
    };
    ends("rank", || job.rank());
    let folder = tempfile::tempdir().unwrap();
    for name in ["pairs.parquet", "pairs.tsv.gz"] {
        let path = folder.path().join(name);
        ends("write", || job.write(&path, Access::Shared, |_| Ok(())));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn fits_end() {
    let (n_rows, n_columns) = (60_000, 60);
    let features = Array2::from_shape_vec((n_rows, n_columns), noise(n_rows * n_columns)).unwrap();
    let outcomes: Vec<f64> = (0..n_rows).map(|row| f64::from(row as u32 % 2)).collect();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let mut many_rounds = BoostingParams::default();
    many_rounds.n_rounds = 100_000;
    ends("boosting", || many_rounds.fit(&data));
    let logistic = LogisticParams {
        tolerance: 1e-14,
        max_iterations: 100_000,
        ..LogisticParams::default()
    };
    let grid = LambdaGrid::Given((1..20_000).map(|k| 0.1 / f64::from(k)).collect());
    ends("logistic", || logistic.fit_path(&data, &grid));
    let (patients, transplants) = cohorts();
    let mut engraftment = EngraftmentParams::default();
    engraftment.n_members = 200;
    engraftment.presence.n_rounds = 5_000;
    let transplants = [transplants];
    ends("engraftment", || engraftment.fit(&transplants));
    let mut matcher = MatcherParams::default();
    matcher.response.n_members = 5_000;
    ends("fit", || matcher.fit(&patients, &transplants));
}

#[test]
fn evaluations_end() {
    let (patients, _) = cohorts();
    let mut response = ResponseParams::default();
    response.n_members = 5_000;
    let report = ReportParams::default();
    ends("evaluate_response", || {
        evaluate_response(&response, &patients, &[], &report)
    });
    let scores = noise(5_000);
    let outcomes: Vec<f64> = (0..5_000).map(|row| f64::from(row % 2)).collect();
    let rows = ScoredRows::new(&scores, &outcomes).unwrap();
    let bootstrap = BootstrapParams::default().with_n_resamples(10_000_000);
    ends("bootstrap", || bootstrap.estimate(Metric::RocAuc, &rows));
}

#[test]
fn reading_of_a_large_table_ends() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("large.tsv");
    let packed = folder.path().join("large.tsv.gz");
    let mut text = String::from("taxon");
    for sample in 0..3_000 {
        write!(text, "\tsample_{sample}").unwrap();
    }
    for (taxon, first) in noise(6_000).into_iter().enumerate() {
        write!(text, "\ns__Taxon_{taxon}").unwrap();
        for sample in 0..3_000 {
            let value = (first * f64::from(sample + 7) * 1e4) % 97.0;
            write!(text, "\t{value:.3}").unwrap();
        }
    }
    fs::write(&plain, &text).unwrap();
    let file = fs::File::create(&packed).unwrap();
    let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap();
    let mut options = ReadOptions::default();
    options.unit = Some(Unit::Percent);
    options.limits.text_bytes = 1 << 30;
    let mut n_ended = 0;
    for path in [&plain, &packed] {
        let began = Instant::now();
        let whole = Cancel::default().run(|| read(path, &options));
        let took = began.elapsed();
        let error = whole.err().map(|error| error.to_string());
        for share in [0.1, 0.5, 0.8] {
            let cancel = Cancel::default();
            let elsewhere = cancel.clone();
            let telling = std::thread::spawn(move || {
                std::thread::sleep(took.mul_f64(share));
                elsewhere.cancel();
                Instant::now()
            });
            let done = cancel.run(|| read(path, &options));
            let ended = Instant::now();
            let told = telling.join().unwrap();
            let after = ended.saturating_duration_since(told);
            assert!(after < Duration::from_secs(1), "{after:?}");
            // The second reading is faster than the first, and can be over before it is told.
            let was_over = ended <= told + Duration::from_millis(100);
            let is_ended = matches!(done, Err(Error::Cancelled));
            assert!(
                is_ended || was_over && done.is_err() == error.is_some(),
                "{error:?} {:?}",
                done.err()
            );
            n_ended += u32::from(is_ended);
        }
    }
    assert!(n_ended >= 2, "{n_ended} readings of six were ended");
}

fn n_files(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_command_with_130_and_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("pairs.parquet");
    for wait in [200, 700] {
        let child = Command::new(env!("CARGO_BIN_EXE_donormatch"))
            .arg("rank")
            .args([SCENE.path("donors.tsv"), SCENE.path("recipients.tsv")])
            .args(["--model", &SCENE.path("tiny.dmm"), "--regimen", "anti-pd-1"])
            .args(["--n-draws", "100000", "--output"])
            .arg(&output)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        let told = Instant::now();
        let process = child.id().to_string();
        let signal = Command::new("kill").args(["-INT", &process]).status();
        assert!(signal.unwrap().success());
        let done = child.wait_with_output().unwrap();
        assert!(
            told.elapsed() < Duration::from_secs(1),
            "{:?}",
            told.elapsed()
        );
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(130), "{said}");
        assert!(said.contains("interrupted before it was done"), "{said}");
        assert_eq!(n_files(folder.path()), 0);
    }
}
