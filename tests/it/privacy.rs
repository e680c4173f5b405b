//! What a model file tells of the patients it learned from: the attacks that its card speaks of.
//!
//! Thresholds: a cut in the exact middle of "absent" and a patient's value gives that value, and a
//! number of the file that is a patient's gives it at once. Membership: who learned from whom, by
//! scores and by their spread over the members.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use donormatch::cohort::PatientCohort;
use donormatch::evaluation::{Metric, ScoredRows};
use donormatch::feature::COMMUNITY_FEATURES;
use donormatch::matcher::{Matcher, MatcherConfig, MatcherParams};
use donormatch::model::backend::ForestParams;
use donormatch::model::{BoostingParams, TrainingData};
use donormatch::profile::{ProfileTable, ReadOptions, Unit, read};
use donormatch::taxonomy::{HarmonizeParams, Target, harmonize};
use donormatch::trial::SimulationParams;
use ndarray::Array2;
use serde_json::Value;

/// Every number of a model that is no integer, whatever it is for.
fn numbers(value: &Value, found: &mut Vec<f64>) {
    match value {
        Value::Number(number) => found.extend(number.as_f64().filter(|x| x.fract() != 0.0)),
        Value::Array(values) => values.iter().for_each(|value| numbers(value, found)),
        Value::Object(entries) => entries.values().for_each(|value| numbers(value, found)),
        _ => {}
    }
}

/// The thresholds of the trees of the response model, by feature.
fn thresholds(model: &Value, n_features: usize) -> Vec<Vec<f64>> {
    let mut found = vec![Vec::new(); n_features];
    let mut trees = Vec::new();
    lists(&model["response"], "feature", "threshold", &mut trees);
    for (features, thresholds) in trees {
        for (feature, threshold) in features.iter().zip(thresholds) {
            let feature = feature.as_u64().unwrap() as usize;
            if let Some(of_feature) = found.get_mut(feature) {
                of_feature.push(decimal_behind(threshold.as_f64().unwrap()));
            }
        }
    }
    for of_feature in &mut found {
        of_feature.sort_by(f64::total_cmp);
        of_feature.dedup();
    }
    found
}

/// Every pair of lists with these names in one object.
fn lists<'a>(
    value: &'a Value,
    one: &str,
    other: &str,
    found: &mut Vec<(&'a [Value], &'a [Value])>,
) {
    if let Some(entries) = value.as_object() {
        let list = |name| Some(entries.get(name)?.as_array()?.as_slice());
        found.extend(list(one).zip(list(other)));
        for value in entries.values() {
            lists(value, one, other, found);
        }
    }
    if let Some(values) = value.as_array() {
        for value in values {
            lists(value, one, other, found);
        }
    }
}

/// Every list of thresholds of a model, of whatever part.
fn all_thresholds(value: &Value, found: &mut Vec<f64>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| all_thresholds(value, found)),
        Value::Object(entries) => {
            for (name, value) in entries {
                match value.as_array().filter(|_| name == "threshold") {
                    Some(values) => {
                        let cuts = values.iter().filter_map(Value::as_f64);
                        found.extend(cuts.map(decimal_behind));
                    }
                    None => all_thresholds(value, found),
                }
            }
        }
        _ => {}
    }
}

/// The decimal that a cut was before it was moved by a billionth of itself, off the data that are
/// such decimals too: whoever mounts the attack takes that back first.
fn decimal_behind(cut: f64) -> f64 {
    let decimal: f64 = format!("{cut:.7e}").parse().unwrap();
    let moved = decimal + 1e-9 * decimal.abs();
    if (cut - moved).abs() <= 1e-14 * cut.abs() {
        decimal
    } else {
        cut
    }
}

/// Significant digits of the shortest decimal that reads back to the same number.
fn n_digits(number: f64) -> usize {
    let text = format!("{number:e}");
    let mantissa = text.split('e').next().unwrap();
    mantissa.chars().filter(char::is_ascii_digit).count()
}

