//! Transplants: donor, recipient at baseline, recipient at follow-up.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::MetadataTable;
use crate::profile::{ProfileTable, SampleId, StudyId, SubjectId};
use crate::{Error, Result};

/// One look at the recipient after the transplant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FollowUp {
    /// The sample.
    pub sample: SampleId,
    /// Days since the (last) transplant, where known.
    pub day: Option<f64>,
}

/// One transplant, or one follow-up of it: a donor's stool given to a recipient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transplant {
    /// The trial.
    pub study: StudyId,
    /// The donor (or pool of donors).
    pub donor: SubjectId,
    /// The donor's samples; several are averaged.
    pub donor_samples: Vec<SampleId>,
    /// The recipient.
    pub recipient: SubjectId,
    /// The recipient's sample before.
    pub baseline: SampleId,
    /// The recipient's sample after, where there is one.
    pub follow_up: Option<FollowUp>,
    /// Whether antibiotics were given before; `None` is unknown.
    pub antibiotics: Option<bool>,
    /// Response by the study's own criterion.
    pub response: Option<bool>,
}

impl Transplant {
    /// Every sample it names: the donor's, the baseline, the follow-up.
    pub fn samples(&self) -> impl Iterator<Item = &SampleId> {
        let after = self.follow_up.iter().map(|follow_up| &follow_up.sample);
        self.donor_samples
            .iter()
            .chain([&self.baseline])
            .chain(after)
    }
}

/// Transplants with the profiles they name.
#[derive(Debug, Clone, PartialEq)]
pub struct Cohort {
    transplants: Vec<Transplant>,
    profiles: ProfileTable,
    skipped: Vec<String>,
}

impl Cohort {
    /// Joins transplants with profiles: every sample named must have one.
    ///
    /// # Errors
    /// [`Error::Table`] where there is no transplant, one names no donor sample, or a sample has
    /// no profile.
    pub fn new(transplants: Vec<Transplant>, profiles: ProfileTable) -> Result<Self> {
        if transplants.is_empty() {
            return Err(Error::table("a cohort needs at least one transplant"));
        }
        let known: HashSet<&SampleId> = profiles.samples().iter().collect();
        for transplant in &transplants {
            if transplant.donor_samples.is_empty() {
                return Err(Error::table(format!(
                    "the transplant of `{}` to `{}` names no donor sample",
                    transplant.donor, transplant.recipient
                )));
            }
            if let Some(sample) = transplant.samples().find(|sample| !known.contains(sample)) {
                return Err(Error::table(format!("no profile for sample `{sample}`")));
            }
        }
        Ok(Self {
            transplants,
            profiles,
            skipped: Vec::new(),
        })
    }

    /// Reads the roles `study`, `donor`, `donor_samples` (several joined by `;`), `recipient`,
    /// `baseline`, `follow_up`, `day`, `antibiotics` and `response` of a table of transplants.
    /// A row whose donor, baseline or follow-up sample is blank or has no profile cannot be used;
    /// it is listed in [`Cohort::skipped`].
    ///
    /// # Errors
    /// [`Error::File`] where a column is missing, a field cannot be read, or no row is usable.
    pub fn from_metadata(metadata: &MetadataTable, profiles: ProfileTable) -> Result<Self> {
        let known: HashSet<&SampleId> = profiles.samples().iter().collect();
        let mut transplants = Vec::new();
        let mut skipped = Vec::new();
        for row in 0..metadata.n_rows() {
            let usable = read_transplant(metadata, row)?.and_then(|transplant| {
                let missing = transplant.samples().find(|sample| !known.contains(sample));
                let missing = missing.map(|sample| format!("no profile for sample `{sample}`"));
                missing.map_or(Ok(transplant), Err)
            });
            match usable {
                Ok(transplant) => transplants.push(transplant),
                Err(reason) => skipped.push(format!("line {}: {reason}", row + 2)),
            }
        }
        let cohort =
            Self::new(transplants, profiles).map_err(|error| error.at_path(metadata.path()))?;
        Ok(Self { skipped, ..cohort })
    }

