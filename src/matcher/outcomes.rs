//! The outcomes of a trial's transplants, and what they teach a fitted matcher.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::matcher::{Matcher, PredictParams};
use super::scene::{DonorSide, Scene};
use crate::cohort::screening::{Day, DonorType};
use crate::cohort::{Donors, MetadataNote, MetadataTable, Treatment, TreatmentContext};
use crate::digest::Digest;
use crate::engraftment::{
    Observation, PairProfile, TransplantContext, above_limit, align_to_fractions,
};
use crate::evidence::{TrialPatient, UpdateMethod, is_transplant};
use crate::profile::{ProfileTable, SampleId, SubjectId, Taxon};
use crate::{Error, Result};

/// What is known of one transplant of a trial.
#[derive(Debug, Clone, PartialEq)]
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
    /// Antibiotics before the transplant; none is unknown.
    pub antibiotics: Option<bool>,
    /// The recipient's samples from after the transplant.
    pub follow_ups: Vec<TrialFollowUp>,
}

/// A recipient's sample from after the transplant.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialFollowUp {
    /// The sample.
    pub sample: SampleId,
    /// Days after the transplant, where known.
    pub day: Option<f64>,
}

/// The whole table of a trial's transplants so far.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialOutcomes {
    rows: Vec<TrialOutcome>,
    notes: Vec<MetadataNote>,
}

/// The roles of a table of outcomes.
const ROLES: [&str; 15] = [
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
    "antibiotics",
    "follow_up",
    "day",
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
        if !rows
            .iter()
            .any(|row| is_known(row) || !row.follow_ups.is_empty())
        {
            return Err(Error::table(
                "no row says anything in a column `response`, `severe_irae`, `irae_grade`, \
                 `myocarditis` or `follow_up`",
            ));
        }
        Ok(Self {
            rows,
            notes: Vec::new(),
        })
    }

    /// One entry a row of a table with `donor_id`, `recipient_id`, `regimen` and any of `date`,
    /// `donor_type`, `cancer`, `line`, `partner`, `response`, `severe_irae`, `irae_grade` (3 or
    /// more is severe), `myocarditis`, `antibiotics` and `follow_up` with `day` (several samples
    /// and days of one recipient parted by `;`); a blank outcome is not yet known.
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

    /// Samples from after a transplant that the rows name.
    pub fn n_follow_ups(&self) -> usize {
        self.rows.iter().map(|row| row.follow_ups.len()).sum()
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
        antibiotics: table.outcome(row, "antibiotics")?,
        follow_ups: read_follow_ups(table, row)?,
    })
}

fn read_follow_ups(table: &MetadataTable, row: usize) -> Result<Vec<TrialFollowUp>> {
    let parts = |role| -> Vec<&str> {
        let text = table.text(row, role).unwrap_or_default();
        text.split(';')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect()
    };
    let (samples, days) = (parts("follow_up"), parts("day"));
    if !days.is_empty() && days.len() != samples.len() {
        let message = format!(
            "{} in `day` for {} in `follow_up`",
            days.len(),
            samples.len()
        );
        return Err(table.error_at(row, message));
    }
    let day = |text: &str| match text.parse::<f64>() {
        Ok(day) if day.is_finite() && day >= 0.0 => Ok(day),
        _ => {
            let message = format!("`day`: expected days after the transplant, found `{text}`");
            Err(table.error_at(row, message))
        }
    };
    samples
        .into_iter()
        .enumerate()
        .map(|(at, sample)| {
            Ok(TrialFollowUp {
                sample: sample.into(),
                day: days.get(at).map(|text| day(text)).transpose()?,
            })
        })
        .collect()
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
    /// Follow-ups that moved what is expected to engraft.
    pub n_follow_ups: usize,
}

impl Matcher {
    /// The same matcher, with the outcomes of a trial: donors, response and toxicity, and from
    /// `follow_ups` (the profiles that the outcomes name) how far its transplants engraft. Always
    /// the whole table so far; what an earlier table taught is replaced. All tables of profiles must
    /// be harmonized to [`Matcher::vocabulary`]; the samples of a donor are averaged.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] where a table is not harmonized; [`Error::Table`] where a donor, a
    /// recipient or a follow-up has no profile; those of
    /// [`Evidence::with_patients`](crate::evidence::Evidence::with_patients).
    pub fn with_outcomes(
        &self,
        donors: &Donors,
        recipients: &ProfileTable,
        follow_ups: Option<&ProfileTable>,
        outcomes: &TrialOutcomes,
        params: &UpdateParams,
    ) -> Result<UpdatedMatcher> {
        if params.trial.trim().is_empty() {
            return Err(Error::parameter("trial", "expected a name, found a blank"));
        }
        if !params.without.is_empty() && self.evidence.record().has_sites() {
            let message = "leaving arms out is a new fit, which would lose what other sites taught";
            return Err(Error::parameter("without", message));
        }
        params.predict.check()?;
        self.check_vocabulary("donors", donors.profiles())?;
        self.check_vocabulary("recipients", recipients)?;
        let (profiles, recipients) = align_to_fractions(donors.profiles(), recipients)?;
        let donors = donors.with_profiles(profiles)?;
        let mut matcher = self.clone();
        matcher.engraftment.own = None;
        let mut n_follow_ups = 0;
        if let Some(follow_ups) = follow_ups {
            self.check_vocabulary("follow-ups", follow_ups)?;
            let seen = outcomes.observations(
                (&donors, &recipients),
                follow_ups,
                self.engraftment.detection_limit(),
            )?;
            n_follow_ups = seen.len();
            matcher.engraftment = self.engraftment.moved_by(recipients.taxa(), &seen)?;
        }
        let named = (params.trial.as_str(), &params.predict);
        let patients = matcher.trial_patients(&donors, recipients, outcomes, named)?;
        let evidence = self.evidence.without_trials(&params.without)?;
        let updated = evidence.with_patients(&patients, &outcomes.digest(), params.method)?;
        matcher.evidence = updated.evidence;
        Ok(UpdatedMatcher {
            matcher,
            method: updated.method,
            pareto_k: updated.pareto_k,
            n_follow_ups,
        })
    }

