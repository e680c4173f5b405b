//! Calibration: each method equals its reference, and keeps the order of scores.
#![expect(clippy::expect_used, reason = "a test that cannot go on must fail")]

use approx::{assert_abs_diff_eq, assert_relative_eq};
use donormatch::ErrorKind;
use donormatch::calibration::{CalibrationMethod, CalibrationParams, Calibrator};
use proptest::prelude::*;

const ALL: [CalibrationMethod; 7] = [
    CalibrationMethod::Auto,
    CalibrationMethod::Temperature,
    CalibrationMethod::SlopeIntercept,
    CalibrationMethod::Sigmoid,
    CalibrationMethod::Beta,
    CalibrationMethod::Isotonic,
    CalibrationMethod::VennAbers,
];

const QUERIES: [f64; 9] = [-5.0, -2.5, -1.0, -0.1, 0.0, 0.7, 1.3, 2.2, 9.0];

/// 40 distinct scores, 19 positive; the same formula made the input of the oracles.
fn sample() -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let scores: Vec<f64> = (0..40)
        .map(|i| f64::from((i * 29) % 41 - 20) / 7.0)
        .collect();
    let outcomes = (0..40)
        .map(|i| f64::from(f64::from((i * 17 + 5) % 23) < 11.0 + 6.0 * scores[i as usize].tanh()))
        .collect();
    let weights = (0..40).map(|i| f64::from(1 + i % 3)).collect();
    (scores, outcomes, weights)
}

/// The same order and outcomes with scores of three digits, as finely as the maps that keep scores tell
/// them apart.
fn short_sample() -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let (_, outcomes, weights) = sample();
    let scores = (0..40)
        .map(|i| f64::from(((i * 29) % 41 - 20) * 3) / 20.0)
        .collect();
    (scores, outcomes, weights)
}

fn with(method: CalibrationMethod) -> CalibrationParams {
    CalibrationParams {
        method,
        ..CalibrationParams::default()
    }
}

fn fit(method: CalibrationMethod) -> Calibrator {
    let (scores, outcomes, _) = sample();
    with(method)
        .fit(&scores, &outcomes, None, None)
        .expect("the sample can be calibrated")
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_abs_diff_eq!(found, expected, epsilon = tolerance);
    }
}

#[test]
fn the_sigmoid_equals_scikit_learn() {
    let (scores, outcomes, weights) = sample();
    // scikit-learn 1.9.1, sklearn.calibration._SigmoidCalibration (its own tolerance is 1e-6).
    let (slope, intercept) = fit(CalibrationMethod::Sigmoid)
        .slope_and_intercept()
        .unwrap();
    assert_abs_diff_eq!(slope, 0.299_855_070_2, epsilon = 1e-6);
    assert_abs_diff_eq!(intercept, -0.114_652_529_7, epsilon = 1e-6);
    let weighted = with(CalibrationMethod::Sigmoid)
        .fit(&scores, &outcomes, Some(&weights), None)
        .unwrap();
    let (slope, intercept) = weighted.slope_and_intercept().unwrap();
    assert_abs_diff_eq!(slope, 0.415_858_968, epsilon = 1e-6);
    assert_abs_diff_eq!(intercept, -0.084_255_956_8, epsilon = 1e-6);
}

#[test]
fn slope_and_temperature_equal_unpenalized_logistic_regression() {
    // scikit-learn 1.9.1, LogisticRegression(C=inf, solver="newton-cholesky").
    let (slope, intercept) = fit(CalibrationMethod::SlopeIntercept)
        .slope_and_intercept()
        .unwrap();
    assert_relative_eq!(slope, 0.332_702_23, max_relative = 1e-6);
    assert_relative_eq!(intercept, -0.118_101_07, max_relative = 1e-6);
    let (slope, intercept) = fit(CalibrationMethod::Temperature)
        .slope_and_intercept()
        .unwrap();
    assert_relative_eq!(slope, 0.330_308_34, max_relative = 1e-6);
    assert!(intercept == 0.0);
}

#[test]
fn beta_equals_its_likelihood_and_betacal() {
    let found = fit(CalibrationMethod::Beta)
        .probabilities(&QUERIES)
        .unwrap();
    // scikit-learn 1.9.1, LogisticRegression(C=inf) on ln p and −ln(1 − p).
    let likelihood = [
        0.303_870_739_8,
        0.324_129_600_9,
        0.363_951_751_6,
        0.417_637_361_9,
        0.425_588_321_4,
        0.492_907_029_6,
        0.564_304_788_4,
        0.680_635_779_2,
        0.993_937_448_7,
    ];
    assert_close(&found, &likelihood, 1e-6);
    // betacal 1.1, BetaCalibration("abm"), whose solver stops at 1e-4.
    assert_abs_diff_eq!(found[0], 0.303_964, epsilon = 2e-4);
    assert_abs_diff_eq!(found[8], 0.993_946, epsilon = 2e-4);
}

