//! What the counts of TOPOSCORE and the abundance of *Akkermansia* are called.

use serde::{Deserialize, Serialize};

/// The relative abundance from which *Akkermansia muciniphila* counts as high.
pub const AKKERMANSIA_HIGH_PERCENT: f64 = 4.799;

/// Which published cut-offs decide; they differ for one pair of counts, 13 of SIG1 and 19 of SIG2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutOff {
    /// The current app: S rounded to 3 decimals, 0.5351 and 0.7911; k ≤ 1783 and k ≥ 2636.
    #[default]
    Round3,
    /// The unrounded points of Youden's index; k ≤ 1782 and k ≥ 2635.
    ExactRoc,
}

impl CutOff {
    /// The class of a numerator k = 37 n₂ − 45 n₁ + 1665.
    pub(super) fn class(self, numerator: i64) -> ToposcoreClass {
        let (sig1, sig2) = match self {
            Self::Round3 => (1783, 2636),
            Self::ExactRoc => (1782, 2635),
        };
        if numerator <= sig1 {
            ToposcoreClass::Sig1
        } else if numerator >= sig2 {
            ToposcoreClass::Sig2
        } else {
            ToposcoreClass::Gray
        }
    }
}

/// What the counts alone say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToposcoreClass {
    /// Harmful species prevail.
    Sig1,
    /// Neither prevails; *Akkermansia* decides.
    Gray,
    /// Favorable species prevail.
    Sig2,
    /// The table was filtered, and what may be missing spans a cut-off.
    Undecided,
}

/// How much *Akkermansia muciniphila* (SGB9226) there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AkkermansiaClass {
    /// Not detected.
    Zero,
    /// Above 0 and below 4.799 %.
    Low,
    /// 4.799 % or more.
    High,
}

impl AkkermansiaClass {
    /// The class of a relative abundance, as a fraction.
    ///
    /// The cut-off holds to a relative 10⁻⁹, so that 4.799 percent and 0.04799 are one number
    /// however they were divided.
    ///
    /// # Examples
    /// ```
    /// use donormatch::feature::AkkermansiaClass;
    ///
    /// assert_eq!(AkkermansiaClass::of(4.799 / 100.0), AkkermansiaClass::High);
    /// ```
    pub fn of(fraction: f64) -> Self {
        if fraction <= 0.0 {
            Self::Zero
        } else if fraction < AKKERMANSIA_HIGH_PERCENT / 100.0 * (1.0 - 1e-9) {
            Self::Low
        } else {
            Self::High
        }
    }
}

/// Which *Akkermansia* counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AkkermansiaScope {
    /// SGB9226, as published, where the table tells it apart (SGB rows, GTDB names, tables harmonized
    /// from them); else all that the table calls *A. muciniphila*.
    #[default]
    Sgb9226,
    /// All that `MetaPhlAn` vJan21 calls *A. muciniphila*, SGB9228 (GTDB's `muciniphila_B`) too. Of
    /// 808 patients this puts 46 more above zero.
    SpeciesLabel,
}

/// The final call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ToposcoreCall {
    /// Resistance is expected.
    #[serde(rename = "SIG1+")]
    Sig1Plus,
    /// Response is expected.
    #[serde(rename = "SIG2+")]
    Sig2Plus,
    /// The counts leave it to *Akkermansia*, which the table does not measure; the class spans a
    /// cut-off; or the profile has fewer taxa than asked for.
    #[serde(rename = "UNKNOWN")]
    Unknown,
}

impl ToposcoreCall {
    /// The call of a class, *Akkermansia* deciding where the counts do not.
    pub(super) fn of(class: ToposcoreClass, akkermansia: Option<AkkermansiaClass>) -> Self {
        match (class, akkermansia) {
            (ToposcoreClass::Sig1, _)
            | (ToposcoreClass::Gray, Some(AkkermansiaClass::Zero | AkkermansiaClass::High)) => {
                Self::Sig1Plus
            }
            (ToposcoreClass::Sig2, _) | (ToposcoreClass::Gray, Some(AkkermansiaClass::Low)) => {
                Self::Sig2Plus
            }
            (ToposcoreClass::Gray, None) | (ToposcoreClass::Undecided, _) => Self::Unknown,
        }
    }
}
