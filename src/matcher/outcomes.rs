//! The outcomes of a trial's transplants, and what they teach a fitted matcher.

use std::collections::HashMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::matcher::{Matcher, PredictParams};
use super::scene::Scene;
use crate::cohort::screening::{Day, DonorType};
use crate::cohort::{Donors, MetadataNote, MetadataTable, Treatment, TreatmentContext};
use crate::digest::Digest;
use crate::engraftment::align_to_fractions;
use crate::evidence::{TrialPatient, UpdateMethod};
use crate::profile::{ProfileTable, SampleId, SubjectId};
use crate::{Error, Result};

/// What is known of one transplant of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialOutcome {
    /// The donor.
    pub donor: SubjectId,
    /// The recipient's sample from before the transplant.
    pub recipient: SampleId,
    /// Day of the transplant, where known.
    pub date: Option<Day>,
    /// Where the stool came from, where known.
    pub donor_type: Option<DonorType>,
    /// Regimen, cancer, line and partner of the recipient.
    pub context: TreatmentContext,
    /// Objective response; none is not yet known.
    pub response: Option<bool>,
    /// An immune-related adverse event of grade 3 or more; none is not yet known.
    pub severe_irae: Option<bool>,
    /// Myocarditis; none is not yet known.
    pub myocarditis: Option<bool>,
}

/// The whole table of a trial's transplants so far.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialOutcomes {
    rows: Vec<TrialOutcome>,
    notes: Vec<MetadataNote>,
}

/// The roles of a table of outcomes.
const ROLES: [&str; 12] = [
    "donor_id",
    "recipient_id",
    "date",
    "donor_type",
    "regimen",
    "cancer",
    "line",
    "partner",
    "response",
    "severe_irae",
    "irae_grade",
    "myocarditis",
];

/// The least grade of a severe event.
const SEVERE: f64 = 3.0;

impl TrialOutcomes {
    /// Checked rows.
    ///
    /// # Errors
    /// [`Error::Table`] where a pair of donor and recipient stands twice, or no outcome is known.
    pub fn new(rows: Vec<TrialOutcome>) -> Result<Self> {
        let mut seen = std::collections::BTreeSet::new();
        for row in &rows {
            if !seen.insert((&row.donor, &row.recipient, row.date)) {
                return Err(Error::table(format!(
                    "the transplant of `{}` to `{}` stands twice; a second one needs a `date`",
                    row.donor, row.recipient
                )));
            }
        }
        let is_known = |row: &TrialOutcome| {
            row.response.is_some() || row.severe_irae.is_some() || row.myocarditis.is_some()
        };
        if !rows.iter().any(is_known) {
            return Err(Error::table(
                "no row says anything in a column `response`, `severe_irae`, `irae_grade` or \
                 `myocarditis`",
            ));
        }
        Ok(Self {
            rows,
            notes: Vec::new(),
        })
    }

    /// One entry a row of a table with `donor_id`, `recipient_id`, `regimen` and any of `date`,
    /// `donor_type`, `cancer`, `line`, `partner`, `response`, `severe_irae`, `irae_grade` (3 or
    /// more is severe) and `myocarditis`; a blank outcome is not yet known.
    ///
    /// # Errors
    /// [`Error::File`] naming the line whose donor, recipient or regimen is blank, whose word is
    /// unknown or whose grade contradicts `severe_irae`, and as [`TrialOutcomes::new`].
    pub fn from_metadata(table: &MetadataTable) -> Result<Self> {
        table.check_names(&ROLES)?;
        let rows = (0..table.n_rows()).map(|row| read_row(table, row));
        let outcomes =
            Self::new(rows.collect::<Result<_>>()?).map_err(|error| error.at_path(table.path()))?;
        Ok(Self {
            notes: table.column_notes(&ROLES, &[]),
            ..outcomes
        })
    }

    /// The transplants.
    pub fn rows(&self) -> &[TrialOutcome] {
        &self.rows
    }

    /// What was noticed in the source: columns without a use, above all one whose name looks like
    /// that of a column that is not there.
    pub fn notes(&self) -> &[MetadataNote] {
        &self.notes
    }

    /// The transplants up to and with a day, in the order of their days: what was known then.
    /// Transplants without a day are left out.
    ///
    /// # Errors
    /// [`Error::Table`] where none of them has a known outcome.
    pub fn until(&self, day: Day) -> Result<Self> {
        let mut rows: Vec<TrialOutcome> = self
            .rows
            .iter()
            .filter(|row| row.date.is_some_and(|date| date <= day))
            .cloned()
            .collect();
        rows.sort_by_key(|row| row.date);
        Self::new(rows)
    }

