//! What every metric is computed from: scores beside observed outcomes, checked once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Scores beside the outcomes observed, one a row, borrowed and checked.
///
/// The scores must be of rows that were held out of everything learned: a metric of training rows
/// says nothing about a new patient. They are log-odds or probabilities for rank metrics, and
/// probabilities in \[0, 1\] for the others, which answer [`Undefined::NotProbability`] otherwise.
///
/// No row at all is allowed here; the metrics answer [`Undefined::NoRows`].
///
/// # Examples
/// ```
/// use donormatch::evaluation::{ScoredRows, roc_auc};
///
/// let rows = ScoredRows::new(&[0.1, 0.4, 0.35, 0.8], &[0.0, 0.0, 1.0, 1.0])?
///     .with_groups(&[0, 0, 1, 1])?;
/// assert_eq!(roc_auc(&rows), Ok(0.75));
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredRows<'a> {
    scores: &'a [f64],
    outcomes: &'a [f64],
    weights: Option<&'a [f64]>,
    groups: Option<&'a [u32]>,
    order: Option<&'a [u32]>,
}

impl<'a> ScoredRows<'a> {
    /// Finite scores and outcomes of 0 or 1.
    ///
    /// # Errors
    /// [`Error::Table`] where the lengths disagree, a score is not finite, or an outcome is
    /// neither 0 nor 1.
    pub fn new(scores: &'a [f64], outcomes: &'a [f64]) -> Result<Self> {
        check_length("outcomes", outcomes.len(), scores.len())?;
        if let Some(row) = scores.iter().position(|score| !score.is_finite()) {
            return Err(Error::table(format!(
                "row {row} of the scores is not finite"
            )));
        }
        check_outcomes(outcomes)?;
        if u32::try_from(scores.len()).is_err() {
            return Err(Error::table(format!(
                "{} rows, more than the {} that can be counted",
                scores.len(),
                u32::MAX
            )));
        }
        Ok(Self {
            scores,
            outcomes,
            weights: None,
            groups: None,
            order: None,
        })
    }

    /// The same outcomes, weights and groups with other scores: another model on the same rows.
    ///
    /// # Errors
    /// As [`ScoredRows::new`].
    pub fn with_scores(self, scores: &'a [f64]) -> Result<Self> {
        check_length("scores", scores.len(), self.n_rows())?;
        Ok(Self {
            weights: self.weights,
            groups: self.groups,
            ..Self::new(scores, self.outcomes)?
        })
    }

    /// Weights, one a row, finite and 0 or more; a row of weight 0 is as good as absent.
    ///
    /// # Errors
    /// [`Error::Table`] where that does not hold.
    pub fn with_weights(self, weights: &'a [f64]) -> Result<Self> {
        check_length("weights", weights.len(), self.n_rows())?;
        if let Some(row) = weights.iter().position(|&w| !(w.is_finite() && w >= 0.0)) {
            return Err(Error::table(format!(
                "row {row} of the weights is `{}`, expected a finite number of 0 or more",
                weights[row]
            )));
        }
        Ok(Self {
            weights: Some(weights),
            ..self
        })
    }

    /// Group numbers, one a row: what intervals resample and tests flip. Without them every row
    /// is a group of its own.
    ///
    /// # Errors
    /// [`Error::Table`] where the length differs.
    pub fn with_groups(self, groups: &'a [u32]) -> Result<Self> {
        check_length("groups", groups.len(), self.n_rows())?;
        Ok(Self {
            groups: Some(groups),
            ..self
        })
    }

