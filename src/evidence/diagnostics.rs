//! Whether chains have mixed: rank-normalized split R-hat and effective sample sizes.
//!
//! # References
//! Vehtari, Gelman, Simpson, Carpenter and Bürkner, "Rank-normalization, folding, and localization:
//! an improved R-hat", Bayesian Analysis 16:667 (2021).

use crate::numeric::distribution::normal_quantile;
use crate::numeric::summary::{mean, quantile};

/// The larger of the bulk and the folded R-hat of chains of equal length.
pub(super) fn r_hat(chains: &[Vec<f64>]) -> f64 {
    let halves = split(chains);
    let median = {
        let mut all: Vec<f64> = halves.iter().flatten().copied().collect();
        all.sort_by(f64::total_cmp);
        quantile(&all, 0.5)
    };
    let folded: Vec<Vec<f64>> = halves
        .iter()
        .map(|chain| chain.iter().map(|value| (value - median).abs()).collect())
        .collect();
    plain_r_hat(&rank_normalized(&halves)).max(plain_r_hat(&rank_normalized(&folded)))
}

/// The effective size of the bulk: that of rank-normalized draws.
pub(super) fn bulk_size(chains: &[Vec<f64>]) -> f64 {
    effective_size(&rank_normalized(&split(chains)))
}

/// Monte-Carlo standard error of the mean of the draws.
pub(super) fn mean_error(chains: &[Vec<f64>]) -> f64 {
    let all: Vec<f64> = chains.iter().flatten().copied().collect();
    (variance(&all) / effective_size(&split(chains))).sqrt()
}

fn split(chains: &[Vec<f64>]) -> Vec<Vec<f64>> {
    chains
        .iter()
        .flat_map(|chain| {
            let half = chain.len() / 2;
            [chain[..half].to_vec(), chain[chain.len() - half..].to_vec()]
        })
        .collect()
}

fn variance(values: &[f64]) -> f64 {
    let center = mean(values);
    let squares = values.iter().map(|value| (value - center).powi(2));
    squares.sum::<f64>() / (values.len() as f64 - 1.0)
}

/// Normal scores of the ranks over all chains (Blom's offsets), ties sharing their mean rank.
fn rank_normalized(chains: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let all: Vec<f64> = chains.iter().flatten().copied().collect();
    let n = all.len() as f64;
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|&a, &b| all[a].total_cmp(&all[b]));
    let mut scores = vec![0.0; all.len()];
    for tied in order.chunk_by(|&a, &b| all[a].total_cmp(&all[b]).is_eq()) {
        let first = order.partition_point(|&at| all[at].total_cmp(&all[tied[0]]).is_lt());
        let rank = first as f64 + f64::midpoint(tied.len() as f64, 1.0);
        let score = normal_quantile((rank - 0.375) / (n + 0.25));
        for &at in tied {
            scores[at] = score;
        }
    }
    let length = chains.first().map_or(1, Vec::len).max(1);
    scores.chunks(length).map(<[f64]>::to_vec).collect()
}

/// The mean of each chain, and the mean variance within a chain.
fn means_and_within(chains: &[Vec<f64>]) -> (Vec<f64>, f64) {
    let means = chains.iter().map(|chain| mean(chain)).collect();
    let variances: Vec<f64> = chains.iter().map(|chain| variance(chain)).collect();
    (means, mean(&variances))
}

fn plain_r_hat(chains: &[Vec<f64>]) -> f64 {
    let n = chains[0].len() as f64;
    let (means, within) = means_and_within(chains);
    if within <= 0.0 {
        return 1.0;
    }
    let between = variance(&means);
    (((n - 1.0) / n * within + between) / within).sqrt()
}

/// Geyer's initial monotone sequence over the chains' mean autocorrelations.
fn effective_size(chains: &[Vec<f64>]) -> f64 {
    let (m, n) = (chains.len() as f64, chains[0].len());
    let total = m * n as f64;
    let (means, within) = means_and_within(chains);
    if within <= 0.0 {
        return total;
    }
    let between = if chains.len() > 1 {
        variance(&means)
    } else {
        0.0
    };
    let pooled = (n as f64 - 1.0) / n as f64 * within + between;
    let correlation = |lag: usize| {
        let covariances = chains.iter().zip(&means).map(|(chain, center)| {
            let pairs = chain.iter().zip(&chain[lag..]);
            pairs.map(|(a, b)| (a - center) * (b - center)).sum::<f64>() / n as f64
        });
        let covariance = covariances.sum::<f64>() / m;
        1.0 - (within - covariance) / pooled
    };
    let (mut sum, mut last) = (-1.0, f64::INFINITY);
    for lag in (0..n.saturating_sub(1)).step_by(2) {
        let first = if lag == 0 { 1.0 } else { correlation(lag) };
        let pair = first + correlation(lag + 1);
        if pair <= 0.0 {
            break;
        }
        last = pair.min(last);
        sum += 2.0 * last;
    }
    // No more than what antithetic draws can give (Stan's bound).
    total / sum.max(1.0 / libm::log10(total))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::{derive, normal};

    fn noise(chains: u64, n: u64, correlation: f64) -> Vec<Vec<f64>> {
        let chain = |chain: u64| {
            let mut last = 0.0;
            let own = (1.0 - correlation * correlation).sqrt();
            let next = |draw| {
                last = correlation * last + own * normal(derive(derive(7, chain), draw));
                last
            };
            (0..n).map(next).collect()
        };
        (0..chains).map(chain).collect()
    }

    #[test]
    fn independent_draws_count_in_full_and_correlated_ones_less() {
        let size = bulk_size(&noise(4, 1000, 0.0));
        assert!((3400.0..4800.0).contains(&size), "{size}");
        // An autoregression of 0.9 is worth (1 − 0.9) / (1 + 0.9) of its draws.
        let size = bulk_size(&noise(4, 4000, 0.9));
        assert!((600.0..1100.0).contains(&size), "{size}");
    }

    #[test]
    fn chains_that_disagree_are_seen() {
        let mut chains = noise(4, 1000, 0.0);
        assert!(r_hat(&chains) < 1.01);
        for value in &mut chains[0] {
            *value += 1.0;
        }
        assert!(r_hat(&chains) > 1.05);
        let mut wide = noise(4, 1000, 0.0);
        for value in &mut wide[0] {
            *value *= 3.0;
        }
        assert!(r_hat(&wide) > 1.05, "a chain of another spread");
    }
}
