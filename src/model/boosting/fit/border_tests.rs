//! Missing values, constant columns, and what is refused.
#![expect(clippy::float_cmp, reason = "bit-for-bit claims")]

use approx::assert_abs_diff_eq;
use ndarray::{Array2, s};

use super::*;
use crate::model::boosting::tests::{features, one_tree, outcomes};
use crate::model::{Monotone, TrainingData};

#[test]
fn what_cannot_be_fitted_is_refused() {
    let x = features(37, 20, 3, 0.2, 1e6);
    let fit = |params: &BoostingParams, y: &[f64]| {
        params
            .fit(&TrainingData::new(x.view(), y).unwrap())
            .map(|_| ())
    };
    let default = BoostingParams::unsampled();
    assert!(
        fit(&default, &[1.0; 20])
            .unwrap_err()
            .to_string()
            .contains("only 1")
    );
    let mut y = vec![0.0; 20];
    y[3] = 0.5;
    assert!(fit(&default, &y).unwrap_err().to_string().contains("row 3"));
    y[3] = 1.0;
    for params in [
        BoostingParams {
            n_rounds: 0,
            ..default.clone()
        },
        BoostingParams {
            learning_rate: f64::NAN,
            ..default.clone()
        },
        BoostingParams {
            node_column_fraction: 0.0,
            ..default.clone()
        },
        BoostingParams {
            node_column_fraction: 1.1,
            ..default.clone()
        },
        BoostingParams {
            max_bins: 256,
            ..default.clone()
        },
        BoostingParams {
            monotone: vec![Monotone::Free],
            ..default.clone()
        },
        BoostingParams {
            interactions: vec![vec![3]],
            ..default.clone()
        },
        BoostingParams {
            l2: -1.0,
            ..default.clone()
        },
    ] {
        assert!(
            matches!(fit(&params, &y), Err(crate::Error::Parameter { .. })),
            "{params:?}"
        );
    }
    let model = default
        .fit(&TrainingData::new(x.view(), &y).unwrap())
        .unwrap();
    assert!(model.scores(x.slice(s![.., ..2])).is_err());
    let mut infinite = x.clone();
    infinite[[0, 1]] = f64::INFINITY;
    assert!(
        default
            .fit(&TrainingData::new(infinite.view(), &y).unwrap())
            .is_err()
    );
}

#[test]
fn a_damaged_model_does_not_validate() {
    let x = features(38, 60, 6, 0.2, 1e6);
    let y = outcomes(38, &x);
    let model = BoostingParams::unsampled()
        .fit(&TrainingData::new(x.view(), &y).unwrap())
        .unwrap();
    model.validate().unwrap();
    let damages: [fn(&mut BoostingModel); 9] = [
        |m| m.left[0] = 0,
        |m| m.right[0] = m.left[0],
        |m| m.left[0] = u32::MAX - 1,
        |m| m.feature[0] = 6,
        |m| m.threshold[0] = f64::NAN,
        |m| m.value[1] = f64::INFINITY,
        |m| m.cover[2] = 0.0,
        |m| m.tree_starts[1] += 1,
        |m| m.gain.truncate(1),
    ];
    for damage in damages {
        let mut damaged = model.clone();
        damage(&mut damaged);
        assert!(matches!(
            damaged.validate(),
            Err(crate::Error::ModelFile { .. })
        ));
        // JSON writes NaN and infinity as null, which is no number either.
        let text = serde_json::to_string(&damaged).unwrap();
        assert!(serde_json::from_str::<BoostingModel>(&text).is_err());
    }
    let config = bincode::config::standard();
    let bytes = bincode::serde::encode_to_vec(&model, config).unwrap();
    let (back, _): (BoostingModel, usize) =
        bincode::serde::decode_from_slice(&bytes, config).unwrap();
    assert!(back == model);
}

#[test]
fn missing_values_go_where_they_fare_better() {
    let mut x = Array2::zeros((40, 1));
    let mut y = vec![0.0; 40];
    for i in 0..40 {
        x[[i, 0]] = match i % 4 {
            0 => f64::NAN,
            1 => 2.0,
            _ => 0.0,
        };
        y[i] = f64::from(i % 4 <= 1);
    }
    let model = one_tree(1)
        .fit(&TrainingData::new(x.view(), &y).unwrap())
        .unwrap();
    let scores = model.scores(x.view()).unwrap();
    assert_eq!(scores[0], scores[1]);
    assert!(scores[0] > scores[2]);
    for value in &mut y {
        *value = 1.0 - *value;
    }
    for outcome in y.iter_mut().step_by(4) {
        *outcome = 1.0;
    }
    let model = one_tree(1)
        .fit(&TrainingData::new(x.view(), &y).unwrap())
        .unwrap();
    let scores = model.scores(x.view()).unwrap();
    assert_eq!(scores[0], scores[2]);
    assert!(scores[0] > scores[1]);
}

#[test]
fn missing_alone_can_be_split_from_all_values() {
    let mut x = Array2::ones((20, 1));
    x.slice_mut(s![..8, 0]).fill(f64::NAN);
    let y: Vec<f64> = (0..20).map(|i| f64::from(i < 8)).collect();
    let model = one_tree(1)
        .fit(&TrainingData::new(x.view(), &y).unwrap())
        .unwrap();
    let scores = model.scores(x.view()).unwrap();
    assert!(scores[0] > 0.0 && scores[19] < 0.0);
}

#[test]
fn constant_columns_and_all_zeros_give_the_base_rate() {
    for value in [0.0, 3.0] {
        let x = Array2::from_elem((20, 3), value);
        let y: Vec<f64> = (0..20).map(|i| f64::from(i < 5)).collect();
        let model = BoostingParams::unsampled()
            .fit(&TrainingData::new(x.view(), &y).unwrap())
            .unwrap();
        for score in model.scores(x.view()).unwrap() {
            assert_abs_diff_eq!(score, (5.0_f64 / 15.0).ln(), epsilon = 1e-12);
        }
    }
}
