//! What a simulated trial is like: donors, recipients, effects, time and stool.

use serde::{Deserialize, Serialize};

use crate::trial::design::DonorYield;
use crate::{Error, Result};

/// How donors differ in the log-odds of response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DonorEffects {
    /// One number a donor.
    Fixed(Vec<f64>),
    /// Normal around 0 with this standard deviation.
    Normal(f64),
    /// Each donor is good with a probability, and then adds this much.
    Rare {
        /// Probability that a donor is good.
        share: f64,
        /// What a good donor adds to the log-odds.
        log_odds: f64,
    },
}

/// A trial to be simulated. Effects are in log-odds, times in weeks.
///
/// A recipient i has a trait xᵢ and a donor j a trait yⱼ, both standard normal and both known before
/// the transplant: what a profile would tell. The log-odds of response after a transplant are
/// logit(`p_response`) + dⱼ + `match_effect`·xᵢ·yⱼ; where it fails to engraft, or in the control
/// arm, they are logit(`p_response`) − `transplant_effect`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Scenario {
    /// Recipients of the whole trial. Default 40.
    pub n_recipients: u32,
    /// Eligible donors. Default 6; what `n_screened` yields where that is given.
    pub n_donors: u32,
    /// Donors screened, of whom each passes with `pass_rate`; at most `n_donors` of those who pass
    /// give. Default none: there are `n_donors`.
    pub n_screened: Option<u32>,
    /// Share of screened donors that pass. Default 1 in 40; published programs lie between 0.016
    /// and 0.2 ([`DonorYield::PASS_RATE`]).
    pub pass_rate: f64,
    /// Probability of response after the transplant of an average donor. Default 0.3.
    pub p_response: f64,
    /// How donors differ. Default normal with a standard deviation of 0.5.
    pub donor_effects: DonorEffects,
    /// What traits of donor and recipient that fit add. Default 0.
    pub match_effect: f64,
    /// Correlation of what is predicted of a donor before the trial with its true effect, in
    /// [0, 1]. Default 0: the past says nothing of a new donor.
    pub prior_skill: f64,
    /// What a transplant that engrafts adds. Default 1.
    pub transplant_effect: f64,
    /// Share of recipients in a randomized control arm without a transplant. Default 0.
    pub control_share: f64,
    /// Probability that a transplant does not engraft. Default 0.1.
    pub p_failed_engraftment: f64,
    /// Share of recipients under both inhibitors. Default 0.
    pub dual_share: f64,
    /// Probability of a severe event under one inhibitor. Default 0.2.
    pub p_severe: f64,
    /// What both inhibitors add to the log-odds of a severe event. Default 1.2.
    pub severe_dual: f64,
    /// Share of donors rich in Prevotellaceae. Default a third.
    pub rich_share: f64,
    /// What a rich donor adds to the log-odds of a severe event. Default 0.
    pub severe_rich: f64,
    /// What a rich donor adds on top under both inhibitors. Default 0.
    pub severe_rich_dual: f64,
    /// Recipients enrolled a week on average; they come at random. Default 1.
    pub recipients_per_week: f64,
    /// Weeks from transplant to outcome. Default 12.
    pub outcome_weeks: f64,
    /// Probability that the outcome is never known. Default 0.05.
    pub p_dropout: f64,
    /// Probability of death before the outcome, which counts as no response. Default 0.05.
    pub p_death: f64,
    /// Doses of a batch of stool. Default 10.
    pub doses_per_batch: u32,
    /// Weeks between two donations of one donor. Default 2.
    pub weeks_between_batches: f64,
    /// Weeks after which a batch expires. Default 26.
    pub expiry_weeks: f64,
    /// Rooms in which stool is processed, one donor a room and day. Default 1.
    pub n_rooms: u32,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            n_recipients: 40,
            n_donors: 6,
            n_screened: None,
            pass_rate: DonorYield::PASS_RATE,
            p_response: 0.3,
            donor_effects: DonorEffects::Normal(0.5),
            match_effect: 0.0,
            prior_skill: 0.0,
            transplant_effect: 1.0,
            control_share: 0.0,
            p_failed_engraftment: 0.1,
            dual_share: 0.0,
            p_severe: 0.2,
            severe_dual: 1.2,
            rich_share: 1.0 / 3.0,
            severe_rich: 0.0,
            severe_rich_dual: 0.0,
            recipients_per_week: 1.0,
            outcome_weeks: 12.0,
            p_dropout: 0.05,
            p_death: 0.05,
            doses_per_batch: 10,
            weeks_between_batches: 2.0,
            expiry_weeks: 26.0,
            n_rooms: 1,
        }
    }
}

