//! Trials of transplant with checkpoint inhibitor: the matcher against what happened, learned
//! without the trial.

use serde::{Deserialize, Serialize};

use super::left_out::LeftOut;
use crate::cohort::{Cohort, PatientCohort};
use crate::evaluation::{Comparator, ReportParams, ReportRow, number_groups, report};
use crate::feature::{Diversity, LogBase, diversity};
use crate::matcher::{MatcherParams, PairPrediction, PredictParams, TrialConfig};
use crate::numeric::summary::mean;
use crate::profile::{ProfileTable, SampleId};
use crate::{Error, Result};

/// One recipient with the donor it really had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialPair {
    /// The recipient's baseline sample.
    pub recipient_id: SampleId,
    /// The donor sample it was given.
    pub donor_id: SampleId,
    /// What the trial counted.
    pub response: bool,
    /// Predicted with the donor it had.
    pub p_response: f64,
    /// Predicted without a transplant.
    pub p_response_baseline: f64,
    /// Predicted with a random donor of the trial: the mean over all of them.
    pub p_response_random_donor: f64,
    /// Where the real donor stands among the trial's donors, 1 is first.
    pub donor_rank: usize,
}

/// The matcher against one trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialEvaluation {
    /// The trial.
    pub study: String,
    /// Every recipient.
    pub pairs: Vec<TrialPair>,
    /// ROC AUC and the rest, beside the comparators.
    pub rows: Vec<ReportRow>,
}

/// A trial in figures that name no recipient: what may ship.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialSummary {
    /// The trial.
    pub study: String,
    /// Recipients with a known outcome.
    pub n_recipients: usize,
    /// Responders among them.
    pub n_responders: usize,
    /// Mean predicted probability of the responders, with the donor they had.
    pub mean_p_response_of_responders: f64,
    /// The same of the others.
    pub mean_p_response_of_others: f64,
}

impl TrialEvaluation {
    /// The trial without its recipients.
    pub fn summary(&self) -> TrialSummary {
        let predicted = |response: bool| -> Vec<f64> {
            let same = self.pairs.iter().filter(|pair| pair.response == response);
            same.map(|pair| pair.p_response).collect()
        };
        let (responders, others) = (predicted(true), predicted(false));
        TrialSummary {
            study: self.study.clone(),
            n_recipients: self.pairs.len(),
            n_responders: responders.len(),
            mean_p_response_of_responders: mean(&responders),
            mean_p_response_of_others: mean(&others),
        }
    }
}

/// Learns without a trial (its follow-ups, its published arms, and whoever shares a donor, a
/// recipient or a sample with it), predicts its recipients with the donors they had and with every
/// other donor of the trial, and compares with what happened.
///
/// Of `predict`, `antibiotics` is what the trial gave, where it says so.
///
/// # Errors
/// Those of the fit and the prediction; [`Error::Table`] where no recipient has an outcome;
/// [`Error::Split`] where nothing is left to learn from.
pub fn evaluate_trial(
    params: &MatcherParams,
    patients: &PatientCohort,
    cohorts: &[Cohort],
    config: &TrialConfig,
    predict: &PredictParams,
    report_params: &ReportParams,
) -> Result<TrialEvaluation> {
    let study = config.study.as_str();
    let left_out = LeftOut::new(cohorts, study);
    let mut params = params.clone();
    params.evidence.without.extend(config.arms.clone());
    let matcher = params.fit(
        &left_out.patients(patients)?,
        &left_out.transplants(cohorts)?,
    )?;
    let Some(trial) = cohorts
        .iter()
        .find_map(|cohort| cohort.filter(|t| t.study.as_str() == study).ok())
    else {
        return Err(Error::table(format!(
            "no transplant of the study `{study}`"
        )));
    };
    let given = given_donors(&trial)?;
    let donors = distinct(given.iter().map(|(_, donor, _)| donor));
    let recipients: Vec<SampleId> = given
        .iter()
        .map(|(recipient, ..)| recipient.clone())
        .collect();
    let donor_table = trial.profiles().select_samples(&donors)?;
    let recipient_table = trial.profiles().select_samples(&recipients)?;
    let predict = PredictParams {
        antibiotics: trial
            .transplants()
            .first()
            .and_then(|transplant| transplant.antibiotics)
            .or(predict.antibiotics),
        ..predict.clone()
    };
    let contexts = vec![config.context; recipients.len()];
    let predictions = matcher.predict(
        &donor_table.clone().into(),
        &recipient_table,
        &contexts,
        &predict,
    )?;
    let pairs: Vec<TrialPair> = given
        .iter()
        .zip(predictions.chunks(donors.len()))
        .map(|((_, donor, response), row)| trial_pair(row, donor, *response))
        .collect::<Result<_>>()?;
    let rows = compare(&pairs, &donor_table, &recipient_table, study, report_params)?;
    Ok(TrialEvaluation {
        study: study.to_owned(),
        pairs,
        rows,
    })
}

