//! Elastic-net logistic regression: equal to glmnet and scikit-learn, and what the fit promises.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]
#![expect(clippy::float_cmp, reason = "bit-for-bit claims and exact settings")]

use approx::{assert_abs_diff_eq, assert_relative_eq};
use donormatch::ErrorKind;
use donormatch::model::{
    CoefficientPrior, CscMatrix, LambdaGrid, LambdaRule, LaplaceParams, LogisticCv,
    LogisticCvParams, LogisticModel, LogisticParams, Scaling, TrainingData,
};
use donormatch::profile::CsrMatrix;
use ndarray::{Array2, array};
use proptest::prelude::*;

const TIGHT: f64 = 1e-11;

/// 60 × 6, about half zeros, not separable; the same formula made the input of the oracles.
pub(crate) fn small() -> (Array2<f64>, Vec<f64>) {
    let features = Array2::from_shape_fn((60, 6), |(i, j)| {
        let v = (i * (j + 3) + j * j + (i * i) % (j + 5)) % 13;
        v.saturating_sub(6) as f64 * 0.5
    });
    let outcomes = (0..60)
        .map(|i| {
            let base = ((i * 37 + 11) % 17) as f64;
            f64::from(base + features[[i, 0]] - features[[i, 2]] > 8.0)
        })
        .collect();
    (features, outcomes)
}

fn small_weights() -> Vec<f64> {
    (0..60).map(|i| f64::from(1 + i % 3)).collect()
}

fn small_offsets() -> Vec<f64> {
    (0..60).map(|i| 0.1 * f64::from(i % 5) - 0.2).collect()
}

fn tight(lambda: f64, alpha: f64) -> LogisticParams {
    LogisticParams {
        lambda,
        alpha,
        tolerance: TIGHT,
        ..LogisticParams::default()
    }
}

fn sparse(features: &Array2<f64>) -> CscMatrix {
    let rows = features
        .rows()
        .into_iter()
        .map(|row| (0_u32..).zip(row.iter().copied()).collect())
        .collect();
    CscMatrix::from_csr(&CsrMatrix::from_rows(features.ncols(), rows).unwrap())
}

fn assert_model(model: &LogisticModel, expected: [f64; 7], tolerance: f64) {
    assert_abs_diff_eq!(model.intercept(), expected[0], epsilon = tolerance);
    for (&found, &expected) in model.coefficients().iter().zip(&expected[1..]) {
        assert_abs_diff_eq!(found, expected, epsilon = tolerance);
    }
}

/// What the objective says of a model, standardized penalties.
pub(crate) fn objective(
    model: &LogisticModel,
    features: &Array2<f64>,
    outcomes: &[f64],
    lambda: f64,
    alpha: f64,
) -> f64 {
    let scores = model.scores(features.view()).unwrap();
    let loss: f64 = scores
        .iter()
        .zip(outcomes)
        .map(|(s, y)| (1.0 + s.exp()).ln() - y * s)
        .sum();
    let penalty: f64 = model
        .coefficients()
        .iter()
        .zip(features.columns())
        .map(|(b, column)| {
            let d = b * column.std(0.0);
            alpha * d.abs() + 0.5 * (1.0 - alpha) * d * d
        })
        .sum();
    loss / outcomes.len() as f64 + lambda * penalty
}

