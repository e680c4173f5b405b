//! What the response model learns from, row for row, and the slope of left-out scores on it.

use crate::cohort::{Patient, PatientCohort, Recist};
use crate::evidence::CohortSlope;
use crate::numeric::groups::number_groups;
use crate::numeric::logistic::{sigmoid, softplus};
use crate::numeric::random::Stream;
use crate::{Error, Result};

/// Outcomes, offsets and cohorts of the patients, row for row.
#[derive(Debug, Clone)]
pub(super) struct ResponseRows {
    pub(super) outcomes: Vec<f64>,
    pub(super) offsets: Vec<f64>,
    pub(super) cohort_of: Vec<u32>,
    pub(super) subject_of: Vec<u32>,
    pub(super) cohorts: Vec<String>,
    /// Of each cohort, where known: cohorts of one are left out together.
    institutions: Vec<Option<String>>,
    /// Rows of stable disease.
    is_stable: Vec<bool>,
}

impl ResponseRows {
    pub(super) fn new(cohort: &PatientCohort) -> Self {
        let patients = cohort.patients();
        let outcomes: Vec<f64> = patients
            .iter()
            .map(|patient| f64::from(u8::from(patient.response == Some(true))))
            .collect();
        let (cohort_of, cohorts) = numbered(patients, |patient| patient.cohort.as_str());
        let (subject_of, _) = numbered(patients, |patient| patient.subject.as_str());
        let mut institutions = vec![None; cohorts.len()];
        for (patient, &cohort) in patients.iter().zip(&cohort_of) {
            let known: &mut Option<String> = &mut institutions[cohort as usize];
            if known.is_none() {
                known.clone_from(&patient.institution);
            }
        }
        let is_stable = |patient: &Patient| patient.recist == Some(Recist::StableDisease);
        let mut rows = Self {
            outcomes,
            offsets: Vec::new(),
            cohort_of,
            subject_of,
            cohorts,
            institutions,
            is_stable: patients.iter().map(is_stable).collect(),
        };
        rows.offsets = rows.cohort_offsets();
        rows
    }

    /// The rows of a cohort, and those to learn from while it is left out: neither the cohort nor
    /// another of its institution.
    pub(super) fn leave_out(&self, cohort: u32) -> (Vec<usize>, Vec<usize>) {
        let institution = &self.institutions[cohort as usize];
        let is_apart = |&row: &usize| {
            let other = self.cohort_of[row];
            let same = institution.is_some() && self.institutions[other as usize] == *institution;
            other != cohort && !same
        };
        let all = 0..self.outcomes.len();
        let test = all.clone().filter(|&row| self.cohort_of[row] == cohort);
        (test.collect(), all.filter(is_apart).collect())
    }

    /// What to train on where stable disease counts as a part of a response: each such row stands
    /// twice, as a responder and as none, by weight.
    pub(super) fn graded(&self, stable_disease: f64) -> GradedRows {
        let mut graded = GradedRows::default();
        for (row, &outcome) in self.outcomes.iter().enumerate() {
            if self.is_stable[row] && stable_disease > 0.0 && outcome < 0.5 {
                graded.push(row, 1.0, stable_disease);
                graded.push(row, 0.0, 1.0 - stable_disease);
            } else {
                graded.push(row, outcome, 1.0);
            }
        }
        graded.offsets = graded.cohort_offsets(self);
        graded
    }

    /// Whether any row is of stable disease.
    pub(super) fn has_grades(&self) -> bool {
        self.is_stable.iter().any(|&stable| stable)
    }

    pub(super) fn check(&self) -> Result<()> {
        let n = self.outcomes.len();
        let responders = self
            .outcomes
            .iter()
            .filter(|&&outcome| outcome > 0.5)
            .count();
        if n < 20 || responders == 0 || responders == n {
            return Err(Error::table(format!(
                "a response model needs 20 patients and both outcomes, found {n} patients, \
                 {responders} of them responders"
            )));
        }
        Ok(())
    }

