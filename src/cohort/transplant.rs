//! Transplants: donor, recipient at baseline, recipient at follow-up.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{MetadataNote, MetadataTable};
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
    notes: Vec<MetadataNote>,
}

/// The study of transplants whose table names none.
pub(crate) const UNNAMED_STUDY: &str = "study";

/// The roles of a table of transplants.
pub(super) const ROLES: [&str; 9] = [
    "study",
    "donor",
    "donor_samples",
    "recipient",
    "baseline",
    "follow_up",
    "day",
    "antibiotics",
    "response",
];
pub(super) const REQUIRED: [&str; 4] = ["donor", "donor_samples", "recipient", "baseline"];
/// How many reasons an error gives where no row can be used.
const N_REASONS: usize = 3;

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
            notes: Vec::new(),
        })
    }

    /// Reads the roles `study`, `donor`, `donor_samples` (several joined by `;`), `recipient`,
    /// `baseline`, `follow_up`, `day`, `antibiotics` and `response` of a table of transplants.
    /// A row whose donor or baseline sample is blank, a sample of which has no profile, or whose
    /// follow-up is the baseline or lies before the transplant, cannot be used; it is listed in
    /// [`Cohort::skipped`]. What else was noticed is in [`Cohort::notes`].
    ///
    /// # Errors
    /// [`Error::Parameter`] if a column was named for an unknown role, or is not there;
    /// [`Error::File`] if a column is missing, a field cannot be read, or no row is usable: then
    /// with the number of rows and the first reasons.
    pub fn from_metadata(metadata: &MetadataTable, profiles: ProfileTable) -> Result<Self> {
        metadata.check_names(&ROLES)?;
        REQUIRED
            .iter()
            .try_for_each(|role| metadata.require_column(role))?;
        let known: HashSet<&SampleId> = profiles.samples().iter().collect();
        let mut notes = metadata.column_notes(&ROLES, &["follow_up"]);
        let (mut transplants, mut skipped) = (Vec::new(), Vec::new());
        for row in 0..metadata.n_rows() {
            let usable = read_transplant(metadata, row)?.and_then(|transplant| {
                has_profiles(&transplant, &known)?;
                is_possible(&transplant).map(|()| transplant)
            });
            match usable {
                Ok(transplant) => {
                    notes.extend(oddities(&transplant, &transplants).map(|message| {
                        let line = metadata.line(row);
                        MetadataNote::OddRow { line, message }
                    }));
                    transplants.push(transplant);
                }
                Err(reason) => skipped.push(format!("line {}: {reason}", metadata.line(row))),
            }
        }
        if transplants.is_empty() {
            let first = skipped.iter().take(N_REASONS).cloned().collect::<Vec<_>>();
            let message = format!(
                "none of {} rows can be used: {}{}",
                skipped.len(),
                first.join("; "),
                if skipped.len() > N_REASONS {
                    "; …"
                } else {
                    ""
                }
            );
            return Err(Error::file(metadata.path(), message));
        }
        let cohort =
            Self::new(transplants, profiles).map_err(|error| error.at_path(metadata.path()))?;
        Ok(Self {
            skipped,
            notes,
            ..cohort
        })
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

    /// What was noticed in the source: columns without a use, rows that look wrong.
    pub fn notes(&self) -> &[MetadataNote] {
        &self.notes
    }

    /// The same transplants over other profiles of the same samples, such as harmonized ones.
    ///
    /// # Errors
    /// [`Error::Table`] where a sample has no profile there.
    pub fn with_profiles(&self, profiles: ProfileTable) -> Result<Self> {
        let cohort = Self::new(self.transplants.clone(), profiles)?;
        Ok(Self {
            skipped: self.skipped.clone(),
            notes: self.notes.clone(),
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
            notes: self.notes.clone(),
            ..cohort
        })
    }
}

/// Why a transplant cannot be used with the profiles there are.
fn has_profiles(transplant: &Transplant, known: &HashSet<&SampleId>) -> Result<(), String> {
    if let Some(sample) = transplant.samples().find(|sample| !known.contains(sample)) {
        let is_pool = sample.as_str().contains(',');
        let several = sample.as_str().split(',').map(|one| one.trim().into());
        let hint = if is_pool && several.clone().all(|one: SampleId| known.contains(&one)) {
            "; several samples are joined by `;`".to_owned()
        } else {
            let mut others: Vec<&str> = known.iter().map(|id| id.as_str()).collect();
            others.sort_unstable();
            let same = others.into_iter().find(|other| same_letters(other, sample));
            same.map_or_else(String::new, |other| format!("; there is one for `{other}`"))
        };
        return Err(format!("no profile for sample `{sample}`{hint}"));
    }
    Ok(())
}

/// Why a transplant cannot have been as its row says.
pub(super) fn is_possible(transplant: &Transplant) -> Result<(), String> {
    match &transplant.follow_up {
        Some(after) if after.sample == transplant.baseline => {
            Err(format!("the follow-up is the baseline `{}`", after.sample))
        }
        Some(FollowUp {
            day: Some(day),
            sample,
        }) if *day < 0.0 => Err(format!(
            "the follow-up `{sample}` lies before the transplant: day {day}"
        )),
        _ => Ok(()),
    }
}

/// Whether ids differ only in case and signs, as in `rec1-pre` and `rec1_pre`.
fn same_letters(id: &str, other: &SampleId) -> bool {
    let letters = |id: &str| -> String {
        id.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    letters(id) == letters(other.as_str())
}

/// What looks wrong about a transplant that can be used, given those before it.
pub(super) fn oddities(
    transplant: &Transplant,
    before: &[Transplant],
) -> impl Iterator<Item = String> {
    let own = transplant.donor == transplant.recipient
        || transplant.donor_samples.contains(&transplant.baseline);
    let own = own.then(|| {
        format!(
            "donor and recipient `{}` are one: is it an autologous transplant?",
            transplant.recipient
        )
    });
    let twice = before.contains(transplant);
    let twice = twice.then(|| "it repeats a row above".to_owned());
    own.into_iter().chain(twice)
}

/// A transplant, or why the row cannot be used.
pub(super) fn read_transplant(
    metadata: &MetadataTable,
    row: usize,
) -> Result<Result<Transplant, String>> {
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
        study: metadata.text(row, "study").unwrap_or(UNNAMED_STUDY).into(),
        donor: metadata.required(row, "donor")?.into(),
        donor_samples: donor_samples
            .split(';')
            .map(str::trim)
            .filter(|id| !id.is_empty())
            .map(Into::into)
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