#[test]
fn the_elastic_net_equals_glmnet_and_scikit_learn() {
    let (features, outcomes) = small();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    // scikit-learn 1.9.1, saga, tol 1e-14, columns divided by their standard deviation; glmnet
    // 4.1-6 with thresh 1e-16 agrees to 1e-10.
    let expected = [
        -0.613_723_109_052,
        0.327_893_892_425,
        0.019_648_758_055_1,
        -0.517_690_370_452,
        0.198_906_698_724,
        0.086_316_049_839_2,
        0.444_808_895_789,
    ];
    assert_model(&tight(0.02, 0.5).fit(&data).unwrap(), expected, 1e-9);
    // The same, lasso at 0.05.
    let expected = [
        -0.267_251_860_806,
        0.201_861_561_239,
        0.0,
        -0.314_286_395_754,
        0.013_512_435_618_3,
        0.0,
        0.250_011_785_878,
    ];
    let lasso = tight(0.05, 1.0).fit(&data).unwrap();
    assert_model(&lasso, expected, 1e-9);
    assert_eq!(lasso.n_nonzero(), 4);
    // scikit-learn 1.9.1, lbfgs, ridge at 0.1.
    let expected = [
        -0.565_288_930_304,
        0.286_846_121_954,
        0.048_292_225_669_5,
        -0.378_224_820_912,
        0.162_934_681_664,
        0.070_655_530_516,
        0.324_933_584_3,
    ];
    let ridge = tight(0.1, 0.0).fit(&data).unwrap();
    assert_model(&ridge, expected, 2e-6);
    // scikit-learn 1.9.1, newton-cholesky without a penalty.
    let expected = [
        -0.856_738_385_39,
        0.397_961_156_611,
        0.062_374_970_362_8,
        -0.623_143_423_503,
        0.282_320_556_401,
        0.180_423_555_386,
        0.549_344_152_97,
    ];
    assert_model(&tight(0.0, 0.5).fit(&data).unwrap(), expected, 1e-7);
}

#[test]
fn weights_and_offsets_equal_glmnet() {
    let (features, outcomes) = small();
    let (weights, offsets) = (small_weights(), small_offsets());
    let data = TrainingData::new(features.view(), &outcomes)
        .unwrap()
        .with_weights(&weights)
        .unwrap()
        .with_offsets(&offsets)
        .unwrap();
    // glmnet 4.1-6, thresh 1e-16.
    let expected = [
        -0.524_583_303_127,
        0.104_259_072_144,
        0.0,
        -0.450_568_754_033,
        0.230_075_659_239,
        0.008_368_027_016_61,
        0.439_755_495_057,
    ];
    assert_model(&tight(0.03, 0.7).fit(&data).unwrap(), expected, 1e-8);
}

#[test]
fn the_original_scale_and_penalty_factors_equal_glmnet() {
    let (features, outcomes) = small();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    // glmnet 4.1-6, thresh 1e-16, standardize = FALSE.
    let expected = [
        -0.389_771_993_075,
        0.257_053_018_821,
        0.0,
        -0.431_940_990_284,
        0.104_497_400_412,
        0.0,
        0.361_090_581_631,
    ];
    let params = LogisticParams {
        scaling: Scaling::Original,
        ..tight(0.03, 1.0)
    };
    assert_model(&params.fit(&data).unwrap(), expected, 1e-8);
    // glmnet 4.1-6, thresh 1e-16, penalty.factor summing to 6, which glmnet leaves as they are.
    let expected = [
        -0.646_251_192_53,
        0.389_876_655_56,
        0.0,
        -0.515_501_958_525,
        0.218_365_169_254,
        0.078_066_031_990_4,
        0.437_229_297_558,
    ];
    let params = LogisticParams {
        penalty_factors: vec![0.0, 2.0, 1.0, 0.5, 1.5, 1.0],
        ..tight(0.02, 0.5)
    };
    assert_model(&params.fit(&data).unwrap(), expected, 1e-8);
}

#[test]
fn the_path_starts_and_ends_where_glmnet_does() {
    let (features, outcomes) = small();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let path = tight(0.0, 0.5)
        .fit_path(&data, &LambdaGrid::default())
        .unwrap();
    let points = path.points();
    // glmnet 4.1-6, defaults but alpha: 54 values of lambda before too little is gained.
    assert_relative_eq!(points[0].lambda, 0.245_369_891_163, max_relative = 1e-9);
    assert_eq!(points.len(), 54);
    assert_relative_eq!(points[53].lambda, 0.001_771_769_122_95, max_relative = 1e-9);
    assert!(points[0].coefficients.is_empty());
    assert!(
        points
            .windows(2)
            .all(|pair| pair[0].deviance_explained <= pair[1].deviance_explained)
    );
}

