//! Which rows are learned from and which are tested, groups never parted.

mod grouped;
mod inner;
mod leave_out;
mod links;
mod two_way;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use grouped::GroupedKFold;
pub(crate) use inner::inner_folds;
pub use leave_out::leave_one_group_out;
pub use links::{RowLinks, link_groups};
pub use two_way::{Regime, TwoWayKFold};

use crate::stored::checked_serde;
use crate::{Error, Result};

/// One division of the rows into training, test, and dropped with the reason.
///
/// The three never overlap. Row numbers rise within each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Split {
    name: String,
    training: Vec<usize>,
    test: Vec<usize>,
    dropped: Vec<DroppedRow>,
}

checked_serde!(Split);

/// A row on neither side of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DroppedRow {
    /// Its number.
    pub row: usize,
    /// Why it can be neither learned from nor tested.
    pub reason: DropReason,
}

/// Why a row is on neither side of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DropReason {
    /// Its donor is tested with another recipient.
    DonorTested,
    /// Its recipient is tested with another donor.
    RecipientTested,
    /// Both its donor and its recipient are tested, each with another.
    BothTested,
    /// It is linked to a test row by a subject that belongs to both.
    LinkedToTest,
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DonorTested => "its donor is tested with another recipient",
            Self::RecipientTested => "its recipient is tested with another donor",
            Self::BothTested => "its donor and its recipient are tested, each with another",
            Self::LinkedToTest => "a subject links it to a test row",
        })
    }
}

impl Split {
    /// A split from the rows of its two sides, none dropped.
    ///
    /// # Errors
    /// [`Error::Split`] where a side is empty, or a row is named twice.
    pub fn new(name: impl Into<String>, training: Vec<usize>, test: Vec<usize>) -> Result<Self> {
        Self::with_dropped(name, training, test, Vec::new())
    }

    /// A split from the rows of its two sides and those left out.
    ///
    /// # Errors
    /// [`Error::Split`] where a side is empty, or a row is named twice.
    pub fn with_dropped(
        name: impl Into<String>,
        mut training: Vec<usize>,
        mut test: Vec<usize>,
        mut dropped: Vec<DroppedRow>,
    ) -> Result<Self> {
        let name = name.into();
        for (side, rows) in [("training", &training), ("test", &test)] {
            if rows.is_empty() {
                return Err(Error::split(format!("split `{name}` has no {side} rows")));
            }
        }
        let mut all: Vec<usize> = training.iter().chain(&test).copied().collect();
        all.extend(dropped.iter().map(|dropped| dropped.row));
        all.sort_unstable();
        if let Some(&[row, _]) = all.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::split(format!(
                "split `{name}` names row {row} twice"
            )));
        }
        training.sort_unstable();
        test.sort_unstable();
        dropped.sort_unstable();
        Ok(Self {
            name,
            training,
            test,
            dropped,
        })
    }

    /// That the rows of what was stored rise and stand on one side each.
    fn check_stored(&self) -> Result<()> {
        let sound = Self::with_dropped(
            self.name.as_str(),
            self.training.clone(),
            self.test.clone(),
            self.dropped.clone(),
        )?;
        if sound == *self {
            return Ok(());
        }
        let message = format!("the rows of split `{}` do not rise", self.name);
        Err(Error::split(message))
    }

    /// What the split is called in reports: the study left out, the number of the fold.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Rows to learn from, rising.
    pub fn training(&self) -> &[usize] {
        &self.training
    }

    /// Rows to score, rising.
    pub fn test(&self) -> &[usize] {
        &self.test
    }

    /// Rows on neither side, rising, with the reasons.
    pub fn dropped(&self) -> &[DroppedRow] {
        &self.dropped
    }

    /// That every row number is below `n_rows`.
    ///
    /// # Errors
    /// [`Error::Split`] naming the first that is not.
    pub fn check_rows(&self, n_rows: usize) -> Result<()> {
        let dropped = self.dropped.iter().map(|dropped| &dropped.row);
        match self
            .training
            .iter()
            .chain(&self.test)
            .chain(dropped)
            .find(|&&row| row >= n_rows)
        {
            Some(row) => Err(Error::split(format!(
                "split `{}` names row {row} of {n_rows} rows",
                self.name
            ))),
            None => Ok(()),
        }
    }

    /// That no group stands on both sides. `what` names the groups in the message: `donor`.
    ///
    /// # Errors
    /// [`Error::Leak`] naming the first such group, [`Error::Split`] or [`Error::Table`] where the
    /// split names rows that `groups` does not have.
    pub fn check_groups(&self, what: &str, groups: &[u32]) -> Result<()> {
        self.check_rows(groups.len())?;
        let mut trained: Vec<u32> = self.training.iter().map(|&row| groups[row]).collect();
        trained.sort_unstable();
        match self
            .test
            .iter()
            .find(|&&row| trained.binary_search(&groups[row]).is_ok())
        {
            Some(&row) => Err(Error::leak(format!(
                "split `{}` has {what} {} on both sides",
                self.name, groups[row]
            ))),
            None => Ok(()),
        }
    }

    /// Splits made from the training rows alone, for choices that must not see the test rows.
    ///
    /// `make` gets the training rows (to pick their groups and outcomes) and answers splits of
    /// their positions 0, 1, …; the result speaks of row numbers again. No test row of `self` can
    /// be in it.
    ///
    /// # Errors
    /// What `make` returns, and [`Error::Split`] where its splits go beyond the training rows.
    ///
    /// # Examples
    /// ```
    /// use donormatch::evaluation::{GroupedKFold, Split};
    ///
    /// let groups = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4];
    /// let outer = GroupedKFold::new(5).splits(&groups, None, 1)?;
    /// let inner = outer[0].nested(|training| {
    ///     let groups: Vec<u32> = training.iter().map(|&row| groups[row]).collect();
    ///     GroupedKFold::new(4).splits(&groups, None, 2)
    /// })?;
    /// assert_eq!(inner.len(), 4);
    /// assert!(inner.iter().all(|split| !split.training().contains(&outer[0].test()[0])));
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn nested(&self, make: impl FnOnce(&[usize]) -> Result<Vec<Self>>) -> Result<Vec<Self>> {
        make(&self.training)?
            .into_iter()
            .map(|inner| {
                inner.check_rows(self.training.len())?;
                let rows = |positions: Vec<usize>| -> Vec<usize> {
                    positions.into_iter().map(|p| self.training[p]).collect()
                };
                Ok(Self {
                    name: format!("{} / {}", self.name, inner.name),
                    training: rows(inner.training),
                    test: rows(inner.test),
                    dropped: inner
                        .dropped
                        .into_iter()
                        .map(|dropped| DroppedRow {
                            row: self.training[dropped.row],
                            ..dropped
                        })
                        .collect(),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
