//! What a fit must be, whatever the engine.
#![expect(
    clippy::float_cmp,
    reason = "bit-for-bit claims, and outcomes of 0 and 1"
)]

use approx::{assert_abs_diff_eq, assert_relative_eq};
use ndarray::{Array2, s};
use proptest::prelude::*;

use super::random::draw;
use super::*;
use crate::model::{CscMatrix, MatrixView, TrainingData};

/// A number in [0, 1).
pub(super) fn uniform(seed: u64, i: usize, j: usize) -> f64 {
    (draw(seed, i as u64, j as u64) >> 11) as f64 / (1u64 << 53) as f64
}

/// Zero-inflated features, each rounded to `n_values` values above zero.
pub(super) fn features(
    seed: u64,
    n_rows: usize,
    n_columns: usize,
    zeros: f64,
    n_values: f64,
) -> Array2<f64> {
    Array2::from_shape_fn((n_rows, n_columns), |(i, j)| {
        if uniform(seed, i, 2 * j) < zeros {
            0.0
        } else {
            (uniform(seed, i, 2 * j + 1) * n_values).ceil() / n_values
        }
    })
}

/// Outcomes by the sum of two features, with noise.
pub(super) fn outcomes(seed: u64, features: &Array2<f64>) -> Vec<f64> {
    features
        .rows()
        .into_iter()
        .enumerate()
        .map(|(i, row)| {
            let signal = row[0] - row[1] + 0.3 * (uniform(seed ^ 0x4D, i, 0) - 0.5);
            f64::from(signal > 0.0 || (signal == 0.0 && i % 2 == 0))
        })
        .collect()
}

fn sparse(features: &Array2<f64>) -> CscMatrix {
    let (mut indptr, mut rows, mut values) = (vec![0], Vec::new(), Vec::new());
    for column in features.columns() {
        for (row, &value) in column.iter().enumerate() {
            if value != 0.0 {
                rows.push(row as u32);
                values.push(value);
            }
        }
        indptr.push(rows.len());
    }
    CscMatrix::new(features.nrows(), indptr, rows, values).unwrap()
}

fn area_under_curve(scores: &[f64], outcomes: &[f64]) -> f64 {
    let (mut wins, mut pairs) = (0.0, 0.0);
    for (s, _) in scores.iter().zip(outcomes).filter(|(_, y)| **y == 1.0) {
        for (t, _) in scores.iter().zip(outcomes).filter(|(_, y)| **y == 0.0) {
            pairs += 1.0;
            wins += f64::from(s > t) + 0.5 * f64::from(s == t);
        }
    }
    wins / pairs
}

pub(super) fn one_tree(depth: u32) -> BoostingParams {
    BoostingParams {
        n_rounds: 1,
        max_depth: depth,
        learning_rate: 1.0,
        min_bin_rows: Some(1),
        ..BoostingParams::unsampled()
    }
}

#[test]
fn twenty_rows_are_learned_from() {
    let x = features(1, 20, 30, 0.5, 1e6);
    let y = outcomes(1, &x);
    let data = TrainingData::new(x.view(), &y).unwrap();
    let model = BoostingParams::default().fit(&data).unwrap();
    let scores = model.scores(x.view()).unwrap();
    assert!(area_under_curve(&scores, &y) > 0.95);
}

#[test]
fn planted_signal_is_found_on_new_rows() {
    let x = features(2, 600, 100, 0.3, 1e6);
    let y = outcomes(2, &x);
    let data = TrainingData::new(x.slice(s![..300, ..]), &y[..300]).unwrap();
    let model = BoostingParams::default().fit(&data).unwrap();
    model.validate().unwrap();
    let scores = model.scores(x.slice(s![300.., ..])).unwrap();
    assert!(area_under_curve(&scores, &y[300..]) > 0.9);
    let importance = model.gain_importance();
    assert!(
        importance[2..]
            .iter()
            .all(|&gain| gain < importance[0].min(importance[1]))
    );
}