    /// The patients as the joint model sees them: outcome, score of the predicted microbiome, and
    /// the donor's richness in Prevotellaceae.
    pub(super) fn trial_patients(
        &self,
        donors: &Donors,
        recipients: ProfileTable,
        outcomes: &TrialOutcomes,
        (trial, predict): (&str, &PredictParams),
    ) -> Result<Vec<TrialPatient>> {
        let cells = outcomes.rows.iter().map(|row| row.context).collect();
        let scene = Scene::new(self, donors, recipients, &cells, predict)?;
        let pairs = outcomes
            .rows
            .iter()
            .map(|one| {
                Ok((
                    donors.place_of(&one.donor)?,
                    recipient_row(&scene.recipients, one)?,
                ))
            })
            .collect::<Result<Vec<_>>>()?;
        let used: BTreeSet<usize> = pairs.iter().map(|(donor, _)| *donor).collect();
        let donor_sides: BTreeMap<usize, DonorSide> = used
            .into_par_iter()
            .map(|row| (row, scene.donor_side(row)))
            .collect();
        let patient =
            |room: &mut _, (one, (donor, recipient)): (&TrialOutcome, &(usize, usize))| {
                let donor = donor_sides[donor].as_type(one.donor_type);
                let recipient = scene.recipient_side(*recipient, one.context)?;
                Ok(TrialPatient {
                    trial: trial.to_owned(),
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
            .zip(&pairs)
            .map_init(|| scene.room(), patient)
            .collect()
    }
}

impl TrialOutcomes {
    /// The transplants with follow-ups, over the columns of the recipients; both tables are aligned
    /// and closed to 1. Placebo and stool of one's own are none.
    fn observations(
        &self,
        (donors, recipients): (&Donors, &ProfileTable),
        follow_ups: &ProfileTable,
        detection_limit: f64,
    ) -> Result<Vec<Observation>> {
        let means = donors.mean_profiles()?;
        let n_samples = donors.n_samples();
        let columns: HashMap<&str, usize> = follow_ups
            .taxa()
            .iter()
            .map(Taxon::label)
            .zip(0..)
            .collect();
        let fractions = follow_ups.closure();
        let after = |row: usize, taxon: u32| {
            let label = recipients.taxa()[taxon as usize].label();
            let column = columns.get(label);
            let fraction = column.map_or(0.0, |&column| fractions.abundance().value(row, column));
            above_limit(fraction, detection_limit)
        };
        let mut seen = Vec::new();
        for one in &self.rows {
            let place = donors.place_of(&one.donor)?;
            let donor_type = one.donor_type.or(donors.donor_types()[place]);
            if !donor_type.is_none_or(is_transplant) {
                continue;
            }
            let recipient = recipient_row(recipients, one)?;
            for follow_up in &one.follow_ups {
                let row = follow_ups.row_of(&follow_up.sample).ok_or_else(|| {
                    Error::table(format!("no profile for follow-up `{}`", follow_up.sample))
                })?;
                let pair = PairProfile {
                    n_donor_samples: n_samples[place],
                    ..PairProfile::new(
                        means.abundance(),
                        &[place],
                        recipients.abundance(),
                        recipient,
                    )?
                };
                let pair = pair.above(detection_limit);
                let after = pair.taxa.iter().map(|&taxon| after(row, taxon)).collect();
                seen.push(Observation {
                    cohort: 0,
                    pair,
                    after,
                    context: TransplantContext {
                        day: follow_up.day.unwrap_or(TransplantContext::DEFAULT_DAY),
                        antibiotics: one.antibiotics,
                    },
                    recipient: one.recipient.to_string(),
                    study: "own".to_owned(),
                });
            }
        }
        Ok(seen)
    }
}

fn recipient_row(recipients: &ProfileTable, one: &TrialOutcome) -> Result<usize> {
    let row = recipients.row_of(&one.recipient);
    row.ok_or_else(|| Error::table(format!("no profile for sample `{}`", one.recipient)))
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
