//! The arms that the joint model reads: bundled, and one's own.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::arm::{Arm, Confidence, Control, Events, SevereDefinition};
use crate::cohort::MetadataTable;
use crate::digest::Digest;
use crate::{Error, Result};

/// The bundled arms; a released version is never edited.
const BUNDLED: &str = include_str!("../../assets/evidence/arms-1.tsv");

/// The columns of a table of arms.
pub const ARM_COLUMNS: [&str; 24] = [
    "trial",
    "year",
    "registration",
    "arm",
    "cancer",
    "line",
    "regimen",
    "partner",
    "donor_type",
    "route",
    "preparation",
    "control",
    "donor",
    "n_response",
    "responders",
    "n_severe",
    "severe",
    "severe_definition",
    "n_myocarditis",
    "myocarditis",
    "n_donors",
    "source",
    "confidence",
    "note",
];

/// Published trial arms, each trial in one form: whole arms, or arms split by donor.
///
/// # Examples
/// ```
/// use donormatch::evidence::Registry;
///
/// let registry = Registry::bundled()?;
/// assert!(registry.arms().iter().any(|arm| arm.trial == "TACITO"));
/// let without = registry.without_trial("TACITO");
/// assert_eq!(without.arms().len() + 2, registry.arms().len());
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Arm>", into = "Vec<Arm>")]
pub struct Registry(Vec<Arm>);

impl TryFrom<Vec<Arm>> for Registry {
    type Error = Error;

    fn try_from(arms: Vec<Arm>) -> Result<Self> {
        arms.iter().try_for_each(Arm::check)?;
        let mut seen = BTreeSet::new();
        for arm in &arms {
            if !seen.insert((&arm.trial, &arm.arm, &arm.donor)) {
                let message = format!("the arm `{}` of `{}` stands twice", arm.arm, arm.trial);
                return Err(Error::table(message));
            }
            let split = arms.iter().filter(|other| {
                (&other.trial, &other.arm) == (&arm.trial, &arm.arm)
                    && other.donor.is_some() != arm.donor.is_some()
            });
            if split.count() > 0 {
                return Err(Error::table(format!(
                    "the arm `{}` of `{}` stands both whole and by donor; its patients would \
                     count twice",
                    arm.arm, arm.trial
                )));
            }
        }
        Ok(Self(arms))
    }
}

impl From<Registry> for Vec<Arm> {
    fn from(registry: Registry) -> Self {
        registry.0
    }
}

impl Registry {
    /// The arms that ship with donormatch: `assets/evidence/arms-1.tsv`.
    ///
    /// # Errors
    /// Those of [`Registry::from_metadata`]; never, by a test.
    pub fn bundled() -> Result<Self> {
        Self::from_metadata(&MetadataTable::parse("arms-1.tsv", BUNDLED)?)
    }

