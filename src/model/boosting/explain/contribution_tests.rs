//! Contributions against the definition of the Shapley value.

use approx::assert_abs_diff_eq;
use ndarray::{Array2, s};

use super::*;
use crate::model::boosting::tests::{features, outcomes};
use crate::model::boosting::walker::LEAF;
use crate::model::{BoostingLoss, BoostingParams, TrainingData};
use crate::numeric::random::mix;

/// A small forest on six features, some values missing, with rows to explain.
fn forest(depth: u32) -> (BoostingModel, Array2<f64>) {
    let mut x = features(50, 120, 6, 0.3, 1e6);
    let y = outcomes(50, &x);
    for i in 0..20 {
        x[[i * 5, i % 4]] = f64::NAN;
    }
    let params = BoostingParams {
        n_rounds: 12,
        max_depth: depth,
        min_leaf_weight: 0.1,
        ..BoostingParams::unsampled()
    };
    (
        params
            .fit(&TrainingData::new(x.view(), &y).unwrap())
            .unwrap(),
        x,
    )
}

fn goes_left(model: &BoostingModel, node: usize, x: f64) -> bool {
    if x.is_nan() {
        model.missing_left[node]
    } else {
        x <= model.threshold[node]
    }
}

/// The expected score where only the features of `known` are (path-dependent: elsewhere both
/// branches by cover).
fn by_cover(model: &BoostingModel, node: usize, row: &[f64], known: u32) -> f64 {
    if model.is_leaf(node) {
        return model.value[node];
    }
    let (left, right) = (model.left[node] as usize, model.right[node] as usize);
    let feature = model.feature[node] as usize;
    if known >> feature & 1 == 1 {
        let child = if goes_left(model, node, row[feature]) {
            left
        } else {
            right
        };
        return by_cover(model, child, row, known);
    }
    let share = model.cover[left] / model.cover[node];
    share * by_cover(model, left, row, known) + (1.0 - share) * by_cover(model, right, row, known)
}

fn cover_game(model: &BoostingModel, row: &[f64], known: u32) -> f64 {
    let trees = (0..model.n_trees()).map(|tree| model.nodes_of(tree).start);
    model.base_score
        + trees
            .map(|root| by_cover(model, root, row, known))
            .sum::<f64>()
}

/// The mean score where the features outside `known` are those of each background row.
fn background_game(
    model: &BoostingModel,
    background: &Array2<f64>,
    row: &[f64],
    known: u32,
) -> f64 {
    let mut mixed = background.clone();
    for feature in (0..row.len()).filter(|feature| known >> feature & 1 == 1) {
        mixed.column_mut(feature).fill(row[feature]);
    }
    model.scores(mixed.view()).unwrap().iter().sum::<f64>() / background.nrows() as f64
}

fn factorial(n: u32) -> f64 {
    (1..=n).map(f64::from).product()
}

/// Shapley values of a game of `d` players, by their definition.
fn shapley(d: u32, game: impl Fn(u32) -> f64) -> Vec<f64> {
    let worth: Vec<f64> = (0..1 << d).map(&game).collect();
    (0..d)
        .map(|i| {
            let coalitions = (0..1_u32 << d).filter(|set| set >> i & 1 == 0);
            coalitions
                .map(|set| {
                    let k = set.count_ones();
                    let weight = factorial(k) * factorial(d - 1 - k) / factorial(d);
                    weight * (worth[(set | 1 << i) as usize] - worth[set as usize])
                })
                .sum()
        })
        .collect()
}

/// Shapley interaction values off the diagonal, by their definition (Lundberg 2020, eq. 7).
fn interaction(d: u32, i: u32, j: u32, game: impl Fn(u32) -> f64) -> f64 {
    let (a, b) = (1_u32 << i, 1_u32 << j);
    (0..1_u32 << d)
        .filter(|set| set & (a | b) == 0)
        .map(|set| {
            let k = set.count_ones();
            let weight = factorial(k) * factorial(d - k - 2) / (2.0 * factorial(d - 1));
            weight * (game(set | a | b) - game(set | a) - game(set | b) + game(set))
        })
        .sum()
}

#[test]
fn path_dependent_contributions_are_shapley_values() {
    for depth in [1, 2, 4, 9] {
        let (model, x) = forest(depth);
        let rows = x.slice(s![..12, ..]);
        let found = model
            .contributions(rows, ContributionReference::TrainingRows)
            .unwrap();
        for (i, row) in rows.rows().into_iter().enumerate() {
            let row = row.to_vec();
            let expected = shapley(6, |known| cover_game(&model, &row, known));
            for (a, b) in found.values.row(i).iter().zip(&expected) {
                assert_abs_diff_eq!(a, b, epsilon = 1e-9);
            }
            assert_abs_diff_eq!(found.base, cover_game(&model, &row, 0), epsilon = 1e-9);
        }
    }
}

