//! Many simulated trials under each policy: what a design can show.

use rayon::prelude::*;

use super::analysis::{Shuffles, test};
use super::belief::{Memory, PosteriorDraws};
use super::course::{Allocation, Outcomes, SimulatedTrial, run};
use super::follow::{Regret, at_end, follow};
use super::params::{DesignParams, TrueEffects};
use super::policy::{AllocationPolicy, InformedPolicy, Knowledge, Learner, Policy};
use super::report::{DesignReport, DesignRow, PolicyCurve};
use super::result::TrialResult;
use super::truth::{Truth, donor_name};
use super::view::TrialView;
use crate::cancel;
use crate::evidence::{DrawNumbers, Endpoint, Evidence, Given, Setting, TrialPatient};
use crate::memory;
use crate::numeric::logistic::sigmoid;
use crate::numeric::random::derive;
use crate::trial::design::{SafetyBoundary, SafetyParams, SafetyRule};
use crate::{Error, Result};

/// The name of a simulated trial in the joint posterior.
const TRIAL: &str = "planned";
/// Draws of the joint posterior that a learning policy weighs.
const N_DRAWS: usize = 2000;
/// Probability of stopping at the acceptable rate.
const SAFETY_LEVEL: f64 = 0.05;
/// Trials at a time, so that a cancelled job ends.
const CHUNK: usize = 64;

impl DesignParams {
    /// Simulates the trials under every policy. The trials are the same for each: the same donors,
    /// recipients and chances. The same seed gives the same bits on any number of threads.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a number that is not possible, or where the joint posterior is asked
    /// for and `evidence` is none; [`Error::Cancelled`].
    ///
    /// # Examples
    /// ```
    /// use donormatch::trial::allocation::DesignParams;
    ///
    /// let mut design = DesignParams::default();
    /// design.n_trials = 20;
    /// design.n_permutations = 19;
    /// let report = design.compare(None)?;
    /// let policies: Vec<&str> = report.rows.iter().map(|row| row.policy.as_str()).collect();
    /// assert_eq!(policies, ["even", "blocked", "prior", "thompson", "greedy"]);
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn compare(&self, evidence: Option<&Evidence>) -> Result<DesignReport> {
        let policies = match &self.policies {
            Some(policies) => policies.clone(),
            None => Policy::all(self.learner),
        };
        policies.iter().try_for_each(Policy::check)?;
        let knowledge = self.knowledge(evidence, &policies)?;
        let mut report = DesignReport {
            params: self.clone(),
            rows: Vec::new(),
            curves: Vec::new(),
        };
        for policy in policies {
            let informed = InformedPolicy {
                policy,
                knowledge: &knowledge,
            };
            let (row, curve) = self.simulate(policy.as_str(), &informed, &knowledge, evidence)?;
            report.rows.push(row);
            report.curves.push(curve);
        }
        Ok(report)
    }

    /// The same for one policy of one's own.
    ///
    /// # Errors
    /// As [`DesignParams::compare`]; those of the policy; [`Error::Parameter`] where it gives what
    /// are no probabilities.
    pub fn compare_policy(
        &self,
        evidence: Option<&Evidence>,
        name: &str,
        policy: &impl AllocationPolicy,
    ) -> Result<DesignReport> {
        let knowledge = self.knowledge(evidence, &[])?;
        let (row, curve) = self.simulate(name, policy, &knowledge, evidence)?;
        Ok(DesignReport {
            params: self.clone(),
            rows: vec![row],
            curves: vec![curve],
        })
    }

    /// One of the simulated trials, with every probability that was chosen by.
    ///
    /// # Errors
    /// As [`DesignParams::compare`].
    pub fn trial(
        &self,
        evidence: Option<&Evidence>,
        policy: Policy,
        number: u32,
    ) -> Result<SimulatedTrial> {
        policy.check()?;
        let knowledge = self.knowledge(evidence, &[policy])?;
        let informed = InformedPolicy {
            policy,
            knowledge: &knowledge,
        };
        let truth = self.truth(evidence, number)?;
        run(
            &self.scenario,
            &truth,
            &informed,
            Outcomes::True,
            |_, one| one.choice,
        )
    }

    /// Expected probability of response of each donor for an average recipient, as the policy's
    /// learner believes when all outcomes of a trial are known.
    ///
    /// # Errors
    /// As [`DesignParams::compare`].
    pub fn expected(
        &self,
        evidence: Option<&Evidence>,
        trial: &SimulatedTrial,
    ) -> Result<Vec<f64>> {
        let learner = if evidence.is_some() {
            Learner::Posterior
        } else {
            self.learner
        };
        let params = Self {
            learner,
            ..self.clone()
        };
        let knowledge = params.knowledge(evidence, &[])?;
        let beliefs =
            |view: &TrialView<'_>, memory: &mut Memory| knowledge.beliefs(learner, view, memory);
        let end = at_end(trial, beliefs)?;
        Ok(end.into_iter().map(|one| one.mean).collect())
    }

    /// The same of evidence that has learned the outcomes of the trial by
    /// [`Evidence::with_patients`].
    pub fn expected_by(&self, evidence: &Evidence, trial: &SimulatedTrial) -> Vec<f64> {
        let numbers = DrawNumbers {
            n: evidence.n_kept(),
            seed: self.seed,
        };
        let of = |number: usize| {
            let name = donor_name(number);
            let setting = self.setting();
            let setting = Setting {
                transplant: setting.transplant.map(|given| Given {
                    donor: Some(&name),
                    ..given
                }),
                ..setting
            };
            let draws = evidence.log_odds(Endpoint::Response, &setting, numbers);
            draws.iter().map(|&one| sigmoid(one)).sum::<f64>() / draws.len() as f64
        };
        (0..trial.donor_effects.len()).map(of).collect()
    }

