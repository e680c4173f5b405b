//! One arm of a published trial, or the recipients of one of its donors.

use serde::{Deserialize, Serialize};

use crate::cohort::screening::DonorType;
use crate::cohort::{Cancer, Line, Partner, Regimen, TreatmentContext};
use crate::{Error, Result};

/// Events of `n` patients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    /// Patients whose outcome is known.
    pub n: u32,
    /// Those with the event.
    pub events: u32,
}

/// What an arm counts as a severe event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SevereDefinition {
    /// Immune-related events of grade 3 or more.
    Irae,
    /// Any adverse event of grade 3 or more, related to treatment or not.
    AnyAe,
}

/// What an arm is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// An arm that patients were randomized to.
    Randomized,
    /// Nothing, or history.
    None,
}

/// How sure the numbers of an arm are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// As published.
    High,
    /// In part from memory, or inferred.
    Medium,
    /// Unverified.
    Low,
}

/// An arm of a published trial; where a trial reports by donor, the recipients of one donor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// The trial; its arms share an effect.
    pub trial: String,
    /// Year of publication.
    pub year: Option<u16>,
    /// Number in a registry of trials.
    pub registration: String,
    /// What was given.
    pub arm: String,
    /// The cancer.
    pub cancer: Cancer,
    /// The line of treatment; none where the arm mixes both.
    pub line: Option<Line>,
    /// The checkpoint inhibitors.
    pub regimen: Regimen,
    /// What was given beside them.
    pub partner: Partner,
    /// Where the stool came from; none without a transplant or placebo.
    pub donor_type: Option<DonorType>,
    /// How it was given.
    pub route: String,
    /// What the recipient was prepared with.
    pub preparation: String,
    /// What the arm is compared with.
    pub control: Control,
    /// The donor, where the trial reports by donor.
    pub donor: Option<String>,
    /// Objective responses.
    pub response: Option<Events>,
    /// Severe events.
    pub severe_irae: Option<Events>,
    /// What counts as a severe event.
    pub severe_definition: SevereDefinition,
    /// Myocarditis.
    pub myocarditis: Option<Events>,
    /// Number of donors, where known.
    pub n_donors: Option<u32>,
    /// Where the numbers come from.
    pub source: String,
    /// How sure they are.
    pub confidence: Confidence,
    /// What a reader should know of them.
    pub note: String,
}

impl Arm {
    /// Whether its patients were given somebody else's stool, or a defined product of strains.
    pub fn is_transplant(&self) -> bool {
        self.donor_type.is_some_and(is_transplant)
    }

    /// Whether it is a transplant arm that no randomized control stands beside.
    pub fn is_uncontrolled(&self) -> bool {
        self.is_transplant() && self.control == Control::None
    }

    /// Regimen, cancer, line and partner; none where the arm mixes lines.
    pub fn cell(&self) -> Option<TreatmentContext> {
        self.line.map(|line| TreatmentContext {
            regimen: self.regimen,
            cancer: self.cancer,
            line,
            partner: self.partner,
        })
    }

    /// Checks that it says something and that no count is beyond its number of patients.
    ///
    /// # Errors
    /// [`Error::Table`] naming the trial and the arm.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: &str| {
            Err(Error::table(format!(
                "`{}`, `{}`: {what}",
                self.trial, self.arm
            )))
        };
        let counts = [self.response, self.severe_irae, self.myocarditis];
        if self.trial.is_empty() {
            return wrong("an arm needs a trial");
        }
        if counts.iter().flatten().any(|one| one.events > one.n) {
            return wrong("more events than patients");
        }
        if counts.iter().flatten().all(|one| one.n == 0) {
            return wrong("no number of any outcome");
        }
        Ok(())
    }
}

/// Whether stool of this type is somebody else's, or a defined product: a placebo and one's own
/// stool are no transplant.
pub fn is_transplant(donor_type: DonorType) -> bool {
    !matches!(donor_type, DonorType::Placebo | DonorType::Autologous)
}
