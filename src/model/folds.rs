//! Grouped folds for choices made inside the training rows: a group never stands on both sides.

use std::collections::BTreeMap;

use crate::numeric::random::SplitMix64;
use crate::{Error, Result};

/// The fold, 0 to `n_folds` − 1, of each row: groups are dealt in shuffled order, largest first,
/// each to the fold that holds fewest rows of the rarer outcome, then fewest rows.
///
/// Without groups every row is its own.
///
/// # Errors
/// [`Error::Parameter`] for fewer than two folds, [`Error::Split`] where there are fewer groups
/// than folds or a fold would leave only one outcome to train on.
pub(crate) fn grouped_folds(
    outcomes: &[f64],
    groups: Option<&[u32]>,
    n_folds: usize,
    seed: u64,
) -> Result<Vec<usize>> {
    if n_folds < 2 {
        return Err(Error::parameter(
            "n_folds",
            format!("expected at least 2, found {n_folds}"),
        ));
    }
    let mut members: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for row in 0..outcomes.len() {
        let group = groups.map_or(row as u64, |groups| u64::from(groups[row]));
        members.entry(group).or_default().push(row);
    }
    if members.len() < n_folds {
        return Err(Error::split(format!(
            "{n_folds} folds need at least as many groups, found {}; ask for fewer folds",
            members.len()
        )));
    }
    let n_positive = outcomes.iter().filter(|&&outcome| outcome > 0.5).count();
    let rare_is_positive = 2 * n_positive <= outcomes.len();
    let n_rare = |rows: &[usize]| {
        rows.iter()
            .filter(|&&row| (outcomes[row] > 0.5) == rare_is_positive)
            .count()
    };
    let mut dealt: Vec<(usize, Vec<usize>)> = members
        .into_values()
        .map(|rows| (n_rare(&rows), rows))
        .collect();
    SplitMix64::new(seed).shuffle(&mut dealt);
    // Stable: groups of one size keep their shuffled order.
    dealt.sort_by_key(|(rare, rows)| std::cmp::Reverse((*rare, rows.len())));
    let mut filled = vec![(0_usize, 0_usize); n_folds];
    let mut fold_of = vec![0; outcomes.len()];
    for (rare, rows) in dealt {
        let fold = lightest(&filled, rare > 0);
        filled[fold].0 += rare;
        filled[fold].1 += rows.len();
        for row in rows {
            fold_of[row] = fold;
        }
    }
    check_training_sides(outcomes, &fold_of, n_folds)?;
    Ok(fold_of)
}

fn lightest(filled: &[(usize, usize)], by_rare: bool) -> usize {
    let weight = |&(rare, rows): &(usize, usize)| if by_rare { (rare, rows) } else { (rows, rare) };
    let mut best = 0;
    for fold in 1..filled.len() {
        if weight(&filled[fold]) < weight(&filled[best]) {
            best = fold;
        }
    }
    best
}

fn check_training_sides(outcomes: &[f64], fold_of: &[usize], n_folds: usize) -> Result<()> {
    for fold in 0..n_folds {
        let mut seen = [false; 2];
        for (&outcome, &its_fold) in outcomes.iter().zip(fold_of) {
            if its_fold != fold {
                seen[usize::from(outcome > 0.5)] = true;
            }
        }
        if seen != [true, true] {
            return Err(Error::split(format!(
                "without fold {fold} only one outcome is left to learn from; \
                 ask for other folds or merge groups"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_group_stands_on_both_sides() {
        let outcomes: Vec<f64> = (0..40).map(|row| f64::from(row % 3 == 0)).collect();
        let groups: Vec<u32> = (0..40).map(|row| row / 4).collect();
        let folds = grouped_folds(&outcomes, Some(&groups), 5, 3).unwrap();
        for row in 0..40 {
            assert_eq!(folds[row], folds[row / 4 * 4]);
        }
        for fold in 0..5 {
            assert_eq!(folds.iter().filter(|&&f| f == fold).count(), 8);
        }
    }

    #[test]
    fn outcomes_are_spread_over_the_folds() {
        let outcomes: Vec<f64> = (0..50).map(|row| f64::from(row < 10)).collect();
        let folds = grouped_folds(&outcomes, None, 5, 0).unwrap();
        for fold in 0..5 {
            let positive = (0..10).filter(|&row| folds[row] == fold).count();
            assert_eq!(positive, 2);
        }
    }

    #[test]
    fn too_few_groups_or_outcomes_are_refused() {
        let outcomes = [0.0, 1.0, 0.0, 1.0];
        assert!(grouped_folds(&outcomes, Some(&[1, 1, 2, 2]), 3, 0).is_err());
        assert!(grouped_folds(&outcomes, None, 1, 0).is_err());
        assert!(grouped_folds(&[0.0, 1.0, 0.0], None, 2, 0).is_err());
    }
}
