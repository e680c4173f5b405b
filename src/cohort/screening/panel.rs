//! The panel: which tests and questions a donor must pass, as data.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::day::Day;
use super::donor_type::DonorType;
use crate::digest::Digest;
use crate::profile::read_text;
use crate::{Error, Result};

/// What is read from the answer to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// A laboratory result: positive or negative words.
    Result,
    /// Yes or no.
    Answer,
    /// The day of the last event, or `never`.
    Date,
    /// A number with limits.
    Number,
    /// Words separated by `;`, or `none`.
    List,
    /// Any text.
    Text,
}

/// What an answer that triggers does to a donor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// The donor may not give.
    Exclude,
    /// The donor may not give for a time.
    Defer,
    /// The answer is flagged and decides nothing.
    Record,
}

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Specimen {
    /// Blood.
    Blood,
    /// Stool.
    Stool,
    /// A swab of the nasopharynx.
    Nasopharynx,
    /// A question to the donor.
    Question,
    /// Something measured or noted at the bank.
    Measurement,
    /// The product: a consortium, a placebo or the recipient's own stool.
    Product,
}

/// One test or question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Entry {
    /// The column of the records.
    pub name: String,
    /// What it is, in words.
    pub title: String,
    /// Entries that belong together, such as `mdro`.
    pub group: String,
    /// Where the answer comes from.
    pub specimen: Specimen,
    /// What is read from the answer.
    pub kind: Kind,
    /// What an answer that triggers does.
    pub rule: Rule,
    /// Words that trigger; the default depends on `kind`.
    #[serde(default)]
    pub positive: Vec<String>,
    /// Words that clear; the default depends on `kind`. Any other word is unreadable.
    #[serde(default)]
    pub negative: Vec<String>,
    /// The lowest number that does not trigger.
    pub low: Option<f64>,
    /// The highest number that does not trigger.
    pub high: Option<f64>,
    /// Days from the event, or from the result, for which a donor is deferred.
    pub defer_days: Option<u32>,
    /// How many days a result holds; absent: it is asked once.
    pub valid_days: Option<u32>,
    /// The same between answer and donation, for a batch; absent: as `valid_days`.
    pub donation_days: Option<u32>,
    /// Whether a missing answer makes a donor not eligible; default: yes.
    #[serde(default = "yes")]
    pub required: bool,
    /// The donor types that the entry is for.
    #[serde(default = "DonorType::screened_as_people")]
    pub applies_to: Vec<DonorType>,
    /// The donor types for which an override lifts an exclusion.
    #[serde(default)]
    pub override_for: Vec<DonorType>,
    /// The field of an immunosuppressed recipient that must be positive if the donor is.
    pub for_immunosuppressed: Option<String>,
    /// The field of a recipient, a list, that may share no word with this list.
    pub matches: Option<String>,
    /// The day on which the test entered the panel: batches made before are quarantined.
    pub since: Option<Day>,
    /// Why a default was chosen.
    #[serde(default)]
    pub note: String,
    /// Where the entry comes from.
    pub source: String,
    /// How well that source supports it.
    pub confidence: String,
}

fn yes() -> bool {
    true
}

/// A state of a recipient that is flagged on every pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecipientEntry {
    /// The column of the recipients.
    pub name: String,
    /// What it is, in words.
    pub title: String,
    /// Where the entry comes from.
    pub source: String,
    /// How well that source supports it.
    pub confidence: String,
}

/// The tests and questions that a donor must pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Panel {
    /// The name that results carry.
    pub name: String,
    /// The version that results carry.
    pub version: u32,
    /// What the panel is for.
    pub title: String,
    /// Where it comes from.
    pub source: String,
    /// The tests and questions.
    #[serde(rename = "entry")]
    pub entries: Vec<Entry>,
    /// What is flagged of a recipient.
    #[serde(rename = "recipient", default)]
    pub recipient_entries: Vec<RecipientEntry>,
    /// SHA-256, in hexadecimal, of the text that the panel was read from.
    #[serde(skip)]
    pub digest: String,
}

/// The panel that ships, from `assets/screening/panel-1.toml`.
const BUNDLED: &str = include_str!("../../../assets/screening/panel-1.toml");

impl Panel {
    /// The panel that ships: what published programmes agree on, with one documented default where
    /// they differ.
    ///
    /// # Errors
    /// [`Error::Table`] if the panel that was compiled in is broken, which a test excludes.
    ///
    /// # Examples
    /// ```
    /// use donormatch::cohort::screening::Panel;
    ///
    /// let panel = Panel::bundled()?;
    /// assert!(panel.entry("esbl").is_some());
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn bundled() -> Result<Self> {
        Self::parse(BUNDLED)
    }