/// Most recipients or donors of one simulated trial.
const MOST: u32 = 100_000;

impl Scenario {
    /// That every number is possible.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first that is not.
    pub fn check(&self) -> Result<()> {
        for (name, count) in [
            ("n_recipients", self.n_recipients),
            ("n_donors", self.n_donors),
            ("doses_per_batch", self.doses_per_batch),
            ("n_rooms", self.n_rooms),
        ] {
            if !(1..=MOST).contains(&count) {
                let message = format!("expected 1 to {MOST}, found {count}");
                return Err(Error::parameter(name, message));
            }
        }
        for (name, share) in self.shares() {
            if !(0.0..=1.0).contains(&share) {
                let message = format!("expected a number from 0 to 1, found {share}");
                return Err(Error::parameter(name, message));
            }
        }
        for (name, rate) in [("p_response", self.p_response), ("p_severe", self.p_severe)] {
            if !(rate > 0.0 && rate < 1.0) {
                let message = format!("expected a number above 0 and below 1, found {rate}");
                return Err(Error::parameter(name, message));
            }
        }
        for (name, weeks) in [
            ("recipients_per_week", self.recipients_per_week),
            ("weeks_between_batches", self.weeks_between_batches),
            ("expiry_weeks", self.expiry_weeks),
        ] {
            if !(weeks > 0.0 && weeks.is_finite()) {
                let message = format!("expected a positive number, found {weeks}");
                return Err(Error::parameter(name, message));
            }
        }
        if !(self.outcome_weeks >= 0.0 && self.outcome_weeks.is_finite()) {
            let message = format!("expected 0 or more, found {}", self.outcome_weeks);
            return Err(Error::parameter("outcome_weeks", message));
        }
        self.check_effects()
    }

    fn shares(&self) -> [(&'static str, f64); 8] {
        [
            ("pass_rate", self.pass_rate),
            ("prior_skill", self.prior_skill),
            ("control_share", self.control_share),
            ("p_failed_engraftment", self.p_failed_engraftment),
            ("dual_share", self.dual_share),
            ("rich_share", self.rich_share),
            ("p_dropout", self.p_dropout),
            ("p_death", self.p_death),
        ]
    }

    fn check_effects(&self) -> Result<()> {
        for (name, effect) in [
            ("match_effect", self.match_effect),
            ("transplant_effect", self.transplant_effect),
            ("severe_dual", self.severe_dual),
            ("severe_rich", self.severe_rich),
            ("severe_rich_dual", self.severe_rich_dual),
        ] {
            if !effect.is_finite() {
                let message = format!("expected a finite number, found {effect}");
                return Err(Error::parameter(name, message));
            }
        }
        let wrong = |message: String| Err(Error::parameter("donor_effects", message));
        match &self.donor_effects {
            DonorEffects::Fixed(effects) => {
                if effects.len() != self.n_donors as usize || self.n_screened.is_some() {
                    return wrong(format!(
                        "expected one a donor of a fixed number of donors, found {} for {}",
                        effects.len(),
                        self.n_donors
                    ));
                }
                match effects.iter().find(|effect| !effect.is_finite()) {
                    Some(effect) => wrong(format!("expected finite numbers, found {effect}")),
                    None => Ok(()),
                }
            }
            DonorEffects::Normal(sd) if !(*sd >= 0.0 && sd.is_finite()) => {
                wrong(format!("expected a standard deviation, found {sd}"))
            }
            DonorEffects::Rare { share, log_odds }
                if !((0.0..=1.0).contains(share) && log_odds.is_finite()) =>
            {
                wrong(format!(
                    "expected a share from 0 to 1 and a finite effect, found {share} and {log_odds}"
                ))
            }
            _ => Ok(()),
        }
    }
}
