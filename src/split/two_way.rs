//! Splits of donor–recipient pairs by what is new about the tested pair.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{DropReason, DroppedRow, GroupedKFold, Split};
use crate::numeric::outcomes::check_length;
use crate::numeric::xoshiro::derive_seed;
use crate::{Error, Result};

/// What of a tested pair was never seen in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Regime {
    /// The donor is new; the recipient may have been seen with another donor.
    NewDonor,
    /// The recipient is new; the donor may have been seen with another recipient.
    NewRecipient,
    /// Donor and recipient are both new: what a new program with a new patient meets.
    BothNew,
}

impl fmt::Display for Regime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NewDonor => "new_donor",
            Self::NewRecipient => "new_recipient",
            Self::BothNew => "both_new",
        })
    }
}

/// Two-way k-fold of pairs: donors and recipients are dealt to folds apart, and the regime says
/// which of them a test keeps out of training.
///
/// * [`Regime::NewDonor`]: `n_donor_folds` splits; a test holds the rows of one fold of donors.
/// * [`Regime::NewRecipient`]: `n_recipient_folds` splits, likewise.
/// * [`Regime::BothNew`]: up to `n_donor_folds` · `n_recipient_folds` splits; a test holds the
///   rows whose donor *and* recipient are in a cell of the two foldings. Rows that share only one
///   of them with the test are neither tested nor learned from: they are dropped, and listed with
///   the reason. A cell without rows gives no split.
///
/// In each regime every row is tested exactly once. The gap in skill between the regimes is what
/// a model knows of donors or recipients by name rather than by their microbiome.
///
/// Donors are group numbers, one a row. Where a row has several donors (pooled stool), give the
/// groups of [`RowLinks::by_any`](super::RowLinks::by_any), so that donors pooled together are
/// one.
///
/// # Examples
/// ```
/// use donormatch::evaluation::{Regime, TwoWayKFold};
///
/// let donors = [0, 0, 1, 1];
/// let recipients = [0, 1, 0, 1];
/// let splits = TwoWayKFold::new(2, 2).splits(Regime::BothNew, &donors, &recipients, 0)?;
/// assert_eq!(splits.len(), 4);
/// assert!(splits.iter().all(|s| s.test().len() == 1 && s.training().len() == 1));
/// assert!(splits.iter().all(|s| s.dropped().len() == 2));
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TwoWayKFold {
    /// Folds of donors, 2 or more. Default 3.
    pub n_donor_folds: usize,
    /// Folds of recipients, 2 or more. Default 3.
    pub n_recipient_folds: usize,
    /// The largest share of the rows that one donor or recipient may hold. Default 0.5.
    pub max_group_share: f64,
}

impl Default for TwoWayKFold {
    fn default() -> Self {
        Self {
            n_donor_folds: 3,
            n_recipient_folds: 3,
            max_group_share: 0.5,
        }
    }
}

impl TwoWayKFold {
    /// Folds of donors and of recipients.
    pub fn new(n_donor_folds: usize, n_recipient_folds: usize) -> Self {
        Self {
            n_donor_folds,
            n_recipient_folds,
            ..Self::default()
        }
    }

    /// The splits of one regime.
    ///
    /// # Errors
    /// [`Error::Split`] where there are fewer donors or recipients than folds, one of them holds
    /// more than `max_group_share` of the rows, or a cell leaves nothing to learn from;
    /// [`Error::Parameter`] where a setting is out of range; [`Error::Table`] where the lengths
    /// differ.
    pub fn splits(
        &self,
        regime: Regime,
        donors: &[u32],
        recipients: &[u32],
        seed: u64,
    ) -> Result<Vec<Split>> {
        check_length("recipients", recipients.len(), donors.len())?;
        match regime {
            Regime::NewDonor => {
                let folds = self.folds(Side::Donor, donors, seed)?;
                one_way(regime, &folds, self.n_donor_folds)
            }
            Regime::NewRecipient => {
                let folds = self.folds(Side::Recipient, recipients, seed)?;
                one_way(regime, &folds, self.n_recipient_folds)
            }
            Regime::BothNew => self.cells(donors, recipients, seed),
        }
    }

