//! What a file is taken for, question by question: profiles, or a table of patients, donors,
//! transplants or outcomes.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::note::quoted;
use super::screening::{DonorRecords, Panel};
use super::{ColumnNames, MetadataNote, MetadataTable, Treatments, TrialOutcomes};
use super::{donors, outcomes, patient, transplant, treatment};
use crate::profile::{Decision, ProfileTable, Question, ReadOptions, inspect, inspect_bytes};
use crate::{Error, Result};

/// What the rows of a table of metadata are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TableKind {
    /// Transplants with donor, baseline and follow-up samples:
    /// [`Cohort::from_metadata`](super::Cohort::from_metadata).
    Transplants,
    /// The outcomes of a trial: [`TrialOutcomes::from_metadata`].
    Outcomes,
    /// The donors of samples: [`Donors::from_metadata`](super::Donors::from_metadata).
    Donors,
    /// Regimen, cancer, line and partner of recipients: [`Treatments::from_metadata`].
    Treatments,
    /// Patients without a transplant:
    /// [`PatientCohort::from_metadata`](super::PatientCohort::from_metadata).
    Patients,
    /// Screening records: [`DonorRecords::from_table`].
    Screening,
}

/// All kinds, those with the most particular columns first.
const KINDS: [TableKind; 6] = [
    TableKind::Transplants,
    TableKind::Outcomes,
    TableKind::Donors,
    TableKind::Treatments,
    TableKind::Screening,
    TableKind::Patients,
];

/// How many unused columns that read like names of taxa make a table one of profiles.
const N_TAXA: usize = 3;

impl TableKind {
    /// The word used in files and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transplants => "transplants",
            Self::Outcomes => "outcomes",
            Self::Donors => "donors",
            Self::Treatments => "treatments",
            Self::Patients => "patients",
            Self::Screening => "screening",
        }
    }

    /// The roles that columns of such a table play.
    pub fn roles(self) -> &'static [&'static str] {
        match self {
            Self::Transplants => &transplant::ROLES,
            Self::Outcomes => &outcomes::ROLES,
            Self::Donors => &donors::ROLES,
            Self::Treatments => &treatment::ROLES,
            Self::Patients => &patient::ROLES,
            Self::Screening => &["donor_id"],
        }
    }

    /// The roles without which such a table cannot be read.
    pub fn required(self) -> &'static [&'static str] {
        match self {
            Self::Transplants => &transplant::REQUIRED,
            Self::Outcomes => &["donor_id", "recipient_id", "regimen"],
            Self::Donors => &["sample_id", "donor_id"],
            Self::Treatments => &["recipient_id"],
            Self::Patients => &["sample_id"],
            Self::Screening => &["donor_id"],
        }
    }

    /// The kind of a table by its columns: the first of transplants, outcomes, donors, treatments,
    /// screening records and patients whose required columns are there with one more that only
    /// such a table has. None for a table of anything else, such as profiles.
    pub fn of(table: &MetadataTable) -> Option<Self> {
        KINDS.into_iter().find(|kind| kind.fits(table))
    }

    /// The kind whose columns a table has most of, two at least: what to name where a table can be
    /// read as nothing. None where its columns read like taxa.
    pub fn nearest(table: &MetadataTable) -> Option<Self> {
        if reads_like_profiles(table) {
            return None;
        }
        let n_roles = |kind: &Self| kind.roles().iter().filter(|role| table.has(role)).count();
        let most = KINDS.into_iter().rev().max_by_key(n_roles)?;
        (n_roles(&most) >= 2).then_some(most)
    }

    fn fits(self, table: &MetadataTable) -> bool {
        let has_one_of = |roles: &[&str]| roles.iter().any(|role| table.has(role));
        self.required().iter().all(|role| table.has(role))
            && match self {
                Self::Transplants | Self::Outcomes | Self::Donors => true,
                Self::Treatments => has_one_of(&["regimen", "cancer", "line", "partner"]),
                Self::Screening => has_one_of(&["collected_on", "batch_id", "entry"]),
                Self::Patients => has_one_of(&self.roles()[1..]) && !reads_like_profiles(table),
            }
    }
}

impl fmt::Display for TableKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TableKind {
    type Err = Error;

