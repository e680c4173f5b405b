//! Models by other crates: what they learn, what they refuse, and the closed list of models.

#![expect(clippy::float_cmp, reason = "bit-for-bit claims and exact settings")]

use approx::assert_abs_diff_eq;
use donormatch::ErrorKind;
use donormatch::model::backend::{ForestParams, RidgeParams};
use donormatch::model::{
    LogisticCvParams, LogisticParams, Model, ModelParams, TrainingData, probability_of_score,
};
use ndarray::{Array2, s};

use crate::logistic::small;

/// 80 × 5: outcomes follow the product of the first two features, which a line cannot see.
fn crossed() -> (Array2<f64>, Vec<f64>) {
    let features = Array2::from_shape_fn((80, 5), |(i, j)| {
        ((i * (2 * j + 3) + i * i * (j + 1)) % 11) as f64 - 5.0
    });
    let outcomes = features
        .rows()
        .into_iter()
        .map(|row| f64::from(row[0] * row[1] > 0.0))
        .collect();
    (features, outcomes)
}

fn forest() -> ForestParams {
    ForestParams {
        n_trees: 60,
        min_leaf_rows: 1,
        n_split_features: Some(5),
        ..ForestParams::default()
    }
}

fn every() -> Vec<ModelParams> {
    vec![
        ModelParams::Logistic(LogisticParams::default()),
        ModelParams::LogisticCv(LogisticCvParams::default()),
        ModelParams::Forest(forest()),
        ModelParams::Ridge(RidgeParams::default()),
    ]
}

#[test]
fn the_forest_learns_what_a_line_cannot() {
    let (features, outcomes) = crossed();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let scores = forest()
        .fit(&data)
        .unwrap()
        .scores(features.view())
        .unwrap();
    let right = scores
        .iter()
        .zip(&outcomes)
        .filter(|&(&score, &outcome)| (score > 0.0) == (outcome == 1.0))
        .count();
    assert!(right >= 72, "{right} of 80");
    assert!(scores.iter().all(|score| score.is_finite()));
}

#[test]
fn the_forest_is_the_same_for_a_seed() {
    let (features, outcomes) = crossed();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let run = |seed: u64| {
        let params = ForestParams { seed, ..forest() };
        params.fit(&data).unwrap().scores(features.view()).unwrap()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn the_ridge_equals_scikit_learn_and_ours() {
    let (features, outcomes) = small();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let ridge = RidgeParams {
        tolerance: 1e-6,
        ..RidgeParams::default()
    };
    let model = ridge.fit(&data).unwrap();
    // scikit-learn 1.9.1, lbfgs, C = 1 / (60 × 0.1), features divided by their spread.
    let expected = [
        0.286_846_121_954,
        0.048_292_225_669_5,
        -0.378_224_820_912,
        0.162_934_681_664,
        0.070_655_530_516,
        0.324_933_584_3,
    ];
    for (found, expected) in model.model().coefficients().iter().zip(expected) {
        assert_abs_diff_eq!(*found, expected, epsilon = 2e-5);
    }
    let ours = LogisticParams {
        lambda: 0.1,
        alpha: 0.0,
        tolerance: 1e-9,
        ..LogisticParams::default()
    };
    let ours = ours.fit(&data).unwrap().scores(features.view()).unwrap();
    let theirs = model.scores(features.view()).unwrap();
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_abs_diff_eq!(*ours, theirs, epsilon = 1e-4);
    }
}

#[test]
fn a_ridge_that_did_not_converge_says_so() {
    let (features, outcomes) = small();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let params = RidgeParams {
        max_iterations: 1,
        ..RidgeParams::default()
    };
    assert_eq!(
        params.fit(&data).unwrap_err().kind(),
        ErrorKind::Convergence
    );
}

#[test]
fn every_model_fits_scores_and_survives_storage() {
    let (features, outcomes) = small();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let config = bincode::config::standard();
    for params in every() {
        let text = serde_json::to_string(&params).unwrap();
        assert_eq!(serde_json::from_str::<ModelParams>(&text).unwrap(), params);
        let model = params.fit(&data).unwrap();
        let scores = model.scores(features.view()).unwrap();
        assert!(
            scores
                .iter()
                .all(|&s| (0.0..=1.0).contains(&probability_of_score(s)))
        );
        let bytes = bincode::serde::encode_to_vec(&model, config).unwrap();
        let (back, _): (Model, usize) = bincode::serde::decode_from_slice(&bytes, config).unwrap();
        assert_eq!(back.scores(features.view()).unwrap(), scores);
        assert_eq!(model.n_features(), 6);
        assert!(
            model
                .scores(features.slice(s![..0, ..]))
                .unwrap()
                .is_empty()
        );
    }
}

#[test]
fn what_no_model_can_learn_is_refused() {
    let (features, outcomes) = small();
    let mut broken = features.clone();
    broken[[3, 1]] = f64::NAN;
    let ones = vec![1.0; 60];
    let one_row = features.slice(s![..1, ..]);
    for params in every() {
        let with_nan = TrainingData::new(broken.view(), &outcomes).unwrap();
        assert_eq!(params.fit(&with_nan).unwrap_err().kind(), ErrorKind::Input);
        let one_class = TrainingData::new(features.view(), &ones).unwrap();
        assert_eq!(params.fit(&one_class).unwrap_err().kind(), ErrorKind::Input);
        let alone = TrainingData::new(one_row, &ones[..1]).unwrap();
        assert_eq!(params.fit(&alone).unwrap_err().kind(), ErrorKind::Input);
        let model = params
            .fit(&TrainingData::new(features.view(), &outcomes).unwrap())
            .unwrap();
        assert!(model.scores(features.slice(s![.., ..2])).is_err());
    }
}

#[test]
fn zeros_and_constants_give_the_base_rate() {
    let (_, outcomes) = small();
    let share = outcomes.iter().sum::<f64>() / 60.0;
    for value in [0.0, 3.0] {
        let features = Array2::from_elem((60, 3), value);
        let data = TrainingData::new(features.view(), &outcomes).unwrap();
        for params in every() {
            let scores = params.fit(&data).unwrap().scores(features.view()).unwrap();
            // The forest's rows are resampled.
            assert_abs_diff_eq!(probability_of_score(scores[0]), share, epsilon = 0.03);
        }
    }
}

#[test]
fn what_a_crate_does_not_know_is_refused() {
    let (features, outcomes) = small();
    let offsets = vec![0.5; 60];
    let weights: Vec<f64> = (0..60).map(|i| f64::from(1 + i % 2)).collect();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let with_offsets = data.with_offsets(&offsets).unwrap();
    assert!(forest().fit(&with_offsets).is_err());
    assert!(RidgeParams::default().fit(&with_offsets).is_err());
    let weighted = data.with_weights(&weights).unwrap();
    assert!(RidgeParams::default().fit(&weighted).is_err());
    assert!(forest().fit(&weighted).is_ok());
}