    /// Reads a table of arms with the columns [`ARM_COLUMNS`], of which `trial`, `regimen` and a
    /// number of some outcome must be there. `n_response` and `responders`, `n_severe` and
    /// `severe`, `n_myocarditis` and `myocarditis` go together; `line` is `first`, `refractory` or
    /// `mixed`; blanks elsewhere mean other cancer, first line, no partner, no transplant, no
    /// control, immune-related events, low confidence.
    ///
    /// # Errors
    /// [`Error::File`] naming the line and what is wrong; [`Error::Table`] where an arm stands
    /// twice, or both whole and by donor.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Self::from_metadata(&MetadataTable::read(path)?)
    }

    /// The same from a table in memory.
    ///
    /// # Errors
    /// As [`Registry::read`].
    pub fn from_metadata(table: &MetadataTable) -> Result<Self> {
        table.check_names(&ARM_COLUMNS)?;
        let arms = (0..table.n_rows()).map(|row| {
            let arm = read_arm(table, row)?;
            arm.check()
                .map_err(|error| table.error_at(row, error.to_string()))?;
            Ok(arm)
        });
        Self::try_from(arms.collect::<Result<Vec<_>>>()?)
            .map_err(|error| error.at_path(table.path()))
    }

    /// The arms, in the order of the table.
    pub fn arms(&self) -> &[Arm] {
        &self.0
    }

    /// The same with more arms.
    ///
    /// # Errors
    /// [`Error::Table`] where an arm stands twice, or both whole and by donor.
    pub fn with_arms(mut self, more: Self) -> Result<Self> {
        self.0.extend(more.0);
        Self::try_from(self.0)
    }

    /// The same without any arm of a trial, such as one that is being judged.
    #[must_use]
    pub fn without_trial(&self, trial: &str) -> Self {
        Self(
            self.0
                .iter()
                .filter(|arm| arm.trial != trial)
                .cloned()
                .collect(),
        )
    }

    /// The same without any arm of some trials.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming a trial of which there is no arm.
    pub fn without_trials(&self, trials: &[String]) -> Result<Self> {
        trials.iter().try_fold(self.clone(), |registry, trial| {
            let left = registry.without_trial(trial);
            if left == registry {
                let known = registry.trials().join("`, `");
                let message = format!("no arm of a trial `{trial}`; there are `{known}`");
                return Err(Error::parameter("without", message));
            }
            Ok(left)
        })
    }

    /// The trials, each once, in the order of the table.
    pub fn trials(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let trials = self.0.iter().map(|arm| arm.trial.as_str());
        trials.filter(|trial| seen.insert(*trial)).collect()
    }

    /// The arms as a table with the columns [`ARM_COLUMNS`], divided by tabs; what
    /// [`Registry::read`] reads back.
    pub fn to_tsv(&self) -> String {
        let mut table = ARM_COLUMNS.join("\t") + "\n";
        for arm in &self.0 {
            table += &fields(arm).map(|field| one_cell(&field)).join("\t");
            table.push('\n');
        }
        table
    }

    /// SHA-256 of the arms.
    ///
    /// # Errors
    /// [`Error::Table`] where the arms cannot be written, which does not happen.
    pub fn digest(&self) -> Result<String> {
        let json = serde_json::to_vec(self)
            .map_err(|cause| Error::table(format!("the arms cannot be written: {cause}")))?;
        let mut digest = Digest::default();
        digest.add(&json);
        Ok(digest.finish())
    }
}

/// One field a column of [`ARM_COLUMNS`]; blank where nothing is known.
fn fields(arm: &Arm) -> [String; 24] {
    let number = |number: Option<u32>| number.map_or(String::new(), |number| number.to_string());
    let n = |events: Option<Events>| number(events.map(|events| events.n));
    let events = |events: Option<Events>| number(events.map(|events| events.events));
    let word = |word: &dyn ToString| word.to_string();
    [
        arm.trial.clone(),
        number(arm.year.map(u32::from)),
        arm.registration.clone(),
        arm.arm.clone(),
        word(&arm.cancer),
        arm.line.map_or("mixed".to_owned(), |line| word(&line)),
        word(&arm.regimen),
        word(&arm.partner),
        arm.donor_type
            .map_or(String::new(), |donor_type| word(&donor_type)),
        arm.route.clone(),
        arm.preparation.clone(),
        word(&match arm.control {
            Control::Randomized => "randomized",
            Control::None => "none",
        }),
        arm.donor.clone().unwrap_or_default(),
        n(arm.response),
        events(arm.response),
        n(arm.severe_irae),
        events(arm.severe_irae),
        word(&match arm.severe_definition {
            SevereDefinition::Irae => "irae",
            SevereDefinition::AnyAe => "any_ae",
        }),
        n(arm.myocarditis),
        events(arm.myocarditis),
        number(arm.n_donors),
        arm.source.clone(),
        word(&match arm.confidence {
            Confidence::High => "high",
            Confidence::Medium => "medium",
            Confidence::Low => "low",
        }),
        arm.note.clone(),
    ]
}