    /// ln((responders + 1) / (others + 1)) of the patient's cohort.
    fn cohort_offsets(&self) -> Vec<f64> {
        let mut counts = vec![(1.0, 1.0); self.cohorts.len()];
        for (&cohort, &outcome) in self.cohort_of.iter().zip(&self.outcomes) {
            counts[cohort as usize].0 += outcome;
            counts[cohort as usize].1 += 1.0 - outcome;
        }
        let offset = |&cohort: &u32| {
            let (yes, no): (f64, f64) = counts[cohort as usize];
            libm::log(yes / no)
        };
        self.cohort_of.iter().map(offset).collect()
    }

    /// How often each row was drawn: subjects with replacement within their cohort, all samples of
    /// a subject together.
    pub(super) fn bootstrap_weights(&self, seed: u64) -> Vec<f64> {
        let n_subjects = self
            .subject_of
            .iter()
            .max()
            .map_or(0, |&last| last as usize + 1);
        let mut subjects: Vec<std::collections::BTreeSet<u32>> =
            vec![std::collections::BTreeSet::new(); self.cohorts.len()];
        for (&cohort, &subject) in self.cohort_of.iter().zip(&self.subject_of) {
            subjects[cohort as usize].insert(subject);
        }
        let mut drawn = vec![0.0; n_subjects];
        let mut stream = Stream::new(seed);
        for subjects in subjects {
            let subjects: Vec<u32> = subjects.into_iter().collect();
            for _ in 0..subjects.len() {
                drawn[subjects[stream.below(subjects.len())] as usize] += 1.0;
            }
        }
        self.subject_of
            .iter()
            .map(|&subject| drawn[subject as usize])
            .collect()
    }

    /// Standard deviation of scores around the mean of their cohort; 1 where they do not differ.
    pub(super) fn sd_within_cohorts(&self, scores: &[f64]) -> f64 {
        let mut squares = 0.0;
        for rows in self.rows_of_cohorts() {
            let mean = rows.iter().map(|&row| scores[row]).sum::<f64>() / rows.len().max(1) as f64;
            squares += rows
                .iter()
                .map(|&row| (scores[row] - mean).powi(2))
                .sum::<f64>();
        }
        let sd = (squares / scores.len() as f64).sqrt();
        if sd > 0.0 { sd } else { 1.0 }
    }

    /// The slope of each cohort's outcomes on its scores, in units of `sd`, where it can be told.
    pub(super) fn slopes(&self, scores: &[f64], sd: f64) -> Result<Vec<CohortSlope>> {
        let slope = |(name, rows): (&String, Vec<usize>)| {
            let standardized: Vec<f64> = rows.iter().map(|&row| scores[row] / sd).collect();
            let outcomes: Vec<bool> = rows.iter().map(|&row| self.outcomes[row] > 0.5).collect();
            CohortSlope::new(name, &standardized, &outcomes).transpose()
        };
        let cohorts = self.cohorts.iter().zip(self.rows_of_cohorts());
        cohorts.filter_map(slope).collect()
    }

    fn rows_of_cohorts(&self) -> Vec<Vec<usize>> {
        let mut rows = vec![Vec::new(); self.cohorts.len()];
        for (row, &cohort) in self.cohort_of.iter().enumerate() {
            rows[cohort as usize].push(row);
        }
        rows
    }

    pub(super) fn select(&self, rows: &[usize]) -> Self {
        let mut numbers = std::collections::BTreeMap::new();
        let mut cohorts = Vec::new();
        let cohort_of = rows.iter().map(|&row| {
            let old = self.cohort_of[row];
            *numbers.entry(old).or_insert_with(|| {
                cohorts.push(self.cohorts[old as usize].clone());
                cohorts.len() as u32 - 1
            })
        });
        let cohort_of = cohort_of.collect();
        let mut selected = Self {
            outcomes: rows.iter().map(|&row| self.outcomes[row]).collect(),
            offsets: Vec::new(),
            cohort_of,
            subject_of: rows.iter().map(|&row| self.subject_of[row]).collect(),
            institutions: cohorts
                .iter()
                .map(|name| self.institution_of(name))
                .collect(),
            is_stable: rows.iter().map(|&row| self.is_stable[row]).collect(),
            cohorts,
        };
        selected.offsets = selected.cohort_offsets();
        selected
    }
}

