//! Response: leave one cohort out.

use ndarray::ArrayView2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

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
    let folds = ResponseFolds::new(params, patients, published, report_params)?;
    let judged = folds
        .splits
        .par_iter()
        .map(|split| folds.judge_split(split))
        .collect::<Result<Vec<_>>>()?;
    folds.report(judged)
}

/// The cohorts that [`evaluate_response`] leaves out, to be judged one by one, in any order and
/// wherever: each is a fit of its own.
#[derive(Debug, Clone)]
pub struct ResponseFolds {
    params: ResponseParams,
    patients: PatientCohort,
    published: Vec<StudyId>,
    report_params: ReportParams,
    splits: Vec<Split>,
    subjects: Vec<u32>,
    cohorts: Vec<u32>,
    linked: Vec<u32>,
}

/// A cohort that was left out, scored by what was learned from the others; it travels as bytes
/// ([`to_transfer`](crate::persist::to_transfer)).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedCohort {
    cohort: String,
    /// In the order of the names, then of the rows of the cohort.
    scores: Vec<Vec<f64>>,
    probabilities: Vec<f64>,
    audit: LeakAudit,
}

impl ResponseFolds {
    /// The cohorts to be left out, for the arguments of [`evaluate_response`].
    ///
    /// # Errors
    /// Those of [`evaluate_response`], but for the fit.
    pub fn new(
        params: &ResponseParams,
        patients: &PatientCohort,
        published: &[StudyId],
        report_params: &ReportParams,
    ) -> Result<Self> {
        let patients = params.eligible(patients)?;
        let patients = patients.filter(|patient| patient.response.is_some())?;
        let cohorts: Vec<&StudyId> = cohorts_of(&patients);
        if let Some(unknown) = published.iter().find(|name| !cohorts.contains(name)) {
            return Err(Error::parameter(
                "cohorts",
                format!("no patient of the cohort `{unknown}` has an outcome"),
            ));
        }
        let subjects: Vec<&str> = patients
            .patients()
            .iter()
            .map(|patient| patient.subject.as_str())
            .collect();
        let linked = linked_rows(&patients);
        let mut splits = leave_one_group_out(&cohorts, Some(&linked))?;
        let least = report_params.min_patients;
        splits.retain(|split| split.test().len() >= least);
        if splits.is_empty() {
            return Err(Error::split(format!(
                "no cohort has {least} patients to be judged on"
            )));
        }
        Ok(Self {
            params: params.clone(),
            published: published.to_vec(),
            report_params: report_params.clone(),
            splits,
            subjects: number_groups(&subjects).0,
            cohorts: number_groups(&cohorts).0,
            linked,
            patients,
        })
    }

