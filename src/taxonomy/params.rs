//! What a caller may choose about harmonization.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::profile::Vocabulary;
use crate::{Error, Result};

/// The rank of the vocabulary to harmonize to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Species, for shotgun tables: `donormatch_species_1`.
    #[default]
    Species,
    /// Genus, where 16S and shotgun tables meet: `donormatch_genus_1`. Genera that one side cannot
    /// tell apart are one here (*Phocaeicola* is in *Bacteroides*, *Segatella* in *Prevotella*).
    Genus,
}

impl Target {
    /// The name of the vocabulary, with its version.
    pub fn vocabulary(self) -> Vocabulary {
        Vocabulary::new(match self {
            Self::Species => "donormatch_species_1",
            Self::Genus => "donormatch_genus_1",
        })
    }
}

/// What to do with a well-formed name that the vocabulary does not hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownTaxa {
    /// Keep it under its own name.
    #[default]
    Keep,
    /// Refuse the table.
    Reject,
    /// Leave it out; its mass is added to the unclassified part and reported.
    Drop,
    /// Add it to the smallest named clade around it, such as `g__Blautia`.
    RollUp,
}

impl FromStr for Target {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        match word {
            "species" => Ok(Self::Species),
            "genus" => Ok(Self::Genus),
            other => Err(Error::parameter(
                "target",
                format!("expected `species` or `genus`, found `{other}`"),
            )),
        }
    }
}

impl FromStr for UnknownTaxa {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        match word {
            "keep" => Ok(Self::Keep),
            "reject" => Ok(Self::Reject),
            "drop" => Ok(Self::Drop),
            "roll_up" => Ok(Self::RollUp),
            other => Err(Error::parameter(
                "unknown",
                format!("expected `keep`, `reject`, `drop` or `roll_up`, found `{other}`"),
            )),
        }
    }
}

/// How to [`harmonize`](super::harmonize).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct HarmonizeParams {
    /// The rank to bring the table to; species by default.
    pub target: Target,
    /// What to do with taxa that the vocabulary lacks; keep them by default.
    pub unknown: UnknownTaxa,
}

impl HarmonizeParams {
    /// Defaults for this rank.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            ..Self::default()
        }
    }

    /// Sets what happens to taxa that the vocabulary lacks.
    #[must_use]
    pub fn with_unknown(mut self, unknown: UnknownTaxa) -> Self {
        self.unknown = unknown;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_files_and_a_wrong_one_lists_them() {
        for (word, value) in [
            ("keep", UnknownTaxa::Keep),
            ("reject", UnknownTaxa::Reject),
            ("drop", UnknownTaxa::Drop),
            ("roll_up", UnknownTaxa::RollUp),
        ] {
            assert_eq!(word.parse::<UnknownTaxa>().unwrap(), value);
            assert_eq!(
                serde_json::to_string(&value).unwrap(),
                format!("\"{word}\"")
            );
        }
        let message = "family".parse::<Target>().unwrap_err().to_string();
        assert_eq!(
            message,
            "`target`: expected `species` or `genus`, found `family`"
        );
    }
}
