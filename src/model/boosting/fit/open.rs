//! What a node may split on: features that its tree sees and its path allows, and of these a
//! share drawn anew; and the cuts of them.

use std::sync::Arc;

use super::node::{Cuts, Open, SearchNode};
use crate::model::boosting::params::BoostingParams;
use crate::model::boosting::random::{NODE_FEATURES, THRESHOLDS, TREE_FEATURES, draw, sample};
use crate::numeric::random::Stream;

/// What the nodes of one tree may split on.
#[derive(Debug)]
pub(super) struct OpenFeatures<'a> {
    params: &'a BoostingParams,
    n_features: usize,
    round: u64,
    of_tree: Open,
}

impl<'a> OpenFeatures<'a> {
    pub(super) fn draw(params: &'a BoostingParams, n_features: usize, round: u64) -> Self {
        let share = params.column_share(n_features);
        let of_tree = (share < 1.0).then(|| {
            let seed = draw(params.seed, TREE_FEATURES, round);
            let kept = sample(n_features, share, seed, TREE_FEATURES, |feature| {
                feature as u64
            });
            let features = kept.iter().enumerate().filter(|&(_, &kept)| kept);
            features.map(|(feature, _)| feature as u32).collect()
        });
        Self {
            params,
            n_features,
            round,
            of_tree,
        }
    }

    /// What the node `id` may split on, below splits on the features of `path`.
    pub(super) fn of_node(&self, id: usize, path: &[u32]) -> Open {
        let open = self.on_path(path);
        let share = self.params.node_column_fraction;
        if share >= 1.0 {
            return open;
        }
        let seed = draw(self.params.seed, NODE_FEATURES, self.round);
        let mut stream = Stream::new(draw(seed, NODE_FEATURES, id as u64));
        let drawn = match &open {
            Some(features) => sampled(features.iter().copied(), share, &mut stream),
            None => sampled(0..self.n_features as u32, share, &mut stream),
        };
        Some(drawn)
    }

    /// The cuts that the node `id` tries.
    pub(super) fn cuts_of_node(&self, id: usize) -> Cuts {
        if !self.params.random_thresholds {
            return Cuts::All;
        }
        let seed = draw(self.params.seed, THRESHOLDS, self.round);
        Cuts::One(draw(seed, THRESHOLDS, id as u64))
    }

    /// The features of the tree that may follow on a path, where interactions are constrained.
    fn on_path(&self, path: &[u32]) -> Open {
        if self.params.interactions.is_empty() {
            return self.of_tree.clone();
        }
        let mut allowed = vec![false; self.n_features];
        let sets = self.params.interactions.iter();
        let holding = sets.filter(|set| path.iter().all(|feature| set.contains(feature)));
        for &feature in holding.flatten().chain(path) {
            allowed[feature as usize] = true;
        }
        // At the root, a feature in no set may stand alone.
        let is_open = |feature: &u32| path.is_empty() || allowed[*feature as usize];
        Some(match &self.of_tree {
            Some(features) => features.iter().copied().filter(is_open).collect(),
            None => (0..self.n_features as u32).filter(is_open).collect(),
        })
    }
}

/// A share of the items, at least one, in their order (selection sampling, Knuth 1997, 3.4.2).
fn sampled(
    items: impl ExactSizeIterator<Item = u32>,
    share: f64,
    stream: &mut Stream,
) -> Arc<[u32]> {
    let mut n_left = items.len();
    let mut n_wanted = ((n_left as f64 * share).round() as usize).max(1);
    let is_drawn = |_: &u32| {
        let is_drawn = stream.below(n_left) < n_wanted;
        n_left -= 1;
        n_wanted -= usize::from(is_drawn);
        is_drawn
    };
    items.filter(is_drawn).collect()
}

/// A run to walk, and the nodes that may split on its feature: the bits of their lanes.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenRun {
    pub(super) run: u32,
    pub(super) lanes: u8,
}

