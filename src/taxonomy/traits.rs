//! What is known of how a species lives: in the mouth, with oxygen.

use serde::{Deserialize, Serialize};

/// How sure a trait is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Species of the clade differ.
    Low,
    /// Textbook physiology or a habitat database, not checked for each strain.
    Medium,
    /// Named so by a source of the project.
    High,
}

/// Whether a species stands oxygen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OxygenTolerance {
    /// Aerobic, facultative or microaerophilic.
    Tolerant,
    /// Strict anaerobe.
    Anaerobe,
}

/// A known trait with its confidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trait<T> {
    /// The trait.
    pub value: T,
    /// How sure it is.
    pub confidence: Confidence,
}

/// The traits of a taxon; `None` is unknown, never "no".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Traits {
    /// Lives mainly in the mouth.
    pub oral: Option<Trait<bool>>,
    /// Stands oxygen or not.
    pub oxygen: Option<Trait<OxygenTolerance>>,
}

impl Traits {
    pub(super) fn or(self, wider: Self) -> Self {
        Self {
            oral: self.oral.or(wider.oral),
            oxygen: self.oxygen.or(wider.oxygen),
        }
    }
}