    /// # Errors
    /// [`Error::Parameter`] for any other word.
    fn from_str(text: &str) -> Result<Self> {
        let found = KINDS.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| {
            let words = KINDS.map(|kind| format!("`{kind}`")).join(", ");
            let message = format!("expected `profiles` or one of {words}, found `{text}`");
            Error::parameter("content", message)
        })
    }
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    /// Profiles of a microbiome.
    Profiles,
    /// A table of metadata.
    Metadata(TableKind),
}

impl FromStr for Content {
    type Err = Error;

    /// `profiles`, or the word of a [`TableKind`].
    ///
    /// # Errors
    /// [`Error::Parameter`] for any other word.
    fn from_str(text: &str) -> Result<Self> {
        if text == "profiles" {
            return Ok(Self::Profiles);
        }
        text.parse().map(Self::Metadata)
    }
}

/// How a file is checked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CheckParams {
    /// What it holds; found from its columns where none.
    pub content: Option<Content>,
    /// Which column of a table of metadata plays which role.
    pub columns: ColumnNames,
    /// How profiles are read.
    pub reading: ReadOptions,
}

/// Says what a file is taken for and does nothing with it: it is read as every other function reads
/// it, and what they would refuse is an error here, in the same words.
///
/// # Errors
/// Those of [`profile::read`](crate::profile::read), or of [`check_table`]; where a file is neither
/// but has columns of a table of metadata, what that table lacks.
pub fn check(path: impl AsRef<Path>, params: &CheckParams) -> Result<Vec<Decision>> {
    let path = path.as_ref();
    check_with(
        params,
        || MetadataTable::read(path),
        || inspect(path, &params.reading),
    )
}

/// The same for the bytes of a file; messages call it `name`.
///
/// # Errors
/// As [`check`].
pub fn check_bytes(
    name: impl AsRef<Path>,
    bytes: &[u8],
    params: &CheckParams,
) -> Result<Vec<Decision>> {
    let name = name.as_ref();
    check_with(
        params,
        || MetadataTable::read_bytes(bytes),
        || inspect_bytes(name, bytes, &params.reading),
    )
}

fn check_with(
    params: &CheckParams,
    table: impl Fn() -> Result<MetadataTable>,
    profiles: impl Fn() -> Result<(ProfileTable, Vec<Decision>)>,
) -> Result<Vec<Decision>> {
    let table = || table().map(|table| table.with_names(params.columns.clone()));
    match params.content {
        Some(Content::Metadata(kind)) => return check_table(&table()?, kind),
        Some(Content::Profiles) => return profiles().map(of_profiles),
        None => {}
    }
    // What is no delimited text is no table of metadata.
    let Ok(table) = table() else {
        return profiles().map(of_profiles);
    };
    if let Some(kind) = TableKind::of(&table) {
        return check_table(&table, kind);
    }
    match (profiles(), TableKind::nearest(&table)) {
        (Ok(read), _) => Ok(of_profiles(read)),
        (Err(_), Some(kind)) => check_table(&table, kind),
        (Err(error), None) => Err(error),
    }
}

/// What was decided about a file of profiles, what it holds first and its notes last.
fn of_profiles((table, decisions): (ProfileTable, Vec<Decision>)) -> Vec<Decision> {
    let content = Decision {
        question: Question::Content,
        answer: "profiles".to_owned(),
        reason: format!("{} samples, {} taxa", table.n_samples(), table.n_taxa()),
    };
    let notes = table.notes().iter().map(|note| Decision {
        question: Question::Note,
        answer: note.clone(),
        reason: String::new(),
    });
    [content]
        .into_iter()
        .chain(decisions)
        .chain(notes)
        .collect()
}

/// Whether the columns without a role are taxa: lineages, or names of two words.
fn reads_like_profiles(table: &MetadataTable) -> bool {
    let is_epithet = |word: &str| word.len() > 2 && word.chars().all(|c| c.is_ascii_lowercase());
    let is_genus = |word: &str| {
        let mut letters = word.chars();
        letters.next().is_some_and(|c| c.is_ascii_uppercase()) && is_epithet(letters.as_str())
    };
    let is_taxon = |column: &str| {
        let two = column.split_once([' ', '_']);
        column.contains("__")
            || two.is_some_and(|(genus, rest)| is_genus(genus) && is_epithet(rest))
    };
    let columns = table.columns().filter(|column| is_taxon(column));
    columns.take(N_TAXA).count() == N_TAXA
}

