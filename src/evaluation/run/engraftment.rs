//! Engraftment: leave one study out.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::left_out::LeftOut;
use crate::cohort::Cohort;
use crate::engraftment::{
    EngraftmentParams, NaiveRule, Observation, TaxonCounts, TransplantPrediction, observations,
};
use crate::evaluation::{
    BootstrapParams, IntervalMethod, Metric, ReportRow, Scope, ScoredRows, mean_over_cohorts,
    roc_auc,
};
use crate::numeric::random::{Stream, address, derive};
use crate::{Error, Result};

/// The name of the model in the table; the rules follow it.
const MODEL: &str = "model";

/// Leaves each study out in turn, learns from the others and orders the taxa of its pairs by their
/// predicted presence, beside the [`NaiveRule`]s on the same rows.
///
/// The figure of a study is the mean over its recipients of the mean over their follow-ups of the
/// ROC AUC over the taxa present in donor or recipient. Taxa absent from both are not counted: they
/// would lift every figure. Follow-ups where all or none of the taxa are found have no ROC AUC and
/// are left out. Intervals are percentiles of a bootstrap over recipients. Transplants of other
/// studies that share a donor, a recipient or a sample with the study are not learned from.
/// Beside it stand the numbers of taxa gained and kept with the share of follow-ups inside their
/// 90 % intervals, see [`CountRow`].
///
/// # Errors
/// Those of the fit; [`Error::Split`] where there are fewer than two studies, or nothing is left
/// to learn from; [`Error::Parameter`] where `bootstrap` asks for no resamples, for a level outside
/// (0, 1), or for intervals other than percentiles.
pub fn evaluate_engraftment(
    params: &EngraftmentParams,
    cohorts: &[Cohort],
    bootstrap: &BootstrapParams,
) -> Result<EngraftmentReport> {
    let folds = EngraftmentFolds::new(params, cohorts, bootstrap)?;
    let judged = folds
        .studies
        .par_iter()
        .map(|study| folds.judge(study))
        .collect::<Result<Vec<_>>>()?;
    folds.report(&judged)
}

/// The studies that [`evaluate_engraftment`] leaves out, to be judged one by one, in any order and
/// wherever: each is a fit of its own.
#[derive(Debug, Clone)]
pub struct EngraftmentFolds {
    params: EngraftmentParams,
    cohorts: Vec<Cohort>,
    bootstrap: BootstrapParams,
    studies: Vec<String>,
}

impl EngraftmentFolds {
    /// The studies to be left out, for the arguments of [`evaluate_engraftment`].
    ///
    /// # Errors
    /// Those of [`evaluate_engraftment`], but for the fit.
    pub fn new(
        params: &EngraftmentParams,
        cohorts: &[Cohort],
        bootstrap: &BootstrapParams,
    ) -> Result<Self> {
        bootstrap.check()?;
        if bootstrap.method != IntervalMethod::Percentile {
            return Err(Error::parameter(
                "method",
                "intervals of engraftment are percentiles; expected `percentile`",
            ));
        }
        let transplants = cohorts.iter().flat_map(Cohort::transplants);
        let mut studies: Vec<String> = transplants
            .map(|transplant| transplant.study.as_str().to_owned())
            .collect();
        studies.sort();
        studies.dedup();
        if studies.len() < 2 {
            return Err(Error::split(format!(
                "leaving one study out needs at least two studies, found {}",
                studies.len()
            )));
        }
        Ok(Self {
            params: params.clone(),
            cohorts: cohorts.to_vec(),
            bootstrap: bootstrap.clone(),
            studies,
        })
    }

    /// The names of the studies, in the order of the report.
    pub fn names(&self) -> &[String] {
        &self.studies
    }

    /// Learns from the others and judges the transplants of this study.
    ///
    /// # Errors
    /// Those of the fit; [`Error::Parameter`] where there is no such study.
    pub fn judge(&self, study: &str) -> Result<JudgedStudy> {
        if !self.studies.iter().any(|known| known == study) {
            let message = format!("no study `{study}` is left out");
            return Err(Error::parameter("study", message));
        }
        judge_study(&self.params, &self.cohorts, study)
    }

