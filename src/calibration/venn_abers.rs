//! Inductive Venn–Abers prediction: a pair of probabilities, one of which is calibrated whatever
//! the distribution of scores.

use serde::{Deserialize, Serialize};

use super::isotonic::{
    Pooled, check_rising, coarse, is_probability, pool, pool_adjacent_violators,
};
use crate::numeric::decimal::Grid;
use crate::stored::checked_serde;
use crate::{Error, Result};

/// The fit takes time in the square of the distinct scores.
const MOST_SCORES: usize = 20_000;

/// Distinct scores at most where the method is only one of several to choose from, each fitted in
/// every fold: there it takes seconds.
const MOST_TO_CHOOSE: usize = 5_000;

/// For each calibration score, and each gap between two, the probabilities that isotonic
/// regression gives there when one more row of outcome 0 (lower) or 1 (upper) is added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct VennAbersMap {
    scores: Vec<f64>,
    at: Vec<(f64, f64)>,
    /// One more than there are scores: below the first, between, above the last.
    between: Vec<(f64, f64)>,
}

checked_serde!(VennAbersMap);

impl VennAbersMap {
    fn check_stored(&self) -> Result<()> {
        check_rising(&self.scores)?;
        let mut pairs = self.at.iter().chain(&self.between);
        let are_probabilities =
            pairs.all(|&(lower, upper)| is_probability(lower) && is_probability(upper));
        let n = self.scores.len();
        if self.at.len() == n && self.between.len() == n + 1 && are_probabilities {
            return Ok(());
        }
        Err(Error::model_file(
            "expected two probabilities per score of a Venn-Abers map and per gap around them",
        ))
    }

    /// Whether scores are few enough for a choice among methods.
    pub(super) fn may_be_chosen(scores: &[f64], outcomes: &[f64], weights: Option<&[f64]>) -> bool {
        pool(&coarse(scores), outcomes, weights).len() <= MOST_TO_CHOOSE
    }

    pub(super) fn fit(scores: &[f64], outcomes: &[f64], weights: Option<&[f64]>) -> Result<Self> {
        let pooled = pool(&coarse(scores), outcomes, weights);
        if pooled.len() > MOST_SCORES {
            return Err(Error::table(format!(
                "Venn-Abers takes time in the square of the distinct scores: expected at most \
                 {MOST_SCORES}, found {}; calibrate by `isotonic`",
                pooled.len()
            )));
        }
        // The added row weighs as much as an average one.
        let weight = match weights {
            None => 1.0,
            Some(weights) => {
                let used = weights
                    .iter()
                    .filter(|&&weight| weight > 0.0)
                    .count()
                    .max(1);
                weights.iter().sum::<f64>() / used as f64
            }
        };
        let at = (0..pooled.len())
            .map(|place| {
                both(|outcome| {
                    let mut with = pooled.clone();
                    with[place].positive += weight * outcome;
                    with[place].weight += weight;
                    pool_adjacent_violators(&with)[place]
                })
            })
            .collect();
        let between = (0..=pooled.len())
            .map(|place| {
                both(|outcome| {
                    let mut with = pooled.clone();
                    let added = Pooled {
                        score: f64::NAN,
                        positive: weight * outcome,
                        weight,
                    };
                    with.insert(place, added);
                    pool_adjacent_violators(&with)[place]
                })
            })
            .collect();
        Ok(Self {
            scores: pooled.iter().map(|one| one.score).collect(),
            at,
            between,
        })
    }

    /// The probabilities had the row outcome 0, and had it outcome 1.
    pub(super) fn interval(&self, score: f64) -> (f64, f64) {
        let score = Grid::PLAIN.nearest(score);
        let place = self.scores.partition_point(|&known| known < score);
        if self.scores.get(place).is_some_and(|&known| known <= score) {
            self.at[place]
        } else {
            self.between[place]
        }
    }

    /// The two merged into the one that minimizes the largest regret in log loss.
    pub(super) fn probability(&self, score: f64) -> f64 {
        let (lower, upper) = self.interval(score);
        upper / (1.0 - lower + upper)
    }
}

fn both(value: impl Fn(f64) -> f64) -> (f64, f64) {
    (value(0.0), value(1.0))
}
