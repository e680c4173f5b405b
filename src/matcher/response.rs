//! The response model: from a profile to how far it moves the log-odds of objective response.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::domain::{DIGITS, Domain};
use super::response_rows::{ResponseRows, log_loss, slope_posterior};
use crate::cohort::PatientCohort;
use crate::evidence::CohortSlope;
use crate::feature::ProfileSchema;
use crate::model::{
    BoostingModel, BoostingParams, ColumnBlock, ContributionReference, LogisticModel,
    LogisticParams, TrainingData,
};
use crate::numeric::decimal::rounded;
use crate::numeric::random::derive;
use crate::{Error, Result};

/// What stable disease may count of a response: set before any figure was looked at, as less than
/// half and more than nothing.
const STABLE_DISEASE: f64 = 0.3;

/// Which of the two engines the score comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseEngine {
    /// Elastic-net logistic regression.
    Logistic,
    /// Gradient-boosted trees.
    Boosting,
    /// The mean of the two scores.
    Both,
    /// Whichever of the three predicts cohorts better that are left out inside the training rows
    /// (lower log loss); the mean of the two where there is only one cohort.
    #[default]
    Selected,
}

/// Settings of the response model.
///
/// Both engines learn the log-odds beyond an offset: the smoothed response rate of the patient's
/// cohort, so that neither learns to tell cohorts apart where it should tell patients apart. Each
/// is fitted `n_members` times on bootstrap draws of the patients; the score is the mean
/// of the members, their spread enters the intervals. A slope, learned from scores of cohorts that
/// were left out inside the training rows, shrinks the score to what carries over to a new cohort.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ResponseParams {
    /// Whether samples taken under treatment (day above 0) are learned from, and judged in
    /// evaluation. Default no: they may show the response instead of foretelling it.
    pub on_treatment: bool,
    /// Share of training profiles that a taxon needs to have a column. Default 0.05.
    pub min_prevalence: f64,
    /// Fraction added before logarithms: ln(1 + fraction / pseudocount). Default 10⁻⁵, the
    /// smallest value that MetaPhlAn writes is 10⁻⁷.
    pub pseudocount: f64,
    /// Fits on bootstrap draws of patients. Default 20.
    pub n_members: u32,
    /// Members of the fits that the slope is learned from. Default 4.
    pub n_slope_members: u32,
    /// Which engine gives the score. Default: selected inside the training rows.
    pub engine: ResponseEngine,
    /// What stable disease counts of a response in training, where the source tells RECIST: a
    /// patient who is stable stands between one who responds and one who progresses. Outcomes that
    /// are judged stay objective response. Default: 0 or 0.3, selected inside the training rows.
    pub stable_disease: Option<f64>,
    /// The linear model. Default: ridge, λ = 1.25.
    pub logistic: LogisticParams,
    /// The trees. Default: 200 rounds of depth 3, rate 0.03, a tenth of the features a tree.
    pub boosting: BoostingParams,
    /// Seed. Default 0.
    pub seed: u64,
}

impl Default for ResponseParams {
    fn default() -> Self {
        let logistic = LogisticParams {
            lambda: 1.25,
            alpha: 0.0,
            ..LogisticParams::default()
        };
        let boosting = BoostingParams {
            n_rounds: 200,
            learning_rate: 0.03,
            max_depth: 3,
            max_bins: 63,
            l2: 5.0,
            min_leaf_rows: 10,
            min_leaf_weight: 0.5,
            row_fraction: 0.7,
            column_fraction: Some(0.1),
            ..BoostingParams::default()
        };
        Self {
            on_treatment: false,
            min_prevalence: 0.05,
            pseudocount: 1e-5,
            n_members: 20,
            n_slope_members: 4,
            engine: ResponseEngine::Selected,
            stable_disease: None,
            logistic,
            boosting,
            seed: 0,
        }
    }
}

/// One fit of each engine on one bootstrap draw of the patients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResponseMember {
    pub logistic: LogisticModel,
    pub boosting: BoostingModel,
    /// Mean score over the training rows, taken off so that 0 is the average patient.
    pub logistic_center: f64,
    pub boosting_center: f64,
}