    /// The table of results, from every study judged once, in the order of the names.
    ///
    /// # Errors
    /// [`Error::Table`] where these are not those studies, or one has no follow-up to be judged by.
    pub fn report(&self, judged: &[JudgedStudy]) -> Result<EngraftmentReport> {
        let n_comparators = NaiveRule::ALL.len() + 1;
        let names = judged.iter().map(|one| &one.study);
        if !names.eq(&self.studies) || judged.iter().any(|one| one.aucs.len() != n_comparators) {
            let found: Vec<&str> = judged.iter().map(|one| one.study.as_str()).collect();
            return Err(Error::table(format!(
                "expected the studies {}, found {}",
                self.studies.join(", "),
                found.join(", ")
            )));
        }
        let mut rows = Vec::new();
        for comparator in 0..n_comparators {
            rows.extend(self.rows_of(comparator, judged)?);
        }
        let counts = judged.iter();
        let counts = counts.flat_map(|judged| count_rows(&judged.study, &judged.counts));
        Ok(EngraftmentReport {
            rows,
            counts: counts.collect(),
        })
    }

    /// A row a study, and one of their mean.
    fn rows_of(&self, comparator: usize, judged: &[JudgedStudy]) -> Result<Vec<ReportRow>> {
        let name = comparator
            .checked_sub(1)
            .map_or(MODEL, |rule| NaiveRule::ALL[rule].as_str());
        let mut rows = Vec::with_capacity(judged.len() + 1);
        let mut means = Vec::new();
        let (mut n_follow_ups, mut n_recipients) = (0, 0);
        for judged in judged {
            let row = study_row(
                name,
                &judged.study,
                &judged.aucs[comparator],
                &self.bootstrap,
            )?;
            means.extend(row.value);
            n_follow_ups += row.n_rows;
            n_recipients += row.n_groups;
            rows.push(row);
        }
        let mean = mean_over_cohorts(&means, self.bootstrap.level)?;
        rows.push(ReportRow {
            scope: Scope::Mean,
            value: mean.value,
            lo: mean.lo,
            hi: mean.hi,
            prediction_lo: mean.prediction_lo,
            prediction_hi: mean.prediction_hi,
            n_rows: n_follow_ups,
            n_groups: n_recipients,
            n_cohorts: means.len(),
            reason: mean.reason,
            ..empty_row(name)
        });
        Ok(rows)
    }
}

/// How well transplants of studies left out were predicted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngraftmentReport {
    /// ROC AUC of presence, a row a comparator and study, and the mean over studies.
    pub rows: Vec<ReportRow>,
    /// Numbers of taxa, two rows a study.
    pub counts: Vec<CountRow>,
}

/// Numbers of taxa of a study left out beside what was expected: means over its follow-ups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountRow {
    /// The study.
    pub study: String,
    /// `n_gained` or `n_kept`.
    pub count: String,
    /// Follow-ups behind the row.
    pub n_rows: usize,
    /// Their recipients.
    pub n_groups: usize,
    /// Taxa that could be gained (the donor's alone) or kept (the recipient's).
    pub n_possible: f64,
    /// Taxa that were.
    pub observed: f64,
    /// Taxa that were expected to be.
    pub expected: f64,
    /// Lower end of the 90 % interval.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
    /// Share of the follow-ups inside their interval.
    pub coverage: f64,
}

/// What was seen in a study left out; it travels as bytes
/// ([`to_transfer`](crate::persist::to_transfer)).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedStudy {
    study: String,
    /// For each comparator, recipient → the ROC AUCs of its follow-ups.
    aucs: Vec<BTreeMap<String, Vec<f64>>>,
    counts: Vec<Counted>,
}

/// One follow-up: its recipient, and what was possible and seen of gain and keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Counted {
    recipient: String,
    n_possible: [f64; 2],
    observed: [f64; 2],
    expected: TaxonCounts,
}

/// Draws of the interval of each follow-up.
const COUNT_DRAWS: usize = 400;

impl Counted {
    fn of(observation: &Observation, prediction: &TransplantPrediction, seed: u64) -> Self {
        let (mut n_possible, mut observed) = ([0.0; 2], [0.0; 2]);
        for (&before, &after) in observation.pair.recipient.iter().zip(&observation.after) {
            let class = usize::from(before > 0.0);
            n_possible[class] += 1.0;
            observed[class] += f64::from(u8::from(after > 0.0));
        }
        Self {
            recipient: observation.recipient.clone(),
            n_possible,
            observed,
            expected: prediction.counts(COUNT_DRAWS, seed),
        }
    }

    fn interval(&self, class: usize) -> (f64, f64, f64) {
        let found = &self.expected;
        if class == 0 {
            (found.n_gained, found.n_gained_lo, found.n_gained_hi)
        } else {
            (found.n_kept, found.n_kept_lo, found.n_kept_hi)
        }
    }
}