/// What a table is taken for as one of a kind: where its header is, which columns play which role,
/// what its rows hold and what is odd. Nothing is done with it.
///
/// # Errors
/// Those of reading a table of that kind, but for what only the profiles can tell.
///
/// # Examples
/// ```
/// use donormatch::cohort::{MetadataTable, TableKind, check_table};
///
/// let text = "recipient_id,regimen,lin\nr1,anti-pd-1,refractory\n";
/// let table = MetadataTable::parse("recipients.csv", text)?;
/// let kind = TableKind::of(&table).expect("a table of treatments");
/// assert_eq!(kind, TableKind::Treatments);
/// let decisions = check_table(&table, kind)?;
/// assert!(decisions.iter().any(|one| one.answer.contains("no column `line`")));
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn check_table(table: &MetadataTable, kind: TableKind) -> Result<Vec<Decision>> {
    if kind != TableKind::Screening {
        table.check_names(kind.roles())?;
    }
    for role in kind.required() {
        table.require_column(role)?;
    }
    let (content, notes) = read_rows(table, kind)?;
    let decision = |question, answer: String, reason: &str| Decision {
        question,
        answer,
        reason: reason.to_owned(),
    };
    let n_rows = table.n_rows();
    let columns = quoted(kind.required());
    let reason = format!("columns {columns}; {n_rows} rows, {content}");
    let mut decisions = vec![
        decision(Question::Content, kind.to_string(), &reason),
        header(table),
    ];
    decisions.extend(kind.roles().iter().map(|role| role_decision(table, role)));
    decisions.extend(notes.iter().map(|note| {
        let reason = if note.is_warning() { "odd" } else { "as it is" };
        decision(Question::Note, note.to_string(), reason)
    }));
    Ok(decisions)
}

/// Where the header is, what divides the fields and what a decimal comma would be.
fn header(table: &MetadataTable) -> Decision {
    let delimiter = match table.delimiter() {
        '\t' => "tab".to_owned(),
        other => format!("`{other}`"),
    };
    let comma = if table.has_free_comma() {
        "a comma in a number is a decimal point"
    } else {
        "numbers have a decimal point"
    };
    Decision {
        question: Question::Header,
        answer: format!(
            "line {}, fields divided by {delimiter}",
            table.header_line()
        ),
        reason: comma.to_owned(),
    }
}

/// Which column plays a role, and in how many rows it is known.
fn role_decision(table: &MetadataTable, role: &str) -> Decision {
    let n_known = |role| {
        let known = (0..table.n_rows()).filter(|&row| table.text(row, role).is_some());
        known.count()
    };
    let (answer, reason) = if table.has(role) {
        (
            format!("`{role}` is the column `{}`", table.column_name(role)),
            format!("known in {} of {} rows", n_known(role), table.n_rows()),
        )
    } else {
        (
            format!("`{role}` is not given"),
            "no such column".to_owned(),
        )
    };
    Decision {
        question: Question::Columns,
        answer,
        reason,
    }
}

/// Reads every row: what they hold in a few words, and what was noticed.
fn read_rows(table: &MetadataTable, kind: TableKind) -> Result<(String, Vec<MetadataNote>)> {
    let rows = 0..table.n_rows();
    match kind {
        TableKind::Transplants => transplants(table),
        TableKind::Outcomes => {
            let outcomes = TrialOutcomes::from_metadata(table)?;
            let rows = outcomes.rows();
            let n_known = rows.iter().filter(|row| row.response.is_some()).count();
            let n_follow_ups = outcomes.n_follow_ups();
            Ok((
                format!("{n_known} with a known response, {n_follow_ups} follow-ups"),
                outcomes.notes().to_vec(),
            ))
        }
        TableKind::Donors => {
            for row in rows {
                table.required(row, "sample_id")?;
                donors::SampleFacts::read(table, row)?;
            }
            let known = |row: &usize| table.text(*row, "donor_id").is_some();
            let n_known = (0..table.n_rows()).filter(known).count();
            Ok((
                format!("{n_known} samples of a named donor"),
                table.column_notes(&donors::ROLES, &[]),
            ))
        }
        TableKind::Treatments => {
            let treatments = Treatments::from_metadata(table)?;
            Ok(("one a recipient".to_owned(), treatments.notes().to_vec()))
        }
        TableKind::Patients => {
            let patients = rows.map(|row| patient::read_patient(table, row));
            let patients = patients.collect::<Result<Vec<_>>>()?;
            let known = patients.iter().filter(|one| one.response.is_some());
            Ok((
                format!("{} with a known response", known.count()),
                table.column_notes(&patient::ROLES, &["response"]),
            ))
        }
        TableKind::Screening => {
            let records = DonorRecords::from_table(table, &Panel::bundled()?)?;
            let n_records = records.records().len();
            Ok((format!("{n_records} donors or batches"), Vec::new()))
        }
    }
}

