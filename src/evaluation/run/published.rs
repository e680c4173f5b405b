//! The joint posterior against each published trial, sampled without it.

use serde::{Deserialize, Serialize};

use crate::cohort::{Cancer, Line, Regimen};
use crate::evidence::{Arm, DrawNumbers, Endpoint, Events, Evidence};
use crate::numeric::logistic::{logit, sigmoid};
use crate::numeric::random::{derive, normal};
use crate::{Error, Result};

/// An arm of a trial that the posterior did not see, and what was predicted of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedArm {
    /// What is predicted.
    pub endpoint: Endpoint,
    /// The trial, all arms of which were left out.
    pub trial: String,
    /// The arm.
    pub arm: String,
    /// The donor, where the trial reports by donor.
    pub donor: Option<String>,
    /// Whether it is a transplant arm.
    pub transplant: bool,
    /// Its patients.
    pub n: u32,
    /// Those with the event.
    pub events: u32,
    /// Lower end of the 90 % predictive interval of the events.
    pub events_lo: u32,
    /// Upper end of it.
    pub events_hi: u32,
    /// Whether the events lie in it.
    pub is_inside: bool,
    /// Logarithm of the predictive probability of these events; higher is better.
    pub log_score: f64,
    /// The same where all other arms with or without a transplant, as this one, share one rate.
    pub log_score_complete_pooling: f64,
    /// The same where other arms say nothing: every number of events is equally likely.
    pub log_score_no_pooling: f64,
    /// The same by the constants that the joint model replaced (response and severe events): the
    /// published rate of the cell and a transplant effect of 0.33 ± 0.39 on the log-odds; 7 %
    /// (± 1 on the log-odds) in refractory disease, updated with the other refractory arms. The
    /// rates of the cells came from the very trials that are left out here.
    pub log_score_constants: Option<f64>,
}

/// Leaves each trial out in turn, samples the joint posterior of the others, and predicts the arms
/// of the trial.
///
/// # Errors
/// Those of [`Evidence::without_trial`]; [`Error::Table`] where there is a single trial.
pub fn evaluate_published(evidence: &Evidence) -> Result<Vec<PublishedArm>> {
    let registry = evidence.registry();
    if registry.trials().len() < 2 {
        return Err(Error::table("one trial cannot be predicted from others"));
    }
    let mut predicted = Vec::new();
    for trial in registry.trials() {
        let without = evidence.without_trial(trial)?;
        for arm in registry.arms().iter().filter(|arm| arm.trial == trial) {
            for endpoint in Endpoint::ALL {
                if let Some(events) = arm.events(endpoint).filter(|events| events.n > 0) {
                    predicted.push(predict(&without, endpoint, arm, events));
                }
            }
        }
    }
    predicted.sort_by_key(|one| one.endpoint);
    Ok(predicted)
}

fn predict(evidence: &Evidence, endpoint: Endpoint, arm: &Arm, events: Events) -> PublishedArm {
    let numbers = DrawNumbers {
        n: evidence.n_kept(),
        seed: evidence.params().seed,
    };
    let probabilities = |log_odds: Vec<f64>| log_odds.into_iter().map(sigmoid).collect::<Vec<_>>();
    let predictive = Predictive::new(
        events.n,
        &probabilities(evidence.log_odds(endpoint, &arm.setting(), numbers)),
    );
    let (events_lo, events_hi) = predictive.interval();
    let constants = constants(evidence, endpoint, arm).map(|(mean, sd)| {
        (0..1000)
            .map(|draw| mean + sd * normal(derive(1, draw)))
            .collect()
    });
    PublishedArm {
        endpoint,
        trial: arm.trial.clone(),
        arm: arm.arm.clone(),
        donor: arm.donor.clone(),
        transplant: arm.is_transplant(),
        n: events.n,
        events: events.events,
        events_lo,
        events_hi,
        is_inside: (events_lo..=events_hi).contains(&events.events),
        log_score: predictive.log_score(events.events),
        log_score_complete_pooling: pooled(evidence, endpoint, arm, events),
        log_score_no_pooling: -libm::log(f64::from(events.n) + 1.0),
        log_score_constants: constants.map(|log_odds| {
            Predictive::new(events.n, &probabilities(log_odds)).log_score(events.events)
        }),
    }
}

/// Beta-binomial of the other arms' events together, from a uniform prior.
fn pooled(evidence: &Evidence, endpoint: Endpoint, arm: &Arm, events: Events) -> f64 {
    let others = evidence.registry().arms().iter();
    let others = others.filter(|other| other.is_transplant() == arm.is_transplant());
    let (mut a, mut b) = (1.0, 1.0);
    for other in others.filter_map(|other| other.events(endpoint)) {
        a += f64::from(other.events);
        b += f64::from(other.n - other.events);
    }
    let (n, k) = (f64::from(events.n), f64::from(events.events));
    ln_choose(n, k) + ln_beta(a + k, b + n - k) - ln_beta(a, b)
}

