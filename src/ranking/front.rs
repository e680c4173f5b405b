//! Response against toxicity: the donors that no other donor beats on both.

use crate::cancel;

/// Which points no other point dominates, where more `gain` and less `harm` are better.
///
/// A point is dominated if another has at least its gain and at most its harm, one of them
/// strictly better; equal points stand or fall together. Sort and sweep, `O(n log n)`.
pub(super) fn pareto_front(gain: &[f64], harm: &[f64]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..gain.len()).collect();
    order.sort_by(|&a, &b| {
        gain[b]
            .total_cmp(&gain[a])
            .then(harm[a].total_cmp(&harm[b]))
    });
    let mut front = vec![false; gain.len()];
    // Least harm among points of strictly more gain, and among those of the present gain.
    let (mut least_above, mut least_here, mut gain_here) = (f64::INFINITY, f64::INFINITY, f64::NAN);
    for &at in &order {
        if gain[at].total_cmp(&gain_here).is_ne() {
            least_above = least_above.min(least_here);
            least_here = harm[at];
            gain_here = gain[at];
        }
        front[at] = harm[at] <= least_here && harm[at] < least_above;
    }
    front
}

/// Share of draws in which each donor lies on the front; one row a donor, one column a draw.
pub(super) fn p_on_front(gain: &[&[f64]], harm: &[&[f64]], n_draws: usize) -> Vec<f64> {
    let mut share = vec![0.0; gain.len()];
    for draw in 0..n_draws {
        if cancel::is_cancelled() {
            break;
        }
        let gains: Vec<f64> = gain.iter().map(|donor| donor[draw]).collect();
        let harms: Vec<f64> = harm.iter().map(|donor| donor[draw]).collect();
        for (share, on) in share.iter_mut().zip(pareto_front(&gains, &harms)) {
            *share += f64::from(u8::from(on));
        }
    }
    share.iter().map(|n| n / n_draws as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by_definition(gain: &[f64], harm: &[f64]) -> Vec<bool> {
        (0..gain.len())
            .map(|a| {
                !(0..gain.len()).any(|b| {
                    gain[b] >= gain[a]
                        && harm[b] <= harm[a]
                        && (gain[b] > gain[a] || harm[b] < harm[a])
                })
            })
            .collect()
    }

    #[test]
    fn a_donor_with_less_response_and_more_toxicity_is_off_the_front() {
        assert_eq!(
            pareto_front(&[0.5, 0.4, 0.3, 0.5], &[0.3, 0.2, 0.25, 0.3]),
            [true, true, false, true]
        );
        assert!(pareto_front(&[], &[]).is_empty());
    }

    #[test]
    fn the_share_on_the_front_counts_draws() {
        let share = p_on_front(&[&[0.5, 0.5], &[0.4, 0.6]], &[&[0.1, 0.1], &[0.2, 0.1]], 2);
        assert_eq!(share, [0.5, 0.5]);
    }

    proptest! {
        #[test]
        fn the_sweep_equals_the_definition(
            points in proptest::collection::vec((0u8..6, 0u8..6), 0..12),
        ) {
            let gain: Vec<f64> = points.iter().map(|p| f64::from(p.0)).collect();
            let harm: Vec<f64> = points.iter().map(|p| f64::from(p.1)).collect();
            prop_assert_eq!(pareto_front(&gain, &harm), by_definition(&gain, &harm));
        }
    }
}
