//! What harmonization did to each taxon, and to how much of each sample.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::profile::{SampleId, Vocabulary};
use crate::text::tsv_in_memory;
use crate::{Error, Result};

/// How a name was brought into the vocabulary of the models.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The very name of the vocabulary.
    Exact,
    /// Another name of the same organism.
    Synonym,
    /// The same name but for case, brackets, prefix, spaces or `_group`.
    CaseOrPunctuation,
    /// One of several taxa of the table that are added together here, or a taxon within the target.
    Merged,
    /// One source species is several here (or the reverse); its mass goes to the nominal one, the
    /// candidates are named.
    Split,
    /// Known no deeper than a genus or a wider clade.
    RolledUp,
    /// The name may mean several organisms; rolled up to the clade that holds them all.
    Ambiguous,
    /// Not in the vocabulary; kept under its own name.
    #[default]
    Kept,
    /// Left out; its mass counts as unclassified.
    Dropped,
}

impl How {
    /// All ways, in the order of a report.
    pub const ALL: [Self; 9] = [
        Self::Exact,
        Self::Synonym,
        Self::CaseOrPunctuation,
        Self::Merged,
        Self::Split,
        Self::RolledUp,
        Self::Ambiguous,
        Self::Kept,
        Self::Dropped,
    ];

    /// The word used in files and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Synonym => "synonym",
            Self::CaseOrPunctuation => "case_or_punctuation",
            Self::Merged => "merged",
            Self::Split => "split",
            Self::RolledUp => "rolled_up",
            Self::Ambiguous => "ambiguous",
            Self::Kept => "kept",
            Self::Dropped => "dropped",
        }
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of one taxon of the source table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HarmonizedTaxon {
    /// The label in the source.
    pub original: String,
    /// The key in the result; `None` where it was dropped.
    pub target: Option<String>,
    /// How the one became the other.
    pub how: How,
    /// What else the name may mean, where it may.
    pub candidates: Vec<String>,
    /// Samples in which it occurs.
    pub n_samples: usize,
    /// Its mean fraction over all samples.
    pub mean_fraction: f64,
    /// Its largest fraction in a sample.
    pub max_fraction: f64,
}

/// What harmonization did: one row per taxon, and the mass concerned per sample.
///
/// `mapped_mass` counts what landed on an entry of the vocabulary at the rank asked for; the rest is
/// kept under its own name, rolled up, or dropped. Fractions are of the named mass of a sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HarmonizationReport {
    /// The vocabulary found in the source.
    pub source: Vocabulary,
    /// The vocabulary of the result.
    pub target: Vocabulary,
    /// One row per taxon of the source, in its order.
    pub taxa: Vec<HarmonizedTaxon>,
    /// The samples, in the order of the mass vectors.
    pub samples: Vec<SampleId>,
    /// Fraction of each sample on entries of the vocabulary at the rank asked for.
    pub mapped_mass: Vec<f64>,
    /// Fraction of each sample left out.
    pub dropped_mass: Vec<f64>,
}

impl HarmonizationReport {
    /// Mean mapped mass below which names deserve a look, and callers are warned.
    pub const WARN_BELOW: f64 = 0.9;

    /// Number of taxa that went this way.
    pub fn n_taxa(&self, how: How) -> usize {
        self.taxa.iter().filter(|taxon| taxon.how == how).count()
    }

    /// Mean fraction of a sample that went this way.
    pub fn mean_mass(&self, how: How) -> f64 {
        self.taxa
            .iter()
            .filter(|taxon| taxon.how == how)
            .map(|taxon| taxon.mean_fraction)
            .sum()
    }

    /// The mean of `mapped_mass` over samples.
    pub fn mean_mapped_mass(&self) -> f64 {
        self.mapped_mass.iter().sum::<f64>() / self.mapped_mass.len().max(1) as f64
    }

    /// The columns of [`HarmonizationReport::to_tsv`], in order.
    pub const COLUMNS: [&str; 7] = [
        "original",
        "target",
        "how",
        "candidates",
        "n_samples",
        "mean_fraction",
        "max_fraction",
    ];

    /// The report as a table of [`HarmonizationReport::COLUMNS`], candidates joined by `;`, cells
    /// written as in every table of this crate (no name is run as a formula by a spreadsheet).
    ///
    /// # Errors
    /// None in practice: memory does not refuse bytes.
    pub fn to_tsv(&self) -> Result<String> {
        tsv_in_memory(Self::COLUMNS, |table| {
            for taxon in &self.taxa {
                table.text(&taxon.original)?;
                table.text(taxon.target.as_deref().unwrap_or(""))?;
                table.plain(taxon.how.as_str())?;
                table.text(&taxon.candidates.join(";"))?;
                table.plain(&taxon.n_samples.to_string())?;
                table.number(taxon.mean_fraction)?;
                table.number(taxon.max_fraction)?;
                table.end_row()?;
            }
            Ok(())
        })
        .map_err(|error| Error::table(error.to_string()))
    }
}

impl fmt::Display for HarmonizationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let least = self
            .mapped_mass
            .iter()
            .copied()
            .fold(f64::INFINITY, f64::min);
        write!(
            f,
            "{} → {}: {} taxa, {:.1} % of mass mapped on average, {:.1} % at least",
            self.source,
            self.target,
            self.taxa.len(),
            100.0 * self.mean_mapped_mass(),
            100.0 * least,
        )?;
        for how in How::ALL {
            let n_taxa = self.n_taxa(how);
            if n_taxa > 0 {
                let mass = 100.0 * self.mean_mass(how);
                write!(f, "\n  {how}: {n_taxa} taxa, {mass:.2} % of mass")?;
            }
        }
        Ok(())
    }
}
