//! What may be learned from where a study is to be judged.

use std::collections::BTreeSet;

use crate::cohort::{Cohort, PatientCohort, Transplant};
use crate::profile::{SampleId, StudyId, SubjectId};
use crate::{Error, Result};

/// A study that is left out, with everybody and every sample in it.
///
/// A sample that stands in another study too takes its rows there out of the training as well; so
/// does the name of a donor or recipient within one table. Across tables names say nothing, since
/// most studies number their own people.
pub(super) struct LeftOut<'a> {
    study: &'a str,
    /// Donors and recipients by table.
    people: Vec<(BTreeSet<&'a SubjectId>, BTreeSet<&'a SubjectId>)>,
    samples: BTreeSet<&'a SampleId>,
}

impl<'a> LeftOut<'a> {
    pub(super) fn new(cohorts: &'a [Cohort], study: &'a str) -> Self {
        let its = |cohort: &'a Cohort| {
            let of_study = |transplant: &&Transplant| transplant.study.as_str() == study;
            cohort.transplants().iter().filter(of_study)
        };
        let people = |cohort| {
            let donors = its(cohort).map(|transplant| &transplant.donor).collect();
            let recipients = its(cohort).map(|transplant| &transplant.recipient);
            (donors, recipients.collect())
        };
        let samples = cohorts.iter().flat_map(its).flat_map(Transplant::samples);
        Self {
            study,
            people: cohorts.iter().map(people).collect(),
            samples: samples.collect(),
        }
    }

    /// The transplants to learn from, of the same tables.
    pub(super) fn transplants(&self, cohorts: &[Cohort]) -> Result<Vec<Cohort>> {
        let apart = |(cohort, (donors, recipients)): (&Cohort, &(BTreeSet<_>, BTreeSet<_>))| {
            let is_apart = |transplant: &Transplant| {
                let shares_sample = || transplant.samples().any(|its| self.samples.contains(its));
                transplant.study.as_str() != self.study
                    && !donors.contains(&transplant.donor)
                    && !recipients.contains(&transplant.recipient)
                    && !shares_sample()
            };
            cohort.filter(is_apart).ok()
        };
        let training: Vec<Cohort> = cohorts.iter().zip(&self.people).filter_map(apart).collect();
        if training.is_empty() {
            return Err(Error::split(format!(
                "nothing is left to learn from without the study `{}` and whoever shares a donor, \
                 a recipient or a sample with it; where the studies of a table number their own \
                 people, put the study before the number",
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
                && !self.samples.contains(&patient.sample)
        });
        apart.map_err(|_| {
            Error::split(format!(
                "no patient is left to learn from without the study `{}` and its samples",
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
        let cohorts = [cohort(&format!("{judged}{others}{apart}"))];
        let training = LeftOut::new(&cohorts, "T").transplants(&cohorts).unwrap();
        assert_eq!(training.len(), 1);
        let kept = training[0].transplants();
        assert_eq!((kept.len(), kept[0].recipient.as_str()), (1, "r5"));
        let linked = [cohort(&format!("{judged}{others}"))];
        let error = LeftOut::new(&linked, "T").transplants(&linked);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("nothing is left to learn from"), "{error}");
    }

    #[test]
    fn the_same_name_in_another_table_is_somebody_else() {
        let judged = cohort("T\td1\tD1\tr1\tB1\tA1\n");
        let other = cohort("U\td1\tD2\tr1\tB2\tA2\n");
        let same_sample = cohort("V\td9\tD1\tr9\tB2\tA2\n");
        let cohorts = [judged, other, same_sample];
        let training = LeftOut::new(&cohorts, "T").transplants(&cohorts).unwrap();
        assert_eq!(training.len(), 1);
        assert_eq!(training[0].transplants()[0].study.as_str(), "U");
    }

    #[test]
    fn patients_of_the_study_and_its_samples_are_not_learned_from() {
        let cohorts = [cohort("T\td1\tD1\tr2\tB1\tA1\n")];
        let apart = LeftOut::new(&cohorts, "T").patients(&patients()).unwrap();
        let kept: Vec<&str> = apart
            .patients()
            .iter()
            .map(|its| its.subject.as_str())
            .collect();
        assert_eq!(kept, ["r2", "s"]);
    }
}
