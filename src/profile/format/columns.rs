//! What the columns of a table in text are: labels, abundances, lineages, annotations.
//!
//! * A column whose every field is text holds no abundance: lineages and ids are known by name,
//!   anything else is named in an error (`ignore_columns`).
//! * `Confidence` and ids of taxa are numbers that are no abundances: known by name.
//! * A column without a name must be empty.
//! * Columns of text that are called by ranks, from two on, make up lineages.
//! * A sample, a taxon and a number in each row make a long table.

use super::decisions::{Decisions, Question};
use super::grid::{Layout, Pick, Quotes, Trail, split};
use super::lines::label;
use super::long::{self, Long};
use super::number;
use super::options::ReadOptions;
use super::preamble::{Preamble, is_number_like};
use crate::profile::{Rank, ncbi};

/// Columns of ids and of what a classifier says of itself.
const ANNOTATIONS: [&str; 16] = [
    "ncbi_tax_id",
    "ncbi_taxid",
    "clade_taxid",
    "taxonomy_id",
    "tax_id",
    "taxid",
    "taxon_id",
    "ncbi_id",
    "consensus_taxonomy",
    "taxonomy_lvl",
    "rank",
    "additional_species",
    "confidence",
    "consensus",
    "sequence",
    "refseq",
];

/// Columns of lineages, which BIOM tools write last and mOTUs second.
const LINEAGES: [&str; 7] = [
    "taxonomy",
    "consensus_taxonomy",
    "consensus lineage",
    "consensuslineage",
    "lineage",
    "taxon",
    "taxa",
];

/// Whether a column is known by its name for one that holds no abundances.
#[cfg(feature = "containers")]
pub(super) fn is_annotation(name: &str) -> bool {
    ANNOTATIONS
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Label,
    Value,
    Lineage,
    Rank(Rank),
    Annotation,
    Ignored,
    Empty,
    Text,
}

/// The columns of a table.
pub(super) struct Columns {
    delimiter: u8,
    quotes: Quotes,
    has_corner: bool,
    names: Vec<String>,
    roles: Vec<Role>,
    /// The first rows, divided.
    rows: Vec<Vec<String>>,
}

impl Columns {
    /// Finds the role of each column; in a table that donormatch wrote all are taxa.
    ///
    /// # Errors
    /// What cannot be read, in words.
    pub(super) fn read(
        preamble: &Preamble,
        quotes: Quotes,
        written: bool,
        options: &ReadOptions,
    ) -> Result<Self, String> {
        let limits = &options.limits;
        let quotes = preamble.quotes(quotes);
        let delimiter = preamble.delimiter;
        let texts = |line: &[u8]| -> Result<Vec<String>, String> {
            split(line, delimiter, quotes)?
                .iter()
                .map(|field| label(field, limits))
                .collect()
        };
        let rows: Vec<Vec<String>> = preamble
            .rows
            .iter()
            .filter_map(|row| texts(row).ok())
            .collect();
        let mut names = if preamble.is_headerless() {
            vec!["taxon".to_owned(), "sample".to_owned()]
        } else {
            texts(&preamble.header)?
        };
        if names.len() > limits.axis {
            return Err(format!(
                "more than the {} columns allowed by `limits.axis`",
                limits.axis
            ));
        }
        // R's `write.table` leaves the column of labels without a name.
        let n_longer = rows.iter().filter(|row| width(row) == names.len() + 1);
        let has_corner = rows.is_empty() || n_longer.count() * 2 < rows.len();
        if !has_corner {
            names.insert(0, String::new());
        }
        if names.len() < 2 {
            return Err(
                "expected fields divided by tabs, commas or semicolons, as many in the header as \
                 in the first row"
                    .to_owned(),
            );
        }
        let mut columns = Self {
            delimiter,
            quotes,
            has_corner,
            roles: Vec::new(),
            names,
            rows,
        };
        columns.roles = (0..columns.names.len())
            .map(|at| columns.role(at, written, options))
            .collect();
        columns.find_ranks();
        Ok(columns)
    }

    fn role(&self, at: usize, written: bool, options: &ReadOptions) -> Role {
        let name = self.name(at);
        let is = |known: &[&str]| known.iter().any(|known| name.eq_ignore_ascii_case(known));
        let ignored = options.ignore_columns.iter().flatten();
        if at == 0 {
            Role::Label
        } else if ignored.into_iter().any(|ignored| ignored == name) {
            Role::Ignored
        } else if name.is_empty() {
            Role::Empty
        } else if written {
            Role::Value
        } else if is(&LINEAGES) && !self.is_numeric(at) {
            Role::Lineage
        } else if is(&ANNOTATIONS) {
            Role::Annotation
        } else if self.is_text(at) {
            Role::Text
        } else if ncbi::rank_of(name).is_some() && self.fields(at).all(number::is_missing) {
            // A rank at which no taxon has a name.
            Role::Text
        } else {
            Role::Value
        }
    }