    /// The scores.
    pub fn scores(&self) -> &'a [f64] {
        self.scores
    }

    /// The outcomes, 0 or 1.
    pub fn outcomes(&self) -> &'a [f64] {
        self.outcomes
    }

    /// The weights, if given.
    pub fn weights(&self) -> Option<&'a [f64]> {
        self.weights
    }

    /// The groups, if given.
    pub fn groups(&self) -> Option<&'a [u32]> {
        self.groups
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.scores.len()
    }

    /// Number of rows of positive weight.
    pub fn n_counted(&self) -> usize {
        self.counted().count()
    }

    /// Number of rows of positive weight with outcome 1.
    pub fn n_events(&self) -> usize {
        self.counted()
            .filter(|&row| is_event(self.outcomes[row]))
            .count()
    }

    /// Number of different groups of rows of positive weight; of such rows where no groups were
    /// given.
    pub fn n_groups(&self) -> usize {
        self.compact_groups().1
    }

    /// Rows of positive weight.
    fn counted(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.n_rows()).filter(|&row| self.weight(row) > 0.0)
    }

    /// The weight of one row: 1 where none were given.
    pub(super) fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    /// The weights given, or a 1 for every row.
    pub(super) fn weights_or_ones(&self) -> Vec<f64> {
        self.weights
            .map_or_else(|| vec![1.0; self.n_rows()], <[f64]>::to_vec)
    }

    /// Sum of weights without and with the event, where both are positive.
    pub(super) fn class_weights(&self) -> Result<(f64, f64), Undefined> {
        let (mut without, mut with) = (0.0, 0.0);
        for (row, &y) in self.outcomes.iter().enumerate() {
            if is_event(y) {
                with += self.weight(row);
            } else {
                without += self.weight(row);
            }
        }
        match (without > 0.0, with > 0.0) {
            (true, true) => Ok((without, with)),
            (false, false) => Err(Undefined::NoRows),
            (_, events) => Err(Undefined::OneClass {
                outcome: u8::from(events),
            }),
        }
    }

    /// That every score of positive weight can be read as a probability.
    pub(super) fn check_probabilities(&self) -> Result<(), Undefined> {
        match (0..self.n_rows())
            .find(|&row| self.weight(row) > 0.0 && !(0.0..=1.0).contains(&self.scores[row]))
        {
            Some(row) => Err(Undefined::NotProbability { row }),
            None => Ok(()),
        }
    }

    /// Row numbers by rising score; rows of equal score by their number.
    pub(super) fn rising_order(&self) -> Cow<'a, [u32]> {
        if let Some(order) = self.order {
            return Cow::Borrowed(order);
        }
        let mut keyed: Vec<(u64, u32)> = self
            .scores
            .iter()
            .zip(0_u32..)
            .map(|(&score, row)| (rising_key(score), row))
            .collect();
        keyed.sort_unstable();
        Cow::Owned(keyed.into_iter().map(|(_, row)| row).collect())
    }

    /// The same rows with weights and rising order known to be right: what a resample is made of.
    pub(super) fn reweighted<'b>(&self, weights: &'b [f64], order: &'b [u32]) -> ScoredRows<'b>
    where
        'a: 'b,
    {
        ScoredRows {
            weights: Some(weights),
            order: Some(order),
            ..*self
        }
    }

    /// Group of each row numbered from 0 by first appearance, and how many there are. Rows of
    /// weight 0 make no group: they get a number that does not matter.
    pub(super) fn compact_groups(&self) -> (Vec<u32>, usize) {
        let all: Vec<u32>;
        let groups = if let Some(groups) = self.groups {
            groups
        } else {
            all = (0..self.n_rows() as u32).collect();
            &all
        };
        if self.weights.is_none() {
            return compact(groups);
        }
        let counted: Vec<usize> = self.counted().collect();
        let (numbers, n_groups) =
            compact(&counted.iter().map(|&row| groups[row]).collect::<Vec<_>>());
        let mut of_row = vec![0; self.n_rows()];
        for (row, number) in counted.into_iter().zip(numbers) {
            of_row[row] = number;
        }
        (of_row, n_groups)
    }
}

/// [`number_groups`] for numbers that are small already, as they mostly are: by table.
fn compact(groups: &[u32]) -> (Vec<u32>, usize) {
    let largest = groups.iter().copied().max().unwrap_or(0) as usize;
    if largest > 4 * groups.len() {
        let (numbers, labels) = number_groups(groups);
        return (numbers, labels.len());
    }
    let mut numbers = vec![u32::MAX; largest + 1];
    let mut n_groups = 0;
    let compact = groups
        .iter()
        .map(|&group| {
            let number = &mut numbers[group as usize];
            if *number == u32::MAX {
                *number = n_groups;
                n_groups += 1;
            }
            *number
        })
        .collect();
    (compact, n_groups as usize)
}

/// Group numbers 0, 1, … in order of first appearance, and the label that each stands for.
///
/// # Examples
/// ```
/// use donormatch::evaluation::number_groups;
///
/// let (groups, labels) = number_groups(&["Routy", "Davar", "Routy"]);
/// assert_eq!(groups, [0, 1, 0]);
/// assert_eq!(labels, ["Routy", "Davar"]);
/// ```
pub fn number_groups<L: Ord + Clone>(labels: &[L]) -> (Vec<u32>, Vec<L>) {
    let mut numbers = BTreeMap::new();
    let mut distinct = Vec::new();
    let groups = labels
        .iter()
        .map(|label| {
            *numbers.entry(label).or_insert_with(|| {
                distinct.push(label.clone());
                distinct.len() as u32 - 1
            })
        })
        .collect();
    (groups, distinct)
}

/// Rows of each group, groups in order of their first row.
pub(super) fn members(groups: &[u32]) -> Vec<Vec<usize>> {
    let (numbers, labels) = number_groups(groups);
    let mut members = vec![Vec::new(); labels.len()];
    for (row, group) in numbers.into_iter().enumerate() {
        members[group as usize].push(row);
    }
    members
}

