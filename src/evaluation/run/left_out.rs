//! What may be learned from where a study is to be judged.

use std::collections::BTreeSet;

use crate::cohort::{Cohort, PatientCohort, Transplant};
use crate::profile::{SampleId, StudyId, SubjectId};
use crate::{Error, Result};

/// A study that is left out, with everybody and every sample in it.
///
/// A donor, a recipient or a sample that stands in another study too takes its rows there out of
/// the training as well: the same name is the same person, whatever the study.
pub(super) struct LeftOut<'a> {
    study: &'a str,
    donors: BTreeSet<&'a SubjectId>,
    recipients: BTreeSet<&'a SubjectId>,
    samples: BTreeSet<&'a SampleId>,
}

impl<'a> LeftOut<'a> {
    pub(super) fn new(cohorts: &'a [Cohort], study: &'a str) -> Self {
        let its: Vec<&Transplant> = cohorts
            .iter()
            .flat_map(Cohort::transplants)
            .filter(|transplant| transplant.study.as_str() == study)
            .collect();
        Self {
            study,
            donors: its.iter().map(|transplant| &transplant.donor).collect(),
            recipients: its.iter().map(|transplant| &transplant.recipient).collect(),
            samples: its.iter().flat_map(|its| its.samples()).collect(),
        }
    }

    /// The transplants to learn from.
    pub(super) fn transplants(&self, cohorts: &[Cohort]) -> Result<Vec<Cohort>> {
        let is_apart = |transplant: &Transplant| {
            transplant.study.as_str() != self.study
                && !self.donors.contains(&transplant.donor)
                && !self.recipients.contains(&transplant.recipient)
                && !transplant
                    .samples()
                    .any(|sample| self.samples.contains(sample))
        };
        let training: Vec<Cohort> = cohorts
            .iter()
            .filter_map(|cohort| cohort.filter(is_apart).ok())
            .collect();
        if training.is_empty() {
            return Err(Error::split(format!(
                "nothing is left to learn from without the study `{}` and whoever shares a donor, \
                 a recipient or a sample with it; where studies number their own people, put the \
                 study before the number",
                self.study
            )));
        }
        Ok(training)
    }

    /// The patients to learn from.
    pub(super) fn patients(&self, patients: &PatientCohort) -> Result<PatientCohort> {
        let is_of_study = |study: &StudyId| study.as_str() == self.study;
        let apart = patients.filter(|patient| {
            !is_of_study(&patient.study)
                && !is_of_study(&patient.cohort)
                && !self.recipients.contains(&patient.subject)
                && !self.samples.contains(&patient.sample)
        });
        apart.map_err(|_| {
            Error::split(format!(
                "no patient is left to learn from without the study `{}` and its recipients",
                self.study
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::MetadataTable;
    use crate::profile::{ProfileTable, ProfileTableBuilder, Taxon, Unit};

    const SAMPLES: [&str; 6] = ["D1", "D2", "B1", "B2", "A1", "A2"];

    fn profiles() -> ProfileTable {
        let empty = ProfileTable::builder(Unit::Fraction).taxa([Taxon::new("s__A")]);
        let add = |builder: ProfileTableBuilder, sample| builder.sample(sample, vec![(0, 1.0)]);
        SAMPLES.into_iter().fold(empty, add).build().unwrap()
    }

    fn cohort(rows: &str) -> Cohort {
        let head = "study\tdonor\tdonor_samples\trecipient\tbaseline\tfollow_up\n";
        let table = MetadataTable::parse("<text>", &format!("{head}{rows}")).unwrap();
        Cohort::from_metadata(&table, profiles()).unwrap()
    }

    fn patients() -> PatientCohort {
        let text = "sample_id\tsubject\tstudy\tcohort\nA1\tp\tx\tx\nA2\tr2\tx\tx\nB2\tq\tT\tT\nD2\ts\tx\tx\n";
        let table = MetadataTable::parse("<text>", text).unwrap();
        PatientCohort::from_metadata(&table, &profiles()).unwrap()
    }

    #[test]
    fn whoever_shares_a_donor_a_recipient_or_a_sample_is_not_learned_from() {
        let judged = "T\td1\tD1\tr2\tB1\tA1\n";
        let others = "U\td1\tD2\tr3\tB2\tA2\nU\td2\tD2\tr2\tB2\tA2\nU\td2\tD2\tr4\tB2\tA1\n";
        let apart = "U\td2\tD2\tr5\tB2\tA2\n";
        let cohorts = [cohort(judged), cohort(&format!("{others}{apart}"))];
        let training = LeftOut::new(&cohorts, "T").transplants(&cohorts).unwrap();
        assert_eq!(training.len(), 1);
        let kept = training[0].transplants();
        assert_eq!((kept.len(), kept[0].recipient.as_str()), (1, "r5"));
        let linked = [cohort(judged), cohort(others)];
        let error = LeftOut::new(&linked, "T").transplants(&linked);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("nothing is left to learn from"), "{error}");
    }

    #[test]
    fn patients_of_the_study_and_its_recipients_are_not_learned_from() {
        let cohorts = [cohort("T\td1\tD1\tr2\tB1\tA1\n")];
        let apart = LeftOut::new(&cohorts, "T").patients(&patients()).unwrap();
        let kept: Vec<&str> = apart
            .patients()
            .iter()
            .map(|its| its.subject.as_str())
            .collect();
        assert_eq!(kept, ["s"]);
    }
}