#[test]
fn the_path_of_wide_ridge_goes_on_to_weak_penalties() {
    let (features, outcomes) = small();
    // Ten rows, and columns enough.
    let features = Array2::from_shape_fn((10, 30), |(i, j)| features[[i + 10 * (j / 6), j % 6]]);
    let outcomes = &outcomes[..10];
    let data = TrainingData::new(features.view(), outcomes).unwrap();
    let span = |alpha| {
        let path = tight(0.0, alpha).fit_path(&data, &LambdaGrid::default());
        let lambdas = path.unwrap().lambdas();
        lambdas[lambdas.len() - 1] / lambdas[0]
    };
    assert!(span(0.0) < 1e-4, "{}", span(0.0));
    assert_relative_eq!(span(0.1), 0.01, max_relative = 1e-12);
}

#[test]
fn the_path_of_ridge_does_not_end_before_a_weak_feature_has_come_in() {
    let features = Array2::from_shape_fn((200, 1), |(i, _)| if i % 20 < 11 { 1.0 } else { -1.0 });
    let outcomes: Vec<f64> = (0..200).map(|i| f64::from(i % 2 == 0)).collect();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let path = tight(0.0, 0.0)
        .fit_path(&data, &LambdaGrid::default())
        .unwrap();
    let free = tight(0.0, 0.0).fit(&data).unwrap().coefficients()[0];
    let last = path.model(path.points().len() - 1).unwrap();
    assert!(free > 0.1);
    // It ends where a step explains too little, as a lasso's does.
    assert_relative_eq!(last.coefficients()[0], free, max_relative = 0.1);
}

#[test]
fn grouped_cross_validation_equals_glmnet() {
    let (features, outcomes) = small();
    let groups: Vec<u32> = (0..60).map(|i| i % 5).collect();
    let data = TrainingData::new(features.view(), &outcomes)
        .unwrap()
        .with_groups(&groups)
        .unwrap();
    let params = LogisticCvParams {
        logistic: tight(0.0, 0.5),
        alphas: vec![0.5],
        grid: LambdaGrid::Given(vec![0.2, 0.1, 0.05, 0.02, 0.01]),
        n_folds: 5,
        fold_tolerance: 1e-10,
        ..LogisticCvParams::default()
    };
    let chosen = params.fit(&data).unwrap();
    // glmnet 4.1-6: cv.glmnet(foldid = groups, thresh = 1e-14), cvm / 2 and cvsd / 2.
    let expected = [
        (0.708_582_938_4, 0.009_204_250_622),
        (0.701_966_124_1, 0.031_779_016_06),
        (0.706_156_107_1, 0.046_566_204_68),
        (0.720_421_612_2, 0.059_171_886_63),
        (0.730_908_206_8, 0.065_026_924_91),
    ];
    for (point, (loss, error)) in chosen.curves[0].points.iter().zip(expected) {
        assert_relative_eq!(point.log_loss, loss, max_relative = 1e-8);
        assert_relative_eq!(point.standard_error, error, max_relative = 1e-7);
    }
    assert!(chosen.lambda == 0.1);
    let plainest = LogisticCvParams {
        rule: LambdaRule::OneStandardError,
        ..params
    };
    assert!(plainest.fit(&data).unwrap().lambda == 0.2);
}