    /// Reads a panel from a TOML file; the one that ships shows every field.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::File`] if it is no panel.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::parse(&read_text(path)?).map_err(|error| error.at_path(path))
    }

    /// The same from text in memory.
    ///
    /// # Errors
    /// [`Error::Table`] if the text is no panel: unknown fields, two entries of one name, an entry
    /// without what its kind or rule needs.
    pub fn parse(text: &str) -> Result<Self> {
        let mut panel: Self = toml::from_str(text).map_err(|source| {
            Error::table(format!("not a screening panel: {}", one_line(&source)))
        })?;
        for entry in &mut panel.entries {
            entry.fill_words();
        }
        panel.check()?;
        let mut digest = Digest::default();
        digest.add(text.as_bytes());
        panel.digest = digest.finish();
        Ok(panel)
    }

    /// The entry of this name.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    fn check(&self) -> Result<()> {
        if self.entries.is_empty() {
            return Err(Error::table("a panel needs at least one `entry`"));
        }
        let names = self.entries.iter().map(|entry| &entry.name);
        let mut names: Vec<&String> = names
            .chain(self.recipient_entries.iter().map(|entry| &entry.name))
            .collect();
        names.sort_unstable();
        if let Some([twice, _]) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::table(format!("two entries are called `{twice}`")));
        }
        self.entries.iter().try_for_each(Entry::check)
    }
}

impl Entry {
    /// The words of the kind, if the panel gives none.
    fn fill_words(&mut self) {
        let (positive, negative): (&[&str], &[&str]) = match self.kind {
            Kind::Result => (
                &["positive", "detected", "reactive"],
                &["negative", "not detected", "nonreactive", "non-reactive"],
            ),
            Kind::Answer => (&["yes", "true", "1"], &["no", "false", "0"]),
            Kind::Date | Kind::Number | Kind::List | Kind::Text => return,
        };
        let fill = |words: &mut Vec<String>, default: &[&str]| {
            if words.is_empty() {
                *words = default.iter().map(|&word| word.to_owned()).collect();
            }
        };
        fill(&mut self.positive, positive);
        fill(&mut self.negative, negative);
    }

    fn check(&self) -> Result<()> {
        let name = &self.name;
        let refuse = |message: &str| Err(Error::table(format!("entry `{name}`: {message}")));
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(is_plain) {
            return refuse("a name has lower-case letters, digits and `_` only");
        }
        if RESERVED.contains(&name.as_str()) || SUFFIXES.iter().any(|end| name.ends_with(end)) {
            return refuse("the name is one that the records use themselves");
        }
        if self
            .positive
            .iter()
            .any(|word| self.negative.contains(word))
        {
            return refuse("a word is both `positive` and `negative`");
        }
        let limits = [self.low, self.high];
        if limits.iter().flatten().any(|limit| !limit.is_finite()) {
            return refuse("`low` and `high` must be finite");
        }
        match (self.kind, self.rule) {
            (Kind::Number, Rule::Exclude | Rule::Defer) if limits == [None, None] => {
                refuse("a number needs `low` or `high`")
            }
            (Kind::Date, Rule::Exclude | Rule::Defer) if self.defer_days.is_none() => {
                refuse("a date needs `defer_days`")
            }
            _ if self.applies_to.is_empty() => refuse("`applies_to` must not be empty"),
            _ => Ok(()),
        }
    }
}

/// Columns of the records that are no entry.
pub(super) const RESERVED: [&str; 11] = [
    "donor_id",
    "donor_type",
    "parent_donor_id",
    "batch_id",
    "made_on",
    "expires_on",
    "units_available",
    "collected_on",
    "entry",
    "result",
    "on",
];

/// What follows the name of an entry in columns beside it.
pub(super) const SUFFIXES: [&str; 3] = ["_on", "_override_by", "_override_reason"];

/// What a parser of TOML says, without the picture of the line.
pub(super) fn one_line(error: &toml::de::Error) -> String {
    error.message().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "name = \"p\"\nversion = 1\ntitle = \"t\"\nsource = \"s\"\n";

    fn panel(entry: &str) -> Result<Panel> {
        let rest =
            "title = \"\"\ngroup = \"\"\nspecimen = \"stool\"\nsource = \"\"\nconfidence = \"\"\n";
        Panel::parse(&format!("{HEAD}[[entry]]\n{entry}\n{rest}"))
    }

    #[test]
    fn the_panel_that_ships_is_sound() {
        let panel = Panel::bundled().unwrap();
        assert_eq!((panel.name.as_str(), panel.version), ("panel-1", 1));
        assert_eq!(panel.digest.len(), 64);
        let mdro = panel.entries.iter().filter(|entry| entry.group == "mdro");
        assert!(mdro.count() >= 4, "the tests that the FDA asks for");
    }

    #[test]
    fn a_panel_that_contradicts_itself_is_refused() {
        for (entry, expected) in [
            (
                "name = \"a\"\nkind = \"number\"\nrule = \"exclude\"",
                "`low` or `high`",
            ),
            (
                "name = \"a\"\nkind = \"date\"\nrule = \"defer\"",
                "`defer_days`",
            ),
            (
                "name = \"A b\"\nkind = \"text\"\nrule = \"record\"",
                "lower-case",
            ),
            (
                "name = \"donor_id\"\nkind = \"text\"\nrule = \"record\"",
                "themselves",
            ),
            (
                "name = \"a\"\nkind = \"result\"\nrule = \"exclude\"\npositive = [\"negative\"]",
                "both",
            ),
            (
                "name = \"a\"\nkind = \"result\"\nrule = \"exclude\"\nwindow = 3",
                "window",
            ),
            (
                "name = \"a\"\nkind = \"result\"\nrule = \"exclude\"\napplies_to = []",
                "applies_to",
            ),
        ] {
            let message = panel(entry).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        assert!(Panel::parse(HEAD).is_err());
    }
}
