//! A calendar, and what is known about it.

use serde::{Deserialize, Serialize};

use crate::cohort::screening::Day;
use crate::profile::{SampleId, SubjectId};

/// One transplant of a [`Calendar`]: a row of its table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transplant {
    /// The first day on which both the batch and the recipient can; absent where neither has days.
    pub day: Option<Day>,
    /// The donor.
    pub donor_id: SubjectId,
    /// The batch that the dose is of.
    pub batch_id: String,
    /// The room in which the batch is made; absent where it is in stock.
    pub room: Option<String>,
    /// The recipient's baseline sample.
    pub recipient_id: SampleId,
    /// Utility of the pair.
    pub utility: f64,
    /// Whether the pair was decided before.
    pub locked: bool,
    /// Last day on which both can.
    pub latest_day: Option<Day>,
    /// The recipient's arm.
    pub arm: Option<String>,
    /// The recipient's block.
    pub block: Option<String>,
    /// The recipient's subgroup.
    pub subgroup: Option<String>,
    /// Cost of the dose.
    pub dose_cost: f64,
}

/// Columns of the table of a calendar, in order.
pub const TRANSPLANT_COLUMNS: [&str; 12] = [
    "day",
    "donor_id",
    "batch_id",
    "room",
    "recipient_id",
    "utility",
    "locked",
    "latest_day",
    "arm",
    "block",
    "subgroup",
    "dose_cost",
];

/// A batch of which doses are given, or that is in stock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchUse {
    /// The donor.
    pub donor_id: SubjectId,
    /// The batch.
    pub batch_id: String,
    /// The room in which it is made; absent where it is in stock.
    pub room: Option<String>,
    /// First day on which a dose can be given.
    pub made_on: Option<Day>,
    /// Last day on which a dose can be given.
    pub expires_on: Option<Day>,
    /// Doses that it holds.
    pub doses: usize,
    /// Doses that are given.
    pub n_given: usize,
    /// Cost of the doses given and of the screening.
    pub cost: f64,
    /// What one more dose of it would add to the total utility, the days on which batches are made
    /// kept and all else arranged anew. Absent where it was not asked for, or nothing is given.
    pub price: Option<f64>,
    /// How many more recipients that dose would serve.
    pub n_more_served: Option<usize>,
}

/// What a subgroup gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubgroupShare {
    /// The subgroup.
    pub subgroup: String,
    /// Recipients in it.
    pub n_recipients: usize,
    /// Those that are served.
    pub n_served: usize,
    /// Mean utility over its recipients, who goes without counting 0.
    pub mean_utility: f64,
}

/// A recipient that has another donor in an [`Alternative`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangedPair {
    /// The donor there; absent where it goes without.
    pub donor_id: Option<SubjectId>,
    /// The recipient.
    pub recipient_id: SampleId,
    /// The donor in the calendar itself.
    pub instead_of: Option<SubjectId>,
}

/// A next best calendar: another set of donors for recipients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// Sum of its utilities.
    pub total_utility: f64,
    /// What no calendar with a set of pairs not listed before can exceed.
    pub upper_bound: f64,
    /// How it differs from the calendar.
    pub changes: Vec<ChangedPair>,
    /// Its transplants.
    pub transplants: Vec<Transplant>,
}

/// Who gets whose dose on which day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calendar {
    /// One row a served recipient, by day, then batch.
    pub transplants: Vec<Transplant>,
    /// Recipients without a dose.
    pub unassigned: Vec<SampleId>,
    /// Sum of the utilities.
    pub total_utility: f64,
    /// What no calendar under the same constraints can exceed; with [`Coverage::Most`] none that
    /// serves as many.
    ///
    /// [`Coverage::Most`]: crate::ranking::Coverage::Most
    pub upper_bound: f64,
    /// With [`Coverage::Most`] whether it is proven that no more can be served; else true.
    ///
    /// [`Coverage::Most`]: crate::ranking::Coverage::Most
    pub serves_most: bool,
    /// Cost of all doses and screenings.
    pub total_cost: f64,
    /// Batches of which doses are given, and those in stock.
    pub batches: Vec<BatchUse>,
    /// What each subgroup gets.
    pub subgroups: Vec<SubgroupShare>,
    /// Next best calendars in order. Where the search ended with a gap, one may be better by as much.
    pub alternatives: Vec<Alternative>,
}

impl Calendar {
    /// How far the total utility may lie below the best one.
    pub fn gap(&self) -> f64 {
        (self.upper_bound - self.total_utility).max(0.0)
    }

    /// Whether it is proven that no calendar is better.
    pub fn is_optimal(&self) -> bool {
        self.serves_most && self.gap() <= 1e-6 * self.total_utility.abs().max(1.0)
    }

    /// The transplant of a recipient.
    pub fn transplant_of(&self, recipient: &SampleId) -> Option<&Transplant> {
        let mut transplants = self.transplants.iter();
        transplants.find(|one| one.recipient_id == *recipient)
    }
}