#[test]
fn the_laplace_posterior_equals_newton_in_numpy() {
    let (features, outcomes) = small();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let means = [0.3, -0.2, 0.0, 0.1, 0.0, 0.5];
    let spreads = [0.2, 0.5, 1.0, 0.3, 2.0, 0.1];
    let params = LaplaceParams {
        priors: means
            .iter()
            .zip(spreads)
            .map(|(&mean, spread)| CoefficientPrior::new(mean, spread))
            .collect(),
        tolerance: 1e-20,
        ..LaplaceParams::default()
    };
    let posterior = params.fit(&data).unwrap();
    // numpy 2.4.6: Newton's method in raw units, covariance = inverse of its Hessian.
    let expected = [
        -0.658_240_603_986,
        0.329_221_753_088,
        0.000_789_097_504_427,
        -0.562_310_824_161,
        0.197_735_019_811,
        0.138_773_956_096,
        0.504_218_727_742,
    ];
    assert_model(posterior.model(), expected, 1e-10);
    let expected = [
        0.522_170_993_107,
        0.166_404_161_643,
        0.238_458_063_41,
        0.274_300_090_252,
        0.202_333_572_543,
        0.269_958_386_41,
        0.094_441_301_655_1,
    ];
    for (found, expected) in posterior.standard_errors().into_iter().zip(expected) {
        assert_relative_eq!(found, expected, max_relative = 1e-9);
    }
    let covariance = posterior.covariance();
    assert_relative_eq!(
        covariance[[0, 1]],
        -0.025_578_062_033_7,
        max_relative = 1e-9
    );
    assert_relative_eq!(
        covariance[[2, 1]],
        0.003_705_893_672_48,
        max_relative = 1e-9
    );

    let (weights, offsets) = (small_weights(), small_offsets());
    let data = data
        .with_weights(&weights)
        .unwrap()
        .with_offsets(&offsets)
        .unwrap();
    let params = LaplaceParams {
        intercept_prior: Some(CoefficientPrior::new(-0.5, 0.25)),
        ..params
    };
    let posterior = params.fit(&data).unwrap();
    let expected = [
        -0.592_678_765_487,
        0.229_716_097_942,
        0.019_284_868_797_3,
        -0.605_129_886_136,
        0.243_286_105_079,
        0.092_044_827_469_7,
        0.512_091_637_266,
    ];
    assert_model(posterior.model(), expected, 1e-10);
    assert_relative_eq!(
        posterior.standard_errors()[0],
        0.208_582_468_133,
        max_relative = 1e-9
    );
    // The elastic net without lambda has the same mode.
    let same = LogisticParams {
        priors: params.priors.clone(),
        intercept_prior: params.intercept_prior,
        ..tight(0.0, 0.5)
    };
    assert_model(&same.fit(&data).unwrap(), expected, 1e-8);
}

#[test]
fn draws_have_the_mean_and_spread_of_the_posterior() {
    let (features, outcomes) = small();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let posterior = LaplaceParams::default().fit(&data).unwrap();
    let draws = posterior.sample(20_000, 7).unwrap();
    assert_eq!(draws, posterior.sample(20_000, 7).unwrap());
    for (at, error) in posterior.standard_errors().into_iter().enumerate() {
        let column = draws.column(at);
        let center = match at {
            0 => posterior.model().intercept(),
            _ => posterior.model().coefficients()[at - 1],
        };
        // Five standard errors of a mean of 20,000.
        assert_abs_diff_eq!(column.mean().unwrap(), center, epsilon = 0.036 * error);
        assert_relative_eq!(column.std(1.0), error, max_relative = 0.03);
    }
}

#[test]
fn wider_levels_hold_narrower_ones_and_the_mean() {
    let (features, outcomes) = small();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let posterior = LaplaceParams::default().fit(&data).unwrap();
    let wide = posterior
        .probability_intervals(features.view(), 0.95)
        .unwrap();
    let narrow = posterior
        .probability_intervals(features.view(), 0.5)
        .unwrap();
    let means = posterior.probabilities(features.view()).unwrap();
    for ((wide, narrow), mean) in wide.iter().zip(&narrow).zip(means) {
        assert!(wide.0 < narrow.0 && narrow.0 < narrow.1 && narrow.1 < wide.1);
        assert!(wide.0 < mean && mean < wide.1);
    }
    assert!(
        posterior
            .probability_intervals(features.view(), 1.0)
            .is_err()
    );
}

#[test]
fn sparse_and_dense_give_the_same_bits() {
    let (features, outcomes) = small();
    let columns = sparse(&features);
    let dense = TrainingData::new(features.view(), &outcomes).unwrap();
    let sparse = TrainingData::new(&columns, &outcomes).unwrap();
    let transposed = features.t().to_owned();
    let other_order = TrainingData::new(transposed.t(), &outcomes).unwrap();
    let params = tight(0.01, 0.7);
    let model = params.fit(&dense).unwrap();
    assert_eq!(model, params.fit(&sparse).unwrap());
    assert_eq!(model, params.fit(&other_order).unwrap());
    assert_eq!(
        model.scores(features.view()).unwrap(),
        model.scores(&columns).unwrap()
    );
    assert_eq!(
        model.contributions(features.view()).unwrap(),
        model.contributions(&columns).unwrap()
    );
}

