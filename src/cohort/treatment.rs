//! How recipients are treated: the same for all, or by recipient.

use std::collections::BTreeMap;

use super::metadata::MetadataTable;
use super::note::MetadataNote;
use super::regimen::{Cancer, Line, Partner, Regimen, TreatmentContext};
use crate::profile::SampleId;
use crate::{Error, Result};

/// What is known of a treatment; the rest is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Treatment {
    /// The checkpoint inhibitors.
    pub regimen: Option<Regimen>,
    /// The cancer.
    pub cancer: Option<Cancer>,
    /// The line of treatment.
    pub line: Option<Line>,
    /// What is given beside the inhibitors.
    pub partner: Option<Partner>,
}

impl Treatment {
    /// From the words of files and arguments.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the word that is none of those known.
    pub fn parse(
        regimen: Option<&str>,
        cancer: Option<&str>,
        line: Option<&str>,
        partner: Option<&str>,
    ) -> Result<Self> {
        Ok(Self {
            regimen: regimen.map(str::parse).transpose()?,
            cancer: cancer.map(str::parse).transpose()?,
            line: line.map(str::parse).transpose()?,
            partner: partner.map(str::parse).transpose()?,
        })
    }

    /// From the columns `regimen`, `cancer`, `line` and `partner` of a row, as far as they are
    /// there.
    ///
    /// # Errors
    /// [`Error::File`] naming the line of a word that is none of those known.
    pub fn of_row(table: &MetadataTable, row: usize) -> Result<Self> {
        let [regimen, cancer, line, partner] =
            ["regimen", "cancer", "line", "partner"].map(|role| table.text(row, role));
        Self::parse(regimen, cancer, line, partner)
            .map_err(|error| table.error_at(row, error.to_string()))
    }

    /// The cell of the evidence; where cancer, line or partner is open, [`Cancer::Other`],
    /// [`Line::First`] and [`Partner::None`]. None without a regimen.
    pub fn context(self) -> Option<TreatmentContext> {
        Some(TreatmentContext {
            regimen: self.regimen?,
            cancer: self.cancer.unwrap_or(Cancer::Other),
            line: self.line.unwrap_or(Line::First),
            partner: self.partner.unwrap_or(Partner::None),
        })
    }

    /// This, and what it leaves open by another.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            regimen: self.regimen.or(other.regimen),
            cancer: self.cancer.or(other.cancer),
            line: self.line.or(other.line),
            partner: self.partner.or(other.partner),
        }
    }
}

/// The treatments of recipients, each at most once.
///
/// # Examples
/// ```
/// use donormatch::cohort::{Line, MetadataTable, Treatment, Treatments};
///
/// let table = MetadataTable::parse("<text>", "recipient_id\tline\nr1\trefractory\n")?;
/// let common = Treatment::parse(Some("anti-pd-1"), None, None, None)?;
/// let contexts = Treatments::from_metadata(&table)?.contexts(&["r1".into(), "r2".into()], common)?;
/// assert_eq!((contexts[0].line, contexts[1].line), (Line::Refractory, Line::First));
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Treatments {
    by_recipient: BTreeMap<SampleId, Treatment>,
    notes: Vec<MetadataNote>,
}

/// The roles of a table of treatments.
pub(super) const ROLES: [&str; 5] = ["recipient_id", "regimen", "cancer", "line", "partner"];

impl Treatments {
    /// From a table with `recipient_id` and any of `regimen`, `cancer`, `line` and `partner`;
    /// blanks are open.
    ///
    /// # Errors
    /// [`Error::File`] naming the line where a recipient is blank or stands for the second time, or
    /// a word is unknown; where there is no column `recipient_id`.
    pub fn from_metadata(table: &MetadataTable) -> Result<Self> {
        table.check_names(&ROLES)?;
        let mut by_recipient = BTreeMap::new();
        for row in 0..table.n_rows() {
            let recipient = table.required(row, "recipient_id")?;
            let treatment = Treatment::of_row(table, row)?;
            if by_recipient.insert(recipient.into(), treatment).is_some() {
                let message = format!("`{recipient}` stands in two rows");
                return Err(table.error_at(row, message));
            }
        }
        Ok(Self {
            by_recipient,
            notes: table.column_notes(&ROLES, &[]),
        })
    }