#[test]
fn isotonic_equals_scikit_learn() {
    let (scores, outcomes, weights) = short_sample();
    // scikit-learn 1.9.1, IsotonicRegression(out_of_bounds="clip").
    let expected = [
        0.25,
        11.0 / 42.0,
        1.0 / 3.0,
        0.4,
        0.4,
        4.0 / 7.0,
        4.0 / 7.0,
        2.0 / 3.0,
        0.8,
    ];
    let found = with(CalibrationMethod::Isotonic)
        .fit(&scores, &outcomes, None, None)
        .unwrap()
        .probabilities(&QUERIES)
        .unwrap();
    assert_close(&found, &expected, 1e-12);
    let expected = [
        0.125,
        41.0 / 204.0,
        6.0 / 17.0,
        6.0 / 17.0,
        6.0 / 17.0,
        0.5,
        0.5,
        0.75,
        10.0 / 11.0,
    ];
    let weighted = with(CalibrationMethod::Isotonic)
        .fit(&scores, &outcomes, Some(&weights), None)
        .unwrap();
    assert_close(&weighted.probabilities(&QUERIES).unwrap(), &expected, 1e-12);
}

#[test]
fn venn_abers_equals_its_definition() {
    // scikit-learn 1.9.1, IsotonicRegression with the query added under either outcome; the
    // package venn-abers gives the same numbers.
    let expected = [
        (0.0, 1.0 / 3.0),
        (0.2, 5.0 / 14.0),
        (2.0 / 7.0, 5.0 / 12.0),
        (1.0 / 3.0, 0.5),
        (1.0 / 3.0, 0.5),
        (0.5, 0.625),
        (0.5, 0.625),
        (4.0 / 7.0, 5.0 / 7.0),
        (2.0 / 3.0, 1.0),
    ];
    let (scores, outcomes, _) = short_sample();
    let calibrator = with(CalibrationMethod::VennAbers)
        .fit(&scores, &outcomes, None, None)
        .unwrap();
    let intervals = calibrator.probability_intervals(&QUERIES).unwrap();
    let merged = calibrator.probabilities(&QUERIES).unwrap();
    for ((found, expected), merged) in intervals.iter().zip(expected).zip(merged) {
        assert_abs_diff_eq!(found.0, expected.0, epsilon = 1e-12);
        assert_abs_diff_eq!(found.1, expected.1, epsilon = 1e-12);
        assert!(found.0 <= merged && merged <= found.1);
    }
    // At a calibration score itself.
    let at_score = calibrator.probability_intervals(&scores[3..4]).unwrap()[0];
    assert_abs_diff_eq!(at_score.0, 0.25, epsilon = 1e-12);
    assert_abs_diff_eq!(at_score.1, 5.0 / 14.0, epsilon = 1e-12);
}

