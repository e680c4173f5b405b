//! Constraints and limits that every tree must keep.

use ndarray::s;
use proptest::prelude::*;

use super::tests::{by_both_engines, features, outcomes, uniform};
use super::*;
use crate::model::TrainingData;

#[test]
fn interaction_sets_bound_every_path() {
    for node_column_fraction in [1.0, 0.5] {
        interaction_sets_bound_paths(node_column_fraction);
    }
}

fn interaction_sets_bound_paths(node_column_fraction: f64) {
    let x = features(35, 300, 6, 0.2, 1e6);
    let y = outcomes(35, &x);
    let params = BoostingParams {
        interactions: vec![vec![0, 2], vec![1, 3, 4]],
        max_depth: 4,
        node_column_fraction,
        ..BoostingParams::unsampled()
    };
    let (model, other) = by_both_engines(&params, &x, &y);
    assert_eq!(model, other);
    for tree in 0..model.n_trees() {
        for path in paths(&model, model.nodes_of(tree).start) {
            let allowed = path.iter().all(|f| [0, 2].contains(f))
                || path.iter().all(|f| [1, 3, 4].contains(f))
                || path.iter().all(|&f| f == 5);
            assert!(allowed, "{path:?}");
        }
    }
}

fn paths(model: &BoostingModel, node: usize) -> Vec<Vec<u32>> {
    if model.is_leaf(node) {
        return vec![Vec::new()];
    }
    let below = [model.left[node], model.right[node]];
    below
        .iter()
        .flat_map(|&child| paths(model, child as usize))
        .map(|mut path| {
            path.push(model.feature[node]);
            path
        })
        .collect()
}

#[test]
fn limits_of_leaves_depth_rows_and_weight_hold() {
    let x = features(36, 300, 10, 0.2, 1e6);
    let y = outcomes(36, &x);
    let params = BoostingParams {
        max_leaves: Some(5),
        max_depth: 3,
        min_leaf_rows: 25,
        min_leaf_weight: 3.0,
        n_rounds: 30,
        ..BoostingParams::unsampled()
    };
    let model = params
        .fit(&TrainingData::new(x.view(), &y).unwrap())
        .unwrap();
    for tree in 0..model.n_trees() {
        let leaves: Vec<_> = model
            .nodes_of(tree)
            .filter(|&node| model.is_leaf(node))
            .collect();
        assert!(leaves.len() <= 5);
        assert!(leaves.iter().all(|&leaf| model.cover[leaf] >= 25.0));
        assert!(
            paths(&model, model.nodes_of(tree).start)
                .iter()
                .all(|path| path.len() <= 3)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn monotone_constraints_hold(seed in 0_u64..10_000, depth in 1_u32..5) {
        let x = features(seed, 80, 4, 0.3, 20.0);
        let y: Vec<f64> = (0..80).map(|i| {
            f64::from(x[[i, 0]] - x[[i, 1]] + uniform(seed, i, 900) > 0.5 || i == 0)
                .min(f64::from(i != 1))
        }).collect();
        let params = BoostingParams {
            monotone: vec![
                Monotone::Increasing, Monotone::Decreasing, Monotone::Free, Monotone::Increasing,
            ],
            max_depth: depth,
            n_rounds: 20,
            ..BoostingParams::unsampled()
        };
        let (model, other) = by_both_engines(&params, &x, &y);
        prop_assert_eq!(&model, &other);
        for (feature, sign) in [(0, 1.0), (1, -1.0), (3, 1.0)] {
            let mut moved = x.slice(s![..20, ..]).to_owned();
            let mut last: Option<Vec<f64>> = None;
            for step in 0..=21 {
                moved.column_mut(feature).fill(f64::from(step) / 20.0 - 0.025);
                let scores = model.scores(moved.view()).unwrap();
                if let Some(last) = &last {
                    for (a, b) in last.iter().zip(&scores) {
                        prop_assert!(sign * (b - a) >= -1e-12);
                    }
                }
                last = Some(scores);
            }
        }
    }
}