impl ResponseRows {
    fn institution_of(&self, cohort: &str) -> Option<String> {
        let at = self.cohorts.iter().position(|name| name == cohort)?;
        self.institutions[at].clone()
    }
}

/// Rows to train on: numbers of the rows they stand for, targets, weights and offsets.
#[derive(Debug, Clone, Default)]
pub(super) struct GradedRows {
    pub rows: Vec<usize>,
    pub targets: Vec<f64>,
    pub weights: Vec<f64>,
    pub offsets: Vec<f64>,
}

impl GradedRows {
    fn push(&mut self, row: usize, target: f64, weight: f64) {
        self.rows.push(row);
        self.targets.push(target);
        self.weights.push(weight);
    }

    /// ln((graded responses + 1) / (the rest + 1)) of the patient's cohort.
    fn cohort_offsets(&self, of: &ResponseRows) -> Vec<f64> {
        let mut counts = vec![(1.0, 1.0); of.cohorts.len()];
        let graded = self.targets.iter().zip(&self.weights);
        for (&row, (&target, &weight)) in self.rows.iter().zip(graded) {
            let count = &mut counts[of.cohort_of[row] as usize];
            count.0 += weight * target;
            count.1 += weight * (1.0 - target);
        }
        let offset = |&row: &usize| {
            let (yes, no): (f64, f64) = counts[of.cohort_of[row] as usize];
            libm::log(yes / no)
        };
        self.rows.iter().map(offset).collect()
    }

    /// These weights times those of a bootstrap draw of the rows they stand for.
    pub(super) fn weighted(&self, drawn: &[f64]) -> Vec<f64> {
        let pairs = self.rows.iter().zip(&self.weights);
        pairs.map(|(&row, weight)| weight * drawn[row]).collect()
    }
}

/// Numbers the distinct values of a field in order of appearance.
fn numbered<'a>(
    patients: &'a [Patient],
    field: impl Fn(&'a Patient) -> &'a str,
) -> (Vec<u32>, Vec<String>) {
    let values: Vec<&str> = patients.iter().map(field).collect();
    let (of, names) = number_groups(&values);
    (of, names.into_iter().map(str::to_owned).collect())
}

/// Summed log loss of scores times a slope, beyond the offsets.
pub(super) fn log_loss(scores: &[f64], rows: &ResponseRows, slope: f64) -> f64 {
    let of = |((&score, &offset), &outcome): ((&f64, &f64), &f64)| {
        let score = offset + slope * score;
        let signed = if outcome > 0.5 { -score } else { score };
        softplus(signed)
    };
    scores
        .iter()
        .zip(&rows.offsets)
        .zip(&rows.outcomes)
        .map(of)
        .sum()
}

/// Posterior mode and spread of the slope, by Newton's method on the log-posterior.
pub(super) fn slope_posterior(
    scores: &[f64],
    rows: &ResponseRows,
    (mean, sd): (f64, f64),
) -> (f64, f64) {
    let mut slope = mean;
    let mut information = sd.powi(-2);
    for _ in 0..50 {
        let mut gradient = (mean - slope) * sd.powi(-2);
        information = sd.powi(-2);
        for ((&score, &offset), &outcome) in scores.iter().zip(&rows.offsets).zip(&rows.outcomes) {
            let p = sigmoid(offset + slope * score);
            gradient += score * (outcome - p);
            information += score * score * p * (1.0 - p);
        }
        let step = gradient / information;
        slope += step;
        if step.abs() < 1e-10 {
            break;
        }
    }
    (slope, information.sqrt().recip())
}
