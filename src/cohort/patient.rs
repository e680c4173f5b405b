//! Patients on checkpoint inhibitors with their baseline profile and outcome.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{MetadataNote, MetadataTable};
use crate::profile::{ProfileTable, SampleId, StudyId, SubjectId, merge};
use crate::{Error, Result};

/// One patient: a baseline sample and what happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Patient {
    /// The stool sample.
    pub sample: SampleId,
    /// The person.
    pub subject: SubjectId,
    /// The study or trial.
    pub study: StudyId,
    /// The cohort within the study: the unit that is left out in evaluation.
    pub cohort: StudyId,
    /// The cancer, as the source wrote it.
    pub cancer: Option<String>,
    /// Where the cohort was gathered: cohorts of one institution may share patients, and are left
    /// out of training together.
    #[serde(default)]
    pub institution: Option<String>,
    /// Objective response by the study's own criterion.
    pub response: Option<bool>,
    /// The best response by RECIST, where the source tells it: more than yes or no.
    #[serde(default)]
    pub recist: Option<Recist>,
    /// Immune-related adverse event of grade 3 or more.
    pub severe_irae: Option<bool>,
    /// Day of the sample counted from the start of treatment; above 0 means sampled under
    /// treatment.
    pub day: Option<f64>,
}

/// Best response by RECIST.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recist {
    /// Complete or partial response.
    Response,
    /// Stable disease.
    StableDisease,
    /// Progressive disease.
    ProgressiveDisease,
}

impl FromStr for Recist {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let word = text.trim().to_ascii_lowercase().replace([' ', '/'], "_");
        match word.trim_start_matches("recist_") {
            "cr" | "pr" | "pr_cr" | "cr_pr" | "complete_response" | "partial_response"
            | "response" => Ok(Self::Response),
            "sd" | "stable_disease" => Ok(Self::StableDisease),
            "pd" | "progressive_disease" => Ok(Self::ProgressiveDisease),
            _ => Err(Error::parameter(
                "recist",
                format!("expected `CR`, `PR`, `SD` or `PD`, found `{text}`"),
            )),
        }
    }
}

/// Patients with their profiles, row for row.
#[derive(Debug, Clone, PartialEq)]
pub struct PatientCohort {
    patients: Vec<Patient>,
    profiles: ProfileTable,
    notes: Vec<MetadataNote>,
}

/// The roles of a table of patients.
pub(super) const ROLES: [&str; 10] = [
    "sample_id",
    "subject",
    "study",
    "cohort",
    "cancer",
    "institution",
    "response",
    "recist",
    "severe_irae",
    "day",
];

impl PatientCohort {
    /// Joins patients with profiles by sample id; patients without a profile are an error.
    ///
    /// # Errors
    /// [`Error::Table`] naming the first sample without a profile, or listed twice.
    pub fn new(patients: Vec<Patient>, profiles: &ProfileTable) -> Result<Self> {
        let ids: Vec<SampleId> = patients
            .iter()
            .map(|patient| patient.sample.clone())
            .collect();
        Ok(Self {
            patients,
            profiles: profiles.select_samples(&ids)?,
            notes: Vec::new(),
        })
    }

    /// Reads the roles `sample_id`, `subject`, `study`, `cohort`, `cancer`, `institution`,
    /// `response`, `recist`, `severe_irae` and `day` of a metadata table; only `sample_id` must be there. A missing
    /// subject is the sample, a missing study `study`, a missing cohort the study.
    ///
    /// # Errors
    /// As [`PatientCohort::new`]; [`Error::Parameter`] if a column was named for an unknown role,
    /// or is not there; [`Error::File`] if a field cannot be read.
    pub fn from_metadata(metadata: &MetadataTable, profiles: &ProfileTable) -> Result<Self> {
        metadata.check_names(&ROLES)?;
        let patients = (0..metadata.n_rows())
            .map(|row| read_patient(metadata, row))
            .collect::<Result<Vec<_>>>()?;
        let cohort =
            Self::new(patients, profiles).map_err(|error| error.at_path(metadata.path()))?;
        Ok(Self {
            notes: metadata.column_notes(&ROLES, &["response"]),
            ..cohort
        })
    }