fn count_rows(study: &str, counts: &[Counted]) -> Vec<CountRow> {
    let n = counts.len() as f64;
    let recipients: std::collections::BTreeSet<&String> =
        counts.iter().map(|one| &one.recipient).collect();
    let row = |(class, count): (usize, &str)| {
        let mean = |value: &dyn Fn(&Counted) -> f64| counts.iter().map(value).sum::<f64>() / n;
        CountRow {
            study: study.to_owned(),
            count: count.to_owned(),
            n_rows: counts.len(),
            n_groups: recipients.len(),
            n_possible: mean(&|one| one.n_possible[class]),
            observed: mean(&|one| one.observed[class]),
            expected: mean(&|one| one.interval(class).0),
            lo: mean(&|one| one.interval(class).1),
            hi: mean(&|one| one.interval(class).2),
            coverage: mean(&|one| {
                let (_, lo, hi) = one.interval(class);
                f64::from(u8::from((lo..=hi).contains(&one.observed[class])))
            }),
        }
    };
    ["n_gained", "n_kept"]
        .into_iter()
        .enumerate()
        .map(row)
        .collect()
}

fn judge_study(params: &EngraftmentParams, cohorts: &[Cohort], study: &str) -> Result<JudgedStudy> {
    let training = LeftOut::new(cohorts, study).transplants(cohorts)?;
    let model = params.fit(&training)?;
    if model.studies().iter().any(|learned| learned == study) {
        return Err(Error::leak(format!(
            "the engraftment model saw the study `{study}`"
        )));
    }
    let mut judged = JudgedStudy {
        study: study.to_owned(),
        aucs: vec![BTreeMap::new(); NaiveRule::ALL.len() + 1],
        counts: Vec::new(),
    };
    for (number, cohort) in cohorts.iter().enumerate() {
        let Ok(test) = cohort.filter(|t| t.study.as_str() == study) else {
            continue;
        };
        let predictor = model.predictor(test.profiles().taxa());
        for observation in observations(&test, number, model.detection_limit())? {
            let prediction = predictor.predict(&observation.pair, observation.context)?;
            let rules = NaiveRule::ALL
                .iter()
                .map(|rule| rule.scores(&observation.pair));
            let scores = std::iter::once(prediction.mean_presence()).chain(rules);
            let seed = derive(params.seed, judged.counts.len() as u64);
            let counted = Counted::of(&observation, &prediction, seed);
            judged.counts.push(counted);
            for (judged, scores) in judged.aucs.iter_mut().zip(scores) {
                if let Some(auc) = auc_of(&observation, &scores)? {
                    judged
                        .entry(observation.recipient.clone())
                        .or_default()
                        .push(auc);
                }
            }
        }
    }
    Ok(judged)
}

fn auc_of(observation: &Observation, scores: &[f64]) -> Result<Option<f64>> {
    let present: Vec<f64> = observation
        .after
        .iter()
        .map(|&after| f64::from(u8::from(after > 0.0)))
        .collect();
    Ok(roc_auc(&ScoredRows::new(scores, &present)?).ok())
}

fn study_row(
    name: &str,
    study: &str,
    recipients: &BTreeMap<String, Vec<f64>>,
    bootstrap: &BootstrapParams,
) -> Result<ReportRow> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let by_recipient: Vec<f64> = recipients.values().map(|aucs| mean(aucs)).collect();
    if by_recipient.is_empty() {
        return Err(Error::table(format!(
            "no follow-up of `{study}` can be judged"
        )));
    }
    // The same draws for every comparator of a study.
    let seed = derive(bootstrap.seed, address(study));
    let mut resampled: Vec<f64> = (0..bootstrap.n_resamples as u64)
        .map(|resample| {
            let mut stream = Stream::new(derive(seed, resample));
            let draw = |_| by_recipient[stream.below(by_recipient.len())];
            mean(&(0..by_recipient.len()).map(draw).collect::<Vec<_>>())
        })
        .collect();
    resampled.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let position = (share * (resampled.len().saturating_sub(1)) as f64).round() as usize;
        (by_recipient.len() > 1)
            .then(|| resampled.get(position).copied())
            .flatten()
    };
    let tail = (1.0 - bootstrap.level) / 2.0;
    Ok(ReportRow {
        scope: Scope::Cohort,
        cohort: study.to_owned(),
        value: Some(mean(&by_recipient)),
        lo: at(tail),
        hi: at(1.0 - tail),
        n_rows: recipients.values().map(Vec::len).sum(),
        n_groups: by_recipient.len(),
        n_cohorts: 1,
        ..empty_row(name)
    })
}

fn empty_row(name: &str) -> ReportRow {
    ReportRow {
        comparator: name.to_owned(),
        scope: Scope::Mean,
        cohort: String::new(),
        metric: Metric::RocAuc,
        value: None,
        lo: None,
        hi: None,
        prediction_lo: None,
        prediction_hi: None,
        n_rows: 0,
        n_groups: 0,
        n_events: 0,
        n_cohorts: 0,
        reason: None,
    }
}
