//! Labels of rows as group numbers.

use std::collections::BTreeMap;

/// [`number_groups`] for numbers that are small already, as they mostly are: by table.
pub(crate) fn compact(groups: &[u32]) -> (Vec<u32>, usize) {
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
pub(crate) fn members(groups: &[u32]) -> Vec<Vec<usize>> {
    let (numbers, labels) = number_groups(groups);
    let mut members = vec![Vec::new(); labels.len()];
    for (row, group) in numbers.into_iter().enumerate() {
        members[group as usize].push(row);
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_group_numbers_are_numbered_alike() {
        let small = [3, 1, 3, 0, 1];
        let large = small.map(|group| group * 1_000_000);
        assert_eq!(compact(&small), (vec![0, 1, 0, 2, 1], 3));
        assert_eq!(compact(&large), compact(&small));
        assert_eq!(compact(&[]), (vec![], 0));
    }
}