    /// Several cohorts as one; their profiles must be harmonized to one vocabulary.
    ///
    /// # Errors
    /// Those of [`merge`]; [`Error::Table`] where there is none.
    pub fn join(cohorts: &[Self]) -> Result<Self> {
        if let [one] = cohorts {
            return Ok(one.clone());
        }
        let closed: Vec<ProfileTable> = cohorts
            .iter()
            .map(|cohort| cohort.profiles.closure())
            .collect();
        let profiles = merge(&closed.iter().collect::<Vec<_>>())?;
        Ok(Self {
            patients: cohorts
                .iter()
                .flat_map(|one| one.patients.clone())
                .collect(),
            profiles,
            notes: cohorts.iter().flat_map(|one| one.notes.clone()).collect(),
        })
    }

    /// The same with facts of each patient put right.
    #[must_use]
    pub fn map(mut self, change: impl Fn(&mut Patient)) -> Self {
        self.patients.iter_mut().for_each(change);
        self
    }

    /// What was noticed in the source: columns without a use.
    pub fn notes(&self) -> &[MetadataNote] {
        &self.notes
    }

    /// The patients, one a row.
    pub fn patients(&self) -> &[Patient] {
        &self.patients
    }

    /// Their profiles, in the same order.
    pub fn profiles(&self) -> &ProfileTable {
        &self.profiles
    }

    /// Number of patients' samples.
    pub fn n_rows(&self) -> usize {
        self.patients.len()
    }

    /// The rows with these numbers, in this order.
    ///
    /// # Errors
    /// [`Error::Table`] where a number lies beyond the rows or occurs twice.
    pub fn select(&self, rows: &[usize]) -> Result<Self> {
        let profiles = self.profiles.select(rows)?;
        Ok(Self {
            patients: rows.iter().map(|&row| self.patients[row].clone()).collect(),
            profiles,
            notes: self.notes.clone(),
        })
    }

    /// The patients sampled before treatment, and those whose day is unknown: what is seen under
    /// treatment may be its result.
    ///
    /// # Errors
    /// [`Error::Table`] where there are none.
    pub fn before_treatment(&self) -> Result<Self> {
        self.filter(|patient| patient.day.is_none_or(|day| day <= 0.0))
    }

    /// The rows whose patient fulfils a condition.
    ///
    /// # Errors
    /// [`Error::Table`] where none does.
    pub fn filter(&self, keep: impl Fn(&Patient) -> bool) -> Result<Self> {
        let rows: Vec<usize> = (0..self.n_rows())
            .filter(|&row| keep(&self.patients[row]))
            .collect();
        if rows.is_empty() {
            return Err(Error::table("no patient is left after the filter"));
        }
        self.select(&rows)
    }
}

/// The patient of a row.
pub(super) fn read_patient(metadata: &MetadataTable, row: usize) -> Result<Patient> {
    let sample = metadata.required(row, "sample_id")?;
    let study = metadata.text(row, "study").unwrap_or("study");
    let recist = metadata.text(row, "recist").map(str::parse::<Recist>);
    let recist = recist
        .transpose()
        .map_err(|error| metadata.error_at(row, error.to_string()))?;
    Ok(Patient {
        sample: sample.into(),
        subject: metadata.text(row, "subject").unwrap_or(sample).into(),
        study: study.into(),
        cohort: metadata.text(row, "cohort").unwrap_or(study).into(),
        cancer: metadata.text(row, "cancer").map(str::to_owned),
        institution: metadata.text(row, "institution").map(str::to_owned),
        response: metadata.outcome(row, "response")?,
        recist,
        severe_irae: metadata.outcome(row, "severe_irae")?,
        day: metadata.number(row, "day")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::MetadataTable;
    use crate::profile::{Taxon, Unit};

    #[test]
    fn samples_taken_under_treatment_are_told_apart_and_unknown_days_kept() {
        let profiles = ["A", "B", "C", "D"].into_iter().fold(
            ProfileTable::builder(Unit::Fraction).taxa([Taxon::new("s__A")]),
            |builder, sample| builder.sample(sample, vec![(0, 1.0)]),
        );
        let text =
            "sample_id\tsubject\tstudy\tday\nA\ta\ts\t-3\nB\tb\ts\t0\nC\tc\ts\t12\nD\td\ts\t\n";
        let table = MetadataTable::parse("<text>", text).unwrap();
        let cohort = PatientCohort::from_metadata(&table, &profiles.build().unwrap()).unwrap();
        let before = cohort.before_treatment().unwrap();
        let kept: Vec<&str> = before
            .patients()
            .iter()
            .map(|patient| patient.subject.as_str())
            .collect();
        assert_eq!(kept, ["a", "b", "d"]);
    }
}