/// Most digits of a threshold of a model.
fn most_digits(matcher: &Matcher) -> usize {
    let mut found = Vec::new();
    all_thresholds(&serde_json::to_value(matcher).unwrap(), &mut found);
    assert!(found.len() > 50, "only {} thresholds", found.len());
    found.into_iter().map(n_digits).max().unwrap()
}

/// Whether sorted numbers hold this one to within a relative 10⁻¹¹.
fn holds(sorted: &[f64], value: f64) -> bool {
    let tolerance = 1e-11 * value.abs();
    let at = sorted.partition_point(|&number| number < value - tolerance);
    sorted
        .get(at)
        .is_some_and(|&number| number <= value + tolerance)
}

/// Samples of a table that the model tells apart, and abundances read off it.
struct Told {
    samples: usize,
    apart: usize,
    values: usize,
    middles: usize,
}

/// The attack: `features` are those of a table that the attacker has, and asks about.
fn attack(matcher: &Matcher, features: &Array2<f64>) -> Told {
    let model = serde_json::to_value(matcher).unwrap();
    let mut all = Vec::new();
    numbers(&model, &mut all);
    let decimals: Vec<f64> = all.iter().copied().map(decimal_behind).collect();
    all.extend(decimals);
    all.sort_by(f64::total_cmp);
    let cuts = thresholds(&model, features.ncols());
    assert!(
        cuts.iter().flatten().count() > 10,
        "the model has hardly a threshold"
    );
    let mut told = HashSet::new();
    let (mut n_values, mut n_middles) = (0, 0);
    let toposcore = COMMUNITY_FEATURES
        .iter()
        .position(|name| *name == "toposcore");
    for (number, (column, cuts)) in features.columns().into_iter().zip(&cuts).enumerate() {
        // A score of two small counts (2/3 is one) meets the prevalences of taxa by chance.
        if Some(number) == toposcore {
            continue;
        }
        // Values of few digits (classes, scores that are fractions of small numbers) meet short
        // thresholds by chance, and tell nobody.
        let own: Vec<(usize, f64)> = column
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, value)| value.to_string().len() > 10)
            .collect();
        for &(row, value) in &own {
            if holds(cuts, value / 2.0) || holds(&all, value) {
                told.insert(row);
                n_values += 1;
            }
        }
        let mut values: Vec<f64> = own.into_iter().map(|(_, value)| value).collect();
        values.sort_by(f64::total_cmp);
        let is_middle = |pair: &&[f64]| holds(cuts, f64::midpoint(pair[0], pair[1]));
        n_middles += values.windows(2).filter(is_middle).count();
    }
    Told {
        samples: features.nrows(),
        apart: told.len(),
        values: n_values,
        middles: n_middles,
    }
}

/// A simulated cohort, as a matcher takes it.
fn simulated(seed: u64) -> (PatientCohort, donormatch::cohort::Cohort) {
    let simulation = SimulationParams {
        n_donors: 8,
        n_recipients: 80,
        seed,
        ..SimulationParams::default()
    };
    let (patients, transplants) = simulation.simulate().unwrap().to_cohorts().unwrap();
    let species = HarmonizeParams::new(Target::Species);
    let (profiles, _) = harmonize(patients.profiles(), &species).unwrap();
    let patients = PatientCohort::new(patients.patients().to_vec(), &profiles).unwrap();
    let (profiles, _) = harmonize(transplants.profiles(), &species).unwrap();
    (patients, transplants.with_profiles(profiles).unwrap())
}

fn features(matcher: &Matcher, profiles: &ProfileTable) -> Array2<f64> {
    matcher
        .response()
        .schema()
        .features(&profiles.closure())
        .unwrap()
}

#[test]
fn no_value_of_a_training_profile_stands_in_a_matcher() {
    let (patients, transplants) = simulated(5);
    let mut params = MatcherParams::default();
    params.engraftment.n_members = 2;
    params.engraftment.presence.n_rounds = 5;
    params.engraftment.abundance.n_rounds = 5;
    params.response.n_members = 5;
    params.response.n_slope_members = 1;
    params.response.boosting.n_rounds = 30;
    let matcher = params.fit(&patients, &[transplants]).unwrap();
    let told = attack(&matcher, &features(&matcher, patients.profiles()));
    assert_eq!((told.apart, told.values, told.middles), (0, 0, 0));
    assert_eq!(most_digits(&matcher), 3);
}

