//! The walk compiled for AVX2 and the portable one find the same splits, to the bit.

use std::sync::Arc;

use super::columns::{SortedColumns, TrainingRows};
use super::node::{Bounds, Cuts, Open, SearchNode};
use super::open::open_runs;
use super::runs::Runs;
use super::split::{Gradients, Rules, Split, unpack};
use super::walk::Level;
use crate::model::TrainingData;
use crate::model::boosting::params::BoostingParams;
use crate::model::boosting::tests::{features, outcomes, uniform};

/// The splits of a level of `L` nodes, each with an equal share of the rows: portable, and as
/// this processor does it.
fn both_walks<const L: usize>(
    seed: u64,
    params: &BoostingParams,
    open: impl Fn(usize) -> Open,
) -> [Vec<Option<Split>>; 2] {
    let n_rows = 40 * L;
    let mut x = features(seed, n_rows, 50, 0.7, 1e6);
    for i in 0..n_rows / 8 {
        x[[(i * 7) % n_rows, i % 5]] = f64::NAN;
    }
    let y = outcomes(seed, &x);
    let data = TrainingData::new(x.view(), &y).unwrap();
    let rows = TrainingRows::new(&data, &vec![1; n_rows]);
    let sorted = SortedColumns::new(x.view().into()).unwrap();
    let runs = Runs::new(&sorted, &rows, x.ncols(), params, 0.25);
    let g: Vec<f64> = y.iter().map(|y| 0.5 - y).collect();
    let h: Vec<f64> = (0..n_rows)
        .map(|i| 0.05 + 0.2 * uniform(seed, i, 99))
        .collect();
    let mut gradients = Gradients::default();
    gradients.round(&g, &h, &rows.copies, None, false);
    let rules = Rules::new(params, &gradients);
    let partition: Vec<u32> = (0..n_rows as u32).collect();
    let nodes: Vec<SearchNode> = (0..L)
        .map(|node| {
            let range = 40 * node..40 * (node + 1);
            let (g, h) = unpack(
                gradients.packed[range.clone()]
                    .iter()
                    .fold(0, |sum, &row| u64::wrapping_add(sum, row)),
            );
            SearchNode {
                id: node,
                g,
                h,
                n_rows: 40,
                start: range.start,
                end: range.end,
                bounds: Bounds::default(),
                open: open(node),
                cuts: if params.random_thresholds {
                    Cuts::One(seed + node as u64)
                } else {
                    Cuts::All
                },
                family: None,
            }
        })
        .collect();
    let level = Level {
        runs: &runs,
        gradients: &gradients,
        rules: &rules,
        draws_cuts: params.random_thresholds,
        is_parallel: false,
    };
    let (table, lane_of) = level.lanes::<L>(&nodes, &partition);
    let walked = open_runs(&nodes, &runs.starts);
    [
        level.search_runs_with::<L>(&walked, &nodes, &table, &lane_of),
        level.search_runs::<L>(&walked, &nodes, &table, &lane_of),
    ]
    .map(|found| found.into_iter().map(|best| best.split).collect())
}

/// A third of the features, another for each node of three.
fn third(node: usize) -> Arc<[u32]> {
    let is_open = |feature: &u32| (feature + node as u32).is_multiple_of(3);
    (0..50).filter(is_open).collect()
}

#[test]
fn the_instruction_set_does_not_change_a_split() {
    let all = |_: usize| None;
    let own = |node: usize| Some(third(node));
    for seed in 0..20 {
        for (l1, min_leaf_rows, random_thresholds) in
            [(0.0, 2, false), (0.5, 9, false), (0.5, 2, true)]
        {
            let params = BoostingParams {
                l1,
                min_leaf_rows,
                random_thresholds,
                ..BoostingParams::unsampled()
            };
            for found in [
                both_walks::<1>(seed, &params, all),
                both_walks::<2>(seed, &params, all),
                both_walks::<4>(seed, &params, all),
                both_walks::<8>(seed, &params, all),
                both_walks::<2>(seed, &params, own),
                both_walks::<4>(seed, &params, own),
                both_walks::<8>(seed, &params, own),
            ] {
                let [portable, chosen] = found;
                assert!(portable.iter().any(Option::is_some));
                assert_eq!(portable, chosen);
            }
        }
    }
}

#[test]
fn a_node_splits_only_on_what_is_open_to_it_and_as_well_as_alone() {
    let params = BoostingParams::unsampled();
    for seed in 0..20 {
        let [found, _] = both_walks::<8>(seed, &params, |node| Some(third(node)));
        for (node, split) in found.into_iter().enumerate() {
            let open = third(node);
            assert!(split.is_none_or(|split| open.contains(&split.feature)));
            // All nodes open to what is open to this one: the same split.
            let [alike, _] = both_walks::<8>(seed, &params, |_| Some(open.clone()));
            assert_eq!(alike[node], split);
        }
    }
}
