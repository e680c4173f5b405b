//! Verdicts on simulated trials whose truth is known: a trial, its donors and all that is unknown of
//! their arms are drawn from the joint posterior, outcomes are observed, the posterior is updated by
//! them, and the verdict on each donor is held against its truth. `DONORMATCH_TRIALS=1000` runs a
//! thousand (`make prove`); a few by default.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use donormatch::cohort::{Cancer, Line, Partner, Regimen, TreatmentContext};
use donormatch::evidence::{
    DrawNumbers, Endpoint, Evidence, Given, Setting, TrialPatient, UpdateMethod,
};
use donormatch::matcher::{Matcher, OwnRecord, PairPrediction};
use donormatch::ranking::{RankingParams, Verdict};

const DONORS: [&str; 6] = ["d1", "d2", "d3", "d4", "d5", "d6"];
/// Recipients of each donor whose outcomes are known.
const N_RECIPIENTS: u64 = 6;

fn setting(donor: Option<&'static str>) -> Setting<'static> {
    Setting {
        cancer: Cancer::Melanoma,
        regimen: Regimen::AntiPd1,
        line: Some(Line::First),
        partner: Partner::None,
        trial: "own",
        transplant: Some(Given {
            donor_type: None,
            donor,
            is_uncontrolled: false,
            score: 0.0,
            richness: 0.0,
        }),
        any_ae: false,
    }
}

fn sigmoid(score: f64) -> f64 {
    1.0 / (1.0 + (-score).exp())
}

/// A stream of numbers in (0, 1) for a seed, by `SplitMix64`.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// The true probability of each endpoint for each donor; with a spread, donors differ by it in
/// their log-odds of response and not by what the posterior says.
fn truth(evidence: &Evidence, seed: u64, spread: Option<f64>) -> Vec<[f64; 3]> {
    let numbers = DrawNumbers {
        n: evidence.n_kept(),
        seed: 1_000_003 + seed,
    };
    let mut random = Random(seed);
    let draw = (random.uniform() * numbers.n as f64) as usize;
    let of = |donor: &'static str| {
        let known = |endpoint| {
            let is_fixed = spread.is_some() && endpoint == Endpoint::Response;
            let donor = (!is_fixed).then_some(donor);
            evidence.log_odds(endpoint, &setting(donor), numbers)[draw]
        };
        Endpoint::ALL.map(known)
    };
    DONORS
        .iter()
        .map(|&donor| {
            let [response, severe, myocarditis] = of(donor);
            let own = spread.map_or(0.0, |spread| spread * random.normal());
            [response + own, severe, myocarditis].map(sigmoid)
        })
        .collect()
}

fn outcomes(truth: &[[f64; 3]], seed: u64) -> Vec<TrialPatient> {
    let mut random = Random(seed ^ 0x5555);
    let context = TreatmentContext::new(Regimen::AntiPd1, Cancer::Melanoma, Line::First);
    let mut patients = Vec::new();
    for (donor, of_donor) in DONORS.iter().zip(truth) {
        for _ in 0..N_RECIPIENTS {
            let [response, severe, myocarditis] =
                of_donor.map(|probability| Some(random.uniform() < probability));
            patients.push(TrialPatient {
                trial: "own".to_owned(),
                donor: Some((*donor).to_owned()),
                donor_type: None,
                context,
                score: 0.0,
                richness: 0.0,
                response,
                severe_irae: severe,
                myocarditis,
            });
        }
    }
    patients
}

fn predictions(evidence: &Evidence) -> Vec<PairPrediction> {
    let numbers = DrawNumbers {
        n: evidence.n_kept(),
        seed: 0,
    };
    DONORS
        .iter()
        .map(|&donor| {
            let draws = |endpoint| -> Vec<f64> {
                let log_odds = evidence.log_odds(endpoint, &setting(Some(donor)), numbers);
                log_odds.into_iter().map(sigmoid).collect()
            };
            PairPrediction {
                donor_id: donor.into(),
                recipient_id: "next".into(),
                p_response: draws(Endpoint::Response),
                p_response_baseline: vec![0.4],
                evidence_log_odds: 0.0,
                p_severe_irae: draws(Endpoint::SevereIrae),
                p_myocarditis: draws(Endpoint::Myocarditis),
                p_severe_irae_exploratory: None,
                n_gained: vec![0.0],
                n_kept: vec![0.0],
                n_lost: vec![0.0],
                deleterious_lost: 0.0,
                donor_prevotellaceae: None,
                flags: Vec::new(),
                in_domain: true,
                domain_reason: None,
                record: OwnRecord::default(),
                eligible: true,
            }
        })
        .collect()
}