/// Predicts from a profile how far it moves the log-odds of response from the intercept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseModel {
    pub(crate) schema: ProfileSchema,
    pub(crate) engine: ResponseEngine,
    pub(crate) members: Vec<ResponseMember>,
    pub(crate) slope: f64,
    pub(crate) slope_sd: f64,
    /// Standard deviation of out-of-fold scores within a cohort.
    pub(crate) score_sd: f64,
    pub(crate) domain: Domain,
    pub(crate) n_patients: u32,
    pub(crate) n_responders: u32,
    pub(crate) cohorts: Vec<String>,
}

impl ResponseParams {
    /// Learns from the patients whose response is known, sampled before treatment or on a day that
    /// is not known (see [`ResponseParams::on_treatment`]).
    ///
    /// # Errors
    /// [`Error::Table`] where fewer than 20 patients or only one outcome is known;
    /// [`Error::Parameter`] for a setting out of range.
    pub fn fit(&self, cohort: &PatientCohort) -> Result<ResponseModel> {
        Ok(self.fit_with_slopes(cohort)?.0)
    }

    /// The same, and how the outcomes of each cohort go with scores that did not see it: what the
    /// joint model of [`evidence`](crate::evidence) reads.
    pub(crate) fn fit_with_slopes(
        &self,
        cohort: &PatientCohort,
    ) -> Result<(ResponseModel, Vec<CohortSlope>)> {
        if self.n_members == 0 {
            return Err(Error::parameter("n_members", "expected 1 or more, found 0"));
        }
        if let Some(grade) = self.stable_disease
            && !(0.0..1.0).contains(&grade)
        {
            return Err(Error::parameter(
                "stable_disease",
                format!("expected a number from 0 to below 1, found {grade}"),
            ));
        }
        let cohort = self.eligible(cohort)?;
        let cohort = cohort.filter(|patient| patient.response.is_some())?;
        let rows = ResponseRows::new(&cohort);
        rows.check()?;
        let profiles = cohort.profiles().closure();
        let schema = ProfileSchema::learn(&profiles, self.min_prevalence, self.pseudocount)?;
        let features = schema.features(&profiles)?;
        let transfer = self.transfer(features.view(), &rows)?;
        let grade = transfer.stable_disease;
        let members = self.fit_members(features.view(), &rows, grade, self.n_members)?;
        let score_sd = match transfer.scores.as_deref() {
            Some(scores) => rows.sd_within_cohorts(scores),
            None => rows.sd_within_cohorts(&mean_over_members(
                &members,
                transfer.engine,
                features.view(),
            )?),
        };
        let slopes = match transfer.scores.as_deref() {
            Some(scores) => rows.slopes(scores, score_sd)?,
            None => Vec::new(),
        };
        let mut cohorts = rows.cohorts.clone();
        cohorts.sort();
        let model = ResponseModel {
            domain: Domain::learn(features.view()),
            schema,
            engine: transfer.engine,
            members,
            slope: transfer.slope,
            slope_sd: transfer.slope_sd,
            score_sd,
            n_patients: rows.outcomes.len() as u32,
            n_responders: rows
                .outcomes
                .iter()
                .filter(|&&outcome| outcome > 0.5)
                .count() as u32,
            cohorts,
        };
        Ok((model, slopes))
    }

    /// The patients that may be learned from or judged, by the day of their sample.
    pub(crate) fn eligible(&self, patients: &PatientCohort) -> Result<PatientCohort> {
        if self.on_treatment {
            Ok(patients.clone())
        } else {
            patients.before_treatment()
        }
    }

    fn fit_members(
        &self,
        features: ArrayView2<'_, f64>,
        rows: &ResponseRows,
        stable_disease: f64,
        n_members: u32,
    ) -> Result<Vec<ResponseMember>> {
        let graded = rows.graded(stable_disease);
        let training = features.select(ndarray::Axis(0), &graded.rows);
        (0..n_members)
            .into_par_iter()
            .map(|member| {
                let seed = derive(self.seed, u64::from(member));
                let weights = graded.weighted(&rows.bootstrap_weights(seed));
                let data = TrainingData::new(training.view(), &graded.targets)?
                    .with_weights(&weights)?
                    .with_offsets(&graded.offsets)?;
                self.fit_member(features, &data, seed)
            })
            .collect()
    }

