//! What is predicted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What is predicted of a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// Objective response.
    Response,
    /// A severe immune-related adverse event: grade 3 or more.
    SevereIrae,
    /// Myocarditis.
    Myocarditis,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Self; 3] = [Self::Response, Self::SevereIrae, Self::Myocarditis];

    /// The word used in files, arguments and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::SevereIrae => "severe_irae",
            Self::Myocarditis => "myocarditis",
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        let known = Self::ALL
            .into_iter()
            .find(|one| one.as_str() == word.trim());
        known.ok_or_else(|| {
            Error::parameter(
                "endpoint",
                format!("expected one of `response`, `severe_irae`, `myocarditis`, found `{word}`"),
            )
        })
    }
}
