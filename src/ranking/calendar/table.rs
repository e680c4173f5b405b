//! A calendar as table, JSON and text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::result::{Calendar, TRANSPLANT_COLUMNS, Transplant};
use crate::profile::SampleId;
use crate::ranking::text::{RESEARCH_USE, json_with_notice};
use crate::text::rows_as_tsv;
use crate::{Error, Result};

/// The whole calendar with its proof.
#[derive(Debug, Serialize)]
struct Whole<'a> {
    is_optimal: bool,
    gap: f64,
    #[serde(flatten)]
    calendar: &'a Calendar,
}

impl Calendar {
    /// One row a transplant, with the columns of [`TRANSPLANT_COLUMNS`], safe to open in a
    /// spreadsheet.
    ///
    /// # Errors
    /// [`Error::Table`] only if the text could not be formed.
    pub fn to_tsv(&self) -> Result<String> {
        rows_as_tsv(&TRANSPLANT_COLUMNS, &self.transplants)
            .map_err(|error| Error::table(error.to_string()))
    }

    /// Everything as JSON, with the proof: `is_optimal` and `gap`.
    ///
    /// # Errors
    /// [`Error::Table`] only if the text could not be formed.
    pub fn to_json(&self) -> Result<String> {
        let whole = Whole {
            is_optimal: self.is_optimal(),
            gap: self.gap(),
            calendar: self,
        };
        json_with_notice(&whole)
    }

    /// One line a day and batch, and what is known about the whole, for reading.
    pub fn to_text(&self) -> String {
        let mut out = format!("{}\n", self.verdict());
        let mut lots: BTreeMap<(Option<_>, &str), Vec<&Transplant>> = BTreeMap::new();
        for one in &self.transplants {
            lots.entry((one.day, &one.batch_id)).or_default().push(one);
        }
        for ((day, batch), transplants) in lots {
            let day = day.map_or_else(|| "any day".to_owned(), |day| day.to_string());
            let donor = transplants.first().map_or("", |one| one.donor_id.as_str());
            let recipients: Vec<&str> = transplants
                .iter()
                .map(|one| one.recipient_id.as_str())
                .collect();
            let _ = writeln!(
                out,
                "{day:<11} {donor} ({batch}): {}",
                recipients.join(", ")
            );
        }
        if !self.unassigned.is_empty() {
            let ids: Vec<&str> = self.unassigned.iter().map(SampleId::as_str).collect();
            let _ = writeln!(out, "without a dose: {}", ids.join(", "));
        }
        for (at, one) in self.alternatives.iter().enumerate() {
            let n = one.changes.len();
            let _ = writeln!(
                out,
                "alternative {}: utility {:.4}, {n} recipients have another donor",
                at + 1,
                one.total_utility
            );
        }
        let _ = writeln!(out, "{RESEARCH_USE}");
        out
    }

    /// What is known about the calendar, in a line.
    pub fn verdict(&self) -> String {
        let served = format!(
            "{} of {} recipients, utility {:.4}",
            self.transplants.len(),
            self.transplants.len() + self.unassigned.len(),
            self.total_utility
        );
        let cost = if self.total_cost > 0.0 {
            format!(", cost {:.2}", self.total_cost)
        } else {
            String::new()
        };
        let proof = if self.is_optimal() {
            "proven best".to_owned()
        } else if self.serves_most {
            format!("at most {:.4} below the best", self.gap())
        } else {
            "not proven: more may be served".to_owned()
        };
        format!("{served}{cost}: {proof}")
    }
}