    /// `features`: each patient once, for the mean score.
    fn fit_member(
        &self,
        features: ArrayView2<'_, f64>,
        data: &TrainingData<'_>,
        seed: u64,
    ) -> Result<ResponseMember> {
        let mut boosting = self.boosting.clone();
        boosting.seed = seed;
        let boosting = boosting.fit(data)?;
        let logistic = self.logistic.fit(data)?;
        let center = |scores: Vec<f64>| scores.iter().sum::<f64>() / scores.len() as f64;
        Ok(ResponseMember {
            logistic_center: center(logistic.scores(features)?),
            boosting_center: center(boosting.scores(features)?),
            logistic: with_rounded_means(&logistic)?,
            boosting,
        })
    }

    /// Which engine and grade, and how much of the score, carries over to a cohort that was not
    /// learned from: the slope of a logistic regression of the outcome on left-out scores with cohort
    /// offsets, shrunk by Normal(1, 0.5), and its posterior spread. With a single cohort nothing
    /// can be left out: the prior alone is used.
    fn transfer(&self, features: ArrayView2<'_, f64>, rows: &ResponseRows) -> Result<Transfer> {
        const PRIOR: (f64, f64) = (1.0, 0.5);
        let candidates = match self.engine {
            ResponseEngine::Selected => {
                vec![
                    ResponseEngine::Both,
                    ResponseEngine::Logistic,
                    ResponseEngine::Boosting,
                ]
            }
            engine => vec![engine],
        };
        let grades = match self.stable_disease {
            Some(grade) => vec![grade],
            None if rows.has_grades() => vec![0.0, STABLE_DISEASE],
            None => vec![0.0],
        };
        if rows.cohorts.len() < 2 || self.n_slope_members == 0 {
            return Ok(Transfer {
                engine: candidates[0],
                stable_disease: grades[0],
                slope: PRIOR.0,
                slope_sd: PRIOR.1,
                scores: None,
            });
        }
        let mut best: Option<(f64, Transfer)> = None;
        for grade in grades {
            let scores = self.left_out_scores(features, rows, grade, &candidates)?;
            for (&engine, scores) in candidates.iter().zip(scores) {
                let (slope, slope_sd) = slope_posterior(&scores, rows, PRIOR);
                let loss = log_loss(&scores, rows, slope);
                if best.as_ref().is_none_or(|(lowest, _)| loss < *lowest) {
                    best = Some((
                        loss,
                        Transfer {
                            engine,
                            stable_disease: grade,
                            slope,
                            slope_sd,
                            scores: Some(scores),
                        },
                    ));
                }
            }
        }
        best.map(|(_, transfer)| transfer)
            .ok_or_else(|| Error::table("no engine to choose from"))
    }

    /// For each candidate engine, scores of every row by members that did not see its cohort.
    fn left_out_scores(
        &self,
        features: ArrayView2<'_, f64>,
        rows: &ResponseRows,
        stable_disease: f64,
        candidates: &[ResponseEngine],
    ) -> Result<Vec<Vec<f64>>> {
        let mut scores = vec![vec![0.0; rows.outcomes.len()]; candidates.len()];
        for left_out in 0..rows.cohorts.len() as u32 {
            let (test, training) = rows.leave_out(left_out);
            let inner = rows.select(&training);
            if inner.check().is_err() {
                continue;
            }
            let inner_features = features.select(ndarray::Axis(0), &training);
            let members = self.fit_members(
                inner_features.view(),
                &inner,
                stable_disease,
                self.n_slope_members,
            )?;
            let test_features = features.select(ndarray::Axis(0), &test);
            for (&engine, scores) in candidates.iter().zip(&mut scores) {
                let left_out = mean_over_members(&members, engine, test_features.view())?;
                for (&row, score) in test.iter().zip(left_out) {
                    scores[row] = score;
                }
            }
        }
        Ok(scores)
    }
}