#[test]
fn values_that_agree_in_three_digits_are_not_parted() {
    // The second feature tells the outcomes apart, in its eleventh digit.
    let features = Array2::from_shape_fn((40, 2), |(row, column)| {
        if column == 0 {
            (row % 7) as f64
        } else {
            0.123 + 1e-11 * (row % 2) as f64 + 0.1 * (row / 20) as f64
        }
    });
    let outcomes: Vec<f64> = (0..40).map(|row| f64::from(row % 2)).collect();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let model = BoostingParams::unsampled().fit(&data).unwrap();
    let mut cuts = Vec::new();
    all_thresholds(&serde_json::to_value(&model).unwrap(), &mut cuts);
    assert!(cuts.iter().all(|&cut| n_digits(cut) <= 3), "{cuts:?}");
}

#[test]
fn values_far_from_zero_and_close_together_are_parted() {
    let years = Array2::from_shape_fn((40, 1), |(row, _)| 1990.0 + row as f64);
    let outcomes: Vec<f64> = (0..40).map(|row| f64::from(row >= 17)).collect();
    let data = TrainingData::new(years.view(), &outcomes).unwrap();
    let model = BoostingParams::unsampled().fit(&data).unwrap();
    let mut cuts = Vec::new();
    all_thresholds(&serde_json::to_value(&model).unwrap(), &mut cuts);
    assert!(cuts.contains(&2006.0), "{cuts:?}");
}

