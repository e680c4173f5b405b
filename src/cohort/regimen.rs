//! What the recipient is treated with, for what, and in which line.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident, $parameter:literal, { $($(#[$vdoc:meta])* $variant:ident = $word:literal $(| $alias:literal)*),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used in files, arguments and messages.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(word: &str) -> Result<Self> {
                match word.trim().to_ascii_lowercase().as_str() {
                    $($word $(| $alias)* => Ok(Self::$variant),)+
                    _ => Err(Error::parameter(
                        $parameter,
                        format!(
                            "expected one of {}, found `{word}`",
                            Self::ALL.iter().map(|v| format!("`{v}`")).collect::<Vec<_>>().join(", ")
                        ),
                    )),
                }
            }
        }
    };
}

word_enum!(
    /// The checkpoint inhibitors given.
    Regimen, "regimen", {
        /// PD-1 or PD-L1 inhibition alone.
        AntiPd1 = "anti-pd-1" | "anti-pd-l1" | "anti-pd-(l)1",
        /// CTLA-4 inhibition alone.
        AntiCtla4 = "anti-ctla-4",
        /// Dual inhibition.
        Dual = "anti-pd-1+anti-ctla-4" | "anti-ctla-4+anti-pd-1",
    }
);

word_enum!(
    /// The cancer of the recipient, as far as the evidence tells cancers apart.
    Cancer, "cancer", {
        /// Cutaneous melanoma.
        Melanoma = "melanoma",
        /// Non-small-cell lung cancer.
        Lung = "lung" | "nsclc",
        /// Renal cell carcinoma.
        Kidney = "kidney" | "rcc",
        /// Another cancer, or not stated: baselines are pooled and wide.
        Other = "other",
    }
);

word_enum!(
    /// The line of treatment.
    Line, "line", {
        /// No checkpoint inhibitor before.
        First = "first",
        /// Progressed on a checkpoint inhibitor before the transplant.
        Refractory = "refractory",
    }
);

word_enum!(
    /// What is given beside the checkpoint inhibitors.
    Partner, "partner", {
        /// Nothing.
        None = "none",
        /// An inhibitor of VEGF or its receptors, such as axitinib or fruquintinib.
        VegfInhibitor = "vegf_inhibitor" | "vegf",
        /// Chemotherapy.
        Chemotherapy = "chemotherapy" | "chemo",
        /// Anything else.
        Other = "other",
    }
);

impl Regimen {
    /// Whether PD-1 and CTLA-4 are inhibited together.
    pub fn is_dual(self) -> bool {
        self == Self::Dual
    }
}

/// What decides the intercepts of a recipient: regimen, cancer, line and partner; a cell of the
/// published evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreatmentContext {
    /// The checkpoint inhibitors.
    pub regimen: Regimen,
    /// The cancer; [`Cancer::Other`] where not stated.
    #[serde(default = "other")]
    pub cancer: Cancer,
    /// The line of treatment; first where not stated.
    #[serde(default = "first")]
    pub line: Line,
    /// What is given beside the inhibitors; nothing where not stated.
    #[serde(default = "nothing")]
    pub partner: Partner,
}

impl TreatmentContext {
    /// Regimen, cancer and line, with nothing beside the inhibitors.
    pub fn new(regimen: Regimen, cancer: Cancer, line: Line) -> Self {
        Self {
            regimen,
            cancer,
            line,
            partner: Partner::None,
        }
    }
}

impl fmt::Display for TreatmentContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            regimen,
            cancer,
            line,
            partner,
        } = self;
        write!(f, "{cancer}|{regimen}|{line}|{partner}")
    }
}

fn other() -> Cancer {
    Cancer::Other
}

fn nothing() -> Partner {
    Partner::None
}

fn first() -> Line {
    Line::First
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_regimen_names_the_known_ones() {
        let error = "anti-lag-3".parse::<Regimen>().unwrap_err().to_string();
        assert!(error.contains("`anti-pd-1+anti-ctla-4`") && error.contains("`anti-lag-3`"));
    }

    #[test]
    fn every_word_reads_back() {
        for regimen in Regimen::ALL {
            assert_eq!(regimen.as_str().parse::<Regimen>().unwrap(), *regimen);
        }
        assert_eq!("NSCLC".parse::<Cancer>().unwrap(), Cancer::Lung);
    }
}