/// One entry a recipient with a known outcome: baseline, first donor sample, outcome.
fn given_donors(trial: &Cohort) -> Result<Vec<(SampleId, SampleId, bool)>> {
    let mut given: Vec<(SampleId, SampleId, bool)> = Vec::new();
    for transplant in trial.transplants() {
        let (Some(response), Some(donor)) = (transplant.response, transplant.donor_samples.first())
        else {
            continue;
        };
        if given
            .iter()
            .all(|(baseline, ..)| *baseline != transplant.baseline)
        {
            given.push((transplant.baseline.clone(), donor.clone(), response));
        }
    }
    if given.is_empty() {
        return Err(Error::table("no recipient of the trial has an outcome"));
    }
    Ok(given)
}

fn distinct<'a>(ids: impl Iterator<Item = &'a SampleId>) -> Vec<SampleId> {
    let ids: std::collections::BTreeSet<&SampleId> = ids.collect();
    ids.into_iter().cloned().collect()
}

fn trial_pair(row: &[PairPrediction], donor: &SampleId, response: bool) -> Result<TrialPair> {
    let by_donor: Vec<f64> = row
        .iter()
        .map(|prediction| mean(&prediction.p_response))
        .collect();
    let Some(at) = row
        .iter()
        .position(|prediction| prediction.donor_id.as_str() == donor.as_str())
    else {
        return Err(Error::table(format!(
            "no prediction for the donor `{donor}`"
        )));
    };
    Ok(TrialPair {
        recipient_id: row[at].recipient_id.clone(),
        donor_id: donor.clone(),
        response,
        p_response: by_donor[at],
        p_response_baseline: mean(&row[at].p_response_baseline),
        p_response_random_donor: mean(&by_donor),
        donor_rank: 1 + by_donor
            .iter()
            .filter(|&&other| other > by_donor[at])
            .count(),
    })
}

fn compare(
    pairs: &[TrialPair],
    donors: &ProfileTable,
    recipients: &ProfileTable,
    study: &str,
    params: &ReportParams,
) -> Result<Vec<ReportRow>> {
    let shannon = Diversity::Shannon(LogBase::Natural);
    let (donor_shannon, recipient_shannon) =
        (diversity(donors, shannon)?, diversity(recipients, shannon)?);
    let of_donor = |pair: &TrialPair| {
        donors
            .row_of(&pair.donor_id)
            .map_or(f64::NAN, |row| donor_shannon[row])
    };
    let columns: [(&str, Vec<f64>); 5] = [
        ("model", pairs.iter().map(|pair| pair.p_response).collect()),
        (
            "baseline_only",
            pairs.iter().map(|pair| pair.p_response_baseline).collect(),
        ),
        (
            "random_donor",
            pairs
                .iter()
                .map(|pair| pair.p_response_random_donor)
                .collect(),
        ),
        ("donor_shannon", pairs.iter().map(of_donor).collect()),
        ("recipient_shannon", recipient_shannon),
    ];
    let outcomes: Vec<f64> = pairs
        .iter()
        .map(|pair| f64::from(u8::from(pair.response)))
        .collect();
    let (groups, _) = number_groups(
        &pairs
            .iter()
            .map(|pair| &pair.recipient_id)
            .collect::<Vec<_>>(),
    );
    let comparators: Vec<Comparator<'_>> = columns
        .iter()
        .map(|(name, scores)| Comparator::new(name, scores))
        .collect();
    let ordering = params
        .metrics
        .iter()
        .copied()
        .filter(|metric| !metric.needs_probabilities());
    let params = ReportParams {
        metrics: ordering.collect(),
        ..params.clone()
    };
    report(
        &comparators,
        &outcomes,
        &groups,
        &vec![study; pairs.len()],
        &params,
    )
}
