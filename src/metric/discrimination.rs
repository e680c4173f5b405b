//! How well scores put the events above the rest: ROC AUC and average precision.

use super::rows::ScoredRows;
use super::undefined::Undefined;
use crate::numeric::outcomes::is_event;

/// Area under the ROC curve: the chance that a random row with the event scores above a random
/// row without it, ties counting half.
///
/// AUC = Σᵢⱼ wᵢ wⱼ (\[sᵢ > sⱼ\] + ½\[sᵢ = sⱼ\]) / (Σᵢ wᵢ Σⱼ wⱼ), i with the event, j without.
/// Any rising transformation of the scores leaves it as it is. It says nothing about calibration.
///
/// # Errors
/// [`Undefined::OneClass`] or [`Undefined::NoRows`].
///
/// # Examples
/// ```
/// use donormatch::evaluation::{ScoredRows, Undefined, roc_auc};
///
/// let tied = ScoredRows::new(&[1.0, 1.0, 2.0], &[0.0, 1.0, 1.0])?;
/// assert_eq!(roc_auc(&tied), Ok(0.75));
/// let one_class = ScoredRows::new(&[1.0, 2.0], &[1.0, 1.0])?;
/// assert_eq!(roc_auc(&one_class), Err(Undefined::OneClass { outcome: 1 }));
/// # Ok::<(), donormatch::Error>(())
/// ```
///
/// # References
/// Hanley JA, McNeil BJ. Radiology 1982;143:29–36.
#[expect(clippy::doc_markdown, reason = "the name of an author")]
pub fn roc_auc(rows: &ScoredRows<'_>) -> Result<f64, Undefined> {
    let (without, with) = rows.class_weights()?;
    let mut pairs = 0.0;
    let mut below = 0.0; // weight without the event at lower scores
    for tie in ties(rows, &rows.rising_order()) {
        pairs += tie.with * (below + 0.5 * tie.without);
        below += tie.without;
    }
    Ok((pairs / (without * with)).clamp(0.0, 1.0))
}

/// Average precision: the area under the precision–recall curve, taken by steps.
///
/// AP = Σₖ (Rₖ − Rₖ₋₁) Pₖ over the different scores from high to low, where Rₖ and Pₖ are the
/// recall and the precision of calling every score of at least the k-th an event. Its value
/// without skill is the share of events, not ½.
///
/// # Errors
/// [`Undefined::OneClass`] or [`Undefined::NoRows`].
///
/// # Examples
/// ```
/// use donormatch::evaluation::{ScoredRows, average_precision};
///
/// let rows = ScoredRows::new(&[0.1, 0.4, 0.35, 0.8], &[0.0, 0.0, 1.0, 1.0])?;
/// assert!((average_precision(&rows).unwrap() - 5.0 / 6.0).abs() < 1e-15);
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn average_precision(rows: &ScoredRows<'_>) -> Result<f64, Undefined> {
    let (_, events) = rows.class_weights()?;
    let falling: Vec<u32> = rows.rising_order().iter().rev().copied().collect();
    let (mut called, mut found, mut area) = (0.0, 0.0, 0.0);
    for tie in ties(rows, &falling) {
        called += tie.with + tie.without;
        found += tie.with;
        if tie.with > 0.0 {
            area += tie.with * (found / called);
        }
    }
    Ok((area / events).clamp(0.0, 1.0))
}

/// Weight with and without the event among rows of one score.
struct Tie {
    with: f64,
    without: f64,
}

/// Runs of equal scores, in the order given.
fn ties<'a>(rows: &'a ScoredRows<'a>, order: &'a [u32]) -> impl Iterator<Item = Tie> + 'a {
    order
        .chunk_by(|&a, &b| same_score(rows, a, b))
        .map(|rows_of_tie| {
            let mut tie = Tie {
                with: 0.0,
                without: 0.0,
            };
            for &row in rows_of_tie {
                let row = row as usize;
                if is_event(rows.outcomes()[row]) {
                    tie.with += rows.weight(row);
                } else {
                    tie.without += rows.weight(row);
                }
            }
            tie
        })
}

#[expect(clippy::float_cmp, reason = "a tie is exact equality")]
pub(crate) fn same_score(rows: &ScoredRows<'_>, a: u32, b: u32) -> bool {
    rows.scores()[a as usize] == rows.scores()[b as usize]
}
