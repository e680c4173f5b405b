use approx::assert_relative_eq;
use proptest::prelude::*;

use super::*;

/// 60 rows with ties in the scores, probabilities, outcomes, weights with zeros and groups of 4,
/// by integer arithmetic that the oracle script repeats in NumPy.
pub(crate) struct Fixture {
    pub(crate) scores: Vec<f64>,
    pub(crate) probabilities: Vec<f64>,
    pub(crate) outcomes: Vec<f64>,
    pub(crate) weights: Vec<f64>,
    pub(crate) groups: Vec<u32>,
}

pub(crate) fn fixture() -> Fixture {
    let column = |f: fn(u32) -> f64| (0..60).map(f).collect();
    Fixture {
        scores: column(|i| f64::from((i * 37 + 11) % 61 % 23) / 23.0),
        probabilities: column(|i| f64::from((i * 29 + 7) % 97 + 1) / 99.0),
        outcomes: column(|i| f64::from(u8::from((i * 53 + 5) % 17 < 7))),
        weights: column(|i| f64::from((i * 13 + 3) % 5) / 2.0),
        groups: (0..60).map(|i| i / 4).collect(),
    }
}

impl Fixture {
    pub(crate) fn by_score(&self) -> ScoredRows<'_> {
        ScoredRows::new(&self.scores, &self.outcomes).unwrap()
    }

    pub(crate) fn by_probability(&self) -> ScoredRows<'_> {
        ScoredRows::new(&self.probabilities, &self.outcomes).unwrap()
    }
}

fn close(actual: Result<f64, Undefined>, expected: f64) {
    assert_relative_eq!(actual.unwrap(), expected, max_relative = 1e-12);
}

// scikit-learn 1.9.1: roc_auc_score, average_precision_score, brier_score_loss, log_loss, with
// and without sample_weight.
#[test]
fn metrics_are_those_of_scikit_learn() {
    let f = fixture();
    let (s, p) = (f.by_score(), f.by_probability());
    let (sw, pw) = (
        s.with_weights(&f.weights).unwrap(),
        p.with_weights(&f.weights).unwrap(),
    );
    close(roc_auc(&s), 0.525_142_857_142_857_1);
    close(roc_auc(&sw), 0.491_428_571_428_571_3);
    close(average_precision(&s), 0.498_414_461_355_637_83);
    close(average_precision(&sw), 0.459_319_612_165_274_6);
    close(brier(&p), 0.320_540_421_045_471_6);
    close(brier(&pw), 0.342_512_668_775_294_96);
    close(log_loss(&p), 0.936_695_615_461_895_2);
    close(log_loss(&pw), 1.009_424_941_944_732_5);
    close(brier_skill(&p), -0.318_794_875_158_511_9);
}

// scikit-learn 1.9.1: log_loss([0, 1], [1.0, 0.5]); SciPy's log of the complement differs from
// the library's in the last digits of 1 − (1 − ε).
#[test]
fn a_certain_and_wrong_probability_costs_a_finite_loss() {
    let rows = ScoredRows::new(&[1.0, 0.5], &[0.0, 1.0]).unwrap();
    close(log_loss(&rows), 18.368_400_284_838_55);
}

// statsmodels 0.15.0: GLM(Binomial), logit(p) as offset or as the only variable, freq_weights.
#[test]
fn calibration_line_is_that_of_statsmodels() {
    let f = fixture();
    let p = f.by_probability();
    let pw = p.with_weights(&f.weights).unwrap();
    let near = |actual: Result<f64, Undefined>, expected: f64| {
        approx::assert_abs_diff_eq!(actual.unwrap(), expected, epsilon = 1e-10);
    };
    near(calibration_intercept(&p), -0.443_584_988_845_050_57);
    near(calibration_slope(&p), 0.010_974_224_264_792_665);
    near(calibration_intercept(&pw), -0.162_891_729_043_616_96);
    near(calibration_slope(&pw), -0.083_366_852_761_640_71);
}

