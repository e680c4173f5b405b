//! Toxicity that was observed after transplants, and what it teaches a fitted matcher.

use super::matcher::Matcher;
use super::toxicity::ToxicityOutcome;
use crate::cohort::{MetadataNote, MetadataTable, Treatment, TreatmentContext};
use crate::profile::{ProfileTable, SampleId};
use crate::{Error, Result};

/// What happened to one recipient of a donor's stool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedToxicity {
    /// The donor's sample.
    pub donor: SampleId,
    /// Regimen, cancer and line of the recipient.
    pub context: TreatmentContext,
    /// Whether there was an immune-related adverse event of grade 3 or more; `None` is unknown.
    pub severe_irae: Option<bool>,
    /// Whether there was myocarditis; `None` is unknown.
    pub myocarditis: Option<bool>,
}

/// The roles of a table of outcomes.
const ROLES: [&str; 7] = [
    "donor_id",
    "recipient_id",
    "regimen",
    "cancer",
    "line",
    "severe_irae",
    "myocarditis",
];

impl ObservedToxicity {
    /// What is to be said of the columns of a table of outcomes: those without a use, above all
    /// one whose name looks like that of a column that is not there.
    pub fn column_notes(table: &MetadataTable) -> Vec<MetadataNote> {
        table.column_notes(&ROLES, &[])
    }

    /// One entry a row of a table with `donor_id`, `regimen` and any of `cancer`, `line`,
    /// `severe_irae` and `myocarditis`; blanks are unknown.
    ///
    /// # Errors
    /// [`Error::File`] naming the line whose donor or regimen is blank or whose word is unknown, or
    /// where no row says anything of either outcome.
    pub fn from_metadata(table: &MetadataTable) -> Result<Vec<Self>> {
        let read = |row: usize| {
            let donor = table.required(row, "donor_id")?;
            let context = Treatment::of_row(table, row)?.context();
            let no_regimen = || table.error_at(row, "`regimen` must not be blank");
            Ok(Self {
                donor: donor.into(),
                context: context.ok_or_else(no_regimen)?,
                severe_irae: table.outcome(row, "severe_irae")?,
                myocarditis: table.outcome(row, "myocarditis")?,
            })
        };
        let observed: Vec<Self> = (0..table.n_rows()).map(read).collect::<Result<_>>()?;
        let is_known = |one: &Self| one.severe_irae.is_some() || one.myocarditis.is_some();
        if !observed.iter().any(is_known) {
            let message = "no row says anything in a column `severe_irae` or `myocarditis`";
            return Err(Error::file(table.path(), message));
        }
        Ok(observed)
    }
}

impl Matcher {
    /// The same matcher, whose toxicity model has learned from outcomes of one's own (see
    /// [`ToxicityModel::update`](super::ToxicityModel::update)). `donors` must be harmonized to
    /// [`Matcher::vocabulary`].
    ///
    /// # Errors
    /// [`Error::Vocabulary`] where the table is not harmonized; [`Error::Table`] where a donor has
    /// no profile; [`Error::Convergence`] where the update does not settle.
    pub fn with_outcomes(
        &self,
        donors: &ProfileTable,
        observed: &[ObservedToxicity],
    ) -> Result<Self> {
        self.check_vocabulary("donors", donors)?;
        let ids: Vec<SampleId> = observed.iter().map(|one| one.donor.clone()).collect();
        let distinct: std::collections::BTreeSet<&SampleId> = ids.iter().collect();
        let distinct: Vec<SampleId> = distinct.into_iter().cloned().collect();
        let profiles = donors.select_samples(&distinct)?;
        let features = self.response.schema().features(&profiles.closure())?;
        let outcome = |one: &ObservedToxicity| {
            let row = profiles
                .row_of(&one.donor)
                .ok_or_else(|| Error::table(format!("no profile for sample `{}`", one.donor)))?;
            Ok(ToxicityOutcome {
                context: one.context,
                burden: self.toxicity.burden_of(&features.row(row).to_vec()),
                severe_irae: one.severe_irae,
                myocarditis: one.myocarditis,
            })
        };
        let outcomes = observed.iter().map(outcome).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            toxicity: self.toxicity.update(&outcomes)?,
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::{Cancer, Line, Regimen};

    fn read(rows: &str) -> Result<Vec<ObservedToxicity>> {
        let head = "donor_id\tregimen\tline\tsevere_irae\tmyocarditis\n";
        let table = MetadataTable::parse("outcomes.tsv", &format!("{head}{rows}"))?;
        ObservedToxicity::from_metadata(&table)
    }

    #[test]
    fn outcomes_are_read_and_what_is_blank_is_unknown() {
        let read = read("D1\tanti-pd-1+anti-ctla-4\trefractory\tyes\t\n").unwrap();
        let context = TreatmentContext {
            regimen: Regimen::Dual,
            cancer: Cancer::Other,
            line: Line::Refractory,
        };
        assert_eq!(
            read,
            [ObservedToxicity {
                donor: "D1".into(),
                context,
                severe_irae: Some(true),
                myocarditis: None,
            }]
        );
    }

    #[test]
    fn a_table_without_an_outcome_is_refused() {
        let error = read("D1\tanti-pd-1\tfirst\t\t\n").unwrap_err();
        assert!(error.to_string().contains("`severe_irae` or `myocarditis`"));
    }

    #[test]
    fn a_row_without_a_regimen_names_its_line() {
        let error = read("D1\t\tfirst\tyes\tno\n").unwrap_err().to_string();
        assert!(error.contains("line 2: `regimen`"), "{error}");
    }
}
