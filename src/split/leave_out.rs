//! One study, donor or other group left out at a time.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::{DropReason, DroppedRow, Split};
use crate::numeric::outcomes::check_length;
use crate::{Error, Result};

/// One split a label, in rising order of labels: its rows are tested, all others learned from.
///
/// `labels` are studies for leave-one-study-out, donors for leave-one-donor-out. `linked` are
/// groups that must not be parted (see [`link_groups`](super::link_groups)): a training row whose
/// group is also tested, such as a donor who gave in two studies, is dropped and listed.
///
/// # Errors
/// [`Error::Split`] with fewer than 2 labels, or where a label leaves nothing to learn from;
/// [`Error::Table`] where the lengths differ.
///
/// # Examples
/// ```
/// use donormatch::evaluation::leave_one_group_out;
///
/// let studies = ["Davar", "Davar", "Routy", "Routy"];
/// let donors = [1, 2, 2, 3];
/// let splits = leave_one_group_out(&studies, Some(&donors))?;
/// assert_eq!((splits[0].name(), splits[0].test()), ("Davar", &[0, 1][..]));
/// assert_eq!(splits[0].training(), [3]);
/// assert_eq!(splits[0].dropped()[0].row, 2);
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn leave_one_group_out<L: Ord + Display>(
    labels: &[L],
    linked: Option<&[u32]>,
) -> Result<Vec<Split>> {
    if let Some(linked) = linked {
        check_length("linked groups", linked.len(), labels.len())?;
    }
    let mut members: BTreeMap<&L, Vec<usize>> = BTreeMap::new();
    for (row, label) in labels.iter().enumerate() {
        members.entry(label).or_default().push(row);
    }
    if members.len() < 2 {
        return Err(Error::split(format!(
            "{} groups in {} rows: leaving one out needs at least 2",
            members.len(),
            labels.len()
        )));
    }
    members
        .into_iter()
        .map(|(label, test)| leave_out(label, test, labels, linked))
        .collect()
}

fn leave_out<L: Ord + Display>(
    label: &L,
    test: Vec<usize>,
    labels: &[L],
    linked: Option<&[u32]>,
) -> Result<Split> {
    let mut tested: Vec<u32> = linked
        .map(|linked| test.iter().map(|&row| linked[row]).collect())
        .unwrap_or_default();
    tested.sort_unstable();
    let (dropped, training): (Vec<usize>, Vec<usize>) = (0..labels.len())
        .filter(|&row| labels[row] != *label)
        .partition(|&row| linked.is_some_and(|linked| tested.binary_search(&linked[row]).is_ok()));
    if training.is_empty() {
        return Err(Error::split(format!(
            "leaving out `{label}` leaves nothing to learn from: all {} other rows are linked to \
             it; part what links them",
            dropped.len()
        )));
    }
    let dropped = dropped
        .into_iter()
        .map(|row| DroppedRow {
            row,
            reason: DropReason::LinkedToTest,
        })
        .collect();
    Split::with_dropped(label.to_string(), training, test, dropped)
}