/// The same model, counting contributions from means of few digits: twenty weighted means of a
/// taxon that few patients have would tell of each of them. Scores stay as they are.
fn with_rounded_means(model: &LogisticModel) -> Result<LogisticModel> {
    let means = model.feature_means().iter();
    LogisticModel::new(
        model.intercept(),
        model.coefficients().to_vec(),
        means.map(|&mean| rounded(mean, DIGITS)).collect(),
    )
}

/// What carries over to a new cohort.
struct Transfer {
    engine: ResponseEngine,
    /// What stable disease counts of a response in training.
    stable_disease: f64,
    slope: f64,
    slope_sd: f64,
    /// Out-of-fold scores of that engine, one a row; none where no cohort can be left out.
    scores: Option<Vec<f64>>,
}

impl ResponseMember {
    /// Log-odds beyond the intercept; 0 is the average training patient.
    pub fn scores(
        &self,
        engine: ResponseEngine,
        features: ArrayView2<'_, f64>,
    ) -> Result<Vec<f64>> {
        let logistic = || -> Result<Vec<f64>> {
            let scores = self.logistic.scores(features)?;
            Ok(scores
                .into_iter()
                .map(|score| score - self.logistic_center)
                .collect())
        };
        let boosting = || -> Result<Vec<f64>> {
            let scores = self.boosting.scores(features)?;
            Ok(scores
                .into_iter()
                .map(|score| score - self.boosting_center)
                .collect())
        };
        match engine {
            ResponseEngine::Logistic => logistic(),
            ResponseEngine::Boosting => boosting(),
            ResponseEngine::Both | ResponseEngine::Selected => {
                let mean = |(a, b): (f64, f64)| f64::midpoint(a, b);
                Ok(logistic()?.into_iter().zip(boosting()?).map(mean).collect())
            }
        }
    }

    /// The same for a block of rows.
    ///
    /// # Errors
    /// [`Error::Table`] where the number of columns differs.
    pub fn block_scores(&self, engine: ResponseEngine, block: &ColumnBlock) -> Result<Vec<f64>> {
        if engine != ResponseEngine::Boosting {
            return self.scores(engine, block.to_rows().view());
        }
        let mut scores = self.boosting.block_scores(block)?;
        for score in &mut scores {
            *score -= self.boosting_center;
        }
        Ok(scores)
    }

    /// How much each feature moves the score of a row (1 × features) from the mean score of others:
    /// exact Shapley values, each other row a reference of its own; they sum to the difference, and
    /// a feature that is the same in all has none.
    ///
    /// # Errors
    /// [`Error::Table`] where the number of columns differs or there is no other row.
    pub fn differences(
        &self,
        engine: ResponseEngine,
        row: ArrayView2<'_, f64>,
        others: ArrayView2<'_, f64>,
    ) -> Result<Vec<f64>> {
        let logistic = || -> Result<Vec<f64>> {
            let means = others
                .mean_axis(ndarray::Axis(0))
                .ok_or_else(|| Error::table("expected a row to compare with, found none"))?;
            let coefficients = self.logistic.coefficients().iter();
            let gaps = row.row(0).into_iter().zip(means);
            Ok(coefficients
                .zip(gaps)
                .map(|(coefficient, (value, mean))| coefficient * (value - mean))
                .collect())
        };
        let boosting = || -> Result<Vec<f64>> {
            let reference = ContributionReference::Background(others.into());
            let parts = self.boosting.contributions(row, reference)?;
            Ok(parts.values.row(0).to_vec())
        };
        match engine {
            ResponseEngine::Logistic => logistic(),
            ResponseEngine::Boosting => boosting(),
            ResponseEngine::Both | ResponseEngine::Selected => {
                let mean = |(a, b): (f64, f64)| f64::midpoint(a, b);
                Ok(logistic()?.into_iter().zip(boosting()?).map(mean).collect())
            }
        }
    }

    /// Which columns its scores depend on.
    pub fn uses(&self, engine: ResponseEngine) -> Vec<bool> {
        let is_boosting = engine == ResponseEngine::Boosting;
        let mut uses = vec![!is_boosting; self.boosting.n_features()];
        for &column in self.boosting.used() {
            uses[column as usize] = true;
        }
        uses
    }
}

