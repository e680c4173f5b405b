//! Grouped k-fold: each row tested once, groups whole, folds about equal.

use serde::{Deserialize, Serialize};

use super::Split;
use crate::numeric::groups::members;
use crate::numeric::outcomes::{check_length, check_outcomes, is_event};
use crate::numeric::xoshiro::{Random, derive_seed};
use crate::{Error, Result};

/// More repeats tell nothing more, and their splits would fill the memory.
const MAX_REPEATS: usize = 10_000;

/// Grouped k-fold cross-validation, repeated.
///
/// Groups are shuffled by the seed, the largest dealt first, each to the fold that it leaves most
/// even in rows and, where outcomes are given, in rows with and without the event. Even folds are
/// tried for, whole groups are kept: with few or unequal groups the folds differ.
///
/// # Examples
/// ```
/// use donormatch::evaluation::GroupedKFold;
///
/// let splits = GroupedKFold::new(2).splits(&[7, 7, 8, 8], None, 0)?;
/// assert_eq!(splits[0].test().len(), 2);
/// let error = GroupedKFold::new(5).splits(&[7, 7, 8, 8], None, 0).unwrap_err();
/// assert!(error.to_string().contains("2 groups"));
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GroupedKFold {
    /// Folds, 2 or more. Default 5.
    pub n_folds: usize,
    /// Times that the groups are dealt anew, at most 10,000. Default 1.
    pub n_repeats: usize,
    /// The largest share of all rows that one group may hold. Default 0.5: beyond it, the fold of
    /// that group learns from less than it tests.
    pub max_group_share: f64,
}

impl Default for GroupedKFold {
    fn default() -> Self {
        Self {
            n_folds: 5,
            n_repeats: 1,
            max_group_share: 0.5,
        }
    }
}

impl GroupedKFold {
    /// `n_folds` folds, once.
    pub fn new(n_folds: usize) -> Self {
        Self {
            n_folds,
            ..Self::default()
        }
    }

    /// The same, repeated.
    #[must_use]
    pub fn with_n_repeats(self, n_repeats: usize) -> Self {
        Self { n_repeats, ..self }
    }

    /// The same with another largest share of one group.
    #[must_use]
    pub fn with_max_group_share(self, max_group_share: f64) -> Self {
        Self {
            max_group_share,
            ..self
        }
    }

    /// `n_folds` · `n_repeats` splits: folds of the first repeat, of the second, …
    ///
    /// Within a repeat every row is tested once. `outcomes` (0 or 1) even out the events; each
    /// repeat derives its own seed.
    ///
    /// # Errors
    /// [`Error::Split`] where there are fewer groups than folds, or one group holds more than
    /// `max_group_share` of the rows; [`Error::Parameter`] where a setting is out of range;
    /// [`Error::Table`] where the lengths differ or an outcome is neither 0 nor 1.
    pub fn splits(
        &self,
        groups: &[u32],
        outcomes: Option<&[f64]>,
        seed: u64,
    ) -> Result<Vec<Split>> {
        let folds_by_repeat = self.folds(groups, outcomes, seed)?;
        let mut splits = Vec::new();
        for (repeat, folds) in folds_by_repeat.into_iter().enumerate() {
            for fold in 0..self.n_folds {
                let mut name = format!("fold {}/{}", fold + 1, self.n_folds);
                if self.n_repeats > 1 {
                    name = format!("repeat {}/{}, {name}", repeat + 1, self.n_repeats);
                }
                let (test, training) = (0..groups.len()).partition(|&row| folds[row] == fold);
                splits.push(Split::new(name, training, test)?);
            }
        }
        Ok(splits)
    }

    /// The splits of the training rows of `outer`, for choices inside it.
    ///
    /// `groups` and `outcomes` are those of all rows.
    ///
    /// # Errors
    /// As [`GroupedKFold::splits`], about the training rows alone.
    pub fn nested_splits(
        &self,
        outer: &Split,
        groups: &[u32],
        outcomes: Option<&[f64]>,
        seed: u64,
    ) -> Result<Vec<Split>> {
        outer.check_rows(groups.len())?;
        if let Some(outcomes) = outcomes {
            check_length("outcomes", outcomes.len(), groups.len())?;
        }
        outer.nested(|training| {
            let groups: Vec<u32> = training.iter().map(|&row| groups[row]).collect();
            let outcomes: Option<Vec<f64>> =
                outcomes.map(|outcomes| training.iter().map(|&row| outcomes[row]).collect());
            self.splits(&groups, outcomes.as_deref(), seed)
        })
    }

