//! Of a large bank, the donors that are worth drawing in full for a recipient.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::profile::{SampleId, SubjectId};
use crate::{Error, Result};

/// How to choose the donors that are drawn in full, where there are far more than are shown.
///
/// Some recipients, the pilots, are drawn with every donor. For every other recipient the donors
/// that come first by their mean utility over the pilots are drawn, and a sample of the rest, by
/// which the mean of all donors is known that utilities are taken against.
///
/// How many must come along is measured: each pilot in turn is ranked by the others, which shows
/// how deep in that order the last of its own first donors stands. A further recipient of the same
/// kind needs more than the deepest of P pilots with a probability of at most 1 / (P + 1); the
/// margin goes beyond it by a factor (`benches/prefilter.py` counts what is still missed).
///
/// # Examples
/// ```
/// use donormatch::ranking::{PrefilterParams, RankingParams};
///
/// let params = RankingParams {
///     top: Some(5),
///     prefilter: Some(PrefilterParams::default()),
///     ..RankingParams::default()
/// };
/// params.check()?;
/// let without_top = RankingParams { top: None, ..params };
/// assert!(without_top.check().is_err());
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrefilterParams {
    /// Recipients drawn with every donor, spread evenly over the table, 3 or more. Default 8. Of no
    /// more than twice as many recipients, all are drawn with every donor.
    pub n_pilots: usize,
    /// How many times deeper to go than the deepest pilot needed, 1 or more. Default 4.
    pub margin: f64,
    /// Donors drawn at random of the rest, 20 or more. Default 200.
    pub n_sampled: usize,
}

impl Default for PrefilterParams {
    fn default() -> Self {
        Self {
            n_pilots: 8,
            margin: 4.0,
            n_sampled: 200,
        }
    }
}

impl PrefilterParams {
    /// Checks every setting; donors are chosen for so many shown.
    pub(super) fn check(&self, top: Option<usize>) -> Result<()> {
        let wrong = |message: String| Err(Error::parameter("prefilter", message));
        if top.is_none() {
            return wrong("needs `top`, the number of donors that must not be missed".to_owned());
        }
        if self.n_pilots < 3 {
            return wrong(format!(
                "expected 3 or more pilots, found {}",
                self.n_pilots
            ));
        }
        if !(self.margin >= 1.0 && self.margin.is_finite()) {
            return wrong(format!(
                "expected a margin of 1 or more, found {}",
                self.margin
            ));
        }
        if self.n_sampled < 20 {
            let found = self.n_sampled;
            return wrong(format!("expected 20 or more sampled donors, found {found}"));
        }
        Ok(())
    }
}

/// Which donors were drawn for whom, and how that was decided.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Prefiltered {
    /// The recipients drawn with every donor; none where all were.
    pub pilots: Vec<SampleId>,
    /// Of each pilot, how deep in the order by the other pilots its own first donors go.
    pub depths: Vec<usize>,
    /// Donors from the front of the order by all pilots, drawn for every other recipient.
    pub n_kept: usize,
    /// Donors of the rest, drawn for every other recipient to stand for it.
    pub n_sampled: usize,
    /// The donors that were not drawn for recipients other than the pilots, in the order of their
    /// table.
    pub not_drawn: Vec<SubjectId>,
}

/// How many donors a donor stands for in what a random one comes to: itself, unless it is of a
/// sample.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct StandsFor {
    sampled: BTreeMap<SubjectId, f64>,
}

impl StandsFor {
    /// Each of these donors stands for so many.
    pub(super) fn sampled(donors: impl Iterator<Item = SubjectId>, n_donors: f64) -> Self {
        Self {
            sampled: donors.map(|donor| (donor, n_donors)).collect(),
        }
    }

    pub(super) fn of(&self, donor: &SubjectId) -> f64 {
        self.sampled.get(donor).copied().unwrap_or(1.0)
    }
}
