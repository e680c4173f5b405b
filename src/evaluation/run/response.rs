//! Response: leave one cohort out.

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::cohort::PatientCohort;
use crate::evaluation::{
    Comparator, GroupColumn, LeakAudit, Metric, ReportParams, ReportRow, Scope, Split, SplitAudit,
    leave_one_group_out, number_groups, report,
};
use crate::feature::COMMUNITY_FEATURES;
use crate::matcher::{ResponseEngine, ResponseParams};
#[cfg(feature = "comparators")]
use crate::model::TrainingData;
#[cfg(feature = "comparators")]
use crate::model::backend::{ForestParams, RidgeParams};
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
const NAMES: [&str; 6 + BACKENDS.len()] = {
    let own = ["model", "logistic", "boosting"];
    let rules = ["shannon", "toposcore", "base_rate"];
    let mut names = [""; 6 + BACKENDS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = if at < 3 {
            own[at]
        } else if at < 3 + BACKENDS.len() {
            BACKENDS[at - 3]
        } else {
            rules[at - 3 - BACKENDS.len()]
        };
        at += 1;
    }
    names
};

/// Models of other crates on the same features.
#[cfg(feature = "comparators")]
const BACKENDS: [&str; 2] = ["linfa_logistic", "smartcore_forest"];
#[cfg(not(feature = "comparators"))]
const BACKENDS: [&str; 0] = [];

/// What the mean over the cohorts of an earlier comparison is called in the table.
const PUBLISHED: &str = "published";

/// Leaves each cohort of [`ReportParams::min_patients`] or more out in turn, learns from the others and scores it,
/// beside the two engines alone, linfa's logistic regression and smartcore's forest (feature
/// `comparators`), Shannon diversity, TOPOSCORE and the base rate of the training rows. `published`
/// names cohorts whose mean is given apart, in a row of the cohort `published`. Cohorts of one
/// institution may share patients: while one is judged, the others are not learned from.
///
/// The probability of the model is the base rate of the training rows moved by the score: a cohort
/// never seen has no intercept of its own.
///
/// A subject that stands in two cohorts is judged in each, and not learned from in the one while
/// the other is judged: the audit lists the rows that were.
///
/// # Errors
/// Those of the fit; [`Error::Split`] where fewer than two cohorts are there, or nothing is left to
/// learn from; [`Error::Parameter`] where `published` names a cohort that has no rows.
pub fn evaluate_response(
    params: &ResponseParams,
    patients: &PatientCohort,
    published: &[StudyId],
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
    if let Some(unknown) = published.iter().find(|name| !cohorts.contains(name)) {
        return Err(Error::parameter(
            "cohorts",
            format!("no patient of the cohort `{unknown}` has an outcome"),
        ));
    }
    let (subject_groups, _) = number_groups(&subjects);
    let (cohort_groups, _) = number_groups(&cohorts);
    let linked = linked_rows(&patients);
    let columns = [
        GroupColumn::new("subject", &subject_groups),
        GroupColumn::new("cohort", &cohort_groups),
        GroupColumn::new("institution", &linked),
    ];
    let mut splits = leave_one_group_out(&cohorts, Some(&linked))?;
    let least = report_params.min_patients;
    splits.retain(|split| split.test().len() >= least);
    if splits.is_empty() {
        return Err(Error::split(format!(
            "no cohort has {least} patients to be judged on"
        )));
    }
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
    let ordering = with(ordering);
    let mut rows = report(&comparators, &outcomes, &groups, &labels, &ordering)?;
    let apart: Vec<usize> = (0..labels.len())
        .filter(|&row| published.contains(labels[row]))
        .collect();
    if !apart.is_empty() {
        rows.extend(mean_apart(
            &scores,
            &apart,
            (&outcomes, &groups, &labels),
            &ordering,
        )?);
    }
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

/// Numbers of what may be of one person: the institution where it is known, else the subject.
fn linked_rows(patients: &PatientCohort) -> Vec<u32> {
    let names: Vec<String> = patients
        .patients()
        .iter()
        .map(|patient| match &patient.institution {
            Some(institution) => format!("institution\t{institution}"),
            None => format!("subject\t{}", patient.subject),
        })
        .collect();
    number_groups(&names).0
}

/// The means over some of the cohorts.
fn mean_apart(
    scores: &[Vec<f64>],
    rows: &[usize],
    (outcomes, groups, labels): (&[f64], &[u32], &[&StudyId]),
    params: &ReportParams,
) -> Result<Vec<ReportRow>> {
    let pick = |values: &[f64]| -> Vec<f64> { rows.iter().map(|&row| values[row]).collect() };
    let scores: Vec<Vec<f64>> = scores.iter().map(|values| pick(values)).collect();
    let comparators: Vec<Comparator<'_>> = NAMES
        .iter()
        .zip(&scores)
        .map(|(name, scores)| Comparator::new(name, scores))
        .collect();
    let groups: Vec<u32> = rows.iter().map(|&row| groups[row]).collect();
    let labels: Vec<&StudyId> = rows.iter().map(|&row| labels[row]).collect();
    let mut means = report(&comparators, &pick(outcomes), &groups, &labels, params)?;
    means.retain(|row| row.scope == Scope::Mean);
    for row in &mut means {
        PUBLISHED.clone_into(&mut row.cohort);
    }
    Ok(means)
}

/// Scores of the test rows by models of other crates, fitted on the training rows.
#[cfg(feature = "comparators")]
fn backend_scores(
    params: &ResponseParams,
    training: (ArrayView2<'_, f64>, &[f64]),
    test: ArrayView2<'_, f64>,
) -> Result<[Vec<f64>; BACKENDS.len()]> {
    let data = TrainingData::new(training.0, training.1)?;
    let ridge = RidgeParams::default().fit(&data)?;
    let forest = ForestParams {
        seed: params.seed,
        ..ForestParams::default()
    };
    Ok([ridge.scores(test)?, forest.fit(&data)?.scores(test)?])
}

#[cfg(not(feature = "comparators"))]
#[expect(clippy::unnecessary_wraps, reason = "with comparators a fit may fail")]
fn backend_scores(
    _: &ResponseParams,
    _: (ArrayView2<'_, f64>, &[f64]),
    _: ArrayView2<'_, f64>,
) -> Result<[Vec<f64>; BACKENDS.len()]> {
    Ok([])
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
    let probabilities = scores.iter().map(probability).collect();
    let learned_from = model.schema().features(&training.profiles().closure())?;
    let outcomes: Vec<f64> = training
        .patients()
        .iter()
        .map(|patient| f64::from(u8::from(patient.response == Some(true))))
        .collect();
    let backends = backend_scores(params, (learned_from.view(), &outcomes), features.view())?;
    for name in BACKENDS {
        audit.record(name, split.training())?;
    }
    let own = [
        scores,
        model.engine_scores(ResponseEngine::Logistic, features.view())?,
        model.engine_scores(ResponseEngine::Boosting, features.view())?,
    ];
    let rules = [
        community("shannon")?,
        community("toposcore")?,
        vec![base_rate; split.test().len()],
    ];
    let mut all = own.into_iter().chain(backends).chain(rules);
    Ok(LeftOut {
        scores: std::array::from_fn(|_| all.next().unwrap_or_default()),
        probabilities,
        audit: LeakAudit::from(audit),
    })
}
