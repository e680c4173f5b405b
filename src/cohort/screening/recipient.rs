//! What of a recipient decides whether an eligible donor may give to them.

use serde::{Deserialize, Serialize};

use super::panel::{Kind, Panel};
use super::record::{DonorRecord, DonorRecords};
use super::result::Screening;
use crate::cohort::MetadataTable;
use crate::profile::{SampleId, SubjectId};
use crate::{Error, Result};

/// What is known of the recipients, one row each.
#[derive(Debug, Clone, PartialEq)]
pub struct RecipientRecords {
    table: MetadataTable,
    recipients: Vec<SampleId>,
}

/// A donor, or batch of a donor, for one recipient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PairScreening {
    /// The donor.
    pub donor_id: SubjectId,
    /// The batch, if the record is about one.
    pub batch_id: Option<String>,
    /// The recipient.
    pub recipient_id: SampleId,
    /// Whether the donor may give, to this recipient.
    pub eligible: bool,
    /// Why not, beyond what stands against the donor; empty if nothing does.
    pub reasons: Vec<String>,
    /// What is recorded of the recipient and decides nothing.
    pub flags: Vec<String>,
}

impl RecipientRecords {
    /// The recipients of a table: `recipient_id`, `immunosuppressed`, the lists that entries of the
    /// panel match (such as `allergies`), the fields of entries for immunosuppressed recipients (such
    /// as `cmv`), and what the panel flags. A blank means that nothing is known, which stands against
    /// the pair if an entry asks for it.
    ///
    /// # Errors
    /// [`Error::File`] if `recipient_id` is absent, blank or doubled, or a column is unknown to the panel.
    pub fn from_table(table: MetadataTable, panel: &Panel) -> Result<Self> {
        let known = known_columns(panel);
        let columns: Vec<String> = table.columns().map(str::to_ascii_lowercase).collect();
        if let Some(other) = columns
            .iter()
            .find(|column| !known.contains(&column.as_str()))
        {
            let known = known.join("`, `");
            let message = format!("`{other}` is no field of a recipient; known are `{known}`");
            return Err(Error::line(table.path(), 1, message));
        }
        let ids = (0..table.n_rows()).map(|row| table.required(row, "recipient_id"));
        let ids = ids.map(|id| id.map(SampleId::from));
        let recipients: Vec<SampleId> = ids.collect::<Result<_>>()?;
        for (row, id) in recipients.iter().enumerate() {
            if recipients[..row].contains(id) {
                let message = format!("recipient `{id}` is described twice");
                return Err(table.error_at(row, message));
            }
        }
        Ok(Self { table, recipients })
    }

    /// The recipients in the order of the table.
    pub fn recipients(&self) -> &[SampleId] {
        &self.recipients
    }
}

fn known_columns(panel: &Panel) -> Vec<&str> {
    let of_entries = panel.entries.iter().flat_map(|entry| {
        let fields = [&entry.for_immunosuppressed, &entry.matches];
        fields.into_iter().flatten().map(String::as_str)
    });
    let flagged = panel
        .recipient_entries
        .iter()
        .map(|entry| entry.name.as_str());
    let mut columns = vec!["recipient_id", "immunosuppressed"];
    columns.extend(of_entries.chain(flagged));
    columns
}

impl Panel {
    /// Says for every donor and recipient whether the donor may give to that recipient.
    ///
    /// Order: by recipient, then as in `screening`.
    ///
    /// # Errors
    /// [`Error::Table`] if `screening` is not of these records; [`Error::File`] if an answer about
    /// immunosuppression is unreadable.
    pub fn screen_pairs(
        &self,
        records: &DonorRecords,
        screening: &Screening,
        recipients: &RecipientRecords,
    ) -> Result<Vec<PairScreening>> {
        if records.records().len() != screening.donors.len() {
            return Err(Error::table("the screening is of other records"));
        }
        let mut pairs = Vec::new();
        for (row, recipient_id) in recipients.recipients.iter().enumerate() {
            let recipient = Recipient::of(self, &recipients.table, row)?;
            for (record, donor) in records.records().iter().zip(&screening.donors) {
                let reasons = recipient.against(self, record);
                pairs.push(PairScreening {
                    donor_id: donor.donor_id.clone(),
                    batch_id: donor.batch_id.clone(),
                    recipient_id: recipient_id.clone(),
                    eligible: donor.eligible && reasons.is_empty(),
                    reasons,
                    flags: recipient.flags.clone(),
                });
            }
        }
        Ok(pairs)
    }
}

struct Recipient<'a> {
    table: &'a MetadataTable,
    row: usize,
    /// Unknown counts as yes.
    may_be_immunosuppressed: bool,
    flags: Vec<String>,
}

impl<'a> Recipient<'a> {
    fn of(panel: &Panel, table: &'a MetadataTable, row: usize) -> Result<Self> {
        let mut flags = Vec::new();
        let suppressed = table.outcome(row, "immunosuppressed")?;
        if suppressed.is_none() {
            flags.push("immunosuppressed: not recorded, screened as if so".to_owned());
        }
        for entry in &panel.recipient_entries {
            match table.outcome(row, &entry.name)? {
                Some(true) => flags.push(format!("{}: yes", entry.name)),
                None => flags.push(format!("{}: not recorded", entry.name)),
                Some(false) => {}
            }
        }
        Ok(Self {
            table,
            row,
            may_be_immunosuppressed: suppressed.unwrap_or(true),
            flags,
        })
    }

    fn text(&self, field: &str) -> Option<String> {
        self.table.text(self.row, field).map(str::to_lowercase)
    }

    /// What stands against a donor for this recipient.
    fn against(&self, panel: &Panel, record: &DonorRecord) -> Vec<String> {
        let mut reasons = Vec::new();
        for entry in &panel.entries {
            if record
                .donor_type
                .is_some_and(|kind| !entry.applies_to.contains(&kind))
            {
                continue;
            }
            let answer = record
                .answers
                .get(&entry.name)
                .map(|answer| answer.text.to_lowercase());
            if let Some(field) = &entry.for_immunosuppressed
                && self.may_be_immunosuppressed
            {
                let is_clear = answer
                    .as_ref()
                    .is_some_and(|word| entry.negative.contains(word));
                let recipient = self.text(field);
                let is_met = recipient.is_some_and(|word| entry.positive.contains(&word));
                if !is_clear && !is_met {
                    let donor = answer.as_deref().unwrap_or("not recorded");
                    let name = &entry.name;
                    reasons.push(format!(
                        "{name}: donor {donor}, recipient immunosuppressed and not known positive for {field}"
                    ));
                }
            }
            if let (Some(field), Kind::List) = (&entry.matches, entry.kind) {
                reasons.extend(self.shared(field, &entry.name, answer.as_deref()));
            }
        }
        reasons
    }

    /// Words that a list of the donor and a list of the recipient share.
    fn shared(&self, field: &str, name: &str, donor: Option<&str>) -> Option<String> {
        let recipient = self.text(field).filter(|words| words != "none")?;
        let Some(donor) = donor else {
            return Some(format!("{name}: not recorded, recipient has `{field}`"));
        };
        let words = |text: &str| -> Vec<String> {
            text.split([';', ','])
                .map(|word| word.trim().to_owned())
                .collect()
        };
        let donor = words(donor);
        let shared: Vec<String> = words(&recipient)
            .into_iter()
            .filter(|word| donor.contains(word))
            .collect();
        (!shared.is_empty()).then(|| {
            format!(
                "{name}: {} in `{field}` of the recipient",
                shared.join(", ")
            )
        })
    }
}
