//! Response: leave one cohort out.

use rayon::prelude::*;

use crate::cohort::PatientCohort;
use crate::evaluation::{
    Comparator, GroupColumn, LeakAudit, Metric, ReportParams, ReportRow, Split, SplitAudit,
    leave_one_group_out, number_groups, report,
};
use crate::feature::COMMUNITY_FEATURES;
use crate::matcher::{ResponseEngine, ResponseParams};
use crate::model::probability_of_score;
use crate::numeric::logistic::logit;
use crate::profile::StudyId;
use crate::{Error, Result};

/// The table of results, and what was learned from which rows.
#[derive(Debug, Clone, PartialEq)]
pub struct ResponseEvaluation {
    /// One row for each comparator, cohort and metric.
    pub rows: Vec<ReportRow>,
    /// Every learned statistic with the rows it saw.
    pub audit: LeakAudit,
}

/// What is scored of a cohort that was left out, in the order of the table.
const NAMES: [&str; 6] = [
    "model",
    "logistic",
    "boosting",
    "shannon",
    "toposcore",
    "base_rate",
];

/// Leaves each cohort out in turn, learns from the others and scores it, beside Shannon diversity,
/// TOPOSCORE and the base rate of the training rows. `headline` names the cohorts of the table; the
/// others are learned from but not judged (empty: all are judged).
///
/// The probability of the model is the base rate of the training rows moved by the score: a cohort
/// never seen has no intercept of its own.
///
/// A subject that stands in two cohorts is judged in each, and not learned from in the one while
/// the other is judged: the audit lists the rows that were.
///
/// # Errors
/// Those of the fit; [`Error::Split`] where fewer than two cohorts are there, or nothing is left to
/// learn from; [`Error::Parameter`] where `headline` names a cohort that has no rows.
pub fn evaluate_response(
    params: &ResponseParams,
    patients: &PatientCohort,
    headline: &[StudyId],
    report_params: &ReportParams,
) -> Result<ResponseEvaluation> {
    let patients = params.eligible(patients)?;
    let patients = patients.filter(|patient| patient.response.is_some())?;
    let cohorts: Vec<&StudyId> = patients
        .patients()
        .iter()
        .map(|patient| &patient.cohort)
        .collect();
    let subjects: Vec<&str> = patients
        .patients()
        .iter()
        .map(|patient| patient.subject.as_str())
        .collect();
    if let Some(unknown) = headline.iter().find(|name| !cohorts.contains(name)) {
        return Err(Error::parameter(
            "cohorts",
            format!("no patient of the cohort `{unknown}` has an outcome"),
        ));
    }
    let (subject_groups, _) = number_groups(&subjects);
    let (cohort_groups, _) = number_groups(&cohorts);
    let columns = [
        GroupColumn::new("subject", &subject_groups),
        GroupColumn::new("cohort", &cohort_groups),
    ];
    let splits: Vec<Split> = leave_one_group_out(&cohorts, Some(&subject_groups))?
        .into_iter()
        .filter(|split| {
            headline.is_empty()
                || split
                    .test()
                    .first()
                    .is_some_and(|&row| headline.contains(cohorts[row]))
        })
        .collect();
    let scored = splits
        .par_iter()
        .map(|split| score_left_out(params, &patients, split, &columns))
        .collect::<Result<Vec<_>>>()?;
    let mut audit = LeakAudit::default();
    let mut judged = Vec::new();
    let mut scores: [Vec<f64>; NAMES.len()] = Default::default();
    let mut probabilities = Vec::new();
    for (split, left_out) in splits.iter().zip(scored) {
        audit.extend(left_out.audit);
        judged.extend_from_slice(split.test());
        for (all, mut one) in scores.iter_mut().zip(left_out.scores) {
            all.append(&mut one);
        }
        probabilities.extend(left_out.probabilities);
    }
    audit.check()?;
    let outcome =
        |&row: &usize| f64::from(u8::from(patients.patients()[row].response == Some(true)));
    let outcomes: Vec<f64> = judged.iter().map(outcome).collect();
    let groups: Vec<u32> = judged.iter().map(|&row| subject_groups[row]).collect();
    let labels: Vec<&StudyId> = judged.iter().map(|&row| cohorts[row]).collect();
    let comparators: Vec<Comparator<'_>> = NAMES
        .iter()
        .zip(&scores)
        .map(|(name, scores)| Comparator::new(name, scores))
        .collect();
    let (ordering, calibrated): (Vec<Metric>, Vec<Metric>) = report_params
        .metrics
        .iter()
        .partition(|metric| !metric.needs_probabilities());
    let with = |metrics| ReportParams {
        metrics,
        ..report_params.clone()
    };
    let mut rows = report(&comparators, &outcomes, &groups, &labels, &with(ordering))?;
    if !calibrated.is_empty() {
        let model = [Comparator::new(NAMES[0], &probabilities)];
        rows.extend(report(
            &model,
            &outcomes,
            &groups,
            &labels,
            &with(calibrated),
        )?);
    }
    Ok(ResponseEvaluation { rows, audit })
}

struct LeftOut {
    scores: [Vec<f64>; NAMES.len()],
    probabilities: Vec<f64>,
    audit: LeakAudit,
}

fn score_left_out(
    params: &ResponseParams,
    patients: &PatientCohort,
    split: &Split,
    columns: &[GroupColumn<'_>],
) -> Result<LeftOut> {
    let training = patients.select(split.training())?;
    let test = patients.select(split.test())?;
    let model = params.fit(&training)?;
    let mut audit = SplitAudit::new(split, columns);
    for learned in [
        "taxa kept",
        "cohort offsets",
        "logistic",
        "boosting",
        "slope",
        "engine",
    ] {
        audit.record(learned, split.training())?;
    }
    let features = model.schema().features(&test.profiles().closure())?;
    let community = |name: &str| -> Result<Vec<f64>> {
        match COMMUNITY_FEATURES
            .iter()
            .position(|feature| *feature == name)
        {
            Some(column) => Ok(features.column(column).to_vec()),
            None => Err(Error::table(format!("no community feature `{name}`"))),
        }
    };
    let scores = model.scores(features.view())?;
    let (n, responders) = model.n_training();
    let base_rate = f64::from(responders) / f64::from(n);
    let intercept = logit(base_rate);
    let slope = model.slope().0;
    let probability = |score: &f64| probability_of_score(intercept + slope * score);
    Ok(LeftOut {
        probabilities: scores.iter().map(probability).collect(),
        scores: [
            scores,
            model.engine_scores(ResponseEngine::Logistic, features.view())?,
            model.engine_scores(ResponseEngine::Boosting, features.view())?,
            community("shannon")?,
            community("toposcore")?,
            vec![base_rate; split.test().len()],
        ],
        audit: LeakAudit::from(audit),
    })
}
