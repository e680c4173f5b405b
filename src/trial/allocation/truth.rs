//! The donors and recipients of one simulated trial, with what is true of them.

use super::scenario::{DonorEffects, Scenario};
use crate::evidence::{DrawNumbers, Endpoint, Evidence, Setting};
use crate::numeric::logistic::{logit, sigmoid};
use crate::numeric::random::{SplitMix64, derive};

/// What is true of a donor, and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TrueDonor {
    /// What it adds to the log-odds of response.
    pub effect: f64,
    /// Its known trait.
    pub trait_value: f64,
    /// What is predicted of its effect before the trial, in standard deviations.
    pub prior_score: f64,
    /// Whether it is rich in Prevotellaceae.
    pub is_rich: bool,
}

/// What is true of a recipient; every chance of its course is drawn beforehand, so that two
/// policies differ by nothing but their choices.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a chance of its own, and any of them can be together"
)]
pub(super) struct TrueRecipient {
    /// Week of enrolment.
    pub week: f64,
    pub trait_value: f64,
    pub is_dual: bool,
    pub is_control: bool,
    pub engrafts: bool,
    /// Dropped out: the outcome is never known.
    pub is_lost: bool,
    pub dies: bool,
    /// In (0, 1): a response where it lies below the probability.
    pub response_chance: f64,
    pub severe_chance: f64,
    /// In (0, 1): which donor, by the policy's probabilities.
    pub choice: f64,
}

/// One simulated trial before anybody is allocated.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Truth {
    pub donors: Vec<TrueDonor>,
    pub recipients: Vec<TrueRecipient>,
    /// Log-odds of response after the transplant of an average donor.
    pub response: f64,
    /// What a transplant that engrafts adds.
    pub transplant: f64,
    pub match_effect: f64,
    /// Log-odds of a severe event under one inhibitor.
    pub severe: f64,
    pub severe_dual: f64,
    pub severe_rich: f64,
    pub severe_rich_dual: f64,
}

/// Keeps the random numbers of donors and recipients apart.
const DONORS: u64 = 1;
const RECIPIENTS: u64 = 2;
const POSTERIOR: u64 = 3;

impl Truth {
    /// The truth of the trial with this seed.
    pub fn set(scenario: &Scenario, seed: u64) -> Self {
        Self {
            donors: donors(scenario, seed),
            recipients: recipients(scenario, seed),
            response: logit(scenario.p_response),
            transplant: scenario.transplant_effect,
            match_effect: scenario.match_effect,
            severe: logit(scenario.p_severe),
            severe_dual: scenario.severe_dual,
            severe_rich: scenario.severe_rich,
            severe_rich_dual: scenario.severe_rich_dual,
        }
    }

    /// The same with effects that are one draw of a joint posterior: response, transplant, donors,
    /// slope on the match of traits, severe events.
    pub fn drawn(
        scenario: &Scenario,
        evidence: &Evidence,
        setting: &Setting<'_>,
        seed: u64,
    ) -> Self {
        let mut truth = Self::set(scenario, seed);
        let numbers = DrawNumbers {
            n: evidence.n_kept(),
            seed: derive(seed, POSTERIOR),
        };
        let at = SplitMix64::new(numbers.seed).below(numbers.n as u64) as usize;
        let with =
            |setting: &Setting<'_>, endpoint| evidence.log_odds(endpoint, setting, numbers)[at];
        let control = Setting {
            transplant: None,
            ..*setting
        };
        truth.response = with(setting, Endpoint::Response);
        truth.transplant = truth.response - with(&control, Endpoint::Response);
        truth.match_effect = evidence.slope(setting.trial, numbers)[at];
        truth.severe = with(setting, Endpoint::SevereIrae);
        let rich = |is_dual| evidence.richness_effect(Endpoint::SevereIrae, is_dual, numbers)[at];
        truth.severe_rich = rich(false);
        truth.severe_rich_dual = rich(true) - truth.severe_rich;
        for (number, donor) in truth.donors.iter_mut().enumerate() {
            let name = donor_name(number);
            let effect = evidence.donor_effect(Endpoint::Response, setting.trial, &name, numbers);
            donor.effect = effect[at];
        }
        truth
    }

