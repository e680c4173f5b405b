//! Synthetic predictions for the tests of this room.

use crate::matcher::PairPrediction;

/// A pair with these draws of the response, and low constant toxicity.
pub(crate) fn pair(donor: &str, recipient: &str, p_response: Vec<f64>) -> PairPrediction {
    let n_draws = p_response.len();
    PairPrediction {
        donor_id: donor.into(),
        recipient_id: recipient.into(),
        p_response,
        p_response_baseline: vec![0.2],
        evidence_log_odds: 0.0,
        p_severe_irae: vec![0.1; n_draws],
        p_myocarditis: vec![0.01; n_draws],
        p_severe_irae_exploratory: None,
        n_gained: vec![12.5],
        n_kept: vec![80.0],
        n_lost: vec![9.0],
        deleterious_lost: 1.5,
        donor_prevotellaceae: None,
        flags: vec![],
        in_domain: true,
        domain_reason: None,
        record: crate::matcher::OwnRecord::default(),
        eligible: true,
    }
}

/// Numbers in [0, 1) from a seed: a 64-bit mix (`SplitMix64`), for draws that need no quality.
pub(crate) fn numbers(seed: u64, n: usize) -> Vec<f64> {
    let mut state = seed;
    (0..n)
        .map(|_| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        })
        .collect()
}

/// Pairs of every donor with every recipient, with drawn probabilities.
pub(crate) fn cohort(
    n_donors: usize,
    n_recipients: usize,
    n_draws: usize,
    seed: u64,
) -> Vec<PairPrediction> {
    (0..n_recipients)
        .flat_map(|recipient| (0..n_donors).map(move |donor| (recipient, donor)))
        .map(|(recipient, donor)| {
            let at = seed.wrapping_mul(1_000_003) + (recipient * n_donors + donor) as u64;
            let draws = numbers(at, 3 * n_draws);
            let shift = 0.4 * draws[0];
            let scaled = |from: usize, low: f64, width: f64| {
                draws[from * n_draws..(from + 1) * n_draws]
                    .iter()
                    .map(|u| low + width * u)
                    .collect::<Vec<f64>>()
            };
            PairPrediction {
                p_severe_irae: scaled(1, 0.05, 0.3),
                p_myocarditis: scaled(2, 0.001, 0.02),
                ..pair(
                    &format!("donor_{:02}", donor + 1),
                    &format!("recipient_{:02}", recipient + 1),
                    scaled(0, 0.1 + shift, 0.4),
                )
            }
        })
        .collect()
}