// By hand: certain probabilities that are right 3 times of 4 on either side. Logits are clipped
// to ±L with L = logit(1 − ε); the line goes through ln(1/3) and ln 3, so its slope is ln 3 / L.
#[test]
fn certain_probabilities_have_a_finite_slope() {
    let rows = ScoredRows::new(
        &[0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0],
        &[0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0],
    )
    .unwrap();
    let certain = libm::log(1.0 / PROBABILITY_FLOOR);
    close(calibration_slope(&rows), libm::log(3.0) / certain);
    approx::assert_abs_diff_eq!(calibration_intercept(&rows).unwrap(), 0.0, epsilon = 1e-9);
}

// scikit-learn 1.9.1: calibration_curve(strategy="quantile"), on probabilities and on scores with
// ties; statsmodels 0.15.0: proportion_confint(3, 12, method="wilson").
#[test]
fn calibration_curve_is_that_of_scikit_learn() {
    let f = fixture();
    let expect = |rows: ScoredRows<'_>, n_bins, mean: &[f64], observed: &[f64]| {
        let bins = calibration_curve(&rows, n_bins, 0.95).unwrap();
        assert_eq!(bins.len(), mean.len());
        for (bin, (m, o)) in bins.iter().zip(mean.iter().zip(observed)) {
            assert_relative_eq!(bin.mean_probability, *m, max_relative = 1e-12);
            assert_relative_eq!(bin.observed, *o, max_relative = 1e-12);
            assert!(bin.lo < bin.observed && bin.observed < bin.hi);
        }
        assert_eq!(bins.iter().map(|bin| bin.n_rows).sum::<usize>(), 60);
        assert_eq!(bins.iter().map(|bin| bin.n_events).sum::<usize>(), 25);
    };
    let third = 1.0 / 3.0;
    expect(
        f.by_probability(),
        5,
        &[
            0.101_010_101_010_101,
            0.297_979_797_979_797_96,
            0.489_898_989_898_989_83,
            0.686_868_686_868_686_9,
            0.883_838_383_838_383_6,
        ],
        &[0.5, third, third, 5.0 / 12.0, 0.5],
    );
    expect(
        f.by_score(),
        4,
        &[
            0.086_956_521_739_130_52,
            0.304_347_826_086_956_6,
            0.538_043_478_260_869_5,
            0.826_086_956_521_739_1,
        ],
        &[7.0 / 15.0, 0.4, 0.3125, 0.5],
    );
    let mut outcomes = [0.0; 12];
    outcomes[..3].fill(1.0);
    let rows = ScoredRows::new(&[0.3; 12], &outcomes).unwrap();
    let bins = calibration_curve(&rows, 3, 0.95).unwrap();
    assert_eq!(bins.len(), 1, "equal probabilities stay together");
    assert_relative_eq!(bins[0].lo, 0.088_941_668_394_054_76, max_relative = 1e-12);
    assert_relative_eq!(bins[0].hi, 0.532_305_334_933_565_8, max_relative = 1e-12);
}

// By hand: threshold 0.25, odds 1/3; acting on rows 1, 2, 3 finds 2 events and 1 other.
#[test]
fn net_benefit_counts_a_false_alarm_by_the_odds() {
    let rows = ScoredRows::new(&[0.1, 0.6, 0.25, 0.9, 0.2], &[0.0, 0.0, 1.0, 1.0, 1.0]).unwrap();
    let point = decision_curve(&rows, &[0.25]).unwrap()[0];
    assert_relative_eq!(point.net_benefit, (2.0 - 1.0 / 3.0) / 5.0);
    assert_relative_eq!(point.treat_all, (3.0 - 2.0 / 3.0) / 5.0);
    assert_relative_eq!(point.treat_none, 0.0);
    assert!(decision_curve(&rows, &[1.0]).is_err());
}