#[test]
fn a_weight_is_that_many_rows() {
    let (features, outcomes) = small();
    let weights = small_weights();
    let rows: Vec<usize> = (0..60).flat_map(|i| vec![i; 1 + i % 3]).collect();
    let many = features.select(ndarray::Axis(0), &rows);
    let many_outcomes: Vec<f64> = rows.iter().map(|&row| outcomes[row]).collect();
    let weighted = TrainingData::new(features.view(), &outcomes)
        .unwrap()
        .with_weights(&weights)
        .unwrap();
    let repeated = TrainingData::new(many.view(), &many_outcomes).unwrap();
    let params = LogisticParams {
        priors: vec![CoefficientPrior::new(0.2, 0.3); 6],
        intercept_prior: Some(CoefficientPrior::new(-1.0, 0.5)),
        ..tight(0.02, 0.5)
    };
    let (a, b) = (
        params.fit(&weighted).unwrap(),
        params.fit(&repeated).unwrap(),
    );
    assert_abs_diff_eq!(a.intercept(), b.intercept(), epsilon = 1e-9);
    for (a, b) in a.coefficients().iter().zip(b.coefficients()) {
        assert_abs_diff_eq!(a, b, epsilon = 1e-9);
    }
}

#[test]
fn a_narrow_prior_pins_its_coefficient() {
    let (features, outcomes) = small();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let mut priors = vec![CoefficientPrior::center(0.0); 6];
    priors[1] = CoefficientPrior::new(-0.7, 1e-6);
    let params = LogisticParams {
        priors,
        intercept_prior: Some(CoefficientPrior::new(0.25, 1e-6)),
        ..tight(0.02, 0.5)
    };
    let model = params.fit(&data).unwrap();
    assert_abs_diff_eq!(model.coefficients()[1], -0.7, epsilon = 1e-9);
    assert_abs_diff_eq!(model.intercept(), 0.25, epsilon = 1e-9);
}

#[test]
fn a_large_lambda_gives_the_published_model() {
    let (features, outcomes) = small();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let published = [0.4, 0.0, -0.6, 0.1, 0.0, 0.3];
    let params = LogisticParams {
        priors: published.map(CoefficientPrior::center).to_vec(),
        ..tight(10.0, 0.5)
    };
    assert_eq!(params.fit(&data).unwrap().coefficients(), published);
}

#[test]
fn contributions_and_the_base_score_sum_to_the_score() {
    let (features, outcomes) = small();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let model = tight(0.02, 0.5).fit(&data).unwrap();
    let contributions = model.contributions(features.view()).unwrap();
    let scores = model.scores(features.view()).unwrap();
    for (row, score) in contributions.rows().into_iter().zip(scores) {
        assert_abs_diff_eq!(row.sum() + model.base_score(), score, epsilon = 1e-12);
    }
    // Over the training rows each contribution averages out.
    for mean in contributions.mean_axis(ndarray::Axis(0)).unwrap() {
        assert_abs_diff_eq!(mean, 0.0, epsilon = 1e-12);
    }
    let importances = model.importances(features.view()).unwrap();
    assert!(importances[2] > importances[1]);
}

#[test]
fn one_thread_and_eight_give_the_same_bits() {
    let (features, outcomes) = small();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let run = |n_threads: usize| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap()
            .install(|| LogisticCvParams::default().fit(&data).unwrap())
    };
    assert_eq!(run(1), run(8));
}

#[test]
fn a_held_out_row_does_not_change_what_the_other_folds_learned() {
    let (features, outcomes) = small();
    let groups: Vec<u32> = (0..60).map(|i| i / 3).collect();
    let data = TrainingData::new(features.view(), &outcomes)
        .unwrap()
        .with_groups(&groups)
        .unwrap();
    let chosen = LogisticCvParams::default().fit(&data).unwrap();
    for row in 0..60 {
        assert_eq!(chosen.folds[row], chosen.folds[row / 3 * 3]);
    }
}

