//! What the numbers of a table are, and what its names are.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The unit of the abundances of a table. Part of the type of every table, never guessed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Reads (or estimated reads) per taxon.
    Count,
    /// Relative abundance; a complete sample sums to 1.
    Fraction,
    /// Relative abundance times 100; a complete sample sums to 100.
    Percent,
}

impl Unit {
    /// What one full sample sums to, where the unit fixes it.
    pub fn total(self) -> Option<f64> {
        match self {
            Self::Count => None,
            Self::Fraction => Some(1.0),
            Self::Percent => Some(100.0),
        }
    }

    /// The word used in files, arguments and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Fraction => "fraction",
            Self::Percent => "percent",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Unit {
    type Err = crate::Error;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "count" | "counts" => Ok(Self::Count),
            "fraction" => Ok(Self::Fraction),
            "percent" => Ok(Self::Percent),
            other => Err(crate::Error::parameter(
                "unit",
                format!("expected `count`, `fraction` or `percent`, found `{other}`"),
            )),
        }
    }
}

/// The naming system of the taxa: a profiler's database with its version, or a taxonomy.
///
/// Free text as found (`mpa_vJan21_CHOCOPhlAnSGB_202103`, `gtdb_r220`, `ncbi`), or
/// [`Vocabulary::UNKNOWN`]. Two tables with different vocabularies are never joined by name
/// without [`harmonize`](crate::taxonomy).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Vocabulary(String);

impl Vocabulary {
    /// The word for a vocabulary that the file did not state.
    pub const UNKNOWN: &'static str = "unknown";

    /// The vocabulary with this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// A vocabulary that the source did not state.
    pub fn unknown() -> Self {
        Self(Self::UNKNOWN.to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the source stated none.
    pub fn is_unknown(&self) -> bool {
        self.0 == Self::UNKNOWN
    }
}

impl fmt::Display for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
