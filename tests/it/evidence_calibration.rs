//! Simulation-based calibration of the joint posterior (Talts et al. 2018, arXiv:1804.06788): where
//! parameters are drawn from the prior and arms from these, the rank of the truth among the draws
//! is uniform, and intervals cover at their rate. `DONORMATCH_SBC=500` runs 500 registries (`make
//! prove`); a few by default.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::collections::BTreeMap;

use donormatch::evidence::{
    CohortSlope, DrawNumbers, Endpoint, Evidence, EvidenceParams, Registry, SimulatedEvidence,
};

/// Draws that a rank is taken among: 20 bins of 5 ranks.
const N_RANKED: usize = 99;
const N_BINS: usize = 20;

fn slopes() -> Vec<CohortSlope> {
    let slope = |(number, error)| CohortSlope {
        cohort: format!("c{number}"),
        estimate: 0.0,
        error,
        n_patients: 80,
    };
    let errors = [0.12, 0.15, 0.2, 0.25, 0.3, 0.3, 0.35, 0.4, 0.5];
    errors.into_iter().enumerate().map(slope).collect()
}

fn params(seed: u64, n_draws: u32) -> EvidenceParams {
    let mut params = EvidenceParams::default();
    params.n_chains = 1;
    params.n_tune = 1000;
    params.n_draws = n_draws;
    params.n_kept = 990;
    params.seed = seed;
    params
}

/// The posterior of simulated arms; a fit that does not settle is run again, longer.
fn fit(simulated: &SimulatedEvidence, seed: u64) -> (Evidence, bool) {
    let fit = |n_draws| params(seed, n_draws).fit(&simulated.registry, &simulated.slopes);
    match fit(1980) {
        Ok(evidence) => (evidence, false),
        Err(_) => (fit(7920).unwrap(), true),
    }
}

/// Upper tail of χ² with `df` degrees of freedom by Wilson and Hilferty's cube root.
fn chi_square_p(statistic: f64, df: f64) -> f64 {
    let spread = 2.0 / (9.0 * df);
    let z = ((statistic / df).cbrt() - (1.0 - spread)) / spread.sqrt();
    0.5 * libm::erfc(z / std::f64::consts::SQRT_2)
}

/// Whether the 90 % interval of an arm's probability holds the true one, for every arm.
fn covered(simulated: &SimulatedEvidence, evidence: &Evidence) -> (usize, usize) {
    let numbers = DrawNumbers { n: 990, seed: 1 };
    let (mut held, mut n) = (0, 0);
    for endpoint in Endpoint::ALL {
        for arm in simulated.registry.arms() {
            if arm.events(endpoint).is_none() {
                continue;
            }
            let setting = arm.setting();
            let mut draws = evidence.log_odds(endpoint, &setting, numbers);
            draws.sort_by(f64::total_cmp);
            let truth = evidence.log_odds_at(endpoint, &setting, |name| {
                simulated.truth[&(endpoint, name.to_owned())]
            });
            held += usize::from((draws[49]..=draws[940]).contains(&truth));
            n += 1;
        }
    }
    (held, n)
}

#[test]
fn ranks_of_the_truth_are_uniform_and_intervals_cover() {
    let asked = std::env::var("DONORMATCH_SBC")
        .ok()
        .and_then(|n| n.parse().ok());
    let n_registries: u64 = asked.unwrap_or(12);
    let registry = Registry::bundled().unwrap();
    let mut bins: BTreeMap<(Endpoint, String), [usize; N_BINS]> = BTreeMap::new();
    let (mut n_replaced, mut held, mut n_intervals) = (0, 0, 0);
    for seed in 0..n_registries {
        let simulated = SimulatedEvidence::new(&registry, &slopes(), seed).unwrap();
        let (evidence, replaced) = fit(&simulated, seed);
        n_replaced += usize::from(replaced);
        for ((endpoint, name), truth) in &simulated.truth {
            let draws = evidence.parameter(*endpoint, name).unwrap();
            let ranked = draws.iter().step_by(draws.len() / N_RANKED).take(N_RANKED);
            let rank = ranked.filter(|draw| *draw < truth).count();
            let key = (*endpoint, name.clone());
            bins.entry(key).or_insert([0; N_BINS])[rank * N_BINS / (N_RANKED + 1)] += 1;
        }
        let (held_here, n_here) = covered(&simulated, &evidence);
        held += held_here;
        n_intervals += n_here;
    }
    let expected = n_registries as f64 / N_BINS as f64;
    let p_value = |counts: &[usize; N_BINS]| {
        let squares = counts
            .iter()
            .map(|&n| (n as f64 - expected).powi(2) / expected);
        chi_square_p(squares.sum(), N_BINS as f64 - 1.0)
    };
    let smallest = bins
        .iter()
        .map(|(key, counts)| (p_value(counts), key))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .unwrap();
    let holm = (smallest.0 * bins.len() as f64).min(1.0);
    let coverage = held as f64 / n_intervals as f64;
    println!(
        "{n_registries} registries: {n_replaced} fits replaced; smallest p after Holm {holm:.3} \
         ({:?}); 90 % intervals hold the truth in {:.1} % of {n_intervals}",
        smallest.1,
        100.0 * coverage
    );
    if n_registries >= 100 {
        assert!(holm > 0.01, "{smallest:?}");
        assert!((0.88..=0.92).contains(&coverage), "{coverage}");
        assert!(
            n_replaced as f64 <= 0.02 * n_registries as f64,
            "{n_replaced}"
        );
    } else {
        assert!((0.75..=0.99).contains(&coverage), "{coverage}");
    }
}