    /// For each repeat, the fold of each row.
    pub(crate) fn folds(
        &self,
        groups: &[u32],
        outcomes: Option<&[f64]>,
        seed: u64,
    ) -> Result<Vec<Vec<usize>>> {
        self.check()?;
        let members = members(groups);
        self.check_members(&members, groups)?;
        if let Some(outcomes) = outcomes {
            check_length("outcomes", outcomes.len(), groups.len())?;
            check_outcomes(outcomes)?;
        }
        let shares = shares(&members, outcomes, groups.len());
        Ok((0..self.n_repeats)
            .map(|repeat| {
                let dealt = deal(&shares, self.n_folds, derive_seed(seed, repeat));
                let mut folds = vec![0; groups.len()];
                for (rows, fold) in members.iter().zip(dealt) {
                    for &row in rows {
                        folds[row] = fold;
                    }
                }
                folds
            })
            .collect())
    }

    fn check(&self) -> Result<()> {
        if self.n_folds < 2 {
            return Err(Error::parameter(
                "n_folds",
                format!("expected 2 or more, found {}", self.n_folds),
            ));
        }
        if !(1..=MAX_REPEATS).contains(&self.n_repeats) {
            return Err(Error::parameter(
                "n_repeats",
                format!("expected 1 to {MAX_REPEATS}, found {}", self.n_repeats),
            ));
        }
        if !(self.max_group_share > 0.0 && self.max_group_share <= 1.0) {
            return Err(Error::parameter(
                "max_group_share",
                format!("`{}` is not inside (0, 1]", self.max_group_share),
            ));
        }
        Ok(())
    }

    fn check_members(&self, members: &[Vec<usize>], groups: &[u32]) -> Result<()> {
        if members.len() < self.n_folds {
            return Err(Error::split(format!(
                "{} groups in {} rows cannot fill {} folds; set `n_folds` to {} or fewer, or \
                 leave one group out at a time",
                members.len(),
                groups.len(),
                self.n_folds,
                members.len()
            )));
        }
        let largest = members.iter().max_by_key(|rows| rows.len());
        if let Some(rows) = largest
            && rows.len() as f64 > self.max_group_share * groups.len() as f64
        {
            return Err(Error::split(format!(
                "group {} holds {} of {} rows, more than `max_group_share` = {}; part what links \
                 its rows, or raise `max_group_share`",
                groups[rows[0]],
                rows.len(),
                groups.len(),
                self.max_group_share
            )));
        }
        Ok(())
    }
}

/// What a group holds of all rows, of rows without and of rows with the event.
type Shares = [f64; 3];

fn shares(members: &[Vec<usize>], outcomes: Option<&[f64]>, n_rows: usize) -> Vec<Shares> {
    let n_events = outcomes.map_or(0, |all| all.iter().filter(|&&y| is_event(y)).count());
    let share = |n: usize, of: usize| n as f64 / of.max(1) as f64;
    members
        .iter()
        .map(|rows| {
            let Some(outcomes) = outcomes else {
                return [share(rows.len(), n_rows), 0.0, 0.0];
            };
            let with = rows.iter().filter(|&&row| is_event(outcomes[row])).count();
            [
                share(rows.len(), n_rows),
                share(rows.len() - with, n_rows - n_events),
                share(with, n_events),
            ]
        })
        .collect()
}

/// The fold of each group: largest first, each where the sum of squared loads grows least. A fold
/// without any group always grows least, so none stays empty.
fn deal(shares: &[Shares], n_folds: usize, seed: u64) -> Vec<usize> {
    let mut random = Random::new(seed);
    let mut order: Vec<usize> = (0..shares.len()).collect();
    random.shuffle(&mut order);
    let size = |group: usize| shares[group].iter().fold(0.0_f64, |a, &b| a.max(b));
    order.sort_by(|&a, &b| size(b).total_cmp(&size(a)));
    let mut fold_order: Vec<usize> = (0..n_folds).collect();
    random.shuffle(&mut fold_order);
    let mut loads = vec![[0.0; 3]; n_folds];
    let mut dealt = vec![0; shares.len()];
    for group in order {
        // (load + share)² − load², the part that depends on the fold
        let growth = |fold: usize| -> f64 {
            let load: &Shares = &loads[fold];
            load.iter().zip(&shares[group]).map(|(l, s)| l * s).sum()
        };
        let fold = fold_order
            .iter()
            .copied()
            .min_by(|&a, &b| growth(a).total_cmp(&growth(b)))
            .unwrap_or(0);
        for (load, share) in loads[fold].iter_mut().zip(&shares[group]) {
            *load += share;
        }
        dealt[group] = fold;
    }
    dealt
}