    /// SHA-256 of the rows, whatever their order.
    pub fn digest(&self) -> String {
        let mut lines: Vec<String> = self.rows.iter().map(|row| format!("{row:?}\n")).collect();
        lines.sort();
        let mut digest = Digest::default();
        for line in &lines {
            digest.add(line.as_bytes());
        }
        digest.finish()
    }
}

fn read_row(table: &MetadataTable, row: usize) -> Result<TrialOutcome> {
    let at = |error: Error| table.error_at(row, error.to_string());
    let context = Treatment::of_row(table, row)?.context();
    let no_regimen = || table.error_at(row, "`regimen` must not be blank");
    let grade = table.number(row, "irae_grade")?;
    let told = table.outcome(row, "severe_irae")?;
    let graded = grade.map(|grade| grade >= SEVERE);
    if let (Some(told), Some(graded)) = (told, graded)
        && told != graded
    {
        let message = "`severe_irae` and `irae_grade` contradict each other";
        return Err(table.error_at(row, message));
    }
    Ok(TrialOutcome {
        donor: table.required(row, "donor_id")?.into(),
        recipient: table.required(row, "recipient_id")?.into(),
        date: match table.text(row, "date") {
            Some(date) => Some(date.parse().map_err(at)?),
            None => None,
        },
        donor_type: match table.text(row, "donor_type") {
            Some(word) => Some(word.parse().map_err(at)?),
            None => None,
        },
        context: context.ok_or_else(no_regimen)?,
        response: table.outcome(row, "response")?,
        severe_irae: told.or(graded),
        myocarditis: table.outcome(row, "myocarditis")?,
    })
}

/// How a matcher learns from outcomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct UpdateParams {
    /// What the trial is called. Default `own`.
    pub trial: String,
    /// By weights on the draws there are, by a new fit, or by whichever can be trusted. Default
    /// the last.
    pub method: UpdateMethod,
    /// Trials whose published arms are left out, because the table holds their patients; a new fit.
    /// Default none.
    pub without: Vec<String>,
    /// How each transplant is predicted, for the score of its microbiome.
    pub predict: PredictParams,
}

impl Default for UpdateParams {
    fn default() -> Self {
        Self {
            trial: "own".to_owned(),
            method: UpdateMethod::Auto,
            without: Vec::new(),
            predict: PredictParams::default(),
        }
    }
}

/// A matcher that has learned, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdatedMatcher {
    /// The matcher. It carries draws, counts and a digest, no row of a patient.
    pub matcher: Matcher,
    /// [`UpdateMethod::Exact`] or [`UpdateMethod::Fast`]: what was done.
    pub method: UpdateMethod,
    /// How heavy the tail of the weights is, k̂; none where none were tried.
    pub pareto_k: Option<f64>,
}

impl Matcher {
    /// The same matcher, with the outcomes of a trial: donors, response and toxicity. Always the
    /// whole table so far; what an earlier table taught is replaced. Both tables of profiles must
    /// be harmonized to [`Matcher::vocabulary`]; the samples of a donor are averaged.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] where a table is not harmonized; [`Error::Table`] where a donor or a
    /// recipient has no profile; those of
    /// [`Evidence::with_patients`](crate::evidence::Evidence::with_patients).
    pub fn with_outcomes(
        &self,
        donors: &Donors,
        recipients: &ProfileTable,
        outcomes: &TrialOutcomes,
        params: &UpdateParams,
    ) -> Result<UpdatedMatcher> {
        if params.trial.trim().is_empty() {
            return Err(Error::parameter("trial", "expected a name, found a blank"));
        }
        let patients = self.trial_patients(donors, recipients, outcomes, params)?;
        let evidence = self.evidence.without_trials(&params.without)?;
        let updated = evidence.with_patients(&patients, &outcomes.digest(), params.method)?;
        Ok(UpdatedMatcher {
            matcher: Self {
                evidence: updated.evidence,
                ..self.clone()
            },
            method: updated.method,
            pareto_k: updated.pareto_k,
        })
    }