    /// Probability of response of a recipient with a donor, none being the control arm.
    pub fn p_response(&self, recipient: &TrueRecipient, donor: Option<usize>) -> f64 {
        let donor = donor.filter(|_| recipient.engrafts);
        sigmoid(match donor.map(|donor| &self.donors[donor]) {
            Some(donor) => {
                self.response
                    + donor.effect
                    + self.match_effect * recipient.trait_value * donor.trait_value
            }
            None => self.response - self.transplant,
        })
    }

    /// Probability of a severe event.
    pub fn p_severe(&self, recipient: &TrueRecipient, donor: Option<usize>) -> f64 {
        let dual = f64::from(u8::from(recipient.is_dual));
        let is_rich = donor.is_some_and(|donor| self.donors[donor].is_rich);
        let rich = f64::from(u8::from(is_rich));
        sigmoid(
            self.severe
                + self.severe_dual * dual
                + rich * (self.severe_rich + self.severe_rich_dual * dual),
        )
    }

    /// The same truth for a recipient whose transplant engrafts, over all donors: the best that
    /// could have been chosen.
    pub fn best(&self, recipient: &TrueRecipient) -> f64 {
        let of = |donor| self.p_response(recipient, Some(donor));
        (0..self.donors.len()).map(of).fold(0.0, f64::max)
    }
}

/// What a donor of a simulated trial is called.
pub(super) fn donor_name(number: usize) -> String {
    format!("donor_{:02}", number + 1)
}

fn donors(scenario: &Scenario, seed: u64) -> Vec<TrueDonor> {
    let mut random = SplitMix64::new(derive(seed, DONORS));
    let passed = |random: &mut SplitMix64| {
        scenario.n_screened.map_or(scenario.n_donors, |n| {
            let pass = (0..n).filter(|_| random.uniform() < scenario.pass_rate);
            (pass.count() as u32).min(scenario.n_donors)
        })
    };
    let n_donors = passed(&mut random);
    let skill = scenario.prior_skill;
    (0..n_donors as usize)
        .map(|number| {
            let z = random.normal();
            let chance = random.uniform();
            let (effect, standard) = match &scenario.donor_effects {
                DonorEffects::Fixed(effects) => (effects[number], standardized(effects, number)),
                DonorEffects::Normal(sd) => (sd * z, z),
                DonorEffects::Rare { share, log_odds } => {
                    let is_good = f64::from(u8::from(chance < *share));
                    let sd = (share * (1.0 - share)).sqrt();
                    let standard = if sd > 0.0 {
                        (is_good - share) / sd
                    } else {
                        0.0
                    };
                    (log_odds * is_good, standard)
                }
            };
            TrueDonor {
                effect,
                trait_value: random.normal(),
                prior_score: skill * standard + (1.0 - skill * skill).sqrt() * random.normal(),
                is_rich: random.uniform() < scenario.rich_share,
            }
        })
        .collect()
}

/// An effect in standard deviations of all.
fn standardized(effects: &[f64], number: usize) -> f64 {
    let n = effects.len() as f64;
    let mean = effects.iter().sum::<f64>() / n;
    let variance = effects.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / n;
    if variance > 0.0 {
        (effects[number] - mean) / variance.sqrt()
    } else {
        0.0
    }
}

fn recipients(scenario: &Scenario, seed: u64) -> Vec<TrueRecipient> {
    let seed = derive(seed, RECIPIENTS);
    let mut week = 0.0;
    (0..scenario.n_recipients)
        .map(|number| {
            let mut random = SplitMix64::new(derive(seed, u64::from(number)));
            week -= libm::log(random.uniform()) / scenario.recipients_per_week;
            let mut happens = |p: f64| random.uniform() < p;
            let is_dual = happens(scenario.dual_share);
            let is_control = happens(scenario.control_share);
            let engrafts = !happens(scenario.p_failed_engraftment);
            let is_lost = happens(scenario.p_dropout);
            let dies = happens(scenario.p_death);
            TrueRecipient {
                week,
                trait_value: random.normal(),
                is_dual,
                is_control,
                engrafts,
                is_lost,
                dies,
                response_chance: random.uniform(),
                severe_chance: random.uniform(),
                choice: random.uniform(),
            }
        })
        .collect()
}
