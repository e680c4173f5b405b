//! What a set of predictions must hold before it can be ranked.

use std::collections::{HashMap, HashSet};

use crate::matcher::PairPrediction;
use crate::profile::SampleId;
use crate::{Error, Result};

/// Pairs by recipient in first-seen order, each recipient's donors by id.
pub(super) fn group_by_recipient(
    predictions: &[PairPrediction],
) -> Result<Vec<Vec<&PairPrediction>>> {
    let mut place: HashMap<&SampleId, usize> = HashMap::new();
    let mut groups: Vec<Vec<&PairPrediction>> = Vec::new();
    let mut seen = HashSet::new();
    for pair in predictions {
        if !seen.insert((&pair.donor_id, &pair.recipient_id)) {
            return Err(Error::table(format!(
                "{} was predicted more than once",
                name(pair)
            )));
        }
        let at = *place.entry(&pair.recipient_id).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        let n_expected = groups[at]
            .first()
            .map_or(pair.p_response.len(), |p| p.p_response.len());
        if pair.p_response.len() != n_expected {
            return Err(Error::table(format!(
                "{} has {} draws where the recipient's other donors have {n_expected}: draws must \
                 be aligned between donors",
                name(pair),
                pair.p_response.len()
            )));
        }
        groups[at].push(pair);
    }
    for group in &mut groups {
        group.sort_by(|a, b| a.donor_id.cmp(&b.donor_id));
    }
    Ok(groups)
}

/// Refuses draws that are absent, uneven or not probabilities.
pub(super) fn check_prediction(pair: &PairPrediction) -> Result<()> {
    let n_draws = pair.p_response.len();
    let exploratory: Vec<f64> = pair.p_severe_irae_exploratory.into_iter().collect();
    let probabilities: [(&str, &[f64]); 5] = [
        ("p_response", &pair.p_response),
        ("p_severe_irae", &pair.p_severe_irae),
        ("p_myocarditis", &pair.p_myocarditis),
        ("p_response_baseline", &pair.p_response_baseline),
        ("p_severe_irae_exploratory", &exploratory),
    ];
    for (column, draws) in &probabilities[..3] {
        if draws.len() != n_draws || draws.is_empty() {
            return Err(Error::table(format!(
                "{}: expected one `{column}` a draw and at least one draw, found {} for {n_draws} \
                 draws of `p_response`",
                name(pair),
                draws.len()
            )));
        }
    }
    let counts = [
        ("n_gained", &pair.n_gained),
        ("n_kept", &pair.n_kept),
        ("n_lost", &pair.n_lost),
    ];
    let lengths = counts.map(|(column, draws)| (column, draws.len()));
    let baseline = ("p_response_baseline", pair.p_response_baseline.len());
    for (column, n) in lengths.into_iter().chain([baseline]) {
        if n != 1 && n != n_draws {
            return Err(Error::table(format!(
                "{}: expected one `{column}`, or one a draw, found {n} for {n_draws} draws of \
                 `p_response`",
                name(pair)
            )));
        }
    }
    for (column, values) in probabilities {
        if let Some(value) = values.iter().find(|value| !(0.0..=1.0).contains(*value)) {
            return Err(Error::table(format!(
                "{}: expected a `{column}` from 0 to 1, found {value}",
                name(pair)
            )));
        }
    }
    let of_draws = counts
        .iter()
        .flat_map(|(column, draws)| draws.iter().map(move |&count| (*column, f64::from(count))));
    for (column, value) in of_draws.chain([("deleterious_lost", pair.deleterious_lost)]) {
        if !value.is_finite() || value < 0.0 {
            return Err(Error::table(format!(
                "{}: expected a finite `{column}` of 0 or more, found {value}",
                name(pair)
            )));
        }
    }
    let parts = [
        ("evidence_log_odds", pair.evidence_log_odds),
        ("effect", pair.record.effect),
    ];
    if let Some((column, value)) = parts.into_iter().find(|(_, value)| !value.is_finite()) {
        return Err(Error::table(format!(
            "{}: expected a finite `{column}`, found {value}",
            name(pair)
        )));
    }
    let carried = pair.donor_prevotellaceae.unwrap_or(0.0);
    if !(0.0..=1.0).contains(&carried) {
        return Err(Error::table(format!(
            "{}: expected a `donor_prevotellaceae` from 0 to 1, found {carried}",
            name(pair)
        )));
    }
    Ok(())
}

fn name(pair: &PairPrediction) -> String {
    format!(
        "donor `{}` for recipient `{}`",
        pair.donor_id, pair.recipient_id
    )
}
