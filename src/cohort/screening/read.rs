//! Records from tables, wide or long, and from TOML.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use super::panel::{Panel, RESERVED, SUFFIXES, one_line};
use super::record::{Answer, Batch, DonorRecord, DonorRecords};
use crate::cohort::MetadataTable;
use crate::profile::{SubjectId, read_text};
use crate::{Error, Result};

/// Facts of a donor or batch that a table may repeat in every row of it.
const FACTS: [&str; 6] = [
    "donor_type",
    "parent_donor_id",
    "made_on",
    "expires_on",
    "units_available",
    "collected_on",
];

impl DonorRecords {
    /// Reads the records of a bank: TOML if the name ends in `.toml`, else a table.
    ///
    /// A *wide* table has one row per donor, or per batch of a donor: `donor_id`, `donor_type`,
    /// `parent_donor_id`, `collected_on`, for batches `batch_id`, `made_on`, `expires_on` and
    /// `units_available`, and a column per entry of the panel, with its day in `<entry>_on` if that
    /// is not `collected_on`, and an override in `<entry>_override_by` and `<entry>_override_reason`.
    /// A *long* table has one row per answer: `donor_id`, `entry`, `result`, `on`, and any of the
    /// other columns. TOML has a table `[[donor]]` per donor or batch with the same fields, and the
    /// answers under `[donor.answers]`, each a value or `{ result, on, override_by, override_reason }`.
    /// A blank means that nothing is known.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read; [`Error::File`] if a field is unknown to the panel,
    /// a donor or batch is described twice or in two ways, or a type, day or count is unreadable.
    pub fn read(path: impl AsRef<Path>, panel: &Panel) -> Result<Self> {
        let path = path.as_ref();
        let is_toml = path.extension().is_some_and(|ending| ending == "toml");
        if is_toml {
            return Self::parse_toml(&read_text(path)?, panel).map_err(|error| error.at_path(path));
        }
        Self::from_table(&MetadataTable::read(path)?, panel)
    }

    /// The same from a table in memory.
    ///
    /// # Errors
    /// As for [`DonorRecords::read`].
    ///
    /// # Examples
    /// ```
    /// use donormatch::cohort::MetadataTable;
    /// use donormatch::cohort::screening::{DonorRecords, Panel};
    ///
    /// let text = "donor_id\tdonor_type\tcollected_on\tesbl\nD1\thealthy\t2026-10-01\tnegative\n";
    /// let table = MetadataTable::parse("<records>", text)?;
    /// let records = DonorRecords::from_table(&table, &Panel::bundled()?)?;
    /// assert_eq!(records.records()[0].answers["esbl"].text, "negative");
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn from_table(table: &MetadataTable, panel: &Panel) -> Result<Self> {
        let columns: Vec<String> = table.columns().map(str::to_ascii_lowercase).collect();
        let is_long = columns.iter().any(|column| column == "entry");
        for column in &columns {
            let is_of_answer = ["entry", "result", "on", "override_by", "override_reason"]
                .contains(&column.as_str());
            let is_known = if is_of_answer || FACTS.contains(&column.as_str()) {
                is_long || !is_of_answer
            } else {
                is_reserved(column) || (!is_long && entry_of(column, panel).is_some())
            };
            if !is_known {
                return Err(Error::line(table.path(), 1, unknown(column, panel)));
            }
        }
        let mut bank = Bank::default();
        for row in 0..table.n_rows() {
            let added = if is_long {
                long_row(&mut bank, table, row, panel)
            } else {
                wide_row(&mut bank, table, row, &columns)
            };
            added.map_err(|error| match error {
                Error::Table { message } => table.error_at(row, message),
                other => other,
            })?;
        }
        bank.finish().map_err(|error| error.at_path(table.path()))
    }

    /// The same from TOML in memory.
    ///
    /// # Errors
    /// [`Error::Table`] as for [`DonorRecords::read`].
    pub fn parse_toml(text: &str, panel: &Panel) -> Result<Self> {
        let whole: toml::Table = toml::from_str(text)
            .map_err(|source| Error::table(format!("not TOML: {}", one_line(&source))))?;
        if let Some(other) = whole.keys().find(|key| *key != "donor") {
            return Err(Error::table(format!(
                "expected tables `[[donor]]`, found `{other}`"
            )));
        }
        let Some(donors) = whole.get("donor").and_then(toml::Value::as_array) else {
            return Err(Error::table(
                "expected one table `[[donor]]` per donor or batch",
            ));
        };
        let mut bank = Bank::default();
        for donor in donors {
            toml_donor(&mut bank, donor, panel)?;
        }
        bank.finish()
    }
}

