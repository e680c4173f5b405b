//! What a calendar must keep to.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::profile::{SampleId, SubjectId};
use crate::ranking::Coverage;

/// Whether the price of one more dose is worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prices {
    /// Not.
    #[default]
    Skip,
    /// For every batch of which a dose is given.
    OfEachBatch,
}

/// What a calendar must keep to, beside the dates, doses and rooms of the batches.
///
/// # Examples
/// ```
/// use donormatch::ranking::{Batch, CalendarParams, PairUtility, Prices};
///
/// let pair = |donor: &str, recipient: &str, utility| PairUtility {
///     donor_id: donor.into(),
///     recipient_id: recipient.into(),
///     utility,
/// };
/// let pairs = [
///     pair("d1", "r1", 0.3),
///     pair("d2", "r1", 0.2),
///     pair("d1", "r2", 0.3),
///     pair("d2", "r2", 0.0),
/// ];
/// // Either donor could come on Monday, but there is one room.
/// let planned = |donor: &str| Batch {
///     made_on: "2026-03-02".parse().ok(),
///     room: Some("A".to_owned()),
///     ..Batch::new(donor, format!("{donor}-monday"), 2)
/// };
/// let batches = [planned("d1"), planned("d2")];
/// let params = CalendarParams { prices: Prices::OfEachBatch, ..CalendarParams::default() };
/// let calendar = params.assign_pairs(&pairs, &batches, &[])?;
/// assert!(calendar.is_optimal());
/// assert_eq!(calendar.transplants[0].batch_id, "d1-monday");
/// assert!((calendar.total_utility - 0.6).abs() < 1e-9);
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CalendarParams {
    /// How many recipients must be served. Default [`Coverage::Every`].
    pub coverage: Coverage,
    /// Transplants that these donors can give over all their batches. Default: as many as their
    /// batches hold.
    pub capacities: BTreeMap<SubjectId, usize>,
    /// Pairs of donor and recipient that must not be.
    pub forbidden: BTreeSet<(SubjectId, SampleId)>,
    /// Pairs of donor and recipient that are already decided; the batch and the day are not.
    pub locked: BTreeSet<(SubjectId, SampleId)>,
    /// Pairs below this utility are impossible. Default: none is.
    pub min_utility: Option<f64>,
    /// Recipients of one block that one donor may serve at most, so that donor and block can be
    /// told apart. Default: any number.
    pub max_per_block: Option<usize>,
    /// The mean utility of a subgroup, who goes without counting 0, may exceed that of another by
    /// this much at most. Default: by any.
    pub max_utility_spread: Option<f64>,
    /// The same for the share of a subgroup that is served.
    pub max_served_spread: Option<f64>,
    /// What the doses and screenings may cost together. Default: anything.
    pub max_cost: Option<f64>,
    /// How many next best calendars are worked out, each with another set of pairs. Default 0.
    pub n_alternatives: usize,
    /// Whether the price of one more dose is worked out. Default [`Prices::Skip`].
    pub prices: Prices,
    /// Nodes of branch and bound after which the best calendar so far is given with the gap that is
    /// left; the same on every machine, which a time would not be. Default 1000. Over 6,000 pairs
    /// of recipient and batch a bound first rules out most of them; the rest takes a node for every
    /// 25 of these, or none where over 8,000 pairs are left.
    pub max_nodes: usize,
}

impl Default for CalendarParams {
    fn default() -> Self {
        Self {
            coverage: Coverage::default(),
            capacities: BTreeMap::new(),
            forbidden: BTreeSet::new(),
            locked: BTreeSet::new(),
            min_utility: None,
            max_per_block: None,
            max_utility_spread: None,
            max_served_spread: None,
            max_cost: None,
            n_alternatives: 0,
            prices: Prices::default(),
            max_nodes: 1000,
        }
    }
}
