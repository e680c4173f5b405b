//! What a caller may say about a file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Format, ReadLimits};
use crate::profile::{Completeness, Unit, Vocabulary};

/// What the rows of a delimited text are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Orientation {
    /// One sample a row, one taxon a column.
    SamplesInRows,
    /// One taxon a row, one sample a column.
    TaxaInRows,
}

impl Orientation {
    /// The word used in files, arguments and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SamplesInRows => "samples_in_rows",
            Self::TaxaInRows => "taxa_in_rows",
        }
    }
}

/// Whether rows that lie above other rows hold the abundance of those again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ranks {
    /// A row holds what the rows below it hold, and perhaps more: the table repeats its ranks.
    Repeated,
    /// Every row holds abundance of its own, such as reads at the best rank that they reach.
    Disjoint,
}

/// What divides the whole from the decimals of a number in a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Decimal {
    /// `60.5`
    #[default]
    #[serde(rename = ".")]
    Point,
    /// `60,5`
    #[serde(rename = ",")]
    Comma,
}

/// What happens to rows such as `UNCLASSIFIED`, `UNKNOWN`, `-1` or `unassigned`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnclassifiedTaxa {
    /// Taken out of the columns into [`ProfileTable::unclassified`], with a note.
    ///
    /// [`ProfileTable::unclassified`]: crate::profile::ProfileTable::unclassified
    #[default]
    TakeOut,
    /// Kept as a column like any other.
    Keep,
    /// An error.
    Reject,
}

/// What happens to a label that stands for two taxa of one table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicatedTaxa {
    /// An error that names both lines. One species name under two lineages is not a duplicate.
    #[default]
    Reject,
    /// Their abundances are added, with a note.
    Sum,
}

/// What happens to a sample without any abundance, such as a MetaPhlAn profile of 100 % `UNKNOWN`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptySamples {
    /// An error that names the sample.
    #[default]
    Reject,
    /// The sample is left out, with a note.
    Drop,
}

/// How to read a file of profiles; every setting has a default, and none is needed for a file
/// whose format fixes its unit.
///
/// # Examples
/// ```
/// use donormatch::profile::{ReadOptions, Unit, read_bytes};
///
/// let text = b"sample_id\ts__Blautia_obeum\ts__Segatella_copri\na\t0.2\t0.1\nb\t0\t0.4\n";
/// assert!(read_bytes(text, &ReadOptions::default()).is_err()); // which unit?
/// let options = ReadOptions::default().with_unit(Unit::Fraction);
/// assert_eq!(read_bytes(text, &options)?.n_samples(), 2);
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ReadOptions {
    /// The format; recognized from the content where absent.
    pub format: Option<Format>,
    /// The unit; needed only where neither the format nor the sums of the samples tell.
    pub unit: Option<Unit>,
    /// What the rows of a plain table are; found from the labels where absent.
    pub orientation: Option<Orientation>,
    /// Whether rows above other rows repeat their abundance; found from labels and values where
    /// absent.
    pub ranks: Option<Ranks>,
    /// Names of columns, or of rows where taxa are rows, that are neither taxa nor samples: they
    /// are left out. With a list, every other column is taken at its word, also where its name
    /// does not look like a taxon; an empty list keeps all.
    pub ignore_columns: Option<Vec<String>>,
    /// What divides the whole from the decimals of a number in a text.
    pub decimal: Decimal,
    /// What happens to unclassified rows.
    pub unclassified: UnclassifiedTaxa,
    /// What happens to a label that occurs twice.
    pub duplicates: DuplicatedTaxa,
    /// What happens to samples without abundance.
    pub empty_samples: EmptySamples,
    /// What a zero means; see [`Completeness`]. Where absent it is decided by what the samples
    /// lack of the whole, by the smallest abundances and by the depth.
    pub completeness: Option<Completeness>,
    /// The naming system of the taxa, where the file does not state it.
    pub vocabulary: Option<Vocabulary>,
    /// The id of the sample of a single-sample profile; the file name's stem where absent. Of a
    /// file of CAMI with several samples, the one to read by its `@SampleID`.
    pub sample: Option<String>,
    /// The matrix of an AnnData file: `X` where absent, `raw/X`, or the name of a layer.
    pub layer: Option<String>,
    /// A QIIME 2 taxonomy (`.qza` or `.tsv`) that says what the ids of the taxa stand for.
    pub taxonomy: Option<PathBuf>,
    /// How much a reader is willing to hold.
    pub limits: ReadLimits,
}

impl ReadOptions {
    /// The same options with a declared unit.
    #[must_use]
    pub fn with_unit(mut self, unit: Unit) -> Self {
        self.unit = Some(unit);
        self
    }

    /// The same options with a declared orientation.
    #[must_use]
    pub fn with_orientation(mut self, orientation: Orientation) -> Self {
        self.orientation = Some(orientation);
        self
    }

    /// The same options with a declared format.
    #[must_use]
    pub fn with_format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// The same options with a taxonomy file.
    #[must_use]
    pub fn with_taxonomy(mut self, path: impl Into<PathBuf>) -> Self {
        self.taxonomy = Some(path.into());
        self
    }

    /// The same options with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: ReadLimits) -> Self {
        self.limits = limits;
        self
    }
}