#[test]
fn interventional_contributions_are_shapley_values() {
    for depth in [2, 4, 9] {
        let (model, x) = forest(depth);
        let background = x.slice(s![100.., ..]).to_owned();
        let rows = x.slice(s![..6, ..]);
        let reference = ContributionReference::Background(background.view().into());
        let found = model.contributions(rows, reference).unwrap();
        for (i, row) in rows.rows().into_iter().enumerate() {
            let row = row.to_vec();
            let expected = shapley(6, |known| background_game(&model, &background, &row, known));
            for (a, b) in found.values.row(i).iter().zip(&expected) {
                assert_abs_diff_eq!(a, b, epsilon = 1e-9);
            }
        }
    }
}

#[test]
fn interactions_are_shapley_interaction_values() {
    for depth in [2, 4, 8] {
        let (model, x) = forest(depth);
        let background = x.slice(s![110.., ..]).to_owned();
        let rows = x.slice(s![..3, ..]);
        let references = [
            ContributionReference::TrainingRows,
            ContributionReference::Background(background.view().into()),
        ];
        for (which, reference) in references.into_iter().enumerate() {
            let found = model.interactions(rows, reference).unwrap();
            let singles = model.contributions(rows, reference).unwrap();
            for (r, row) in rows.rows().into_iter().enumerate() {
                let row = row.to_vec();
                let game = |known| match which {
                    0 => cover_game(&model, &row, known),
                    _ => background_game(&model, &background, &row, known),
                };
                for (a, &i) in found.features.iter().enumerate() {
                    for (b, &j) in found.features.iter().enumerate().filter(|&(b, _)| b != a) {
                        let expected = interaction(6, i, j, game);
                        assert_abs_diff_eq!(found.values[[r, a, b]], expected, epsilon = 1e-9);
                    }
                    let sum = found.values.slice(s![r, a, ..]).sum();
                    assert_abs_diff_eq!(sum, singles.values[[r, i as usize]], epsilon = 1e-9);
                }
            }
        }
    }
}

#[test]
fn contributions_sum_to_the_score() {
    for depth in [3, 7] {
        let (model, x) = forest(depth);
        let scores = model.scores(x.view()).unwrap();
        let background = x.slice(s![..37, ..]);
        for reference in [
            ContributionReference::TrainingRows,
            ContributionReference::Background(background.into()),
        ] {
            let found = model.contributions(x.view(), reference).unwrap();
            for (row, score) in found.values.rows().into_iter().zip(&scores) {
                assert_abs_diff_eq!(found.base + row.sum(), score, epsilon = 1e-9);
            }
        }
    }
}

#[test]
fn only_used_features_are_important_to_permutation() {
    let (model, x) = forest(2);
    let y = outcomes(50, &x.mapv(|x| if x.is_nan() { 0.0 } else { x }));
    let data = TrainingData::new(x.view(), &y).unwrap();
    let importance = model.permutation_importance(&data, 5, 1).unwrap();
    let used = model.used_features();
    for (feature, &rise) in importance.iter().enumerate() {
        assert_eq!(rise == 0.0, !used.contains(&(feature as u32)));
    }
    let mut rest = importance[2..].iter().copied().fold(f64::MIN, f64::max);
    rest = rest.max(0.0);
    assert!(importance[0] > rest && importance[1] > rest);
    assert!(model.permutation_importance(&data, 0, 1).is_err());
}

#[test]
fn a_background_must_fit_the_model() {
    let (model, x) = forest(2);
    let empty = Array2::<f64>::zeros((0, 6));
    let narrow = x.slice(s![.., ..5]);
    for background in [empty.view(), narrow] {
        let reference = ContributionReference::Background(background.into());
        assert!(model.contributions(x.view(), reference).is_err());
    }
}