#[test]
fn models_and_choices_survive_storage() {
    let (features, outcomes) = small();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let chosen = LogisticCvParams::default().fit(&data).unwrap();
    let config = bincode::config::standard();
    let bytes = bincode::serde::encode_to_vec(&chosen, config).unwrap();
    let (back, _): (LogisticCv, usize) = bincode::serde::decode_from_slice(&bytes, config).unwrap();
    assert_eq!(back, chosen);
    let params: LogisticParams = serde_json::from_str(r#"{"alpha": 1.0}"#).unwrap();
    assert!(params.alpha == 1.0 && params.lambda == LogisticParams::default().lambda);
    assert!(serde_json::from_str::<LogisticParams>(r#"{"alfa": 1.0}"#).is_err());
}

#[test]
fn constant_and_empty_columns_get_nothing() {
    let features = array![
        [1.0, 0.0, 3.0],
        [1.0, 0.0, 1.0],
        [1.0, 0.0, 2.0],
        [1.0, 0.0, 5.0]
    ];
    let outcomes = [1.0, 0.0, 1.0, 0.0];
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let model = tight(0.01, 0.5).fit(&data).unwrap();
    assert_eq!(&model.coefficients()[..2], [0.0, 0.0]);
    let nothing = Array2::zeros((4, 2));
    let data = TrainingData::new(nothing.view(), &outcomes).unwrap();
    let path = tight(0.0, 0.5)
        .fit_path(&data, &LambdaGrid::default())
        .unwrap();
    assert_abs_diff_eq!(path.points()[0].intercept, 0.0, epsilon = 1e-9);
    let posterior = LaplaceParams::default().fit(&data).unwrap();
    // Nothing was learned: the prior's spread stays.
    assert_relative_eq!(posterior.standard_errors()[1], 1.0, max_relative = 1e-9);
}

#[test]
fn what_cannot_be_fitted_is_refused_with_a_reason() {
    let (features, outcomes) = small();
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let message = |result: donormatch::Result<LogisticModel>| result.unwrap_err().to_string();
    let mut broken = features.clone();
    broken[[4, 2]] = f64::NAN;
    let with_nan = TrainingData::new(broken.view(), &outcomes).unwrap();
    assert!(
        message(LogisticParams::default().fit(&with_nan))
            .contains("feature 2 is not finite in row 4")
    );
    let ones = vec![1.0; 60];
    let one_class = TrainingData::new(features.view(), &ones).unwrap();
    assert!(message(LogisticParams::default().fit(&one_class)).contains("found only 1"));
    let one_row = TrainingData::new(features.slice(ndarray::s![..1, ..]), &ones[..1]).unwrap();
    assert!(LogisticParams::default().fit(&one_row).is_err());
    assert!(LaplaceParams::default().fit(&one_row).is_err());
    let halves = vec![0.5; 60];
    let fractions = TrainingData::new(features.view(), &halves).unwrap();
    assert!(
        message(LogisticParams::default().fit(&fractions))
            .contains("row 0 of the outcomes is `0.5`")
    );
    for params in [
        tight(-1.0, 0.5),
        tight(0.1, 1.5),
        tight(f64::NAN, 0.5),
        LogisticParams {
            penalty_factors: vec![1.0],
            ..tight(0.1, 0.5)
        },
        LogisticParams {
            penalty_factors: vec![-1.0; 6],
            ..tight(0.1, 0.5)
        },
        LogisticParams {
            priors: vec![CoefficientPrior::new(0.0, 0.0); 6],
            ..tight(0.1, 0.5)
        },
        LogisticParams {
            intercept_prior: Some(CoefficientPrior::center(0.0)),
            ..tight(0.1, 0.5)
        },
        LogisticParams {
            tolerance: 0.0,
            ..tight(0.1, 0.5)
        },
        LogisticParams {
            max_iterations: 0,
            ..tight(0.1, 0.5)
        },
    ] {
        assert_eq!(params.fit(&data).unwrap_err().kind(), ErrorKind::Parameter);
    }
    let params = LogisticCvParams {
        fold_tolerance: 1.0,
        ..LogisticCvParams::default()
    };
    assert!(message(params.fit(&data).map(|chosen| chosen.model)).contains("`fold_tolerance`"));
    let model = tight(0.1, 0.5).fit(&data).unwrap();
    assert!(model.scores(features.slice(ndarray::s![.., ..3])).is_err());
    assert!(model.scores(broken.view()).is_err());
    assert!(
        model
            .scores(features.slice(ndarray::s![..0, ..]))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn separable_rows_without_a_penalty_do_not_converge() {
    let features = array![[0.0], [1.0], [2.0], [3.0]];
    let outcomes = [0.0, 0.0, 1.0, 1.0];
    let data = TrainingData::new(features.view(), &outcomes).unwrap();
    let error = LogisticParams {
        max_iterations: 20,
        ..tight(0.0, 0.5)
    }
    .fit(&data)
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Convergence);
}

fn rows() -> impl Strategy<Value = (Array2<f64>, Vec<f64>)> {
    (6_usize..30, 1_usize..40, any::<u64>()).prop_map(|(n, p, seed)| {
        let mut state = seed;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1_u32 << 31)
        };
        let features = Array2::from_shape_fn((n, p), |_| {
            let u = next();
            if u < 0.6 {
                0.0
            } else {
                (8.0 * next()).exp() * 1e-3
            }
        });
        let outcomes = (0..n)
            .map(|row| {
                if row < 2 {
                    row as f64
                } else {
                    f64::from(next() < 0.4)
                }
            })
            .collect();
        (features, outcomes)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The optimality (Karush, Kuhn and Tucker) conditions, computed here from scratch.
    #[test]
    fn every_point_of_a_path_is_optimal(
        (features, outcomes) in rows(),
        alpha in 0.05_f64..1.0,
    ) {
        let data = TrainingData::new(features.view(), &outcomes).unwrap();
        let params = LogisticParams { tolerance: 1e-8, ..tight(0.0, alpha) };
        let path = params.fit_path(&data, &LambdaGrid::Automatic { n_lambdas: 12, min_ratio: Some(0.02) }).unwrap();
        let n = outcomes.len() as f64;
        for (index, point) in path.points().iter().enumerate() {
            let model = path.model(index).unwrap();
            let residuals: Vec<f64> = model
                .scores(features.view())
                .unwrap()
                .iter()
                .zip(&outcomes)
                .map(|(s, y)| y - 1.0 / (1.0 + (-s).exp()))
                .collect();
            prop_assert!(residuals.iter().sum::<f64>().abs() / n < 1e-7);
            for (column, &b) in features.columns().into_iter().zip(model.coefficients()) {
                let spread = column.std(0.0);
                if spread == 0.0 {
                    continue;
                }
                let gradient = column.iter().zip(&residuals).map(|(x, r)| x * r).sum::<f64>() / n / spread;
                let d = b * spread;
                if b == 0.0 {
                    prop_assert!(gradient.abs() <= point.lambda * alpha + 1e-6);
                } else {
                    let pull = point.lambda * (alpha * d.signum() + (1.0 - alpha) * d);
                    prop_assert!((gradient - pull).abs() < 1e-6, "{gradient} against {pull}");
                }
            }
        }
    }

    #[test]
    fn no_neighbor_of_the_solution_is_lower((features, outcomes) in rows(), nudge in -0.01_f64..0.01) {
        let data = TrainingData::new(features.view(), &outcomes).unwrap();
        let model = tight(0.05, 0.5).fit(&data).unwrap();
        let here = objective(&model, &features, &outcomes, 0.05, 0.5);
        for at in 0..model.n_features() {
            let mut coefficients = model.coefficients().to_vec();
            coefficients[at] += nudge;
            let other = LogisticModel::new(model.intercept(), coefficients, model.feature_means().to_vec()).unwrap();
            prop_assert!(objective(&other, &features, &outcomes, 0.05, 0.5) >= here - 1e-12);
        }
    }
}
