//! How good the evidence for a signature is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How good the evidence is that a signature goes with the outcome; an association in any case.
///
/// # Examples
/// ```
/// use donormatch::taxonomy::{Grade, signature};
///
/// assert_eq!(signature("luminate_depletion")?.grade, Grade::Contested);
/// assert_eq!("single_study".parse::<Grade>()?, Grade::SingleStudy);
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Grade {
    /// Seen in patients other than those in whom it was found.
    Replicated,
    /// One study alone.
    SingleStudy,
    /// Studies disagree.
    Contested,
    /// A marker of a state of the community; nothing direct on the outcome.
    Marker,
    /// Looked for, and no link found.
    NoLink,
    /// Nobody has said.
    #[default]
    Unrated,
}

impl Grade {
    /// All grades, the best first.
    pub const ALL: [Self; 6] = [
        Self::Replicated,
        Self::SingleStudy,
        Self::Contested,
        Self::Marker,
        Self::NoLink,
        Self::Unrated,
    ];

    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replicated => "replicated",
            Self::SingleStudy => "single_study",
            Self::Contested => "contested",
            Self::Marker => "marker",
            Self::NoLink => "no_link",
            Self::Unrated => "unrated",
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Grade {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|grade| grade.as_str() == word);
        known.ok_or_else(|| {
            let words = Self::ALL.map(|grade| format!("`{grade}`")).join(", ");
            Error::table(format!(
                "expected one of {words} for `grade`, found `{word}`"
            ))
        })
    }
}
