//! What every metric is computed from: scores beside observed outcomes, checked once.

use std::borrow::Cow;

use super::undefined::Undefined;
use crate::numeric::groups::compact;
use crate::numeric::outcomes::{check_length, check_outcomes, is_event};
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
    /// What weights are multiplied by where they are used: see [`scale_of`].
    scale: f64,
    groups: Option<&'a [u32]>,
    order: Option<&'a [u32]>,
}

/// Weights beyond 2^±128: products of their sums would leave the range of a float.
const EXTREME_WEIGHT: f64 = 3.4e38;

/// 1, or the power of two that brings extreme weights to about 1: their ratios stay to the bit.
fn scale_of(weights: &[f64]) -> f64 {
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 || (1.0 / EXTREME_WEIGHT..=EXTREME_WEIGHT).contains(&largest) {
        return 1.0;
    }
    // The lower bound keeps the power itself finite: 2^1023 is the largest.
    (-largest.log2().floor()).clamp(-1022.0, 1023.0).exp2()
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
            scale: 1.0,
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
            scale: self.scale,
            groups: self.groups,
            ..Self::new(scores, self.outcomes)?
        })
    }

    /// Weights, one per row, finite and 0 or more; a row of weight 0 is as good as absent. A common
    /// factor does not matter, however large or small.
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
            scale: scale_of(weights),
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
    pub(crate) fn weight(&self, row: usize) -> f64 {
        self.weights
            .map_or(1.0, |weights| weights[row] * self.scale)
    }

    /// The weights given, or a 1 for every row.
    pub(crate) fn weights_or_ones(&self) -> Vec<f64> {
        (0..self.n_rows()).map(|row| self.weight(row)).collect()
    }

    /// Sum of weights without and with the event, where both are positive.
    pub(crate) fn class_weights(&self) -> Result<(f64, f64), Undefined> {
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
    pub(crate) fn check_probabilities(&self) -> Result<(), Undefined> {
        match (0..self.n_rows())
            .find(|&row| self.weight(row) > 0.0 && !(0.0..=1.0).contains(&self.scores[row]))
        {
            Some(row) => Err(Undefined::NotProbability { row }),
            None => Ok(()),
        }
    }

    /// Row numbers by rising score; rows of equal score by their number.
    pub(crate) fn rising_order(&self) -> Cow<'a, [u32]> {
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
    pub(crate) fn reweighted<'b>(&self, weights: &'b [f64], order: &'b [u32]) -> ScoredRows<'b>
    where
        'a: 'b,
    {
        ScoredRows {
            weights: Some(weights),
            scale: 1.0,
            order: Some(order),
            ..*self
        }
    }

    /// Group of each row numbered from 0 by first appearance, and how many there are. Rows of
    /// weight 0 make no group: they get a number that does not matter.
    pub(crate) fn compact_groups(&self) -> (Vec<u32>, usize) {
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

/// Bits that compare as the finite numbers do, with -0 equal to 0.
fn rising_key(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
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
