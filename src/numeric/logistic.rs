//! The logistic function and the losses that belong to it, finite for every finite score.

/// 1 / (1 + e^−score).
pub(crate) fn sigmoid(score: f64) -> f64 {
    let small = libm::exp(-score.abs());
    let likelier = 1.0 / (1.0 + small);
    if score >= 0.0 {
        likelier
    } else {
        small * likelier
    }
}

/// 1 / (1 + e^−score) as it is written: below 0 its last bit may differ from that of [`sigmoid`].
///
/// The trees, the engraftment and the baselines of the shipped model, and the simulated cohorts,
/// were computed with it; [`sigmoid`] there would move their bits.
pub(crate) fn plain_sigmoid(score: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-score))
}

/// The log-odds of a probability strictly between 0 and 1.
pub(crate) fn logit(probability: f64) -> f64 {
    libm::log(probability / (1.0 - probability))
}

/// ln(1 + e^x).
pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}

/// −ln of the probability that the score gives to an outcome or target in \[0, 1\].
pub(crate) fn log_loss(score: f64, outcome: f64) -> f64 {
    score.max(0.0) - outcome * score + libm::log1p(libm::exp(-score.abs()))
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;

    #[test]
    fn both_forms_of_the_sigmoid_agree_and_stay_finite() {
        for score in [-800.0, -30.0, -1.5, 0.0, 0.3, 40.0, 800.0] {
            assert_relative_eq!(sigmoid(score), plain_sigmoid(score), max_relative = 1e-15);
        }
        // scipy 1.17.1, scipy.special.expit
        assert_relative_eq!(
            sigmoid(-1.5),
            0.182_425_523_806_356_35,
            max_relative = 1e-15
        );
    }

    #[test]
    fn the_losses_are_logarithms_of_the_sigmoid() {
        for score in [-3.0, -0.1, 0.0, 2.5] {
            assert_relative_eq!(log_loss(score, 1.0), -sigmoid(score).ln(), epsilon = 1e-15);
            assert_relative_eq!(log_loss(score, 0.0), -sigmoid(-score).ln(), epsilon = 1e-15);
            assert_relative_eq!(softplus(score), log_loss(score, 0.0), epsilon = 1e-15);
        }
        assert!(softplus(1000.0) <= 1000.0 && softplus(-1000.0) >= 0.0);
    }
}