/// The bits of all lanes.
pub(super) const ALL_LANES: u8 = u8::MAX;

/// The runs that some of at most eight nodes may split on; `starts` has the first run of each
/// feature, and one past the last.
pub(super) fn open_runs(nodes: &[SearchNode], starts: &[u32]) -> Vec<OpenRun> {
    let runs_of = |feature: usize, lanes: u8| {
        let runs = starts[feature]..starts[feature + 1];
        runs.map(move |run| OpenRun { run, lanes })
    };
    let n_features = starts.len() - 1;
    let are_same = nodes
        .windows(2)
        .all(|pair| match (&pair[0].open, &pair[1].open) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        });
    match nodes.first().map(|node| &node.open) {
        None => Vec::new(),
        Some(None) if are_same => {
            let lanes = ALL_LANES;
            (0..starts[n_features])
                .map(|run| OpenRun { run, lanes })
                .collect()
        }
        Some(Some(open)) if are_same => {
            let open = open.iter().map(|&feature| feature as usize);
            open.flat_map(|feature| runs_of(feature, ALL_LANES))
                .collect()
        }
        Some(_) => {
            let lanes = lanes_by_feature(nodes, n_features);
            let open = (0..n_features).filter(|&feature| lanes[feature] > 0);
            open.flat_map(|feature| runs_of(feature, lanes[feature]))
                .collect()
        }
    }
}

/// The lanes of the nodes that may split on each feature.
fn lanes_by_feature(nodes: &[SearchNode], n_features: usize) -> Vec<u8> {
    let mut lanes = vec![0; n_features];
    for (lane, node) in nodes.iter().enumerate() {
        match &node.open {
            None => lanes.iter_mut().for_each(|lanes| *lanes |= 1 << lane),
            Some(open) => {
                let open = open.iter();
                open.for_each(|&feature| lanes[feature as usize] |= 1 << lane);
            }
        }
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_is_as_likely_as_any_other() {
        let mut counts = [0_u32; 10];
        for seed in 0..20_000 {
            let drawn = sampled(0..10, 0.3, &mut Stream::new(seed));
            assert_eq!(drawn.len(), 3);
            assert!(drawn.is_sorted());
            for &item in drawn.iter() {
                counts[item as usize] += 1;
            }
        }
        // 6,000 expected, standard deviation 65.
        assert!(
            counts.iter().all(|&count| count.abs_diff(6_000) < 330),
            "{counts:?}"
        );
    }

    #[test]
    fn a_node_draws_from_what_its_tree_sees_and_another_node_draws_others() {
        let params = BoostingParams {
            column_fraction: Some(0.5),
            node_column_fraction: 0.2,
            ..BoostingParams::default()
        };
        let open = OpenFeatures::draw(&params, 1000, 7);
        let of_tree = open.of_tree.clone().unwrap();
        assert_eq!(of_tree.len(), 500);
        let nodes = [0, 1].map(|id| open.of_node(id, &[]).unwrap());
        assert_ne!(nodes[0], nodes[1]);
        for node in nodes {
            assert_eq!(node.len(), 100);
            assert!(node.iter().all(|feature| of_tree.contains(feature)));
        }
        assert_eq!(open.of_node(1, &[]), open.of_node(1, &[]));
    }

    #[test]
    fn a_share_too_small_for_one_feature_leaves_one() {
        let params = BoostingParams {
            column_fraction: Some(1.0),
            node_column_fraction: 1e-9,
            interactions: vec![vec![0, 1]],
            ..BoostingParams::default()
        };
        let open = OpenFeatures::draw(&params, 30, 0);
        for id in 0..20 {
            assert_eq!(open.of_node(id, &[]).unwrap().len(), 1);
            let below = open.of_node(id, &[1]).unwrap();
            assert!(below.len() == 1 && below[0] < 2);
        }
    }
}