    /// The patients as the joint model sees them: outcome, score of the predicted microbiome, and
    /// the donor's richness in Prevotellaceae.
    fn trial_patients(
        &self,
        donors: &Donors,
        recipients: &ProfileTable,
        outcomes: &TrialOutcomes,
        params: &UpdateParams,
    ) -> Result<Vec<TrialPatient>> {
        params.predict.check()?;
        self.check_vocabulary("donors", donors.profiles())?;
        self.check_vocabulary("recipients", recipients)?;
        let (profiles, recipients) = align_to_fractions(donors.profiles(), recipients)?;
        let donors = donors.with_profiles(profiles)?;
        let cells = outcomes.rows.iter().map(|row| row.context).collect();
        let scene = Scene::new(self, &donors, recipients, &cells, &params.predict)?;
        let rows: HashMap<&SubjectId, usize> = donors.ids().iter().zip(0..).collect();
        let recipient_row = |id: &SampleId| {
            let row = scene.recipients.row_of(id);
            row.ok_or_else(|| Error::table(format!("no profile for sample `{id}`")))
        };
        let patient = |room: &mut _, one: &TrialOutcome| {
            let donor = rows.get(&one.donor).copied();
            let donor = donor.ok_or_else(|| Error::table(donors.unknown(&one.donor)))?;
            let donor = scene.donor_side(donor);
            let recipient = recipient_row(&one.recipient)?;
            let recipient = scene.recipient_side(recipient, one.context)?;
            Ok(TrialPatient {
                trial: params.trial.clone(),
                donor: Some(one.donor.to_string()),
                donor_type: one.donor_type,
                context: one.context,
                score: scene.mean_score(room, &donor, &recipient)?,
                richness: donor.richness,
                response: one.response,
                severe_irae: one.severe_irae,
                myocarditis: one.myocarditis,
            })
        };
        outcomes
            .rows
            .par_iter()
            .map_init(|| scene.room(), patient)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::{Cancer, Line, Regimen};

    fn read(text: &str) -> Result<TrialOutcomes> {
        TrialOutcomes::from_metadata(&MetadataTable::parse("outcomes.tsv", text)?)
    }

    #[test]
    fn blanks_are_unknown_and_a_grade_is_severe_from_three() {
        let outcomes = read(
            "donor_id\trecipient_id\tregimen\tline\tresponse\tirae_grade\tmyocarditis\n\
             d1\tr1\tanti-pd-1+anti-ctla-4\trefractory\t\t2\t\n\
             d1\tr2\tanti-pd-1\t\t1\t3\t0\n",
        )
        .unwrap();
        let [first, second] = outcomes.rows() else {
            panic!("two rows");
        };
        assert_eq!(
            first.context,
            TreatmentContext::new(Regimen::Dual, Cancer::Other, Line::Refractory)
        );
        assert_eq!(
            (first.response, first.severe_irae, first.myocarditis),
            (None, Some(false), None)
        );
        assert_eq!(
            (second.response, second.severe_irae),
            (Some(true), Some(true))
        );
    }

    #[test]
    fn what_cannot_be_learned_from_names_the_line() {
        let header = "donor_id\trecipient_id\tregimen\tresponse\tsevere_irae\tirae_grade\n";
        let contradicts = read(&format!("{header}d\tr\tanti-pd-1\t1\tyes\t2\n"));
        assert!(contradicts.unwrap_err().to_string().contains("line 2"));
        let blank = read(&format!("{header}d\tr\t\t1\t\t\n"))
            .unwrap_err()
            .to_string();
        assert!(blank.contains("`regimen`"), "{blank}");
        let nothing = read(&format!("{header}d\tr\tanti-pd-1\t\t\t\n"))
            .unwrap_err()
            .to_string();
        assert!(nothing.contains("no row says anything"), "{nothing}");
        let twice = read(&format!(
            "{header}d\tr\tanti-pd-1\t1\t\t\nd\tr\tanti-pd-1\t0\t\t\n"
        ));
        assert!(twice.unwrap_err().to_string().contains("twice"));
    }

    #[test]
    fn the_digest_does_not_hang_on_the_order_of_rows() {
        let header = "donor_id\trecipient_id\tregimen\tresponse\n";
        let (a, b) = ("d\tr1\tanti-pd-1\t1\n", "d\tr2\tanti-pd-1\t0\n");
        let one = read(&format!("{header}{a}{b}")).unwrap().digest();
        assert_eq!(read(&format!("{header}{b}{a}")).unwrap().digest(), one);
        assert_ne!(read(&format!("{header}{a}")).unwrap().digest(), one);
    }
}