fn is_reserved(column: &str) -> bool {
    RESERVED.contains(&column)
}

/// The entry that a column of a wide table is about.
fn entry_of<'a>(column: &str, panel: &'a Panel) -> Option<&'a str> {
    let mut stems = SUFFIXES.iter().filter_map(|end| column.strip_suffix(end));
    let entry = panel.entry(column);
    let entry = entry.or_else(|| stems.find_map(|stem| panel.entry(stem)))?;
    Some(&entry.name)
}

fn unknown(field: &str, panel: &Panel) -> String {
    format!(
        "`{field}` is no field of a donor and no entry of the panel `{}`; remove it, or add it to a \
         panel of your own as `rule = \"record\"`",
        panel.name
    )
}

/// Donors and batches while rows are read.
#[derive(Debug, Default)]
struct Bank {
    drafts: Vec<Draft>,
    places: BTreeMap<(String, String), usize>,
}

#[derive(Debug, Default)]
struct Draft {
    donor_id: String,
    batch_id: String,
    facts: BTreeMap<String, String>,
    answers: BTreeMap<String, Answer>,
}

impl Bank {
    /// The draft of a donor or batch, begun if it is new; whether it is.
    fn draft(&mut self, donor_id: &str, batch_id: &str) -> Result<(&mut Draft, bool)> {
        if donor_id.trim().is_empty() {
            return Err(Error::table("`donor_id` must not be blank"));
        }
        let next = self.drafts.len();
        let key = (donor_id.to_owned(), batch_id.to_owned());
        let place = *self.places.entry(key).or_insert(next);
        if place == next {
            self.drafts.push(Draft {
                donor_id: donor_id.to_owned(),
                batch_id: batch_id.to_owned(),
                ..Draft::default()
            });
        }
        Ok((&mut self.drafts[place], place == next))
    }

    fn finish(self) -> Result<DonorRecords> {
        if self.drafts.is_empty() {
            return Err(Error::table("there is no donor in the records"));
        }
        let records = self.drafts.into_iter().map(Draft::finish);
        Ok(DonorRecords(records.collect::<Result<_>>()?))
    }
}

impl Draft {
    fn fact(&mut self, name: &str, text: &str) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        match self.facts.insert(name.to_owned(), text.to_owned()) {
            Some(before) if before != text => Err(Error::table(format!(
                "donor `{}` has two values of `{name}`: `{before}` and `{text}`",
                self.donor_id
            ))),
            _ => Ok(()),
        }
    }

    fn parsed<T: FromStr<Err = Error>>(&self, name: &str) -> Result<Option<T>> {
        let named = |error: Error| {
            let donor = &self.donor_id;
            let prefix = if name == "donor_type" { "" } else { name };
            Error::table(format!("donor `{donor}`: {prefix} {error}").replace(":  ", ": "))
        };
        let text = self.facts.get(name);
        text.map(|text| text.parse()).transpose().map_err(named)
    }

    fn finish(mut self) -> Result<DonorRecord> {
        let of_batch = ["made_on", "expires_on", "units_available"];
        if self.batch_id.is_empty()
            && let Some(name) = of_batch.iter().find(|name| self.facts.contains_key(**name))
        {
            let donor = &self.donor_id;
            let message = format!("donor `{donor}` has `{name}` but no `batch_id`");
            return Err(Error::table(message));
        }
        let collected_on = self.facts.get("collected_on").cloned().unwrap_or_default();
        for answer in self
            .answers
            .values_mut()
            .filter(|answer| answer.on.is_empty())
        {
            answer.on.clone_from(&collected_on);
        }
        let units = self.facts.get("units_available");
        let units = units
            .map(|text| text.parse::<u32>())
            .transpose()
            .map_err(|_| {
                let donor = &self.donor_id;
                Error::table(format!(
                    "donor `{donor}`: `units_available` must be a whole number"
                ))
            })?;
        let batch = Batch {
            batch_id: self.batch_id.clone(),
            made_on: self.parsed("made_on")?,
            expires_on: self.parsed("expires_on")?,
            units_available: units,
        };
        let parent = self.facts.get("parent_donor_id");
        Ok(DonorRecord {
            donor_type: self.parsed("donor_type")?,
            parent_donor_id: parent.map(|id| SubjectId::new(id.as_str())),
            donor_id: SubjectId::new(self.donor_id),
            batch: (!self.batch_id.is_empty()).then_some(batch),
            answers: self.answers,
        })
    }
}

