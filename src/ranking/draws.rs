//! Statistics over posterior draws. Inputs are checked by the caller: never empty, never NaN.

use crate::cancel;
use crate::numeric::summary::{mean, quantile};

/// Utilities closer than this are a tie: far below any meaning, far above rounding.
pub(super) const TIE: f64 = 1e-12;

/// Far above the rounding of a mean place, far below half a place.
const ON_THE_END: f64 = 1e-6;

/// Lower and upper end of the interval with equal tails that holds `level` of the values.
pub(super) fn interval(values: &[f64], level: f64) -> (f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let tail = (1.0 - level) / 2.0;
    (quantile(&sorted, tail), quantile(&sorted, 1.0 - tail))
}

/// Mean and interval of a number of taxa over its draws.
pub(super) struct Count {
    pub mean: f64,
    pub lo: f64,
    pub hi: f64,
}

impl Count {
    /// Of draws, at least one.
    pub fn of(draws: &[f32], level: f64) -> Self {
        let draws: Vec<f64> = draws.iter().copied().map(f64::from).collect();
        let (lo, hi) = interval(&draws, level);
        Self {
            mean: mean(&draws),
            lo,
            hi,
        }
    }
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

/// A share of draws, and how far it is off because the draws are finitely many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Share {
    pub(super) value: f64,
    /// Its standard error.
    pub(super) se: f64,
}

/// The share of draws in which a value lies above 0, a tie counting half, with its Monte-Carlo
/// error.
///
/// Draws come in runs, each of one member of a model, so that the members are drawn evenly; the
/// error of such a sample is that of the mean square successive difference, which is also right
/// where there are no runs. One change there and back is added, so that no error is 0.
///
/// # References
/// von Neumann 1941, "Distribution of the ratio of the mean square successive difference to the
/// variance"; Wolter 2007, "Introduction to Variance Estimation", section 8.2 (strata in order).
pub(super) fn share_above_zero(values: &[f64]) -> Share {
    let n = values.len() as f64;
    let counted = |&value: &f64| match value {
        v if v > TIE => 1.0,
        v if v < -TIE => 0.0,
        _ => 0.5,
    };
    let counts: Vec<f64> = values.iter().map(counted).collect();
    let successive = counts.windows(2).map(|two| (two[1] - two[0]).powi(2));
    let changes = 1.0 + 0.5 * successive.sum::<f64>();
    Share {
        value: counts.iter().sum::<f64>() / n,
        se: (changes / (n * (n - 1.0).max(1.0))).sqrt(),
    }
}

/// What the draws say about each donor.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Standing {
    /// Share of draws in which it is the best; ties are split.
    pub(super) p_best: f64,
    /// Mean distance to the best of each draw.
    pub(super) expected_regret: f64,
    /// Interval of its place; all intervals hold together.
    pub(super) rank: (usize, usize),
}

/// Best and worst place of a donor in each draw; they differ where donors tie.
#[derive(Debug, Clone, Default)]
struct Places {
    best: Vec<f64>,
    worst: Vec<f64>,
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
    let mut places = vec![Places::default(); n];
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
            for &donor in &order[start..start + n_ties] {
                places[donor].best.push((start + 1) as f64);
                places[donor].worst.push((start + n_ties) as f64);
                standings[donor].expected_regret += value(order[0]) - value(donor);
                if start == 0 {
                    standings[donor].p_best += 1.0 / n_ties as f64;
                }
            }
            start += n_ties;
        }
    }
    let ranks = simultaneous_ranks(&places, n_draws, level);
    for (standing, rank) in standings.iter_mut().zip(ranks) {
        standing.rank = rank;
        standing.p_best /= n_draws as f64;
        standing.expected_regret /= n_draws as f64;
    }
    standings
}