    /// The transplants, one a follow-up.
    pub fn transplants(&self) -> &[Transplant] {
        &self.transplants
    }

    /// The profiles of all samples.
    pub fn profiles(&self) -> &ProfileTable {
        &self.profiles
    }

    /// Rows of the source that could not be used, with the reason.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// The same transplants over other profiles of the same samples, such as harmonized ones.
    ///
    /// # Errors
    /// [`Error::Table`] where a sample has no profile there.
    pub fn with_profiles(&self, profiles: ProfileTable) -> Result<Self> {
        let cohort = Self::new(self.transplants.clone(), profiles)?;
        Ok(Self {
            skipped: self.skipped.clone(),
            ..cohort
        })
    }

    /// The same cohort with every transplant changed by `f`, which must leave the samples alone.
    #[must_use]
    pub(crate) fn map(mut self, f: impl Fn(&mut Transplant)) -> Self {
        self.transplants.iter_mut().for_each(f);
        self
    }

    /// The transplants that fulfil a condition, over the same profiles.
    ///
    /// # Errors
    /// [`Error::Table`] where none does.
    pub fn filter(&self, keep: impl Fn(&Transplant) -> bool) -> Result<Self> {
        let kept = self
            .transplants
            .iter()
            .filter(|transplant| keep(transplant))
            .cloned()
            .collect();
        let cohort = Self::new(kept, self.profiles.clone())?;
        Ok(Self {
            skipped: self.skipped.clone(),
            ..cohort
        })
    }
}

/// A transplant, or why the row cannot be used.
fn read_transplant(metadata: &MetadataTable, row: usize) -> Result<Result<Transplant, String>> {
    let Some(baseline) = metadata.text(row, "baseline") else {
        return Ok(Err("no baseline sample".to_owned()));
    };
    let Some(donor_samples) = metadata.text(row, "donor_samples") else {
        return Ok(Err("no donor sample".to_owned()));
    };
    let follow_up = metadata
        .text(row, "follow_up")
        .map(|sample| -> Result<FollowUp> {
            Ok(FollowUp {
                sample: sample.into(),
                day: metadata.number(row, "day")?,
            })
        });
    Ok(Ok(Transplant {
        study: metadata.text(row, "study").unwrap_or("study").into(),
        donor: metadata.required(row, "donor")?.into(),
        donor_samples: donor_samples
            .split(';')
            .map(|id| id.trim().into())
            .collect(),
        recipient: metadata.required(row, "recipient")?.into(),
        baseline: baseline.into(),
        follow_up: follow_up.transpose()?,
        antibiotics: metadata.outcome(row, "antibiotics")?,
        response: metadata.outcome(row, "response")?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Taxon, Unit};

    fn profiles() -> ProfileTable {
        ProfileTable::builder(Unit::Fraction)
            .taxa(["s__A", "s__B"].map(Taxon::new))
            .sample("D", vec![(0, 1.0)])
            .sample("R", vec![(1, 1.0)])
            .build()
            .unwrap()
    }

    fn metadata(text: &str) -> MetadataTable {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("transplants.tsv");
        std::fs::write(&path, text).unwrap();
        MetadataTable::read(path).unwrap()
    }

    #[test]
    fn rows_that_cannot_be_used_are_listed_not_lost() {
        let table = metadata(
            "donor\trecipient\tdonor_samples\tbaseline\nd\tr\tD\tR\nd\tr\tD\t\nd\tr\tX\tR\n",
        );
        let cohort = Cohort::from_metadata(&table, profiles()).unwrap();
        assert_eq!(cohort.transplants().len(), 1);
        assert_eq!(
            cohort.skipped(),
            [
                "line 3: no baseline sample",
                "line 4: no profile for sample `X`"
            ]
        );
    }

    #[test]
    fn a_cohort_without_a_usable_row_is_refused() {
        let table = metadata("donor\trecipient\tdonor_samples\tbaseline\nd\tr\tX\tR\n");
        assert!(Cohort::from_metadata(&table, profiles()).is_err());
    }
}
