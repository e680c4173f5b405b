//! One simulated trial from its first recipient to its last.

use serde::{Deserialize, Serialize};

use super::belief::Memory;
use super::policy::AllocationPolicy;
use super::scenario::Scenario;
use super::stock::Stock;
use super::truth::{TrueRecipient, Truth};
use super::view::{DonorView, KnownOutcome, RecipientView, TrialView};
use crate::{Error, Result};

/// What was done with one recipient, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Allocation {
    /// Week of the transplant.
    pub week: f64,
    /// Number of the donor; none in the control arm and where no donor had a dose.
    pub donor: Option<usize>,
    /// The probability of each donor when it was chosen; empty without a donor.
    pub probabilities: Vec<f64>,
    /// Whether it was randomized to the control arm.
    pub is_control: bool,
    /// The recipient's known trait.
    pub trait_value: f64,
    /// Whether it received both inhibitors.
    pub is_dual: bool,
    /// Whether it responded; none where it dropped out.
    pub response: Option<bool>,
    /// Whether it had a severe event.
    pub severe: bool,
    /// True probability of response.
    pub true_p_response: f64,
    /// The same with the best donor of the trial.
    pub true_p_best: f64,
}

/// One simulated trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SimulatedTrial {
    /// One entry a recipient, in the order of enrolment.
    pub allocations: Vec<Allocation>,
    /// True effect of each donor, in log-odds.
    pub donor_effects: Vec<f64>,
    /// Known trait of each donor.
    pub donor_traits: Vec<f64>,
}

/// What a course is run on: a truth, or outcomes that are held fixed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcomes<'a> {
    /// As the truth has them.
    True,
    /// Of each recipient as they were, whoever the donor: no donor matters.
    Fixed(&'a [Allocation]),
}

/// A trial under way.
struct Course<'a> {
    scenario: &'a Scenario,
    truth: &'a Truth,
    stock: Stock,
    donors: Vec<DonorView>,
    known: Vec<KnownOutcome>,
    /// Outcomes that are awaited, with the week in which they become known.
    awaited: Vec<(f64, KnownOutcome)>,
    memory: Memory,
}

/// Runs a trial; `choices` holds a number in (0, 1) for each recipient's allocation.
pub(super) fn run(
    scenario: &Scenario,
    truth: &Truth,
    policy: &impl AllocationPolicy,
    outcomes: Outcomes<'_>,
    choices: impl Fn(usize, &TrueRecipient) -> f64,
) -> Result<SimulatedTrial> {
    let view = |donor: &super::truth::TrueDonor| DonorView {
        trait_value: donor.trait_value,
        prior_score: donor.prior_score,
        is_rich: donor.is_rich,
        n_given: 0,
        is_available: false,
    };
    let mut course = Course {
        scenario,
        truth,
        stock: Stock::new(scenario, truth.donors.len()),
        donors: truth.donors.iter().map(view).collect(),
        known: Vec::new(),
        awaited: Vec::new(),
        memory: Memory::default(),
    };
    let mut allocations = Vec::with_capacity(truth.recipients.len());
    for (number, recipient) in truth.recipients.iter().enumerate() {
        let (donor, probabilities) =
            course.choose(policy, number, recipient, choices(number, recipient))?;
        let mut allocation = course.outcome(recipient, donor, probabilities);
        if let Outcomes::Fixed(seen) = outcomes {
            allocation.response = seen[number].response;
            allocation.severe = seen[number].severe;
        }
        course.await_outcome(&allocation);
        allocations.push(allocation);
    }
    Ok(SimulatedTrial {
        allocations,
        donor_effects: truth.donors.iter().map(|donor| donor.effect).collect(),
        donor_traits: truth.donors.iter().map(|donor| donor.trait_value).collect(),
    })
}

impl Course<'_> {
    /// The donor of a recipient, with the probabilities it was chosen by.
    fn choose(
        &mut self,
        policy: &impl AllocationPolicy,
        number: usize,
        recipient: &TrueRecipient,
        choice: f64,
    ) -> Result<(Option<usize>, Vec<f64>)> {
        self.learn_until(recipient.week);
        for (number, donor) in self.donors.iter_mut().enumerate() {
            donor.is_available = self.stock.has_dose(number, recipient.week);
        }
        if recipient.is_control || !self.donors.iter().any(|donor| donor.is_available) {
            return Ok((None, Vec::new()));
        }
        let view = TrialView {
            recipient: RecipientView {
                number: number as u32,
                trait_value: recipient.trait_value,
                is_dual: recipient.is_dual,
            },
            donors: &self.donors,
            outcomes: &self.known,
        };
        let probabilities = policy.probabilities(&view, &mut self.memory)?;
        check(&view, &probabilities)?;
        let mut sum = 0.0;
        let last = probabilities.iter().rposition(|&one| one > 0.0);
        let chosen = probabilities.iter().position(|probability| {
            sum += probability;
            choice < sum
        });
        let donor = chosen.or(last);
        if let Some(donor) = donor {
            self.stock.take(donor, recipient.week);
            self.donors[donor].n_given += 1;
        }
        Ok((donor, probabilities))
    }

    fn learn_until(&mut self, week: f64) {
        let known = self.awaited.iter().take_while(|(from, _)| *from <= week);
        let n = known.count();
        self.known
            .extend(self.awaited.drain(..n).map(|(_, one)| one));
    }

    fn outcome(
        &self,
        recipient: &TrueRecipient,
        donor: Option<usize>,
        probabilities: Vec<f64>,
    ) -> Allocation {
        let truth = self.truth;
        let true_p_response = truth.p_response(recipient, donor);
        let responds = recipient.response_chance < true_p_response && !recipient.dies;
        Allocation {
            week: recipient.week,
            donor,
            probabilities,
            is_control: recipient.is_control,
            trait_value: recipient.trait_value,
            is_dual: recipient.is_dual,
            response: (!recipient.is_lost).then_some(responds),
            severe: recipient.severe_chance < truth.p_severe(recipient, donor),
            true_p_response,
            true_p_best: truth.best(recipient),
        }
    }

    fn await_outcome(&mut self, allocation: &Allocation) {
        if let (Some(donor), Some(response)) = (allocation.donor, allocation.response) {
            let outcome = KnownOutcome {
                donor,
                trait_value: allocation.trait_value,
                is_dual: allocation.is_dual,
                response,
                severe: allocation.severe,
            };
            let week = allocation.week + self.scenario.outcome_weeks;
            self.awaited.push((week, outcome));
        }
    }
}

/// That a policy gave probabilities.
fn check(view: &TrialView<'_>, probabilities: &[f64]) -> Result<()> {
    let wrong = |message: String| Err(Error::parameter("policy", message));
    if probabilities.len() != view.donors.len() {
        return wrong(format!(
            "expected a probability for each of {} donors, found {}",
            view.donors.len(),
            probabilities.len()
        ));
    }
    let sum: f64 = probabilities.iter().sum();
    if probabilities
        .iter()
        .any(|&one| !(0.0..=1.0 + 1e-9).contains(&one))
        || (sum - 1.0).abs() > 1e-6
    {
        return wrong(format!(
            "expected probabilities that sum to 1, found {probabilities:?}"
        ));
    }
    let without = view.donors.iter().zip(probabilities).enumerate();
    let mut without = without.filter(|(_, (donor, p))| !donor.is_available && **p > 0.0);
    match without.next() {
        Some((number, _)) => wrong(format!("donor {number} has no dose and is given")),
        None => Ok(()),
    }
}