// NumPy 2.4.6: placements by comparing all pairs, numpy.cov of them (DeLong 1988); and the sums
// by groups of 4 rows as in Obuchowski 1997, eq. for S10, S01, S11.
#[test]
fn variance_of_the_area_is_that_of_all_pairs() {
    let f = fixture();
    let rows = f.by_score();
    let area = delong(&rows).unwrap();
    assert_relative_eq!(area.auc, 0.525_142_857_142_857_1, max_relative = 1e-14);
    assert_relative_eq!(
        area.variance,
        0.005_917_827_931_172_468,
        max_relative = 1e-12
    );
    let singles: Vec<u32> = (0..60).rev().collect();
    let grouped = |groups| delong(&rows.with_groups(groups).unwrap()).unwrap().variance;
    assert_relative_eq!(grouped(&singles), area.variance, max_relative = 1e-12);
    assert_relative_eq!(
        grouped(&f.groups),
        0.007_563_571_739_180_468,
        max_relative = 1e-12
    );
}

// statsmodels 0.15.0: combine_effects(method_re="dl") and its HKSJ error; t quantiles of SciPy
// 1.17.1; prediction interval from them by the formula in the docs.
#[test]
fn random_effects_mean_is_that_of_statsmodels() {
    let values = [0.62, 0.71, 0.55, 0.49, 0.78];
    let variances = [0.0021, 0.0034, 0.0016, 0.0041, 0.0029];
    let cohorts: Vec<CohortValue> = values
        .iter()
        .zip(variances)
        .map(|(&value, variance)| CohortValue {
            cohort: value.to_string(),
            value,
            variance,
        })
        .collect();
    let expect = |scale, tau_squared, i_squared, expected: [f64; 5]| {
        let pooled = pool_cohorts(&cohorts, scale, 0.95).unwrap();
        let found = [
            pooled.value,
            pooled.lo,
            pooled.hi,
            pooled.prediction_lo,
            pooled.prediction_hi,
        ];
        for (found, expected) in found.into_iter().zip(expected) {
            assert_relative_eq!(found.unwrap(), expected, max_relative = 1e-10);
        }
        assert_relative_eq!(
            pooled.tau_squared.unwrap(),
            tau_squared,
            max_relative = 1e-10
        );
        assert_relative_eq!(pooled.i_squared.unwrap(), i_squared, max_relative = 1e-10);
    };
    expect(
        PoolingScale::Identity,
        0.009_338_436_913_939_13,
        0.782_314_170_322_905_7,
        [
            0.629_832_853_355_429_3,
            0.486_736_790_829_883_47,
            0.772_928_915_880_975_1,
            0.284_761_358_316_667,
            0.974_904_348_394_191_5,
        ],
    );
    expect(
        PoolingScale::Logit,
        0.146_873_671_142_091_54,
        0.737_935_491_588_305,
        [
            0.627_593_564_937_744_7,
            0.474_010_977_432_330_9,
            0.759_120_505_248_594_6,
            0.297_846_894_379_407_65,
            0.870_048_288_927_465_2,
        ],
    );
    let mean = mean_over_cohorts(&values, 0.95).unwrap();
    assert_relative_eq!(mean.value.unwrap(), 0.63, max_relative = 1e-14);
    assert_relative_eq!(
        mean.lo.unwrap(),
        0.484_401_990_360_492_5,
        max_relative = 1e-10
    );
    assert_relative_eq!(
        mean.prediction_hi.unwrap(),
        0.63 + 0.356_640_831_181_620_27,
        max_relative = 1e-10
    );
}

#[test]
fn a_mean_of_few_cohorts_says_what_it_lacks() {
    let none = mean_over_cohorts(&[], 0.95).unwrap();
    assert_eq!((none.value, none.lo), (None, None));
    let one = mean_over_cohorts(&[0.6], 0.95).unwrap();
    assert_eq!((one.value, one.lo), (Some(0.6), None));
    assert_eq!(
        one.reason.unwrap(),
        "an interval over cohorts needs at least 2, found 1"
    );
    let two = mean_over_cohorts(&[0.6, 0.7], 0.95).unwrap();
    assert!(two.lo.is_some() && two.prediction_lo.is_none() && two.reason.is_some());
    assert!(mean_over_cohorts(&[f64::NAN], 0.95).is_err());
}

