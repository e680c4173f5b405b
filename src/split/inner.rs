//! Folds for choices made inside the training rows.

use super::GroupedKFold;
use crate::numeric::outcomes::is_event;
use crate::{Error, Result};

/// The fold, 0 to `n_folds` − 1, of each row, dealt as [`GroupedKFold`] deals; without groups
/// every row is its own.
///
/// # Errors
/// As [`GroupedKFold::splits`], and [`Error::Split`] if a fold would leave only one outcome to
/// learn from.
pub(crate) fn inner_folds(
    outcomes: &[f64],
    groups: Option<&[u32]>,
    n_folds: usize,
    seed: u64,
) -> Result<Vec<usize>> {
    let own: Vec<u32>;
    let groups = if let Some(groups) = groups {
        groups
    } else {
        own = (0..outcomes.len() as u32).collect();
        &own
    };
    let folds = GroupedKFold::new(n_folds).with_max_group_share(1.0);
    let fold_of = folds
        .folds(groups, Some(outcomes), seed)?
        .pop()
        .unwrap_or_default();
    check_training_sides(outcomes, &fold_of, n_folds)?;
    Ok(fold_of)
}

fn check_training_sides(outcomes: &[f64], fold_of: &[usize], n_folds: usize) -> Result<()> {
    for fold in 0..n_folds {
        let mut seen = [false; 2];
        for (&outcome, &its_fold) in outcomes.iter().zip(fold_of) {
            if its_fold != fold {
                seen[usize::from(is_event(outcome))] = true;
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
        let folds = inner_folds(&outcomes, Some(&groups), 5, 3).unwrap();
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
        let folds = inner_folds(&outcomes, None, 5, 0).unwrap();
        for fold in 0..5 {
            let positive = (0..10).filter(|&row| folds[row] == fold).count();
            assert_eq!(positive, 2);
        }
    }

    #[test]
    fn too_few_groups_or_outcomes_are_refused() {
        let outcomes = [0.0, 1.0, 0.0, 1.0];
        assert!(inner_folds(&outcomes, Some(&[1, 1, 2, 2]), 3, 0).is_err());
        assert!(inner_folds(&outcomes, None, 1, 0).is_err());
        assert!(inner_folds(&[0.0, 1.0, 0.0], None, 2, 0).is_err());
    }
}