/// An interval of places a donor that together hold the places of all donors in `level` of the
/// draws: mean ± c spreads, with c the quantile over draws of the largest standardized distance of
/// any donor (a max statistic, so that it does not tire with many donors).
///
/// # References
/// Besag, Green, Higdon and Mengersen 1995, "Bayesian computation and stochastic systems", section
/// 6.3 (simultaneous regions from draws); Montiel Olea and Plagborg-Møller 2019, "Simultaneous
/// confidence bands" (the max statistic).
fn simultaneous_ranks(places: &[Places], n_draws: usize, level: f64) -> Vec<(usize, usize)> {
    let moments = |values: &[f64]| {
        let center = mean(values);
        let squares = values.iter().map(|value| (value - center).powi(2));
        (center, (squares.sum::<f64>() / n_draws as f64).sqrt())
    };
    let mut furthest = vec![0.0_f64; n_draws];
    let mut ends = Vec::with_capacity(places.len());
    for donor in places {
        let (best, worst) = (moments(&donor.best), moments(&donor.worst));
        let draws = donor.best.iter().zip(&donor.worst);
        for (far, (lo, hi)) in furthest.iter_mut().zip(draws) {
            for (distance, spread) in [(best.0 - lo, best.1), (hi - worst.0, worst.1)] {
                if spread > 0.0 {
                    *far = far.max(distance / spread);
                }
            }
        }
        ends.push((best, worst));
    }
    furthest.sort_by(f64::total_cmp);
    let at_most = ((level * (n_draws + 1) as f64).ceil() as usize).clamp(1, n_draws);
    let c = furthest.get(at_most - 1).copied().unwrap_or(0.0);
    let place = |value: f64| value.clamp(1.0, places.len() as f64) as usize;
    ends.iter()
        .map(|(best, worst)| {
            // A place that lies on the end is inside it.
            let lo = (best.0 - c * best.1 - ON_THE_END).ceil();
            let hi = (worst.0 + c * worst.1 + ON_THE_END).floor();
            (place(lo), place(hi))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::numbers;
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

    #[test]
    fn the_error_of_a_share_is_that_of_successive_differences() {
        // By hand: 1 0 ½ 1; differences 1, ¼, ¼; (1 + 1.5 / 2) / (4 · 3).
        let share = share_above_zero(&[0.1, -0.1, 0.0, 0.2]);
        assert_abs_diff_eq!(share.value, 0.625, epsilon = 1e-15);
        assert_abs_diff_eq!(share.se, (1.75_f64 / 12.0).sqrt(), epsilon = 1e-15);
        // One draw of a certain donor leaves nothing known.
        assert_abs_diff_eq!(share_above_zero(&[1.0]).se, 1.0, epsilon = 1e-15);
    }

    #[test]
    fn the_error_of_a_share_is_the_spread_of_shares_over_samples_with_and_without_runs() {
        const N: usize = 200;
        for shift_of_runs in [0.0, 0.35] {
            let shares: Vec<Share> = (0..2000)
                .map(|sample| {
                    let draws = numbers(sample * 7_919, N);
                    // Twenty runs, whose means differ by a fixed amount.
                    let of_run = |at: usize| shift_of_runs * ((at / 10 % 3) as f64 - 1.0);
                    let values = draws.iter().enumerate();
                    let values: Vec<f64> = values.map(|(at, u)| u - 0.4 + of_run(at)).collect();
                    share_above_zero(&values)
                })
                .collect();
            let values: Vec<f64> = shares.iter().map(|share| share.value).collect();
            let center = mean(&values);
            let squares: Vec<f64> = values.iter().map(|v| (v - center).powi(2)).collect();
            let spread = mean(&squares).sqrt();
            let said = mean(&shares.iter().map(|share| share.se).collect::<Vec<_>>());
            // 2,000 samples give the spread to 2 %; runs of ten and the added change add some.
            assert!((0.96..1.2).contains(&(said / spread)), "{said} {spread}");
        }
    }

    #[test]
    fn copies_share_all_their_places() {
        let one = [0.1, 0.2];
        let ranks = standings(&[&one, &one, &one], 2, 0.9);
        assert!(ranks.iter().all(|standing| standing.rank == (1, 3)));
    }
}