    /// The names of the cohorts, in the order of the report.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.splits.iter().map(Split::name)
    }

    /// Learns from the others and scores this cohort.
    ///
    /// # Errors
    /// Those of the fit; [`Error::Parameter`] where there is no such cohort.
    pub fn judge(&self, cohort: &str) -> Result<JudgedCohort> {
        let split = self.splits.iter().find(|split| split.name() == cohort);
        let split = split.ok_or_else(|| {
            Error::parameter("cohort", format!("no cohort `{cohort}` is left out"))
        })?;
        self.judge_split(split)
    }

    fn judge_split(&self, split: &Split) -> Result<JudgedCohort> {
        let columns = [
            GroupColumn::new("subject", &self.subjects),
            GroupColumn::new("cohort", &self.cohorts),
            GroupColumn::new("institution", &self.linked),
        ];
        score_left_out(&self.params, &self.patients, split, &columns)
    }

    /// The table of results, from every cohort judged once, in the order of the names.
    ///
    /// # Errors
    /// [`Error::Table`] where these are not those cohorts; [`Error::Leak`] where a model saw what
    /// it is judged on; those of [`report`].
    pub fn report(&self, judged: Vec<JudgedCohort>) -> Result<ResponseEvaluation> {
        let mut audit = LeakAudit::default();
        let mut rows = Vec::new();
        let mut scores = vec![Vec::new(); NAMES.len()];
        let mut probabilities = Vec::new();
        self.check(&judged)?;
        for (split, left_out) in self.splits.iter().zip(judged) {
            audit.extend(left_out.audit);
            rows.extend_from_slice(split.test());
            for (all, mut one) in scores.iter_mut().zip(left_out.scores) {
                all.append(&mut one);
            }
            probabilities.extend(left_out.probabilities);
        }
        audit.check()?;
        let rows = self.table(&rows, &scores, &probabilities)?;
        Ok(ResponseEvaluation { rows, audit })
    }

    /// Whether these are the cohorts left out, each with its scores.
    fn check(&self, judged: &[JudgedCohort]) -> Result<()> {
        let fits = |(split, one): (&Split, &JudgedCohort)| {
            let n = split.test().len();
            one.cohort == split.name()
                && one.scores.len() == NAMES.len()
                && one.scores.iter().all(|scores| scores.len() == n)
                && one.probabilities.len() == n
        };
        if judged.len() == self.splits.len() && self.splits.iter().zip(judged).all(fits) {
            return Ok(());
        }
        let found: Vec<&str> = judged.iter().map(|one| one.cohort.as_str()).collect();
        Err(Error::table(format!(
            "expected the cohorts {}, found {}",
            self.names().collect::<Vec<_>>().join(", "),
            found.join(", ")
        )))
    }

    /// The report on these rows, of which these are the scores.
    fn table(
        &self,
        judged: &[usize],
        scores: &[Vec<f64>],
        probabilities: &[f64],
    ) -> Result<Vec<ReportRow>> {
        let cohorts = cohorts_of(&self.patients);
        let outcome = |&row: &usize| {
            f64::from(u8::from(
                self.patients.patients()[row].response == Some(true),
            ))
        };
        let outcomes: Vec<f64> = judged.iter().map(outcome).collect();
        let groups: Vec<u32> = judged.iter().map(|&row| self.subjects[row]).collect();
        let labels: Vec<&StudyId> = judged.iter().map(|&row| cohorts[row]).collect();
        let comparators: Vec<Comparator<'_>> = NAMES
            .iter()
            .zip(scores)
            .map(|(name, scores)| Comparator::new(name, scores))
            .collect();
        let params = &self.report_params;
        let (ordering, calibrated): (Vec<Metric>, Vec<Metric>) = params
            .metrics
            .iter()
            .partition(|metric| !metric.needs_probabilities());
        let with = |metrics| ReportParams {
            metrics,
            ..params.clone()
        };
        let ordering = with(ordering);
        let mut rows = report(&comparators, &outcomes, &groups, &labels, &ordering)?;
        let apart: Vec<usize> = (0..labels.len())
            .filter(|&row| self.published.contains(labels[row]))
            .collect();
        if !apart.is_empty() {
            let of_all = (&outcomes[..], &groups[..], &labels[..]);
            rows.extend(mean_apart(scores, &apart, of_all, &ordering)?);
        }
        if !calibrated.is_empty() {
            let model = [Comparator::new(NAMES[0], probabilities)];
            let calibrated = with(calibrated);
            rows.extend(report(&model, &outcomes, &groups, &labels, &calibrated)?);
        }
        Ok(rows)
    }
}

/// The cohort of each patient.
fn cohorts_of(patients: &PatientCohort) -> Vec<&StudyId> {
    let patients = patients.patients().iter();
    patients.map(|patient| &patient.cohort).collect()
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

fn score_left_out(
    params: &ResponseParams,
    patients: &PatientCohort,
    split: &Split,
    columns: &[GroupColumn<'_>],
) -> Result<JudgedCohort> {
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
    let scores = own.into_iter().chain(backends).chain(rules);
    Ok(JudgedCohort {
        cohort: split.name().to_owned(),
        scores: scores.collect(),
        probabilities,
        audit: LeakAudit::from(audit),
    })
}