/// What came out of some trials.
#[derive(Debug, Default)]
struct Tally {
    n_prefer: u32,
    n_prefer_true: u32,
    n_avoid: u32,
    n_avoid_true: u32,
    n_none: u32,
    /// Response of the first donor minus that of the mean donor, summed over the trials.
    gained: f64,
}

fn run(evidence: &Evidence, n_trials: u64, spread: Option<f64>) -> Tally {
    let params = RankingParams {
        max_draws: 0,
        ..RankingParams::default()
    };
    let mut tally = Tally::default();
    for seed in 0..n_trials {
        let truth = truth(evidence, seed, spread);
        let updated = evidence
            .with_patients(&outcomes(&truth, seed), "", UpdateMethod::Fast)
            .unwrap();
        let ranking = params.rank(&predictions(&updated.evidence)).unwrap();
        let utility = |of: &[f64; 3]| {
            let weights = &params.weights;
            weights.response * of[0] - weights.severe_irae * of[1] - weights.myocarditis * of[2]
        };
        let mean =
            |of: &dyn Fn(&[f64; 3]) -> f64| truth.iter().map(of).sum::<f64>() / truth.len() as f64;
        for row in &ranking.rows {
            let at = DONORS
                .iter()
                .position(|id| *id == row.donor_id.as_str())
                .unwrap();
            let gain = utility(&truth[at]) - mean(&utility);
            match row.verdict {
                Verdict::Prefer => {
                    tally.n_prefer += 1;
                    tally.n_prefer_true += u32::from(gain > 0.0);
                }
                Verdict::Avoid => {
                    tally.n_avoid += 1;
                    tally.n_avoid_true += u32::from(gain < 0.0);
                }
                _ => tally.n_none += 1,
            }
            if row.rank == 1 {
                tally.gained += truth[at][0] - mean(&|of: &[f64; 3]| of[0]);
            }
        }
    }
    tally
}

#[test]
fn a_verdict_is_true_at_its_stated_rate() {
    let asked = std::env::var("DONORMATCH_TRIALS")
        .ok()
        .and_then(|n| n.parse().ok());
    let n_trials: u64 = asked.unwrap_or(20);
    let evidence = Matcher::bundled().unwrap().evidence().clone();
    for spread in [None, Some(0.0), Some(0.5), Some(1.0)] {
        let tally = run(&evidence, n_trials, spread);
        let share = |hits: u32, n: u32| f64::from(hits) / f64::from(n.max(1));
        println!(
            "donor spread {}: {} prefer, {:.1} % of them truly better; {} avoid, {:.1} % truly \
             worse; {} no preference; the first gains {:.1} responses per 100 over a random donor",
            spread.map_or("drawn".to_owned(), |spread| spread.to_string()),
            tally.n_prefer,
            100.0 * share(tally.n_prefer_true, tally.n_prefer),
            tally.n_avoid,
            100.0 * share(tally.n_avoid_true, tally.n_avoid),
            tally.n_none,
            100.0 * tally.gained / n_trials as f64,
        );
        // Where truth is drawn from what the model believes, the stated share must hold, within
        // three binomial standard errors.
        if spread.is_none() {
            for (hits, n) in [
                (tally.n_prefer_true, tally.n_prefer),
                (tally.n_avoid_true, tally.n_avoid),
            ] {
                let slack = 3.0 * (0.16 / f64::from(n.max(1))).sqrt();
                assert!(n == 0 || share(hits, n) >= 0.8 - slack, "{hits} of {n}");
            }
        }
    }
}