#[test]
fn the_choice_is_the_least_loss_and_knows_groups() {
    let (scores, outcomes, _) = sample();
    let groups: Vec<u32> = (0..40).map(|i| i / 2).collect();
    let chosen = CalibrationParams::default()
        .fit(&scores, &outcomes, None, Some(&groups))
        .unwrap();
    let least = chosen
        .losses()
        .iter()
        .filter_map(|one| one.log_loss.map(|loss| (one.method, loss)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap();
    assert_eq!(chosen.method(), least.0);
    assert_eq!(chosen.losses().len(), 6);
    let few = vec![1_u32; 40];
    assert!(
        CalibrationParams::default()
            .fit(&scores, &outcomes, None, Some(&few))
            .is_err()
    );
}

#[test]
fn a_weight_is_that_many_rows() {
    let (scores, outcomes, weights) = sample();
    let rows: Vec<usize> = (0..40).flat_map(|i| vec![i; 1 + i % 3]).collect();
    let many: Vec<f64> = rows.iter().map(|&row| scores[row]).collect();
    let many_outcomes: Vec<f64> = rows.iter().map(|&row| outcomes[row]).collect();
    for method in &ALL[1..6] {
        let params = with(*method);
        let weighted = params
            .fit(&scores, &outcomes, Some(&weights), None)
            .unwrap();
        let repeated = params.fit(&many, &many_outcomes, None, None).unwrap();
        assert_close(
            &weighted.probabilities(&QUERIES).unwrap(),
            &repeated.probabilities(&QUERIES).unwrap(),
            1e-9,
        );
    }
}

#[test]
fn separated_scores_need_smoothing() {
    let scores = [-2.0, -1.0, 1.0, 2.0];
    let outcomes = [0.0, 0.0, 1.0, 1.0];
    for method in [
        CalibrationMethod::SlopeIntercept,
        CalibrationMethod::Temperature,
        CalibrationMethod::Beta,
    ] {
        let error = with(method)
            .fit(&scores, &outcomes, None, None)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Convergence);
    }
    let smoothed = with(CalibrationMethod::Sigmoid)
        .fit(&scores, &outcomes, None, None)
        .unwrap();
    let (slope, _) = smoothed.slope_and_intercept().unwrap();
    assert!(slope > 0.0 && slope < 2.0);
}

#[test]
fn scores_that_say_nothing_give_the_base_rate() {
    let outcomes = [0.0, 1.0, 0.0, 0.0];
    for method in [
        CalibrationMethod::SlopeIntercept,
        CalibrationMethod::Beta,
        CalibrationMethod::Isotonic,
    ] {
        let calibrator = with(method).fit(&[0.5; 4], &outcomes, None, None).unwrap();
        assert_abs_diff_eq!(
            calibrator.probabilities(&[0.5]).unwrap()[0],
            0.25,
            epsilon = 1e-6
        );
    }
}

#[test]
fn what_cannot_be_calibrated_is_refused() {
    for method in ALL {
        let params = with(method);
        let refused = |scores: &[f64], outcomes: &[f64], weights: Option<&[f64]>| {
            params
                .fit(scores, outcomes, weights, None)
                .unwrap_err()
                .kind()
                == ErrorKind::Input
        };
        assert!(refused(&[], &[], None));
        assert!(refused(&[1.0], &[1.0], None));
        assert!(refused(&[1.0, 2.0], &[1.0], None));
        assert!(refused(&[1.0, f64::NAN], &[1.0, 0.0], None));
        assert!(refused(&[1.0, 2.0], &[1.0, 0.5], None));
        assert!(refused(&[1.0, 2.0], &[1.0, 1.0], None));
        assert!(refused(&[1.0, 2.0], &[1.0, 0.0], Some(&[1.0])));
        assert!(refused(&[1.0, 2.0], &[1.0, 0.0], Some(&[1.0, -1.0])));
        assert!(refused(&[1.0, 2.0], &[1.0, 0.0], Some(&[1.0, 0.0])));
        let calibrator = fit(method);
        assert!(calibrator.probabilities(&[f64::NAN]).is_err());
        assert!(calibrator.probabilities(&[]).unwrap().is_empty());
    }
}

#[test]
fn a_calibrator_survives_storage() {
    let config = bincode::config::standard();
    for method in ALL {
        let calibrator = fit(method);
        let bytes = bincode::serde::encode_to_vec(&calibrator, config).unwrap();
        let (back, _): (Calibrator, usize) =
            bincode::serde::decode_from_slice(&bytes, config).unwrap();
        assert_eq!(back, calibrator);
    }
}

proptest! {
    #[test]
    fn probabilities_are_in_0_to_1_and_never_fall(
        rows in prop::collection::vec((-6_i8..7, any::<bool>()), 8..60),
        mut queries in prop::collection::vec(-9.0_f64..9.0, 20),
    ) {
        let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.0) * 0.7).collect();
        let mut outcomes: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
        outcomes[..2].copy_from_slice(&[0.0, 1.0]);
        queries.extend(&scores);
        queries.sort_by(f64::total_cmp);
        for method in &ALL[1..] {
            // Separated scores are refused by some, as they say.
            if let Ok(calibrator) = with(*method).fit(&scores, &outcomes, None, None) {
                let found = calibrator.probabilities(&queries).unwrap();
                prop_assert!(found.iter().all(|p| (0.0..=1.0).contains(p)));
                prop_assert!(found.windows(2).all(|pair| pair[0] <= pair[1] + 1e-12));
            }
        }
    }
}

#[test]
fn maps_that_keep_scores_keep_three_digits_of_each() {
    let (scores, outcomes, _) = sample();
    for method in [CalibrationMethod::Isotonic, CalibrationMethod::VennAbers] {
        let calibrator = with(method).fit(&scores, &outcomes, None, None).unwrap();
        let text = serde_json::to_string(&calibrator).unwrap();
        let kept = text.split("\"scores\":[").nth(1).unwrap();
        for score in kept.split(']').next().unwrap().split(',') {
            let nonzero = score.trim_start_matches(['-', '0', '.']);
            let n_digits = nonzero.chars().filter(char::is_ascii_digit).count();
            assert!(n_digits <= 3, "{score}");
        }
    }
}