/// Rates without a transplant that the joint model replaced, first line: response, severe events.
fn constant_rates(regimen: Regimen, cancer: Cancer) -> (f64, f64) {
    match (regimen, cancer) {
        (Regimen::AntiPd1, Cancer::Melanoma) => (0.437, 0.163),
        (Regimen::AntiPd1, Cancer::Lung) => (0.448, 0.266),
        (Regimen::AntiPd1, _) => (0.4425, 0.2145),
        (Regimen::AntiCtla4, _) => (0.19, 0.273),
        (Regimen::Dual, Cancer::Melanoma) => (0.576, 0.55),
        (Regimen::Dual, Cancer::Kidney) => (0.42, 0.46),
        (Regimen::Dual, _) => (0.498, 0.505),
    }
}

/// Mean and standard deviation of the log-odds that the constants gave.
fn constants(evidence: &Evidence, endpoint: Endpoint, arm: &Arm) -> Option<(f64, f64)> {
    const TRANSPLANT: (f64, f64) = (0.33, 0.39);
    let (response, severe) = constant_rates(arm.regimen, arm.cancer);
    let with_transplant = |(mean, sd): (f64, f64)| {
        if arm.is_transplant() {
            (mean + TRANSPLANT.0, f64::hypot(sd, TRANSPLANT.1))
        } else {
            (mean, sd)
        }
    };
    match (endpoint, arm.line) {
        (Endpoint::Myocarditis, _) => None,
        (Endpoint::SevereIrae, _) => Some((logit(severe), 0.3)),
        (Endpoint::Response, Some(Line::Refractory)) => {
            Some(refractory(evidence, with_transplant((logit(0.07), 1.0))))
        }
        (Endpoint::Response, _) => Some(with_transplant((logit(response), 0.25))),
    }
}

/// The constants' update of a refractory prior with the other refractory transplant arms: log-odds
/// with half a patient on either side, and 0.5 between trials.
fn refractory(evidence: &Evidence, (mean, sd): (f64, f64)) -> (f64, f64) {
    let arms = evidence.registry().arms().iter();
    let arms = arms.filter(|arm| arm.is_transplant() && arm.line == Some(Line::Refractory));
    let (mut precision, mut weighted) = (sd.powi(-2), mean * sd.powi(-2));
    for events in arms.filter_map(|arm| arm.response) {
        let yes = f64::from(events.events) + 0.5;
        let no = f64::from(events.n - events.events) + 0.5;
        let weight = (yes.recip() + no.recip() + 0.25).recip();
        precision += weight;
        weighted += weight * libm::log(yes / no);
    }
    (weighted / precision, precision.sqrt().recip())
}

/// Probabilities of 0 to n events.
struct Predictive(Vec<f64>);

impl Predictive {
    /// The mean over draws of the probability.
    fn new(n: u32, probabilities: &[f64]) -> Self {
        let size = f64::from(n);
        let of = |k: u32| {
            let k = f64::from(k);
            let choose = ln_choose(size, k);
            let each = probabilities
                .iter()
                .map(|p| libm::exp(choose + k * libm::log(*p) + (size - k) * libm::log1p(-p)));
            each.sum::<f64>() / probabilities.len() as f64
        };
        Self((0..=n).map(of).collect())
    }

    fn log_score(&self, events: u32) -> f64 {
        libm::log(self.0[events as usize].max(f64::MIN_POSITIVE))
    }

    /// The least numbers of events whose cumulated probability reaches 5 and 95 %.
    fn interval(&self) -> (u32, u32) {
        let reaches = |share: f64| {
            let mut below = 0.0;
            let at = self.0.iter().position(|p| {
                below += p;
                below >= share
            });
            at.unwrap_or(self.0.len() - 1) as u32
        };
        (reaches(0.05), reaches(0.95))
    }
}

fn ln_choose(n: f64, k: f64) -> f64 {
    libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0)
}

fn ln_beta(a: f64, b: f64) -> f64 {
    libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn a_known_probability_gives_the_binomial() {
        // Binomial(4, 1/2): 1, 4, 6, 4, 1 sixteenths.
        let predictive = Predictive::new(4, &[0.5]);
        for (found, expected) in predictive.0.iter().zip([1.0, 4.0, 6.0, 4.0, 1.0]) {
            assert_relative_eq!(*found, expected / 16.0, max_relative = 1e-12);
        }
        // Cumulated: 1/16 reaches 5 %, 15/16 falls short of 95 %.
        assert_eq!(predictive.interval(), (0, 4));
        assert_relative_eq!(
            predictive.log_score(2),
            f64::ln(0.375),
            max_relative = 1e-12
        );
    }
}
