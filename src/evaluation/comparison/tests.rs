use approx::assert_relative_eq;

use super::*;
use crate::metric::tests::fixture;

// NumPy 2.4.6 and SciPy 1.17.1: covariance of the placements over all pairs (DeLong 1988), and
// by groups (Obuchowski 1997); p = 2 · norm.sf(|z|).
#[test]
fn delong_test_is_that_of_all_pairs() {
    let f = fixture();
    let rows = ScoredRows::new(&f.scores, &f.outcomes).unwrap();
    let plain = compare_by_delong(&rows, &f.probabilities, 0.95).unwrap();
    assert_relative_eq!(
        plain.second.unwrap(),
        0.514_285_714_285_714_2,
        max_relative = 1e-14
    );
    assert_relative_eq!(
        plain.difference.unwrap(),
        0.010_857_142_857_142_899,
        epsilon = 1e-15
    );
    assert_relative_eq!(
        plain.p_value.unwrap(),
        0.918_129_625_176_431_7,
        max_relative = 1e-10
    );
    let half = 1.959_963_984_540_054 * 0.011_156_531_412_565_026_f64.sqrt();
    assert_relative_eq!(
        plain.hi.unwrap() - plain.difference.unwrap(),
        half,
        max_relative = 1e-10
    );
    let rows = rows.with_groups(&f.groups).unwrap();
    let grouped = compare_by_delong(&rows, &f.probabilities, 0.95).unwrap();
    assert_relative_eq!(
        grouped.p_value.unwrap(),
        0.925_909_173_347_407_7,
        max_relative = 1e-10
    );
    assert_eq!(
        (grouped.n_rows, grouped.n_groups, grouped.n_events),
        (60, 15, 25)
    );
}

#[test]
fn a_model_does_not_differ_from_itself_on_another_scale() {
    let f = fixture();
    let rows = ScoredRows::new(&f.scores, &f.outcomes).unwrap();
    let stretched: Vec<f64> = f.scores.iter().map(|s| 8.0 * s - 3.0).collect();
    let params = BootstrapParams::default().with_n_resamples(99);
    for comparison in [
        compare_by_delong(&rows, &stretched, 0.95).unwrap(),
        compare_by_groups(Metric::RocAuc, &rows, &stretched, &params).unwrap(),
    ] {
        assert_eq!(comparison.difference, Some(0.0));
        assert_eq!((comparison.lo, comparison.hi), (Some(0.0), Some(0.0)));
        assert_eq!(comparison.p_value, Some(1.0));
    }
}

#[test]
fn a_perfect_model_beats_a_reversed_one() {
    let outcomes: Vec<f64> = (0..40).map(|i| f64::from(i % 2)).collect();
    let good: Vec<f64> = (0..40)
        .map(|i| 0.3 + 0.4 * f64::from(i % 2) + 0.005 * f64::from(i))
        .collect();
    let bad: Vec<f64> = good.iter().map(|p| 1.0 - p).collect();
    let rows = ScoredRows::new(&good, &outcomes).unwrap();
    let params = BootstrapParams::default().with_n_resamples(499);
    for metric in [Metric::RocAuc, Metric::Brier, Metric::LogLoss] {
        let comparison = compare_by_groups(metric, &rows, &bad, &params).unwrap();
        // 2 · 2^-40 of all exchanges are as extreme: none of the draws.
        assert_relative_eq!(comparison.p_value.unwrap(), 1.0 / 500.0);
        let (lo, hi) = (comparison.lo.unwrap(), comparison.hi.unwrap());
        assert!(lo > 0.0 || hi < 0.0, "{metric}");
    }
}

// By hand: two groups have four exchanges, of which the two that exchange both or none are as
// extreme as what was seen; p tends to 1/2.
#[test]
fn groups_are_exchanged_whole() {
    let outcomes = [0.0, 1.0, 0.0, 1.0];
    let rows = ScoredRows::new(&[0.1, 0.9, 0.2, 0.8], &outcomes)
        .unwrap()
        .with_groups(&[0, 0, 1, 1])
        .unwrap();
    let params = BootstrapParams::default().with_n_resamples(4000);
    let comparison =
        compare_by_groups(Metric::Brier, &rows, &[0.5, 0.4, 0.5, 0.4], &params).unwrap();
    // standard deviation 0.008
    assert!((comparison.p_value.unwrap() - 0.5).abs() < 0.04);
}

#[test]
fn p_values_are_even_where_models_do_not_differ() {
    // 40 pairs of noisy copies of one truth, from a fixed stream.
    let mut random = Random::new(3);
    let mut noise = move || random.below(1000) as f64 / 1000.0;
    let outcomes: Vec<f64> = (0..60).map(|i| f64::from(i % 2)).collect();
    let params = BootstrapParams::default().with_n_resamples(199);
    let mut delong = Vec::new();
    let mut flip = Vec::new();
    for _ in 0..200 {
        let mut draw = || -> Vec<f64> { outcomes.iter().map(|y| 0.4 * y + noise()).collect() };
        let (a, b) = (draw(), draw());
        let rows = ScoredRows::new(&a, &outcomes).unwrap();
        delong.extend(compare_by_delong(&rows, &b, 0.95).unwrap().p_value);
        flip.extend(
            compare_by_groups(Metric::RocAuc, &rows, &b, &params)
                .unwrap()
                .p_value,
        );
    }
    for p_values in [delong, flip] {
        let share = |bound| p_values.iter().filter(|&&p| p <= bound).count() as f64 / 200.0;
        // standard deviations 0.021 and 0.035
        assert!((share(0.1) - 0.1).abs() < 0.07, "{}", share(0.1));
        assert!((share(0.5) - 0.5).abs() < 0.12, "{}", share(0.5));
    }
}

#[test]
fn one_class_is_a_reason_and_a_wrong_length_an_error() {
    let rows = ScoredRows::new(&[0.1, 0.2], &[1.0, 1.0]).unwrap();
    let params = BootstrapParams::default().with_n_resamples(9);
    for comparison in [
        compare_by_delong(&rows, &[0.2, 0.1], 0.95).unwrap(),
        compare_by_groups(Metric::RocAuc, &rows, &[0.2, 0.1], &params).unwrap(),
    ] {
        assert_eq!(comparison.p_value, None);
        assert_eq!(comparison.reason.as_deref(), Some("every outcome is 1"));
    }
    assert!(compare_by_delong(&rows, &[0.1], 0.95).is_err());
    assert!(compare_by_groups(Metric::RocAuc, &rows, &[0.1, f64::NAN], &params).is_err());
}