/// The rows of a table of transplants, those that cannot be used among what is odd.
fn transplants(table: &MetadataTable) -> Result<(String, Vec<MetadataNote>)> {
    let mut notes = table.column_notes(&transplant::ROLES, &["follow_up"]);
    let mut usable = Vec::new();
    for row in 0..table.n_rows() {
        let line = table.line(row);
        let read = transplant::read_transplant(table, row)?
            .and_then(|one| transplant::is_possible(&one).map(|()| one));
        match read {
            Ok(one) => {
                let odd = transplant::oddities(&one, &usable);
                notes.extend(odd.map(|message| MetadataNote::OddRow { line, message }));
                usable.push(one);
            }
            Err(reason) => notes.push(MetadataNote::OddRow {
                line,
                message: format!("cannot be used: {reason}"),
            }),
        }
    }
    if usable.is_empty() {
        let message = format!("none of {} rows can be used", table.n_rows());
        return Err(Error::file(table.path(), message));
    }
    let n_followed = usable.iter().filter(|one| one.follow_up.is_some()).count();
    Ok((
        format!(
            "{} can be used, {n_followed} with a follow-up",
            usable.len()
        ),
        notes,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(header: &str) -> Option<TableKind> {
        let row = vec!["1"; header.split(',').count()].join(",");
        let table = MetadataTable::parse("table.csv", &format!("{header}\n{row}\n")).unwrap();
        TableKind::of(&table)
    }

    #[test]
    fn a_table_is_known_by_its_columns() {
        for (header, expected) in [
            (
                "donor,recipient,donor_samples,baseline,response",
                Some(TableKind::Transplants),
            ),
            (
                "donor_id,recipient_id,regimen,response",
                Some(TableKind::Outcomes),
            ),
            ("sample_id,donor_id,response", Some(TableKind::Donors)),
            ("recipient_id,Regimen", Some(TableKind::Treatments)),
            ("donor_id,collected_on,esbl", Some(TableKind::Screening)),
            ("sample_id,response,age", Some(TableKind::Patients)),
            ("sample_id,response,s__A,s__B,s__C", None),
            (
                "sample_id,response,Blautia obeum,Dorea longicatena,Dorea_formicigenerans",
                None,
            ),
            ("taxon,d1,d2", None),
        ] {
            assert_eq!(kind(header), expected, "{header}");
        }
    }

    #[test]
    fn rows_that_cannot_be_used_are_told_by_line() {
        let text = "donor\trecipient\tdonor_samples\tbaseline\tfollow_up\n\
                    d\tr\tD\tR\tF\nd\tr\tD\t\tF\nd\tq\tD\tR\tR\n";
        let table = MetadataTable::parse("t.tsv", text).unwrap();
        let decisions = check_table(&table, TableKind::Transplants).unwrap();
        let notes: Vec<&str> = decisions
            .iter()
            .filter(|one| one.question == Question::Note)
            .map(|one| one.answer.as_str())
            .collect();
        assert_eq!(
            notes,
            [
                "line 3: cannot be used: no baseline sample",
                "line 4: cannot be used: the follow-up is the baseline `R`"
            ]
        );
        assert!(
            decisions[0]
                .reason
                .contains("1 can be used, 1 with a follow-up")
        );
    }

    #[test]
    fn what_reading_refuses_is_refused_and_a_misspelt_column_is_named() {
        let table = MetadataTable::parse("o.tsv", "donor_id\trecipent_id\tregimen\nd\tr\tx\n");
        let table = table.unwrap();
        assert_eq!(TableKind::of(&table), None);
        assert_eq!(TableKind::nearest(&table), Some(TableKind::Outcomes));
        let error = check_table(&table, TableKind::Outcomes)
            .unwrap_err()
            .to_string();
        assert!(error.contains("is `recipent_id` meant?"), "{error}");
        let table = MetadataTable::parse("p.tsv", "sample_id\tresponse\na\tmaybe\n").unwrap();
        let error = check_table(&table, TableKind::Patients)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("line 2") && error.contains("maybe"),
            "{error}"
        );
    }
}
