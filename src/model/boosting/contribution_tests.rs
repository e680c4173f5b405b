//! Contributions against the definition of the Shapley value.

use approx::assert_abs_diff_eq;
use ndarray::{Array2, s};

use super::tests::{features, outcomes};
use super::*;
use crate::model::TrainingData;

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