#[test]
fn calibration_of_hard_and_of_nearly_equal_probabilities_has_a_value() {
    // As many sure errors to one side as to the other: the intercept is 0.
    let hard = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0];
    let outcomes = [1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0];
    let rows = ScoredRows::new(&hard, &outcomes).unwrap();
    approx::assert_abs_diff_eq!(calibration_intercept(&rows).unwrap(), 0.0, epsilon = 1e-9);
    // Logits drawn together a million times have a slope a million times as steep.
    let logits = [-0.9, 0.4, -0.2, 1.1, 0.7, -1.3, 0.1, 0.9, -0.5];
    let slope = |factor: f64| {
        let probabilities = logits.map(|logit: f64| 1.0 / (1.0 + libm::exp(-factor * logit)));
        calibration_slope(&ScoredRows::new(&probabilities, &outcomes).unwrap()).unwrap()
    };
    assert_relative_eq!(slope(1e-6), 1e6 * slope(1.0), max_relative = 1e-6);
}

#[test]
fn undefined_metrics_say_why() {
    let none = ScoredRows::new(&[], &[]).unwrap();
    let one_class = ScoredRows::new(&[0.2, 0.3], &[0.0, 0.0]).unwrap();
    let log_odds = ScoredRows::new(&[-2.0, 3.0], &[0.0, 1.0]).unwrap();
    for metric in Metric::ALL {
        assert_eq!(metric.value(&none), Err(Undefined::NoRows), "{metric}");
        if metric.needs_probabilities() {
            let reason = Undefined::NotProbability { row: 0 };
            assert_eq!(metric.value(&log_odds), Err(reason), "{metric}");
        }
        if !matches!(metric, Metric::Brier | Metric::LogLoss) {
            let reason = Undefined::OneClass { outcome: 0 };
            assert_eq!(metric.value(&one_class), Err(reason), "{metric}");
        }
    }
    let zero_weight = log_odds.with_weights(&[0.0, 0.0]).unwrap();
    assert_eq!(roc_auc(&zero_weight), Err(Undefined::NoRows));
    let constant = ScoredRows::new(&[0.4, 0.4], &[0.0, 1.0]).unwrap();
    assert_eq!(calibration_slope(&constant), Err(Undefined::ConstantScore));
    let parted = ScoredRows::new(&[0.1, 0.4, 0.4, 0.6], &[0.0, 0.0, 1.0, 1.0]).unwrap();
    assert_eq!(calibration_slope(&parted), Err(Undefined::Separated));
    assert_eq!(delong(&log_odds), Err(Undefined::TooFewGroups));
}

#[test]
fn delong_estimate_has_value_interval_and_counts() {
    let f = fixture();
    let rows = f.by_score().with_groups(&f.groups).unwrap();
    let estimate = delong_estimate(&rows, 0.95).unwrap();
    // 1.959964 · √0.00756357 = 0.170456, from the variance by groups above
    assert_relative_eq!(
        estimate.hi.unwrap() - estimate.value.unwrap(),
        1.959_963_984_540_054 * 0.007_563_571_739_180_468_f64.sqrt(),
        max_relative = 1e-12
    );
    assert_eq!(
        (estimate.n_rows, estimate.n_groups, estimate.n_events),
        (60, 15, 25)
    );
    let perfect = ScoredRows::new(&[0.1, 0.2, 0.8, 0.9], &[0.0, 0.0, 1.0, 1.0]).unwrap();
    let estimate = delong_estimate(&perfect, 0.95).unwrap();
    assert_eq!((estimate.value, estimate.lo), (Some(1.0), None));
    assert!(estimate.reason.is_some());
}

