//! Nodes that draw what they try: features, thresholds.
#![expect(
    clippy::float_cmp,
    reason = "zero and the mark of the cut beside missing values, exactly"
)]

use ndarray::Array2;

use super::tests::{by_both_engines, features, outcomes};
use super::*;
use crate::model::TrainingData;

#[test]
fn nodes_that_draw_features_share_the_credit() {
    let mut x = features(8, 300, 20, 0.3, 1e6);
    let copy = x.column(0).to_owned();
    x.column_mut(1).assign(&copy);
    let y = outcomes(8, &x);
    let importance = |node_column_fraction| {
        let params = BoostingParams {
            node_column_fraction,
            ..BoostingParams::unsampled()
        };
        let data = TrainingData::new(x.view(), &y).unwrap();
        params.fit(&data).unwrap().gain_importance()
    };
    // Of two columns that are the same, the first takes all where every node sees both.
    let all = importance(1.0);
    assert!(all[0] > 0.0 && all[1] == 0.0);
    let drawn = importance(0.3);
    assert!(
        drawn[1] > 0.5 * drawn[0] && drawn[0] > 0.5 * drawn[1],
        "{drawn:?}"
    );
}

#[test]
fn each_cut_is_drawn_as_often_as_any_other() {
    // Any cut of a single feature gains something, so every root splits at the one that it drew.
    let x = Array2::from_shape_fn((100, 1), |(row, _)| (row / 10) as f64);
    let y: Vec<f64> = (0..100).map(|row| f64::from(row >= 50)).collect();
    let params = BoostingParams {
        random_thresholds: true,
        max_depth: 1,
        n_rounds: 9_000,
        learning_rate: 1e-6,
        min_bin_rows: Some(1),
        ..BoostingParams::unsampled()
    };
    let model = params.fit(&TrainingData::new(x.view(), &y).unwrap());
    let model = model.unwrap();
    let mut counts = [0_u32; 9];
    for tree in 0..model.n_trees() {
        let threshold = model.threshold[model.nodes_of(tree).start];
        counts[threshold as usize] += 1;
    }
    // 1,000 expected, standard deviation 30.
    assert!(
        counts.iter().all(|&n| n.abs_diff(1_000) < 130),
        "{counts:?}"
    );
}

#[test]
fn a_missing_value_is_a_cut_that_may_be_drawn() {
    let x = Array2::from_shape_fn((40, 1), |(row, _)| {
        if row < 20 {
            f64::NAN
        } else {
            (row / 10) as f64
        }
    });
    let y: Vec<f64> = (0..40).map(|row| f64::from(row >= 20)).collect();
    let params = BoostingParams {
        random_thresholds: true,
        max_depth: 1,
        learning_rate: 1e-6,
        ..BoostingParams::unsampled()
    };
    let (runs, histograms) = by_both_engines(&params, &x, &y);
    assert_eq!(runs, histograms);
    let n_alone = runs.threshold.iter().filter(|&&t| t == f64::MAX).count();
    assert!((60..140).contains(&n_alone), "{n_alone} of 200 trees");
}