#[test]
fn sparse_and_dense_input_give_the_same_bits() {
    let x = features(3, 150, 40, 0.8, 1e6);
    let y = outcomes(3, &x);
    let csc = sparse(&x);
    let dense = BoostingParams::unsampled()
        .fit(&TrainingData::new(x.view(), &y).unwrap())
        .unwrap();
    let from_sparse = BoostingParams::unsampled()
        .fit(&TrainingData::new(&csc, &y).unwrap())
        .unwrap();
    assert_eq!(dense, from_sparse);
    assert_eq!(dense.scores(x.view()).unwrap(), dense.scores(&csc).unwrap());
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let x = features(4, 3000, 900, 0.5, 1e6);
    let y = outcomes(4, &x);
    let params = BoostingParams {
        row_fraction: 0.7,
        column_fraction: Some(0.5),
        node_column_fraction: 0.5,
        n_rounds: 3,
        ..BoostingParams::unsampled()
    };
    let drawn = BoostingParams {
        random_thresholds: true,
        ..params.clone()
    };
    let fit = |params: &BoostingParams, n_threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap();
        pool.install(|| {
            params
                .fit(&TrainingData::new(x.view(), &y).unwrap())
                .unwrap()
        })
    };
    assert_eq!(fit(&params, 1), fit(&params, 8));
    assert_eq!(fit(&drawn, 1), fit(&drawn, 8));
}

/// Both engines on the same training data, whichever would have been chosen.
pub(super) fn by_both_engines(
    params: &BoostingParams,
    x: &Array2<f64>,
    y: &[f64],
) -> (BoostingModel, BoostingModel) {
    let data = TrainingData::new(x.view(), y).unwrap();
    let prepared = PreparedData::new(data).unwrap();
    super::fit::fit_by_both(params, &prepared)
}

#[test]
fn both_engines_grow_the_same_trees() {
    for (seed, zeros, n_values) in [(5, 0.8, 1e6), (6, 0.0, 1e6), (7, 0.3, 5.0)] {
        let mut x = features(seed, 400, 37, zeros, n_values);
        let y = outcomes(seed, &x);
        for i in 0..60 {
            x[[(i * 7) % 400, i % 3]] = f64::NAN;
        }
        for max_leaves in [None, Some(6)] {
            for (l1, min_leaf_rows) in [(0.0, 2), (0.5, 15)] {
                let params = BoostingParams {
                    max_leaves,
                    l1,
                    min_leaf_rows,
                    max_depth: 5,
                    n_rounds: 20,
                    ..BoostingParams::unsampled()
                };
                let (runs, histograms) = by_both_engines(&params, &x, &y);
                assert_eq!(runs, histograms);
            }
        }
        for (column_fraction, node_column_fraction, max_leaves, random_thresholds) in [
            (None, 1.0, None, false),
            (Some(1.0), 0.2, None, false),
            (None, 0.5, Some(7), false),
            (None, 1.0, None, true),
            (Some(1.0), 0.5, Some(7), true),
        ] {
            let sampled = BoostingParams {
                column_fraction,
                node_column_fraction,
                max_leaves,
                random_thresholds,
                n_rounds: 20,
                max_depth: 5,
                ..BoostingParams::default()
            };
            let (runs, histograms) = by_both_engines(&sampled, &x, &y);
            assert_eq!(runs, histograms);
        }
    }
}

#[test]
fn the_first_split_is_the_best_of_all_splits() {
    for seed in 10..20 {
        let x = features(seed, 60, 8, 0.4, 1e6);
        let y = outcomes(seed, &x);
        let params = one_tree(1);
        let model = params
            .fit(&TrainingData::new(x.view(), &y).unwrap())
            .unwrap();
        // Every cut of every feature, by the textbook formula (Chen and Guestrin 2016, eq. 7).
        let p = y.iter().sum::<f64>() / 60.0;
        let score = |rows: &[usize]| {
            let g: f64 = rows.iter().map(|&i| p - y[i]).sum();
            let h = rows.len() as f64 * p * (1.0 - p);
            (g * g / (h + params.l2), h)
        };
        let all: Vec<usize> = (0..60).collect();
        let mut best = 0.0_f64;
        for column in x.columns() {
            for &cut in column {
                let (left, right): (Vec<_>, Vec<_>) = all.iter().partition(|&&i| column[i] <= cut);
                let ((a, ha), (b, hb)) = (score(&left), score(&right));
                if ha.min(hb) >= params.min_leaf_weight {
                    best = best.max(0.5 * (a + b - score(&all).0));
                }
            }
        }
        assert_relative_eq!(model.gain[0], best, max_relative = 1e-5);
    }
}

