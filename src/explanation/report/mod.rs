//! A ranking as one self-contained HTML file, and as a figure.
//!
//! No script, no font, no image and no address outside the file: it opens under the strictest
//! content security policy, offline, in light and dark, and prints.

mod calendar;
mod escape;
mod figure;
mod follow_up;
mod page;
mod table;
mod words;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use calendar::calendar_figure;
pub use figure::ranking_figure;
pub use follow_up::follow_up_page;
pub use page::html;

/// What a report says about where its figures come from. All text is escaped; empty fields are
/// left out. The weights are those of the ranking's own params.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReportContext {
    /// Heading of the page; "Donors in order" where empty.
    pub title: String,
    /// Name and version of the models.
    pub model_name: String,
    /// Checkpoint inhibitors given, where all recipients share them.
    pub regimen: String,
    /// Cancer, where all recipients share it.
    pub cancer: String,
    /// Line of treatment, where all recipients share it.
    pub line: String,
    /// Seed of the draws, where it is known.
    pub seed: Option<u64>,
    /// Sentences for the reader: what was left out, what was guessed, what was harmonized how.
    pub notes: Vec<String>,
    /// Names and values to trace the report by, such as model versions and digests of the data.
    pub provenance: Vec<(String, String)>,
}