    fn cells(&self, donors: &[u32], recipients: &[u32], seed: u64) -> Result<Vec<Split>> {
        let donor_folds = self.folds(Side::Donor, donors, seed)?;
        let recipient_folds = self.folds(Side::Recipient, recipients, seed)?;
        let mut splits = Vec::new();
        for donor_fold in 0..self.n_donor_folds {
            for recipient_fold in 0..self.n_recipient_folds {
                let test: Vec<usize> = (0..donors.len())
                    .filter(|&row| {
                        donor_folds[row] == donor_fold && recipient_folds[row] == recipient_fold
                    })
                    .collect();
                if test.is_empty() {
                    continue;
                }
                let name = format!(
                    "both_new donors {}/{}, recipients {}/{}",
                    donor_fold + 1,
                    self.n_donor_folds,
                    recipient_fold + 1,
                    self.n_recipient_folds
                );
                splits.push(cell(name, test, donors, recipients)?);
            }
        }
        Ok(splits)
    }

    fn folds(&self, side: Side, groups: &[u32], seed: u64) -> Result<Vec<usize>> {
        let (name, n_folds, stream) = match side {
            Side::Donor => ("donors", self.n_donor_folds, 0),
            Side::Recipient => ("recipients", self.n_recipient_folds, 1),
        };
        let k_fold = GroupedKFold::new(n_folds).with_max_group_share(self.max_group_share);
        let mut folds = k_fold
            .folds(groups, None, derive_seed(seed, stream))
            .map_err(|error| match error {
                Error::Split { message } => Error::split(format!("{name}: {message}")),
                Error::Parameter { name, message } if name == "n_folds" => {
                    Error::parameter(side.n_folds(), message)
                }
                other => other,
            })?;
        Ok(folds.swap_remove(0))
    }
}

#[derive(Clone, Copy)]
enum Side {
    Donor,
    Recipient,
}

impl Side {
    fn n_folds(self) -> &'static str {
        match self {
            Self::Donor => "n_donor_folds",
            Self::Recipient => "n_recipient_folds",
        }
    }
}

fn one_way(regime: Regime, folds: &[usize], n_folds: usize) -> Result<Vec<Split>> {
    (0..n_folds)
        .map(|fold| {
            let (test, training) = (0..folds.len()).partition(|&row| folds[row] == fold);
            Split::new(format!("{regime} {}/{n_folds}", fold + 1), training, test)
        })
        .collect()
}

/// The split that tests these rows and learns from all that share neither side with them.
fn cell(name: String, test: Vec<usize>, donors: &[u32], recipients: &[u32]) -> Result<Split> {
    let tested_rows: BTreeSet<usize> = test.iter().copied().collect();
    let tested_donors: BTreeSet<u32> = test.iter().map(|&row| donors[row]).collect();
    let tested_recipients: BTreeSet<u32> = test.iter().map(|&row| recipients[row]).collect();
    let mut training = Vec::new();
    let mut dropped = Vec::new();
    for row in (0..donors.len()).filter(|row| !tested_rows.contains(row)) {
        let reason = match (
            tested_donors.contains(&donors[row]),
            tested_recipients.contains(&recipients[row]),
        ) {
            (false, false) => {
                training.push(row);
                continue;
            }
            (true, false) => DropReason::DonorTested,
            (false, true) => DropReason::RecipientTested,
            (true, true) => DropReason::BothTested,
        };
        dropped.push(DroppedRow { row, reason });
    }
    if training.is_empty() {
        return Err(Error::split(format!(
            "split `{name}` tests {} rows and leaves nothing to learn from: the other {} rows \
             share a donor or a recipient with them; use more folds, or the regimes `new_donor` \
             and `new_recipient`",
            test.len(),
            dropped.len()
        )));
    }
    Split::with_dropped(name, training, test, dropped)
}