    /// Columns of text that are called by ranks are parts of lineages, from two on.
    fn find_ranks(&mut self) {
        let rank_at = |at: usize| {
            let of_name = ncbi::rank_of(self.name(at)).filter(|&rank| rank <= Rank::Species);
            of_name.filter(|_| self.roles.get(at) == Some(&Role::Text))
        };
        let found: Vec<(usize, Rank)> = (0..self.names.len())
            .filter_map(|at| Some((at, rank_at(at)?)))
            .collect();
        if found.len() < 2 {
            return;
        }
        for (at, rank) in found {
            if let Some(role) = self.roles.get_mut(at) {
                *role = Role::Rank(rank);
            }
        }
    }

    /// The columns that hold lineages: one, or one a rank.
    fn lineages(&self) -> Vec<Option<usize>> {
        if let Some(&whole) = self.of(Role::Lineage).last() {
            return vec![Some(whole)];
        }
        let of_rank = |rank: &Rank| {
            let mut roles = self.roles.iter();
            roles.position(|role| *role == Role::Rank(*rank))
        };
        let places: Vec<Option<usize>> = Rank::ALL.iter().map(of_rank).collect();
        match places.iter().rposition(Option::is_some) {
            Some(last) => places.into_iter().take(last + 1).collect(),
            None => Vec::new(),
        }
    }

    fn name(&self, at: usize) -> &str {
        self.names.get(at).map_or("", String::as_str)
    }

    fn fields(&self, at: usize) -> impl Iterator<Item = &str> {
        let fields = self.rows.iter().filter_map(move |row| row.get(at));
        fields.map(String::as_str).filter(|field| !field.is_empty())
    }

    /// Whether every field is text, missing values left aside.
    fn is_text(&self, at: usize) -> bool {
        let mut fields = self
            .fields(at)
            .filter(|field| !number::is_missing(field))
            .peekable();
        fields.peek().is_some() && fields.all(|field| !starts_as_number(field))
    }

    fn is_numeric(&self, at: usize) -> bool {
        let mut fields = self.fields(at).peekable();
        fields.peek().is_some() && fields.all(|field| is_number_like(field.as_bytes()))
    }

    fn of(&self, role: Role) -> Vec<usize> {
        let roles = self.roles.iter().enumerate();
        roles
            .filter(|(_, found)| **found == role)
            .map(|(at, _)| at)
            .collect()
    }

    fn names_of(&self, columns: &[usize]) -> String {
        let names: Vec<String> = columns
            .iter()
            .take(10)
            .map(|&at| format!("`{}`", self.name(at)))
            .collect();
        names.join(", ")
    }

    /// The name over the labels, where there is one.
    pub(super) fn corner(&self) -> Option<&str> {
        self.has_corner.then(|| self.name(0))
    }

    /// The labels of the first rows.
    pub(super) fn row_labels(&self) -> Vec<String> {
        self.rows
            .iter()
            .filter_map(|row| row.first().cloned())
            .collect()
    }

    /// Refuses columns of text that are not known by name.
    pub(super) fn refuse_texts(&self) -> Result<(), String> {
        let texts = self.of(Role::Text);
        if self.of(Role::Value).is_empty() {
            return Err("expected a label and at least one column of numbers".to_owned());
        }
        if texts.is_empty() {
            return Ok(());
        }
        Err(format!(
            "{}: expected abundances, found text: leave out what is neither sample nor taxon by \
             `ignore_columns`",
            self.names_of(&texts)
        ))
    }

    /// Where the columns stand in each row.
    pub(super) fn layout(&self, options: &ReadOptions) -> Layout {
        let values = self.of(Role::Value);
        let keep = self.lineages();
        let lead = values.first().copied().unwrap_or(1);
        let side_by_side = values
            .last()
            .is_none_or(|&last| last + 1 - lead == values.len());
        let empty = self.of(Role::Empty);
        let trail = self.names.len() - lead - values.len();
        let pick = (!side_by_side || !empty.is_empty()).then(|| Pick {
            values: values.clone(),
            empty,
            n_fields: self.names.len(),
        });
        Layout {
            delimiter: self.delimiter,
            quotes: self.quotes,
            lead,
            columns: values.iter().map(|&at| self.name(at).to_owned()).collect(),
            trail: Trail::Exactly(if pick.is_some() { 0 } else { trail }),
            keep,
            orientation: None,
            decimal: options.decimal,
            pick,
        }
    }