/// Text without the characters that divide a table.
fn one_cell(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

fn read_arm(table: &MetadataTable, row: usize) -> Result<Arm> {
    let at = |error: Error| table.error_at(row, error.to_string());
    let text = |role: &str| table.text(row, role).unwrap_or_default().to_owned();
    let or = |role: &str, other: &'static str| table.text(row, role).unwrap_or(other).to_owned();
    let count = |role: &str| count(table, row, role);
    let events = |n: &str, events: &str| -> Result<Option<Events>> {
        match (count(n)?, count(events)?) {
            (Some(n), Some(events)) => Ok(Some(Events { n, events })),
            (None, None) => Ok(None),
            _ => Err(table.error_at(row, format!("`{n}` and `{events}` go together"))),
        }
    };
    let line = or("line", "first");
    let word = |role: &str, text: &str, known: &str| {
        table.error_at(
            row,
            format!("`{role}`: expected one of {known}, found `{text}`"),
        )
    };
    Ok(Arm {
        trial: table.required(row, "trial")?.to_owned(),
        year: count("year")?.map(|year| year as u16),
        registration: text("registration"),
        arm: text("arm"),
        cancer: or("cancer", "other").parse().map_err(at)?,
        line: if line == "mixed" {
            None
        } else {
            Some(line.parse().map_err(at)?)
        },
        regimen: table.required(row, "regimen")?.parse().map_err(at)?,
        partner: or("partner", "none").parse().map_err(at)?,
        donor_type: match table.text(row, "donor_type") {
            None => None,
            Some(word) => Some(word.parse().map_err(at)?),
        },
        route: text("route"),
        preparation: text("preparation"),
        control: match or("control", "none").as_str() {
            "randomized" => Control::Randomized,
            "none" => Control::None,
            other => return Err(word("control", other, "`randomized`, `none`")),
        },
        donor: table.text(row, "donor").map(str::to_owned),
        response: events("n_response", "responders")?,
        severe_irae: events("n_severe", "severe")?,
        severe_definition: match or("severe_definition", "irae").as_str() {
            "irae" => SevereDefinition::Irae,
            "any_ae" => SevereDefinition::AnyAe,
            other => return Err(word("severe_definition", other, "`irae`, `any_ae`")),
        },
        myocarditis: events("n_myocarditis", "myocarditis")?,
        n_donors: count("n_donors")?,
        source: text("source"),
        confidence: match or("confidence", "low").as_str() {
            "high" => Confidence::High,
            "medium" => Confidence::Medium,
            "low" => Confidence::Low,
            other => return Err(word("confidence", other, "`high`, `medium`, `low`")),
        },
        note: text("note"),
    })
}

fn count(table: &MetadataTable, row: usize, role: &str) -> Result<Option<u32>> {
    let Some(number) = table.number(row, role)? else {
        return Ok(None);
    };
    if number < 0.0 || number.fract() != 0.0 || number > 1e6 {
        let message = format!("`{role}`: expected a whole number, found {number}");
        return Err(table.error_at(row, message));
    }
    Ok(Some(number as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Registry> {
        Registry::from_metadata(&MetadataTable::parse("arms.tsv", text)?)
    }

    #[test]
    fn the_bundled_arms_hold_the_published_counts() {
        let registry = Registry::bundled().unwrap();
        let transplants = registry.arms().iter().filter(|arm| arm.is_transplant());
        let refractory: Vec<Events> = transplants
            .filter(|arm| arm.line == Some(crate::cohort::Line::Refractory))
            .filter_map(|arm| arm.response)
            .collect();
        // The domain notes: 13 of 77 responded in refractory disease.
        let n: u32 = refractory.iter().map(|one| one.n).sum();
        let events: u32 = refractory.iter().map(|one| one.events).sum();
        assert_eq!((events, n), (13, 77));
    }

    #[test]
    fn arms_read_back_from_the_table_they_are_written_to() {
        let registry = Registry::bundled().unwrap();
        assert_eq!(read(&registry.to_tsv()).unwrap(), registry);
    }

    #[test]
    fn an_arm_cannot_stand_both_whole_and_by_donor() {
        let header = "trial\tarm\tregimen\tdonor\tn_response\tresponders\n";
        let whole = format!("{header}T\ta\tanti-pd-1\t\t10\t3\nT\ta\tanti-pd-1\td1\t5\t3\n");
        let error = read(&whole).unwrap_err().to_string();
        assert!(error.contains("count twice"), "{error}");
        let twice = format!("{header}T\ta\tanti-pd-1\td1\t5\t3\nT\ta\tanti-pd-1\td1\t5\t3\n");
        assert!(read(&twice).unwrap_err().to_string().contains("twice"));
    }

    #[test]
    fn a_count_without_its_number_names_the_line() {
        let text =
            "trial\tregimen\tn_response\tresponders\nT\tanti-pd-1\t10\t3\nU\tanti-pd-1\t\t3\n";
        let error = read(text).unwrap_err().to_string();
        assert!(
            error.contains("line 3") && error.contains("go together"),
            "{error}"
        );
        let more = "trial\tregimen\tn_response\tresponders\nT\tanti-pd-1\t3\t10\n";
        assert!(
            read(more)
                .unwrap_err()
                .to_string()
                .contains("more events than patients")
        );
    }
}
