//! What the tolerances of the elastic net leave, of the objective and of the choice by folds.
#![expect(clippy::float_cmp, reason = "bit-for-bit claims and exact settings")]

use approx::assert_abs_diff_eq;
use donormatch::model::{CvCurve, LambdaGrid, LogisticCvParams, LogisticParams, TrainingData};
use ndarray::Array2;

use crate::logistic::objective;

/// A wide table of which most is zero, with outcomes by six of its common columns, and groups of
/// three rows.
fn wide(seed: u64) -> (Array2<f64>, Vec<f64>, Vec<u32>) {
    let mut state = seed;
    let mut uniform = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as f64 + 0.5) / f64::from(1_u32 << 31)
    };
    let features = Array2::from_shape_fn((120, 200), |(_, column)| {
        let prevalence = 0.8 / (1.0 + 0.05 * column as f64);
        let is_present = uniform() < prevalence;
        let size = (-2.0 * uniform().ln()).sqrt();
        if is_present { size } else { 0.0 }
    });
    let outcomes = features
        .rows()
        .into_iter()
        .map(|row| {
            let score: f64 = (0..6).map(|j| [1.0, -1.0][j % 2] * row[3 * j]).sum();
            f64::from(uniform() < 1.0 / (1.0 + (-1.5 * score).exp()))
        })
        .collect();
    (features, outcomes, (0..120).map(|row| row / 3).collect())
}

#[test]
fn folds_choose_by_their_tolerance_what_they_choose_by_a_tight_one() {
    let mut n_same = 0;
    for seed in 1..=10 {
        let (features, outcomes, groups) = wide(seed);
        let data = TrainingData::new(features.view(), &outcomes)
            .unwrap()
            .with_groups(&groups)
            .unwrap();
        let params = LogisticCvParams {
            seed,
            ..LogisticCvParams::default()
        };
        let exact = LogisticCvParams {
            fold_tolerance: 1e-7,
            ..params.clone()
        };
        let (chosen, exact) = (params.fit(&data).unwrap(), exact.fit(&data).unwrap());
        n_same += usize::from(chosen.lambda == exact.lambda && chosen.alpha == exact.alpha);
        let least = |curve: &CvCurve| curve.points[curve.minimum];
        for (found, exact) in chosen.curves.iter().zip(&exact.curves) {
            for (found, exact) in found.points.iter().zip(&exact.points) {
                // Of the null model the error is next to nothing.
                let error = exact.standard_error.max(1e-3);
                assert_abs_diff_eq!(found.log_loss, exact.log_loss, epsilon = 0.05 * error);
            }
            // A neighbor may win a tie, not more.
            let (least, regret) = (least(exact), exact.points[found.minimum].log_loss);
            assert!(regret - least.log_loss < 0.01 * least.standard_error);
        }
        let of_alpha = |alpha: f64| exact.curves.iter().find(|curve| curve.alpha == alpha);
        let regret = least(of_alpha(chosen.alpha).unwrap()).log_loss;
        let best = least(of_alpha(exact.alpha).unwrap());
        assert!(regret - best.log_loss < 0.01 * best.standard_error);
    }
    assert!(n_same >= 8, "{n_same} of 10 choices are the same");
}

#[test]
fn any_number_of_threads_chooses_the_same_bits() {
    let (features, outcomes, groups) = wide(7);
    let data = TrainingData::new(features.view(), &outcomes)
        .unwrap()
        .with_groups(&groups)
        .unwrap();
    let run = |n_threads: usize| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap()
            .install(|| LogisticCvParams::default().fit(&data).unwrap())
    };
    let one = run(1);
    for n_threads in [2, 3, 8] {
        assert_eq!(one, run(n_threads));
    }
}

#[test]
fn the_default_tolerance_leaves_a_millionth_of_the_objective() {
    for (seed, alpha) in [(1, 1.0), (2, 0.5), (3, 0.1), (4, 0.0)] {
        let (features, outcomes, _) = wide(seed);
        let data = TrainingData::new(features.view(), &outcomes).unwrap();
        let objectives = |tolerance: f64| -> Vec<f64> {
            let params = LogisticParams {
                alpha,
                tolerance,
                ..LogisticParams::default()
            };
            let path = params.fit_path(&data, &LambdaGrid::default()).unwrap();
            let lambdas = path.lambdas().into_iter().enumerate();
            lambdas
                .map(|(at, lambda)| {
                    objective(
                        &path.model(at).unwrap(),
                        &features,
                        &outcomes,
                        lambda,
                        alpha,
                    )
                })
                .collect()
        };
        let default = objectives(LogisticParams::default().tolerance);
        for (found, least) in default.iter().zip(objectives(1e-8)) {
            assert!(found / least - 1.0 < 1e-6, "{found} against {least}");
        }
    }
}