    /// The columns of a long table, if this is one.
    ///
    /// # Errors
    /// Where it is one, and which column is what is not clear.
    pub(super) fn long(&self, options: &ReadOptions) -> Result<Option<Long>, String> {
        if !self.has_corner {
            return Ok(None);
        }
        let is_free = |at: usize| self.roles.get(at) != Some(&Role::Ignored);
        let named = |known: &[&str], wanted: &dyn Fn(usize) -> bool| {
            known.iter().find_map(|known| {
                (0..self.names.len()).find(|&at| {
                    self.name(at).eq_ignore_ascii_case(known) && is_free(at) && wanted(at)
                })
            })
        };
        let taxon = named(&long::TAXA, &|at| self.is_text(at));
        let sample = named(&long::SAMPLES, &|at| Some(at) != taxon);
        let (Some(taxon), Some(sample)) = (taxon, sample) else {
            return Ok(None);
        };
        let numeric: Vec<usize> = self
            .of(Role::Value)
            .into_iter()
            .filter(|&at| at != sample && at != taxon)
            .collect();
        let is_named = |&at: &usize| long::is_value(self.name(at));
        if numeric.is_empty() || !(self.is_text(sample) || numeric.iter().any(is_named)) {
            return Ok(None);
        }
        // A wide table has its samples or taxa in many columns, none of them text.
        let is_wide = sample == 0 && self.roles.get(taxon) == Some(&Role::Value);
        if is_wide {
            return Ok(None);
        }
        let value = match numeric.as_slice() {
            &[value] => value,
            several => {
                let wanted = several.iter().copied().filter(|&at| {
                    options
                        .unit
                        .is_some_and(|unit| long::is_value_of(self.name(at), unit))
                });
                match wanted.collect::<Vec<_>>().as_slice() {
                    &[value] if several.iter().all(is_named) => value,
                    _ => {
                        return Err(format!(
                            "a long table with several columns of numbers, {}: leave out by \
                             `ignore_columns` those that are not the abundance",
                            self.names_of(several)
                        ));
                    }
                }
            }
        };
        let texts: Vec<usize> = self
            .of(Role::Text)
            .into_iter()
            .filter(|&at| at != sample && at != taxon)
            .collect();
        if !texts.is_empty() {
            return Err(format!(
                "a long table with more columns of text than sample and taxon, {}: leave them out \
                 by `ignore_columns`",
                self.names_of(&texts)
            ));
        }
        if let Some(orientation) = options.orientation {
            return Err(format!(
                "a long table (`{}`, `{}`, `{}` in each row) is not {}: leave `orientation` out",
                self.name(sample),
                self.name(taxon),
                self.name(value),
                orientation.as_str()
            ));
        }
        let lineage = match self.lineages() {
            whole
                if whole
                    .iter()
                    .all(|&at| at == Some(taxon) || at == Some(sample)) =>
            {
                Vec::new()
            }
            whole => whole,
        };
        Ok(Some(Long {
            delimiter: self.delimiter,
            quotes: self.quotes,
            sample,
            taxon,
            value,
            lineage,
            names: self.names.clone(),
            ignored: self.ignored(),
        }))
    }

    /// What is to be told the user: columns of numbers that were left out.
    pub(super) fn notes(&self) -> Vec<String> {
        let numbers: Vec<usize> = self
            .of(Role::Annotation)
            .into_iter()
            .filter(|&at| self.name(at).eq_ignore_ascii_case("confidence"))
            .collect();
        let mut notes = Vec::new();
        if !numbers.is_empty() {
            notes.push(format!(
                "{} is an annotation and was left out",
                self.names_of(&numbers)
            ));
        }
        let empty = self.of(Role::Empty).len();
        if empty > 0 {
            notes.push(format!(
                "{empty} columns without a name are empty and were left out"
            ));
        }
        notes
    }

    pub(super) fn add_decision(&self, decisions: &mut Decisions) {
        let mut annotations = [self.of(Role::Lineage), self.of(Role::Annotation)].concat();
        let roles = self.roles.iter().enumerate();
        annotations.extend(roles.filter_map(|(at, role)| match role {
            Role::Rank(_) => Some(at),
            _ => None,
        }));
        if !annotations.is_empty() {
            decisions.add(
                Question::Annotations,
                self.names_of(&annotations),
                "known by name",
            );
        }
    }

    /// The columns that `ignore_columns` names.
    pub(super) fn ignored(&self) -> Vec<String> {
        self.of(Role::Ignored)
            .into_iter()
            .map(|at| self.name(at).to_owned())
            .collect()
    }
}

fn width(row: &[String]) -> usize {
    row.iter()
        .rposition(|field| !field.is_empty())
        .map_or(0, |at| at + 1)
}

fn starts_as_number(field: &str) -> bool {
    is_number_like(field.as_bytes()) || field.starts_with(|c: char| c.is_ascii_digit())
}