#[test]
fn the_forest_keeps_three_digits_of_a_value() {
    let features = Array2::from_shape_fn((60, 3), |(row, column)| spread(row * 3 + column));
    let outcomes: Vec<f64> = (0..60)
        .map(|row| f64::from(features[(row, 0)] > 0.5))
        .collect();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let forest = ForestParams {
        n_trees: 20,
        ..ForestParams::default()
    }
    .fit(&data)
    .unwrap();
    let mut found = Vec::new();
    numbers(&serde_json::to_value(&forest).unwrap(), &mut found);
    found.sort_by(f64::total_cmp);
    for (row, value) in features
        .rows()
        .into_iter()
        .enumerate()
        .flat_map(|(row, values)| values.to_vec().into_iter().map(move |value| (row, value)))
    {
        assert!(
            !holds(&found, value),
            "a value of row {row} stands in the forest"
        );
    }
    let middles: Vec<f64> = features
        .columns()
        .into_iter()
        .flat_map(|column| {
            let mut values = column.to_vec();
            values.sort_by(f64::total_cmp);
            values
                .windows(2)
                .map(|pair| f64::midpoint(pair[0], pair[1]))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(middles.iter().all(|&middle| !holds(&found, middle)));
}

/// Numbers in [0, 1) of many digits.
fn spread(number: usize) -> f64 {
    let fraction = (number as f64 + 1.0) * 0.618_033_988_749_894_9;
    fraction - fraction.floor()
}

#[test]
fn the_attack_finds_a_value_that_stands_in_the_model() {
    let (patients, transplants) = simulated(5);
    let mut params = MatcherParams::default();
    params.engraftment.n_members = 1;
    params.engraftment.presence.n_rounds = 1;
    params.engraftment.abundance.n_rounds = 1;
    params.response.n_members = 2;
    params.response.n_slope_members = 1;
    params.response.boosting.n_rounds = 10;
    let matcher = params.fit(&patients, &[transplants]).unwrap();
    let mut features = features(&matcher, patients.profiles());
    assert_eq!(attack(&matcher, &features).apart, 0);
    let mut all = Vec::new();
    numbers(&serde_json::to_value(&matcher).unwrap(), &mut all);
    let long = all.into_iter().find(|number| number.to_string().len() > 10);
    let last = features.ncols() - 1;
    features[(3, last)] = long.unwrap();
    assert_eq!(attack(&matcher, &features).apart, 1);
}

fn shared(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data")
        .join(file);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is absent", path.display());
    None
}

/// ROC AUC of a statistic for "the model learned from this sample".
fn membership(members: &[f64], others: &[f64]) -> f64 {
    let scores = [members, others].concat();
    let mut known = vec![1.0; members.len()];
    known.resize(scores.len(), 0.0);
    Metric::RocAuc
        .value(&ScoredRows::new(&scores, &known).unwrap())
        .unwrap()
}

/// Absolute score, and spread over the members, of each row.
fn statistics(matcher: &Matcher, features: &Array2<f64>) -> (Vec<f64>, Vec<f64>) {
    let members = matcher.response().member_scores(features.view()).unwrap();
    let spread = |row: usize| members.column(row).std(1.0);
    let scores = matcher.response().scores(features.view()).unwrap();
    (
        scores.into_iter().map(f64::abs).collect(),
        (0..features.nrows()).map(spread).collect(),
    )
}

#[test]
fn few_training_samples_of_the_bundled_matcher_are_told_apart() {
    let Some(data) = shared("") else { return };
    let (Some(limeta), Some(colorectal)) = (
        shared("icb-limeta2020/profiles.motus.tsv.gz"),
        shared("bench-crc-5studies/profiles.tsv.gz"),
    ) else {
        return;
    };
    // A file that is not bundled yet can be attacked before it is.
    let matcher = match std::env::var_os("DONORMATCH_MODEL") {
        Some(path) => donormatch::persist::read(path).unwrap().0,
        None => Matcher::bundled().unwrap(),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = MatcherConfig::read(root.join("models/default/config.toml")).unwrap();
    let patients = config.read_patients(&data).unwrap();
    let known = patients
        .filter(|patient| patient.response.is_some())
        .unwrap();
    let training = known.before_treatment().unwrap();
    // The one is in counts, the other in proportions, which its header does not tell.
    let others: Vec<Array2<f64>> = [(limeta, None), (colorectal, Some(Unit::Fraction))]
        .iter()
        .map(|(path, unit)| {
            let options = match *unit {
                Some(unit) => ReadOptions::default().with_unit(unit),
                None => ReadOptions::default(),
            };
            let table = read(path, &options).unwrap();
            let params = HarmonizeParams::new(Target::Species);
            features(&matcher, &harmonize(&table, &params).unwrap().0)
        })
        .collect();
    let own = features(&matcher, training.profiles());
    let told = attack(&matcher, &own);
    eprintln!(
        "training: {} of {} samples told apart, {} values, {} middles",
        told.apart, told.samples, told.values, told.middles
    );
    let (mut n_others, mut n_told) = (0, 0);
    for table in &others {
        let told = attack(&matcher, table);
        (n_others, n_told) = (n_others + told.samples, n_told + told.apart);
        eprintln!(
            "others: {} of {} samples told apart, {} values, {} middles",
            told.apart, told.samples, told.values, told.middles
        );
    }
    let other_share = n_told as f64 / n_others as f64;
    let (scores, spreads) = statistics(&matcher, &own);
    let (mut other_scores, mut other_spreads) = (Vec::new(), Vec::new());
    for table in &others {
        let (scores, spreads) = statistics(&matcher, table);
        other_scores.extend(scores);
        other_spreads.extend(spreads);
    }
    // The trials' own samples under treatment, which were not learned from, are the fairest others.
    let during = known
        .filter(|patient| patient.day.is_some_and(|day| day > 0.0))
        .unwrap();
    let (late_scores, late_spreads) = statistics(&matcher, &features(&matcher, during.profiles()));
    eprintln!(
        "membership, ROC AUC against other tables and against samples under treatment: \
         |score| {:.3} and {:.3}, spread of members {:.3} and {:.3}",
        membership(&scores, &other_scores),
        membership(&scores, &late_scores),
        membership(&spreads, &other_spreads),
        membership(&spreads, &late_spreads),
    );
    let share = told.apart as f64 / told.samples as f64;
    // A file from before thresholds were put on a grid has some of many digits, which part patients
    // whose values agree in as many.
    let most_share = if most_digits(&matcher) > 9 {
        0.1
    } else {
        other_share
    };
    assert!(
        share <= most_share,
        "{share:.3} of the training samples are told apart, at most {most_share:.3} expected"
    );
}
