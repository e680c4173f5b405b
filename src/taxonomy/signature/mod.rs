//! Named, versioned lists of taxa, each with its source and what speaks for it.

mod grade;
mod membership;
mod read;

use serde::{Deserialize, Serialize};

pub use grade::Grade;
pub use membership::{MemberStatus, Membership, memberships};

use crate::{Error, Result};

/// One member of a [`Signature`]: the names under which it may stand, any of which counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Member {
    /// The name as the list gives it.
    pub name: String,
    /// Keys of the vocabulary of the models (`Blautia_wexlerae`, `SGB1581`), or clades with prefix
    /// (`g__Roseburia`), which stand for all that is in them.
    pub keys: Vec<String>,
}

/// A named, versioned list of taxa.
///
/// A file of one's own is a TSV with a column `taxon`; lines `# name:`, `# version:`, `# title:`,
/// `# source:`, `# grade:` (see [`Grade`]) and `# evidence:` before it say what it is. Names may be in any vocabulary; several
/// names of one member are separated by commas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Signature {
    /// The name by which it is selected.
    pub name: String,
    /// Rises with every change of members.
    pub version: u32,
    /// What it is, in one line.
    pub title: String,
    /// The members, in the order of the source.
    pub members: Vec<Member>,
    /// Where it comes from.
    pub source: String,
    /// How good the evidence is that it goes with the outcome.
    #[serde(default)]
    pub grade: Grade,
    /// What speaks for and against it.
    pub evidence: String,
}

macro_rules! built_in {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../../assets/signature/", $name, ".tsv")))),+]
    };
}

static BUILT_IN: [(&str, &str); 15] = built_in![
    "toposcore_sig1",
    "toposcore_sig2",
    "toposcore_pcr21",
    "toposcore_pcr21_sig1",
    "toposcore_pcr21_sig2",
    "luminate_depletion",
    "prevotellaceae",
    "prevotellaceae_genera",
    "segatella_copri",
    "akkermansia_muciniphila",
    "akkermansia_muciniphila_label",
    "bifidobacterium",
    "scfa_producers",
    "oral",
    "proteobacteria",
];

/// The names of the built-in signatures.
pub fn signature_names() -> impl ExactSizeIterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// All built-in signatures.
pub fn signatures() -> Vec<Signature> {
    BUILT_IN
        .iter()
        .filter_map(|(_, text)| Signature::parse(text).ok())
        .collect()
}

/// The built-in signature of this name.
///
/// # Errors
/// [`Error::Parameter`] listing the names there are.
///
/// # Examples
/// ```
/// use donormatch::taxonomy::signature;
///
/// assert_eq!(signature("toposcore_sig1")?.members.len(), 37);
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn signature(name: &str) -> Result<Signature> {
    if let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
        return Signature::parse(text);
    }
    let known: Vec<String> = signature_names().map(|name| format!("`{name}`")).collect();
    Err(Error::parameter(
        "signature",
        format!("expected one of {}, found `{name}`", known.join(", ")),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::taxonomy::lineage_of;

    #[test]
    fn every_built_in_signature_is_read_under_its_own_name() {
        let all = signatures();
        assert_eq!(all.len(), BUILT_IN.len());
        for (signature, name) in all.iter().zip(signature_names()) {
            assert_eq!(signature.name, name);
            assert_eq!(signature.version, 1);
            assert!(
                !signature.source.is_empty() && !signature.evidence.is_empty(),
                "{name}"
            );
            assert_ne!(signature.grade, Grade::Unrated, "{name}");
            assert!(!signature.members.is_empty(), "{name}");
        }
    }

    #[test]
    fn the_published_lists_have_their_lengths() {
        let length = |name: &str| signature(name).unwrap().members.len();
        assert_eq!(length("toposcore_sig1"), 37);
        assert_eq!(length("toposcore_sig2"), 45);
        assert_eq!(length("toposcore_pcr21"), 21);
        assert_eq!(length("toposcore_pcr21_sig1"), 5);
        assert_eq!(length("toposcore_pcr21_sig2"), 15);
        assert_eq!(length("prevotellaceae"), 77);
        assert_eq!(length("luminate_depletion"), 3);
    }

    #[test]
    fn members_of_species_lists_are_keys_of_the_vocabulary() {
        for name in [
            "toposcore_sig1",
            "toposcore_sig2",
            "luminate_depletion",
            "prevotellaceae",
        ] {
            for member in signature(name).unwrap().members {
                for key in &member.keys {
                    assert!(lineage_of(key).is_some(), "{name}: {key}");
                }
            }
        }
    }

    #[test]
    fn an_unknown_name_lists_those_there_are() {
        let message = signature("topscore").unwrap_err().to_string();
        assert!(message.contains("`toposcore_sig1`") && message.contains("`topscore`"));
    }
}
