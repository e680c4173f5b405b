//! What a donor is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What a donor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DonorType {
    /// A healthy person.
    Healthy,
    /// A patient with a complete response to checkpoint inhibitors.
    IciResponderCr,
    /// A patient with a partial response to checkpoint inhibitors.
    IciResponderPr,
    /// A recipient of a transplant who responded: a second-generation donor.
    RecipientResponder,
    /// A defined consortium of strains, such as the 30 of MET-4.
    Consortium,
    /// A placebo.
    Placebo,
    /// The recipient's own stool.
    Autologous,
}

impl DonorType {
    /// Every value.
    pub const ALL: [Self; 7] = [
        Self::Healthy,
        Self::IciResponderCr,
        Self::IciResponderPr,
        Self::RecipientResponder,
        Self::Consortium,
        Self::Placebo,
        Self::Autologous,
    ];

    /// The word used in files, arguments and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::IciResponderCr => "ici_responder_cr",
            Self::IciResponderPr => "ici_responder_pr",
            Self::RecipientResponder => "recipient_responder",
            Self::Consortium => "consortium",
            Self::Placebo => "placebo",
            Self::Autologous => "autologous",
        }
    }

    /// People who give stool to others: what an entry of a panel is for if it does not say.
    pub fn screened_as_people() -> Vec<Self> {
        Self::ALL[..4].to_vec()
    }
}

impl fmt::Display for DonorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DonorType {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        let plain = word.trim().to_ascii_lowercase();
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == plain);
        known.ok_or_else(|| {
            let words: Vec<String> = Self::ALL.iter().map(|kind| format!("`{kind}`")).collect();
            let words = words.join(", ");
            Error::table(format!(
                "`donor_type`: expected one of {words}, found `{word}`"
            ))
        })
    }
}