proptest! {
    #[test]
    fn auc_is_the_share_of_pairs_in_order(
        rows in prop::collection::vec((0_i32..12, prop::bool::ANY, 0_u32..4), 2..60)
    ) {
        let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
        let outcomes: Vec<f64> = rows.iter().map(|row| f64::from(u8::from(row.1))).collect();
        let weights: Vec<f64> = rows.iter().map(|row| f64::from(row.2)).collect();
        let (mut pairs, mut total) = (0.0, 0.0);
        for i in 0..rows.len() {
            for j in 0..rows.len() {
                if rows[i].1 && !rows[j].1 {
                    let weight = weights[i] * weights[j];
                    total += weight;
                    pairs += weight * match rows[i].0.cmp(&rows[j].0) {
                        std::cmp::Ordering::Greater => 1.0,
                        std::cmp::Ordering::Equal => 0.5,
                        std::cmp::Ordering::Less => 0.0,
                    };
                }
            }
        }
        let scored = ScoredRows::new(&scores, &outcomes).unwrap().with_weights(&weights).unwrap();
        match roc_auc(&scored) {
            Ok(auc) => prop_assert!((auc - pairs / total).abs() < 1e-12),
            Err(_) => prop_assert!(total == 0.0),
        }
    }

    #[test]
    fn rank_metrics_are_unchanged_by_rising_maps(
        rows in prop::collection::vec((-50_i32..50, prop::bool::ANY), 2..60)
    ) {
        let outcomes: Vec<f64> = rows.iter().map(|row| f64::from(u8::from(row.1))).collect();
        let mapped = |f: &dyn Fn(f64) -> f64| -> Vec<f64> {
            rows.iter().map(|row| f(f64::from(row.0))).collect()
        };
        let plain = mapped(&|x| x);
        let scored = ScoredRows::new(&plain, &outcomes).unwrap();
        for other in [mapped(&|x| 1e-3 * x * x * x - 7.0), mapped(&|x| libm::exp(x / 9.0))] {
            let other = scored.with_scores(&other).unwrap();
            prop_assert_eq!(roc_auc(&scored), roc_auc(&other));
            prop_assert_eq!(average_precision(&scored), average_precision(&other));
            prop_assert_eq!(delong(&scored), delong(&other));
        }
    }

    #[test]
    fn order_of_rows_does_not_matter(
        rows in prop::collection::vec((1_i32..9, prop::bool::ANY), 4..40)
    ) {
        let column = |rows: &[(i32, bool)]| -> (Vec<f64>, Vec<f64>) {
            rows.iter().map(|r| (f64::from(r.0) / 10.0, f64::from(u8::from(r.1)))).unzip()
        };
        let mut reversed = rows.clone();
        reversed.reverse();
        let (a, b) = (column(&rows), column(&reversed));
        let (a, b) = (ScoredRows::new(&a.0, &a.1).unwrap(), ScoredRows::new(&b.0, &b.1).unwrap());
        for metric in Metric::ALL {
            match (metric.value(&a), metric.value(&b)) {
                (Ok(a), Ok(b)) => prop_assert!((a - b).abs() < 1e-8, "{}: {} {}", metric, a, b),
                (a, b) => prop_assert_eq!(a.is_err(), b.is_err()),
            }
        }
    }
}

#[test]
fn a_common_factor_of_all_weights_does_not_matter_however_extreme() {
    let fixture = fixture();
    let plain = ScoredRows::new(&fixture.probabilities, &fixture.outcomes)
        .unwrap()
        .with_weights(&fixture.weights)
        .unwrap();
    for factor in [1e-300, 1e-200, 1e155, 1e300] {
        let weights: Vec<f64> = fixture.weights.iter().map(|w| w * factor).collect();
        let rows = plain.with_weights(&weights).unwrap();
        for metric in Metric::ALL {
            let (scaled, expected) = (metric.value(&rows), metric.value(&plain));
            assert_relative_eq!(scaled.unwrap(), expected.unwrap(), max_relative = 1e-9);
        }
    }
}