/// Bits that compare as the finite numbers do, with -0 equal to 0.
fn rising_key(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}

/// Whether an outcome, already known to be 0 or 1, is 1.
pub(super) fn is_event(outcome: f64) -> bool {
    outcome > 0.5
}

/// That one column is as long as it should be.
pub(super) fn check_length(what: &str, n: usize, n_rows: usize) -> Result<()> {
    if n == n_rows {
        Ok(())
    } else {
        Err(Error::table(format!("{n} {what} for {n_rows} rows")))
    }
}

/// That every outcome is 0 or 1.
pub(super) fn check_outcomes(outcomes: &[f64]) -> Result<()> {
    // y·(1 − y) is 0 at 0 and 1 only; NaN and infinities fail too.
    match outcomes.iter().position(|&y| y * (1.0 - y) != 0.0) {
        Some(row) => Err(Error::table(format!(
            "row {row} of the outcomes is `{}`, expected 0 or 1",
            outcomes[row]
        ))),
        None => Ok(()),
    }
}

/// Why a metric has no value on these rows. Not an error: a fold of one class is a fact of small
/// studies, and a table of results must be able to say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Undefined {
    /// There is no row, or none of positive weight.
    #[error("no rows")]
    NoRows,
    /// Every row has the same outcome.
    #[error("every outcome is {outcome}")]
    OneClass {
        /// That outcome.
        outcome: u8,
    },
    /// A score lies outside \[0, 1\] where a probability is needed.
    #[error("the score of row {row} is not a probability; calibrate the scores first")]
    NotProbability {
        /// The first such row.
        row: usize,
    },
    /// Every score is the same, so that a slope cannot be told.
    #[error("every score is the same")]
    ConstantScore,
    /// Scores part the outcomes completely, so that a slope has no finite value.
    #[error("the scores separate the outcomes completely")]
    Separated,
    /// The fit behind the metric did not reach its maximum.
    #[error("the fit did not converge")]
    NotConverged,
    /// Too few rows or groups of a kind for a variance.
    #[error("a variance needs at least 2 groups with and 2 without the event")]
    TooFewGroups,
    /// The variance is 0, which says nothing about another sample.
    #[error("the variance is 0, which says nothing about another sample")]
    NoVariance,
    /// The method is not defined for weighted rows.
    #[error("not defined for weighted rows")]
    Weighted,
    /// All rows belong to one group, so that nothing can be said about other groups.
    #[error("all rows are of one group; an interval needs at least 2")]
    OneGroup,
    /// Too many resamples had no value for an interval.
    #[error("{n_undefined} of {n_resamples} resamples have no value")]
    TooFewResamples {
        /// Resamples without a value.
        n_undefined: usize,
        /// Resamples drawn.
        n_resamples: usize,
    },
    /// The metric is defined in no fold.
    #[error("the metric is defined in no fold; folds of one class have no such value")]
    NoFold,
    /// Fewer cohorts than a mean with an interval needs.
    #[error("an interval over cohorts needs at least {needed}, found {found}")]
    TooFewCohorts {
        /// Cohorts needed.
        needed: usize,
        /// Cohorts with a value.
        found: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_rise_as_the_numbers_do() {
        let numbers = [-f64::MAX, -1.0, -f64::MIN_POSITIVE, 0.0, 1e-300, 2.0, 3e9];
        assert!(
            numbers
                .windows(2)
                .all(|pair| rising_key(pair[0]) < rising_key(pair[1]))
        );
        assert_eq!(rising_key(-0.0), rising_key(0.0));
    }

    #[test]
    fn small_and_large_group_numbers_are_numbered_alike() {
        let small = [3, 1, 3, 0, 1];
        let large = small.map(|group| group * 1_000_000);
        assert_eq!(compact(&small), (vec![0, 1, 0, 2, 1], 3));
        assert_eq!(compact(&large), compact(&small));
        assert_eq!(compact(&[]), (vec![], 0));
    }

    #[test]
    fn unusable_rows_are_refused_with_the_offender_named() {
        let told = |error: Error| error.to_string();
        assert_eq!(
            told(ScoredRows::new(&[0.5], &[]).unwrap_err()),
            "0 outcomes for 1 rows"
        );
        assert_eq!(
            told(ScoredRows::new(&[0.5, f64::NAN], &[0.0, 1.0]).unwrap_err()),
            "row 1 of the scores is not finite"
        );
        assert_eq!(
            told(ScoredRows::new(&[0.5], &[2.0]).unwrap_err()),
            "row 0 of the outcomes is `2`, expected 0 or 1"
        );
        let rows = ScoredRows::new(&[0.5], &[1.0]).unwrap();
        assert!(rows.with_weights(&[-1.0]).is_err());
        assert!(rows.with_groups(&[]).is_err());
    }
}