#[test]
fn a_leaf_is_a_newton_step() {
    let x = Array2::from_shape_vec((6, 1), vec![0.0, 0.0, 0.0, 1.0, 1.0, 1.0]).unwrap();
    let y = [0.0, 0.0, 1.0, 1.0, 1.0, 0.0];
    let model = one_tree(1)
        .fit(&TrainingData::new(x.view(), &y).unwrap())
        .unwrap();
    let scores = model.scores(x.view()).unwrap();
    // By hand: p = 1/2, G = 3/2 - 1 = 1/2, H = 3/4, leaf -G / (H + 1) = -2/7.
    assert_abs_diff_eq!(scores[0], -2.0 / 7.0, epsilon = 1e-15);
    assert_abs_diff_eq!(scores[5], 2.0 / 7.0, epsilon = 1e-15);
}

#[test]
fn squared_error_without_penalty_gives_the_means_of_the_leaves() {
    let x = Array2::from_shape_vec((6, 1), vec![0.0, 0.0, 0.0, 1.0, 1.0, 1.0]).unwrap();
    let y = [1.0, 2.0, 3.0, 10.0, 20.0, 33.0];
    let params = BoostingParams {
        loss: BoostingLoss::SquaredError,
        l2: 0.0,
        ..one_tree(1)
    };
    let model = params
        .fit(&TrainingData::new(x.view(), &y).unwrap())
        .unwrap();
    let scores = model.scores(x.view()).unwrap();
    assert_abs_diff_eq!(scores[0], 2.0, epsilon = 1e-12);
    assert_abs_diff_eq!(scores[5], 21.0, epsilon = 1e-12);
}

#[test]
fn a_weight_is_a_number_of_copies() {
    let x = features(30, 60, 10, 0.5, 1e6);
    let y = outcomes(30, &x);
    let copies: Vec<u32> = (0..60).map(|i| i % 4).collect();
    let weights: Vec<f64> = copies.iter().map(|&n| f64::from(n)).collect();
    let rows: Vec<u32> = (0..60)
        .flat_map(|i| std::iter::repeat_n(i, copies[i as usize] as usize))
        .collect();
    let repeated = Array2::from_shape_fn((rows.len(), 10), |(i, j)| x[[rows[i] as usize, j]]);
    let repeated_y: Vec<f64> = rows.iter().map(|&i| y[i as usize]).collect();
    // A row of weight 3 is one row to `min_leaf_rows`.
    let params = BoostingParams {
        min_leaf_rows: 1,
        min_bin_rows: Some(1),
        n_rounds: 30,
        ..BoostingParams::unsampled()
    };

    let data = TrainingData::new(x.view(), &y).unwrap();
    let weighted = params.fit(&data.with_weights(&weights).unwrap()).unwrap();
    let by_rows = params
        .fit_rows(&PreparedData::new(data).unwrap(), &rows)
        .unwrap();
    let copied = params
        .fit(&TrainingData::new(repeated.view(), &repeated_y).unwrap())
        .unwrap();
    let expected = copied.scores(x.view()).unwrap();
    for model in [weighted, by_rows] {
        for (score, expected) in model.scores(x.view()).unwrap().iter().zip(&expected) {
            assert_relative_eq!(score, expected, max_relative = 1e-9);
        }
    }
}

#[test]
fn a_fold_learns_nothing_from_the_other_rows() {
    let x = features(31, 80, 20, 0.5, 1e6);
    let y = outcomes(31, &x);
    let fold: Vec<u32> = (0..80).filter(|i| i % 4 != 0).collect();
    let mut changed = x.clone();
    let mut changed_y = y.clone();
    for i in (0..80).step_by(4) {
        changed.row_mut(i).fill(123.0);
        changed_y[i] = 1.0 - changed_y[i];
    }
    let fit = |x: &Array2<f64>, y: &[f64]| {
        let prepared = PreparedData::new(TrainingData::new(x.view(), y).unwrap()).unwrap();
        BoostingParams::unsampled()
            .fit_many(&prepared, std::slice::from_ref(&fold))
            .unwrap()
    };
    assert_eq!(fit(&x, &y), fit(&changed, &changed_y));
}

