//! Statistics over posterior draws. Inputs are checked by the caller: never empty, never NaN.

use crate::cancel;
use crate::numeric::summary::quantile;

/// Utilities closer than this are a tie: far below any meaning, far above rounding.
pub(super) const TIE: f64 = 1e-12;

/// Lower and upper end of the interval with equal tails that holds `level` of the values.
pub(super) fn interval(values: &[f64], level: f64) -> (f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let tail = (1.0 - level) / 2.0;
    (quantile(&sorted, tail), quantile(&sorted, 1.0 - tail))
}

/// Share of draws in which `a` lies above `b`; a tie counts half.
pub(super) fn p_above(a: &[f64], b: &[f64]) -> f64 {
    let wins: f64 = a
        .iter()
        .zip(b)
        .map(|(a, b)| match a - b {
            d if d > TIE => 1.0,
            d if d < -TIE => 0.0,
            _ => 0.5,
        })
        .sum();
    wins / a.len() as f64
}

/// What the draws say about each donor.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Standing {
    /// Share of draws in which it is the best; ties are split.
    pub(super) p_best: f64,
    /// Mean distance to the best of each draw.
    pub(super) expected_regret: f64,
    /// Interval of its place.
    pub(super) rank: (usize, usize),
}

/// Best shares, regrets and rank intervals of donors from their utilities, one row of `n_draws` a
/// donor.
#[expect(
    clippy::needless_range_loop,
    reason = "a draw is a column through all donors, not an element of one"
)]
pub(super) fn standings(donors: &[&[f64]], n_draws: usize, level: f64) -> Vec<Standing> {
    let n = donors.len();
    let mut standings = vec![Standing::default(); n];
    let mut places = vec![Vec::with_capacity(n_draws); n];
    let mut order: Vec<usize> = (0..n).collect();
    for draw in 0..n_draws {
        if cancel::is_cancelled() {
            return standings;
        }
        let value = |donor: usize| donors[donor][draw];
        order.sort_by(|&a, &b| value(b).total_cmp(&value(a)).then(a.cmp(&b)));
        let mut start = 0;
        while start < n {
            let top = value(order[start]);
            let n_ties = order[start..]
                .iter()
                .take_while(|&&donor| top - value(donor) <= TIE)
                .count();
            // Donors that tie share the mean of their places.
            let place = start as f64 + f64::midpoint(n_ties as f64, 1.0);
            for &donor in &order[start..start + n_ties] {
                places[donor].push(place);
                standings[donor].expected_regret += value(order[0]) - value(donor);
                if start == 0 {
                    standings[donor].p_best += 1.0 / n_ties as f64;
                }
            }
            start += n_ties;
        }
    }
    for (standing, places) in standings.iter_mut().zip(&places) {
        let (lo, hi) = interval(places, level);
        standing.rank = (lo.floor() as usize, hi.ceil() as usize);
        standing.p_best /= n_draws as f64;
        standing.expected_regret /= n_draws as f64;
    }
    standings
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn quantiles_equal_numpy() {
        // numpy 2 (default method): np.quantile([1, 2, 4, 8], [0.05, 0.5, 0.95]).
        let values = [8.0, 1.0, 4.0, 2.0];
        let (lo, hi) = interval(&values, 0.9);
        assert_abs_diff_eq!(lo, 1.15, epsilon = 1e-12);
        assert_abs_diff_eq!(hi, 7.4, epsilon = 1e-12);
        assert_abs_diff_eq!(quantile(&[1.0, 2.0, 4.0, 8.0], 0.5), 3.0, epsilon = 1e-12);
        assert_eq!(interval(&[3.0], 0.9), (3.0, 3.0));
    }

    #[test]
    fn a_tie_counts_half() {
        assert_abs_diff_eq!(
            p_above(&[1.0, 1.0, 0.0, 2.0], &[0.0, 1.0, 1.0, 0.0]),
            0.625,
            epsilon = 1e-15
        );
    }

    #[test]
    fn standings_by_hand() {
        // Draws: A best, A and B tie, C best. Regrets A 0,0,1; B 1,0,2; C 2,2,0.
        let donors: [&[f64]; 3] = [&[3.0, 2.0, 1.0], &[2.0, 2.0, 0.0], &[1.0, 0.0, 2.0]];
        let standings = standings(&donors, 3, 0.9);
        let p_best: Vec<f64> = standings.iter().map(|s| s.p_best).collect();
        assert_abs_diff_eq!(
            p_best.as_slice(),
            [0.5, 1.0 / 6.0, 1.0 / 3.0].as_slice(),
            epsilon = 1e-12
        );
        let regret: Vec<f64> = standings.iter().map(|s| s.expected_regret).collect();
        assert_abs_diff_eq!(
            regret.as_slice(),
            [1.0 / 3.0, 1.0, 4.0 / 3.0].as_slice(),
            epsilon = 1e-12
        );
        assert_eq!(standings[2].rank, (1, 3));
    }
}