/// Trees that are one long path each, with random splits, directions and covers, some paths
/// asking the same feature again and again.
fn paths(n_features: u32, n_trees: u64, n_splits: u64) -> BoostingModel {
    let mut model = BoostingModel::new(BoostingLoss::Logistic, n_features as usize, 0.3);
    for tree in 0..n_trees {
        let start = model.feature.len() as u32;
        for split in 0..=n_splits {
            let random = |what: u64| mix(mix(tree * 64 + split) + what);
            let share = |what: u64| (random(what) >> 11) as f64 / (1_u64 << 53) as f64;
            let is_leaf = split == n_splits;
            let cover = model.cover.last().map_or(1.0, |_| 0.2 + share(0));
            if split > 0 {
                // The leaf beside the path.
                push_node(
                    &mut model,
                    LEAF,
                    0.0,
                    [0, 0],
                    0.2 + share(1),
                    share(2) - 0.5,
                );
            }
            let (feature, value) = if is_leaf {
                (LEAF, share(3))
            } else {
                ((random(4) % u64::from(n_features)) as u32, 0.0)
            };
            let child = start + 2 * split as u32 + 1;
            let mut children = [child, child + 1];
            if random(5) % 2 == 0 {
                children.reverse();
            }
            let children = if is_leaf { [0, 0] } else { children };
            push_node(&mut model, feature, share(6), children, cover, value);
            *model.missing_left.last_mut().unwrap() = random(7) % 2 == 0;
        }
        // What came to a split came to its children.
        for node in (start as usize..model.feature.len()).rev() {
            if !model.is_leaf(node) {
                let [left, right] = [model.left[node], model.right[node]];
                model.cover[node] = model.cover[left as usize] + model.cover[right as usize];
            }
        }
        model.tree_starts.push(model.feature.len() as u32);
    }
    model.validate().unwrap();
    model
}

fn push_node(
    model: &mut BoostingModel,
    feature: u32,
    threshold: f64,
    [left, right]: [u32; 2],
    cover: f64,
    value: f64,
) {
    model.feature.push(feature);
    model.threshold.push(threshold);
    model.left.push(left);
    model.right.push(right);
    model.missing_left.push(false);
    model.value.push(value);
    model.cover.push(cover);
    model.gain.push(0.0);
}

/// Rows on, beside and far from the thresholds of a model, and missing ones.
fn rows_at_thresholds(model: &BoostingModel, n_rows: usize) -> Array2<f64> {
    Array2::from_shape_fn((n_rows, model.n_features()), |(row, column)| {
        let random = mix((row * 64 + column) as u64);
        match random % 8 {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => f64::NEG_INFINITY,
            3..=5 => model.threshold[(random >> 8) as usize % model.threshold.len()],
            _ => (random >> 11) as f64 / (1_u64 << 53) as f64,
        }
    })
}

/// More thresholds than a byte can tell apart (3 features), more conditions than a table can
/// (11 features), and paths that ask for a feature from both sides.
#[test]
fn contributions_of_long_paths_are_shapley_values() {
    for (n_features, n_trees, n_splits, n_rows) in [(3, 90, 12, 40), (11, 2, 24, 3)] {
        let model = paths(n_features, n_trees, n_splits);
        let x = rows_at_thresholds(&model, n_rows + 10);
        let (rows, background) = (
            x.slice(s![..n_rows, ..]),
            x.slice(s![n_rows.., ..]).to_owned(),
        );
        let references = [
            ContributionReference::TrainingRows,
            ContributionReference::Background(background.view().into()),
        ];
        for (which, reference) in references.into_iter().enumerate() {
            let found = model.contributions(rows, reference).unwrap();
            for (i, row) in rows.rows().into_iter().enumerate() {
                let row = row.to_vec();
                let expected = shapley(n_features, |known| match which {
                    0 => cover_game(&model, &row, known),
                    _ => background_game(&model, &background, &row, known),
                });
                for (a, b) in found.values.row(i).iter().zip(&expected) {
                    assert_abs_diff_eq!(a, b, epsilon = 1e-9);
                }
            }
        }
    }
}

/// Tables are made for many rows only, blocks are cut by rows and threads: no bit depends on it.
#[test]
fn a_row_is_explained_the_same_in_any_company() {
    let models = [forest(3).0, forest(7).0, paths(11, 4, 24)];
    for model in models {
        let x = rows_at_thresholds(&model, 600);
        let background = x.slice(s![560.., ..]);
        for reference in [
            ContributionReference::TrainingRows,
            ContributionReference::Background(background.into()),
        ] {
            let pool = |n: usize| {
                rayon::ThreadPoolBuilder::new()
                    .num_threads(n)
                    .build()
                    .unwrap()
            };
            let explain = || model.contributions(x.view(), reference).unwrap();
            let all = pool(1).install(explain);
            assert_eq!(all, pool(5).install(explain));
            let few = x.slice(s![..17, ..]);
            let pairs = model
                .interactions(x.slice(s![..300, ..]), reference)
                .unwrap();
            let some_pairs = model.interactions(few, reference).unwrap();
            assert_eq!(pairs.values.slice(s![..17, .., ..]), some_pairs.values);
            for row in 0..17 {
                let alone = model
                    .contributions(x.slice(s![row..=row, ..]), reference)
                    .unwrap();
                assert_eq!(alone.values.row(0), all.values.row(row));
                assert_eq!(alone.base.to_bits(), all.base.to_bits());
            }
        }
    }
}
