//! Differences of scores against brute force.

use approx::assert_abs_diff_eq;
use ndarray::{Array2, ArrayView1, s};

use super::response::{ResponseEngine, ResponseMember};
use crate::model::{BoostingParams, LogisticParams, TrainingData};
use crate::numeric::random::{derive, uniform};

const N_FEATURES: usize = 6;

/// Rows of which some values are shared, as where two donors are alike in some columns.
fn rows(n: usize, seed: u64) -> Array2<f64> {
    let value =
        |row: usize, column: usize| uniform(derive(derive(seed, row as u64), column as u64));
    Array2::from_shape_fn((n, N_FEATURES), |(row, column)| {
        (4.0 * value(row, column)).floor() / 4.0
    })
}

fn member() -> ResponseMember {
    let features = rows(300, 1);
    let outcomes: Vec<f64> = features
        .rows()
        .into_iter()
        .map(|row| f64::from(row[0] * row[1] + row[2] * (1.0 - row[3]) > 0.4))
        .collect();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let boosting = BoostingParams {
        n_rounds: 8,
        max_depth: 3,
        ..BoostingParams::default()
    };
    ResponseMember {
        logistic: LogisticParams::default().fit(&data).unwrap(),
        boosting: boosting.fit(&data).unwrap(),
        logistic_center: 0.3,
        boosting_center: -0.2,
    }
}

/// Shapley values by their definition: over all sets, the row's values in the set and another's
/// outside it; the mean over the others.
fn by_definition(
    member: &ResponseMember,
    engine: ResponseEngine,
    row: ArrayView1<'_, f64>,
    others: &Array2<f64>,
) -> Vec<f64> {
    let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
    let mut values = vec![0.0; N_FEATURES];
    for other in others.rows() {
        let mixed = Array2::from_shape_fn((1 << N_FEATURES, N_FEATURES), |(set, column)| {
            if (set >> column) & 1 == 1 {
                row[column]
            } else {
                other[column]
            }
        });
        let scores = member.scores(engine, mixed.view()).unwrap();
        for (column, value) in values.iter_mut().enumerate() {
            for set in (0..1_usize << N_FEATURES).filter(|set| (set >> column) & 1 == 0) {
                let n = set.count_ones() as usize;
                let weight = factorial(n) * factorial(N_FEATURES - n - 1) / factorial(N_FEATURES);
                let gain = scores[set | (1 << column)] - scores[set];
                *value += weight * gain / others.nrows() as f64;
            }
        }
    }
    values
}

#[test]
fn differences_of_each_engine_are_shapley_values_by_definition() {
    let (member, asked, others) = (member(), rows(20, 2), rows(3, 3));
    for engine in [
        ResponseEngine::Logistic,
        ResponseEngine::Boosting,
        ResponseEngine::Both,
    ] {
        for at in 0..asked.nrows() {
            let row = asked.slice(s![at..=at, ..]);
            let found = member.differences(engine, row, others.view()).unwrap();
            let expected = by_definition(&member, engine, row.row(0), &others);
            for (found, expected) in found.iter().zip(&expected) {
                assert_abs_diff_eq!(found, expected, epsilon = 1e-10);
            }
            let scores = member.scores(engine, others.view()).unwrap();
            let own = member.scores(engine, row).unwrap()[0];
            let gap = own - scores.iter().sum::<f64>() / 3.0;
            assert_abs_diff_eq!(found.iter().sum::<f64>(), gap, epsilon = 1e-10);
        }
    }
}

#[test]
fn a_column_that_is_the_same_has_no_part() {
    let (member, row) = (member(), rows(1, 4));
    let mut other = rows(1, 5);
    other[[0, 1]] = row[[0, 1]];
    let found = member.differences(ResponseEngine::Both, row.view(), other.view());
    assert_abs_diff_eq!(found.unwrap()[1], 0.0, epsilon = 1e-15);
    let none = Array2::zeros((0, N_FEATURES));
    assert!(
        member
            .differences(ResponseEngine::Both, row.view(), none.view())
            .is_err()
    );
}