    /// The transplants of a simulated trial as the joint model reads them; the score is the product
    /// of the traits.
    pub fn patients(&self, trial: &SimulatedTrial) -> Vec<TrialPatient> {
        let of = |one: &Allocation| {
            let donor = one.donor?;
            Some(TrialPatient {
                trial: TRIAL.to_owned(),
                donor: Some(donor_name(donor)),
                donor_type: None,
                context: self.context,
                score: one.trait_value * trial.donor_traits[donor],
                richness: 0.0,
                response: one.response,
                severe_irae: None,
                myocarditis: None,
            })
        };
        trial.allocations.iter().filter_map(of).collect()
    }

    fn setting(&self) -> Setting<'static> {
        Setting {
            cancer: self.context.cancer,
            regimen: self.context.regimen,
            line: Some(self.context.line),
            partner: self.context.partner,
            trial: TRIAL,
            transplant: Some(Given {
                donor_type: None,
                donor: None,
                is_uncontrolled: false,
                score: 0.0,
                richness: 0.0,
            }),
            any_ae: false,
        }
    }

    fn knowledge(&self, evidence: Option<&Evidence>, policies: &[Policy]) -> Result<Knowledge> {
        self.check()?;
        let learns = |policy: &Policy| policy.learner() == Some(Learner::Posterior);
        let is_needed = self.learner == Learner::Posterior || policies.iter().any(learns);
        let numbers = DrawNumbers {
            n: N_DRAWS,
            seed: self.seed,
        };
        let n_donors = self.scenario.n_donors as usize;
        let draws =
            |evidence: &Evidence| PosteriorDraws::new(evidence, &self.setting(), n_donors, numbers);
        let p = self.scenario.p_response;
        Ok(Knowledge {
            beta_prior: (self.prior_size * p, self.prior_size * (1.0 - p)),
            posterior: evidence.filter(|_| is_needed).map(draws),
        })
    }

    fn truth(&self, evidence: Option<&Evidence>, number: u32) -> Result<Truth> {
        let seed = derive(self.seed, u64::from(number));
        match (self.true_effects, evidence) {
            (TrueEffects::Set, _) => Ok(Truth::set(&self.scenario, seed)),
            (TrueEffects::Posterior, Some(evidence)) => Ok(Truth::drawn(
                &self.scenario,
                evidence,
                &self.setting(),
                seed,
            )),
            (TrueEffects::Posterior, None) => Err(Error::parameter(
                "true_effects",
                "`posterior` needs a matcher, whose joint posterior they are drawn from",
            )),
        }
    }

    fn boundary(&self) -> Result<Option<SafetyBoundary>> {
        let boundary = |acceptable_rate| {
            SafetyParams {
                n: self.scenario.n_recipients,
                acceptable_rate,
                rule: SafetyRule::Pocock {
                    type_one_error: SAFETY_LEVEL,
                },
            }
            .boundary()
        };
        self.acceptable_severe.map(boundary).transpose()
    }

    fn simulate(
        &self,
        name: &str,
        policy: &impl AllocationPolicy,
        knowledge: &Knowledge,
        evidence: Option<&Evidence>,
    ) -> Result<(DesignRow, PolicyCurve)> {
        let of_trial = 200 + 8 * u128::from(self.scenario.n_recipients);
        memory::check("the simulated trials", self.n_trials.into(), of_trial)?;
        let boundary = self.boundary()?;
        let one = |number: u32| -> Result<TrialResult> {
            cancel::check()?;
            self.one_trial(policy, knowledge, evidence, boundary.as_ref(), number)
        };
        let numbers: Vec<u32> = (0..self.n_trials).collect();
        let mut results = Vec::with_capacity(numbers.len());
        for some in numbers.chunks(CHUNK) {
            let found = some.par_iter().map(|&number| one(number));
            results.extend(found.collect::<Result<Vec<_>>>()?);
        }
        Ok((
            DesignRow::of(name, self, &results),
            PolicyCurve::of(name, self.scenario.n_recipients as usize, &results),
        ))
    }

    fn one_trial(
        &self,
        policy: &impl AllocationPolicy,
        knowledge: &Knowledge,
        evidence: Option<&Evidence>,
        boundary: Option<&SafetyBoundary>,
        number: u32,
    ) -> Result<TrialResult> {
        let truth = self.truth(evidence, number)?;
        if truth.donors.is_empty() {
            return Ok(TrialResult::default());
        }
        let trial = run(&self.scenario, &truth, policy, Outcomes::True, |_, one| {
            one.choice
        })?;
        let shuffles = Shuffles {
            n_permutations: self.n_permutations,
            n_rerandomizations: self.n_rerandomizations,
            seed: derive(self.seed, u64::from(number) | 1 << 40),
        };
        let beliefs = |view: &TrialView<'_>, memory: &mut Memory| {
            knowledge.beliefs(self.learner, view, memory)
        };
        Ok(TrialResult {
            is_run: true,
            tested: test(&self.scenario, &truth, policy, &trial, shuffles)?,
            followed: follow(&self.scenario, &trial, self.prefer_above, beliefs)?,
            regret: Regret::of(&trial, boundary),
        })
    }
}
