//! Tests from outside that a procedure does not look at the rows it is tested on.

use super::audit::LeakAudit;
use super::procedure::{Procedure, run};
use crate::split::Split;
use crate::{Error, Result};

/// That changing test rows leaves what was learned unchanged.
///
/// `changed` is the same procedure on data in which only `changed_rows`, all of them test rows,
/// have other features. Everything recorded with
/// [`SplitAudit::record_values`](super::SplitAudit::record_values) and the scores of the other
/// test rows must be the same to the last bit. A filter or a scaling over all rows is found this
/// way even where nothing was recorded.
///
/// # Errors
/// [`Error::Leak`] naming the statistic or the row that differs; [`Error::Split`] where a changed
/// row is not a test row of `split`, or no test row stays unchanged; whatever the procedures
/// return.
pub fn check_blind_to_test(
    original: &(impl Procedure + ?Sized),
    changed: &(impl Procedure + ?Sized),
    changed_rows: &[usize],
    outcomes: &[f64],
    split: &Split,
    seed: u64,
) -> Result<()> {
    split.check_rows(outcomes.len())?;
    if let Some(row) = changed_rows
        .iter()
        .find(|&row| split.test().binary_search(row).is_err())
    {
        return Err(Error::split(format!(
            "row {row} is not a test row of split `{}`",
            split.name()
        )));
    }
    let unchanged = |row: &usize| !changed_rows.contains(row);
    if !split.test().iter().any(unchanged) {
        return Err(Error::split(format!(
            "every test row of split `{}` is changed; leave one to compare",
            split.name()
        )));
    }
    let (before, audit) = run(original, outcomes, split, &[], seed)?;
    let (after, audit_after) = run(changed, outcomes, split, &[], seed)?;
    compare_learned(&audit, &audit_after, split)?;
    for (place, row) in split.test().iter().enumerate() {
        if unchanged(row) && before[place].to_bits() != after[place].to_bits() {
            return Err(Error::leak(format!(
                "split `{}`: the score of row {row} went from {} to {} when other test rows \
                 changed",
                split.name(),
                before[place],
                after[place]
            )));
        }
    }
    Ok(())
}

fn compare_learned(before: &LeakAudit, after: &LeakAudit, split: &Split) -> Result<()> {
    if before.entries().len() != after.entries().len() {
        return Err(Error::leak(format!(
            "split `{}`: {} statistics were learned, {} when test rows changed",
            split.name(),
            before.entries().len(),
            after.entries().len()
        )));
    }
    match before
        .entries()
        .iter()
        .zip(after.entries())
        .find(|(before, after)| before != after)
    {
        Some((entry, _)) => Err(Error::leak(format!(
            "split `{}`: `{}` was learned otherwise when test rows changed",
            split.name(),
            entry.statistic
        ))),
        None => Ok(()),
    }
}

/// That each test row gets the same score alone as among all test rows.
///
/// It fails for procedures that look at the test rows together: ranks or means of the test set,
/// a batch correction fitted to it. Costs one run of the procedure for each test row.
///
/// # Errors
/// [`Error::Leak`] naming the first row whose score differs; whatever the procedure returns.
pub fn check_scores_apart(
    procedure: &(impl Procedure + ?Sized),
    outcomes: &[f64],
    split: &Split,
    seed: u64,
) -> Result<()> {
    split.check_rows(outcomes.len())?;
    let (together, _) = run(procedure, outcomes, split, &[], seed)?;
    for (&row, score) in split.test().iter().zip(together) {
        let alone = Split::new(split.name(), split.training().to_vec(), vec![row])?;
        let (scores, _) = run(procedure, outcomes, &alone, &[], seed)?;
        if scores.first().map(|alone| alone.to_bits()) != Some(score.to_bits()) {
            return Err(Error::leak(format!(
                "split `{}`: row {row} scores otherwise alone than among the other test rows",
                split.name()
            )));
        }
    }
    Ok(())
}