fn wide_row(bank: &mut Bank, table: &MetadataTable, row: usize, columns: &[String]) -> Result<()> {
    let text = |column: &str| table.text(row, column).unwrap_or_default();
    let donor_id = table.required(row, "donor_id")?;
    let (draft, is_new) = bank.draft(donor_id, text("batch_id"))?;
    if !is_new {
        return Err(Error::table(format!(
            "donor `{donor_id}` is described twice; give each batch a `batch_id`"
        )));
    }
    for name in FACTS {
        draft.fact(name, text(name))?;
    }
    for column in columns.iter().filter(|column| !is_reserved(column)) {
        let is_suffixed = SUFFIXES.iter().any(|end| column.ends_with(end));
        if is_suffixed || text(column).is_empty() {
            continue;
        }
        let beside = |end: &str| text(&format!("{column}{end}")).to_owned();
        let answer = Answer {
            text: text(column).to_owned(),
            on: beside("_on"),
            override_by: beside("_override_by"),
            override_reason: beside("_override_reason"),
        };
        draft.answers.insert(column.clone(), answer);
    }
    Ok(())
}

fn long_row(bank: &mut Bank, table: &MetadataTable, row: usize, panel: &Panel) -> Result<()> {
    let text = |column: &str| table.text(row, column).unwrap_or_default();
    let donor_id = table.required(row, "donor_id")?;
    let (draft, _) = bank.draft(donor_id, text("batch_id"))?;
    for name in FACTS {
        draft.fact(name, text(name))?;
    }
    let entry = table.required(row, "entry")?;
    if panel.entry(entry).is_none() {
        return Err(Error::table(unknown(entry, panel)));
    }
    let answer = Answer {
        text: text("result").to_owned(),
        on: text("on").to_owned(),
        override_by: text("override_by").to_owned(),
        override_reason: text("override_reason").to_owned(),
    };
    match draft.answers.insert(entry.to_owned(), answer) {
        Some(_) => Err(Error::table(format!(
            "donor `{donor_id}` has two results of `{entry}`; keep the one that counts"
        ))),
        None => Ok(()),
    }
}

fn toml_donor(bank: &mut Bank, donor: &toml::Value, panel: &Panel) -> Result<()> {
    let Some(fields) = donor.as_table() else {
        return Err(Error::table("expected tables `[[donor]]`"));
    };
    let field = |name: &str| fields.get(name).map(plain).transpose();
    let donor_id = field("donor_id")?.unwrap_or_default();
    let batch_id = field("batch_id")?.unwrap_or_default();
    let (draft, is_new) = bank.draft(&donor_id, &batch_id)?;
    if !is_new {
        return Err(Error::table(format!(
            "donor `{donor_id}` is described twice; give each batch a `batch_id`"
        )));
    }
    for (name, value) in fields {
        match name.as_str() {
            "donor_id" | "batch_id" => {}
            "answers" => toml_answers(draft, value, panel)?,
            fact if FACTS.contains(&fact) => draft.fact(fact, &plain(value)?)?,
            other => return Err(Error::table(unknown(other, panel))),
        }
    }
    Ok(())
}

fn toml_answers(draft: &mut Draft, answers: &toml::Value, panel: &Panel) -> Result<()> {
    let Some(answers) = answers.as_table() else {
        return Err(Error::table("expected a table `[donor.answers]`"));
    };
    for (entry, value) in answers {
        if panel.entry(entry).is_none() {
            return Err(Error::table(unknown(entry, panel)));
        }
        let mut answer = Answer::default();
        let Some(fields) = value.as_table() else {
            answer.text = plain(value)?;
            draft.answers.insert(entry.clone(), answer);
            continue;
        };
        for (name, value) in fields {
            let place = match name.as_str() {
                "result" => &mut answer.text,
                "on" => &mut answer.on,
                "override_by" => &mut answer.override_by,
                "override_reason" => &mut answer.override_reason,
                other => {
                    let message = format!("`{entry}`: `{other}` is no field of an answer");
                    return Err(Error::table(message));
                }
            };
            *place = plain(value)?;
        }
        draft.answers.insert(entry.clone(), answer);
    }
    Ok(())
}

/// A value of TOML as the text that a table would hold.
fn plain(value: &toml::Value) -> Result<String> {
    match value {
        toml::Value::String(text) => Ok(text.trim().to_owned()),
        toml::Value::Boolean(is) => Ok(if *is { "yes" } else { "no" }.to_owned()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Float(number) => Ok(number.to_string()),
        toml::Value::Datetime(day) => Ok(day.to_string()),
        toml::Value::Array(words) => {
            let words: Result<Vec<String>> = words.iter().map(plain).collect();
            Ok(words?.join(";"))
        }
        toml::Value::Table(_) => Err(Error::table("expected a value, found a table")),
    }
}