fn mean_over_members(
    members: &[ResponseMember],
    engine: ResponseEngine,
    features: ArrayView2<'_, f64>,
) -> Result<Vec<f64>> {
    let mut mean = vec![0.0; features.nrows()];
    for member in members {
        for (sum, score) in mean.iter_mut().zip(member.scores(engine, features)?) {
            *sum += score / members.len() as f64;
        }
    }
    Ok(mean)
}

impl ResponseModel {
    /// Checks a model that was read from a file: members that fit the schema, finite numbers.
    ///
    /// # Errors
    /// [`Error::ModelFile`] naming what does not fit.
    pub fn validate(&self) -> Result<()> {
        if self.members.is_empty() {
            return Err(Error::model_file("the response model has no members"));
        }
        self.schema.validate()?;
        let n_features = self.schema.n_features();
        for member in &self.members {
            member.logistic.validate()?;
            member.boosting.validate()?;
            for found in [member.logistic.n_features(), member.boosting.n_features()] {
                if found != n_features {
                    return Err(Error::model_file(format!(
                        "a response member reads {found} features of {n_features}"
                    )));
                }
            }
            if !(member.logistic_center.is_finite() && member.boosting_center.is_finite()) {
                return Err(Error::model_file("a response member has no finite center"));
            }
        }
        if !(self.score_sd.is_finite() && self.score_sd > 0.0) {
            return Err(Error::model_file(
                "the spread of the response scores is not usable",
            ));
        }
        if !(self.slope.is_finite() && self.slope_sd >= 0.0 && self.slope_sd.is_finite()) {
            return Err(Error::model_file(
                "the slope of the response model is not usable",
            ));
        }
        if !self.domain.is_consistent() {
            return Err(Error::model_file(
                "the domain of the response model does not fit together",
            ));
        }
        Ok(())
    }

    /// The columns it reads.
    pub fn schema(&self) -> &ProfileSchema {
        &self.schema
    }

    /// Number of members.
    pub fn n_members(&self) -> usize {
        self.members.len()
    }

    /// The engine that gives the score; never [`ResponseEngine::Selected`].
    pub fn engine(&self) -> ResponseEngine {
        self.engine
    }

    /// Slope from score to log-odds in a cohort not learned from, and its spread.
    pub fn slope(&self) -> (f64, f64) {
        (self.slope, self.slope_sd)
    }

    /// Standard deviation of out-of-fold scores within a cohort: what a standardized score is
    /// counted in.
    pub fn score_sd(&self) -> f64 {
        self.score_sd
    }

    /// The cohorts it learned from; it must not be judged on these.
    pub fn cohorts(&self) -> &[String] {
        &self.cohorts
    }

    /// Patients and responders it learned from.
    pub fn n_training(&self) -> (u32, u32) {
        (self.n_patients, self.n_responders)
    }

    /// Scores of rows of features (rows × [`ProfileSchema::n_features`]): mean over the members of
    /// the log-odds beyond the intercept, before the slope.
    ///
    /// # Errors
    /// [`Error::Table`] where the number of columns differs.
    pub fn scores(&self, features: ArrayView2<'_, f64>) -> Result<Vec<f64>> {
        mean_over_members(&self.members, self.engine, features)
    }

    /// The same by one engine, whatever the model was told to use.
    ///
    /// # Errors
    /// [`Error::Table`] where the number of columns differs.
    pub fn engine_scores(
        &self,
        engine: ResponseEngine,
        features: ArrayView2<'_, f64>,
    ) -> Result<Vec<f64>> {
        mean_over_members(&self.members, engine, features)
    }

    /// Scores of each member, members × rows.
    ///
    /// # Errors
    /// [`Error::Table`] where the number of columns differs.
    pub fn member_scores(&self, features: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        let mut scores = Array2::zeros((self.members.len(), features.nrows()));
        for (member, mut row) in self.members.iter().zip(scores.rows_mut()) {
            row.assign(&ndarray::Array1::from(
                member.scores(self.engine, features)?,
            ));
        }
        Ok(scores)
    }
}