    /// What was noticed in the source: columns without a use, above all one whose name looks like
    /// that of a column that is not there.
    pub fn notes(&self) -> &[MetadataNote] {
        &self.notes
    }

    /// The defaults that stand in for what neither a recipient's own words nor those `common` to
    /// all say.
    pub fn defaults(&self, samples: &[SampleId], common: Treatment) -> Vec<MetadataNote> {
        let all: Vec<Treatment> = samples.iter().map(|id| self.of(id, common)).collect();
        let open: [(&str, &str, usize); 2] = [
            (
                "cancer",
                Cancer::Other.as_str(),
                all.iter().filter(|its| its.cancer.is_none()).count(),
            ),
            (
                "line",
                Line::First.as_str(),
                all.iter().filter(|its| its.line.is_none()).count(),
            ),
        ];
        open.into_iter()
            .filter(|&(.., n_recipients)| n_recipients > 0)
            .map(|(role, word, n_recipients)| MetadataNote::Default {
                role: role.to_owned(),
                word: word.to_owned(),
                n_recipients,
            })
            .collect()
    }

    fn of(&self, sample: &SampleId, common: Treatment) -> Treatment {
        let own = self.by_recipient.get(sample).copied();
        own.unwrap_or_default().or(common)
    }

    /// The recipients named that are not among the samples.
    pub fn missing_from<'a>(&'a self, samples: &[SampleId]) -> Vec<&'a SampleId> {
        let samples: std::collections::BTreeSet<&SampleId> = samples.iter().collect();
        self.by_recipient
            .keys()
            .filter(|id| !samples.contains(id))
            .collect()
    }

    /// One [`Treatment::context`] a sample: its own words before those `common` to all.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first sample without a regimen.
    pub fn contexts(
        &self,
        samples: &[SampleId],
        common: Treatment,
    ) -> Result<Vec<TreatmentContext>> {
        let context = |sample: &SampleId| {
            self.of(sample, common).context().ok_or_else(|| {
                let message = format!(
                    "none given for `{sample}`; give `regimen` for all, or `metadata` by recipient"
                );
                Error::parameter("regimen", message)
            })
        };
        samples.iter().map(context).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn treatments(text: &str) -> Result<Treatments> {
        Treatments::from_metadata(&MetadataTable::parse("table.tsv", text)?)
    }

    #[test]
    fn own_words_stand_before_common_ones() {
        let own = treatments("recipient_id\tregimen\tcancer\nr1\tanti-ctla-4\t\nr3\t\tlung\n");
        let common = Treatment::parse(Some("anti-pd-1"), Some("melanoma"), None, None).unwrap();
        let samples = ["r1".into(), "r2".into()];
        let own = own.unwrap();
        let contexts = own.contexts(&samples, common).unwrap();
        assert_eq!(contexts[0].regimen, Regimen::AntiCtla4);
        assert_eq!(contexts[0].cancer, Cancer::Melanoma);
        assert_eq!(contexts[1].regimen, Regimen::AntiPd1);
        assert_eq!(own.missing_from(&samples), [&SampleId::from("r3")]);
        let error = own.contexts(&samples, Treatment::default()).unwrap_err();
        assert!(error.to_string().contains("`r2`"), "{error}");
    }

    #[test]
    fn two_rows_of_a_recipient_and_unknown_words_name_their_line() {
        for (text, told) in [
            (
                "recipient_id\tline\nr1\tfirst\nr1\trefractory\n",
                "line 3: `r1` stands",
            ),
            ("recipient_id\tline\nr1\tlast\n", "line 2"),
            ("recipient\tline\nr1\tfirst\n", "no column `recipient_id`"),
        ] {
            let error = treatments(text).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