#[test]
fn the_order_of_features_does_not_matter() {
    let x = features(32, 100, 12, 0.2, 1e9);
    let y = outcomes(32, &x);
    let flipped = x.slice(s![.., ..;-1]).to_owned();
    // A weak learner stays clear of exact ties, which go to the lower feature.
    let params = BoostingParams {
        max_depth: 2,
        n_rounds: 10,
        ..BoostingParams::unsampled()
    };
    let one = params
        .fit(&TrainingData::new(x.view(), &y).unwrap())
        .unwrap();
    let other = params
        .fit(&TrainingData::new(flipped.view(), &y).unwrap())
        .unwrap();
    assert_eq!(
        one.scores(x.view()).unwrap(),
        other.scores(flipped.view()).unwrap()
    );
}

#[test]
fn offsets_are_the_start_of_the_fit() {
    let x = features(33, 100, 5, 0.5, 1e6);
    let y = outcomes(33, &x);
    let offsets = vec![0.7; 100];
    let data = TrainingData::new(x.view(), &y).unwrap();
    let without = BoostingParams::unsampled().fit(&data).unwrap();
    let with = BoostingParams::unsampled()
        .fit(&data.with_offsets(&offsets).unwrap())
        .unwrap();
    let (without, with) = (
        without.scores(x.view()).unwrap(),
        with.scores(x.view()).unwrap(),
    );
    for (a, b) in without.iter().zip(&with) {
        assert_abs_diff_eq!(a - 0.7, *b, epsilon = 1e-6);
    }
}

#[test]
fn early_stopping_keeps_the_best_round_of_held_out_groups() {
    let x = features(34, 200, 50, 0.5, 1e6);
    let y: Vec<f64> = (0..200)
        .map(|i| f64::from(uniform(34, i, 999) < 0.5))
        .collect();
    let groups: Vec<u32> = (0..200).map(|i| i / 5).collect();
    let data = TrainingData::new(x.view(), &y)
        .unwrap()
        .with_groups(&groups)
        .unwrap();
    let params = BoostingParams {
        early_stopping: Some(EarlyStopping::default()),
        n_rounds: 300,
        ..BoostingParams::unsampled()
    };
    assert!(
        params.fit(&data).unwrap().n_trees() < 60,
        "noise was fitted to the end"
    );
    let one_group = vec![3; 200];
    let data = data.with_groups(&one_group).unwrap();
    assert!(matches!(params.fit(&data), Err(crate::Error::Split { .. })));
}

#[test]
fn tall_data_are_learned_from() {
    let x = features(39, 9000, 20, 0.1, 1e6);
    let y = outcomes(39, &x);
    let data = TrainingData::new(x.view(), &y).unwrap();
    let params = BoostingParams {
        n_rounds: 50,
        max_depth: 4,
        ..BoostingParams::unsampled()
    };
    let model = params.fit(&data).unwrap();
    model.validate().unwrap();
    let scores = model.scores(x.view()).unwrap();
    assert!(area_under_curve(&scores[..2000], &y[..2000]) > 0.95);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn order_of_rows_only_reorders(seed in 0_u64..1000) {
        let x = features(seed, 50, 6, 0.4, 1e6);
        let y = outcomes(seed, &x);
        let turned: Vec<usize> = (0..50).rev().collect();
        let other = Array2::from_shape_fn((50, 6), |(i, j)| x[[turned[i], j]]);
        let other_y: Vec<f64> = turned.iter().map(|&i| y[i]).collect();
        let params = BoostingParams { n_rounds: 5, max_depth: 2, ..BoostingParams::unsampled() };
        let one = params.fit(&TrainingData::new(x.view(), &y).unwrap()).unwrap();
        let two = params.fit(&TrainingData::new(other.view(), &other_y).unwrap()).unwrap();
        let (one, two) = (one.scores(x.view()).unwrap(), two.scores(x.view()).unwrap());
        for (a, b) in one.iter().zip(&two) {
            prop_assert!((a - b).abs() < 1e-9);
        }
    }
}

#[test]
fn a_matrix_view_of_either_kind_is_accepted() {
    let x = features(40, 30, 3, 0.5, 1e6);
    let y = outcomes(40, &x);
    let view: MatrixView<'_> = x.view().into();
    BoostingParams::unsampled()
        .fit(&TrainingData::new(view, &y).unwrap())
        .unwrap();
}
