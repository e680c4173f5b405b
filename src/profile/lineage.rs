//! The path of a taxon from the root, read from the label that a profiler wrote.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The level of a taxon, from the root to the genome bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// Domain or kingdom: `k__` or `d__`.
    Kingdom,
    /// `p__`
    Phylum,
    /// `c__`
    Class,
    /// `o__`
    Order,
    /// `f__`
    Family,
    /// `g__`
    Genus,
    /// `s__`
    Species,
    /// Below the species: an SGB (`t__`), a mOTU (`m__`), an OTU or ASV.
    Strain,
}

impl Rank {
    /// All ranks from the root down.
    pub const ALL: [Self; 8] = [
        Self::Kingdom,
        Self::Phylum,
        Self::Class,
        Self::Order,
        Self::Family,
        Self::Genus,
        Self::Species,
        Self::Strain,
    ];

    /// The letter of the prefix that MetaPhlAn, Greengenes and GTDB write.
    pub fn letter(self) -> char {
        match self {
            Self::Kingdom => 'k',
            Self::Phylum => 'p',
            Self::Class => 'c',
            Self::Order => 'o',
            Self::Family => 'f',
            Self::Genus => 'g',
            Self::Species => 's',
            Self::Strain => 't',
        }
    }

    /// The rank of a prefix letter; GTDB's and SILVA's `d` is [`Rank::Kingdom`], mOTUs' `m` is
    /// [`Rank::Strain`].
    pub fn from_letter(letter: char) -> Option<Self> {
        match letter {
            'd' | 'k' => Some(Self::Kingdom),
            'p' => Some(Self::Phylum),
            'c' => Some(Self::Class),
            'o' => Some(Self::Order),
            'f' => Some(Self::Family),
            'g' => Some(Self::Genus),
            's' => Some(Self::Species),
            't' | 'm' => Some(Self::Strain),
            _ => None,
        }
    }

    /// The word used in files, arguments and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kingdom => "kingdom",
            Self::Phylum => "phylum",
            Self::Class => "class",
            Self::Order => "order",
            Self::Family => "family",
            Self::Genus => "genus",
            Self::Species => "species",
            Self::Strain => "strain",
        }
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The path of a taxon from the root: one name per [`Rank`], where the label gave one.
///
/// Names are kept as written, without prefix; names that only repeat a prefix (`s__`) are absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Lineage {
    names: [Option<String>; 8],
}

impl Lineage {
    /// Reads a label such as `k__Bacteria|…|s__X|t__SGB1`, `d__Bacteria;…;s__X y`,
    /// `D_0__Bacteria;D_1__Firmicutes`, or `Bacteria;Firmicutes;…` (ranks by position).
    ///
    /// A bare name without separator and prefix gives an empty lineage: the caller knows what
    /// kind of name it is, the label does not say.
    pub fn parse(label: &str) -> Self {
        let separator = if label.contains('|') && !label.contains(';') {
            '|'
        } else {
            ';'
        };
        let parts: Vec<&str> = label.split(separator).map(clean).collect();
        let mut lineage = Self::default();
        let prefixed = parts.iter().any(|part| split_prefix(part).is_some());
        if !prefixed && parts.len() < 2 {
            return lineage;
        }
        for (position, part) in parts.iter().enumerate() {
            let (rank, name) = match split_prefix(part) {
                Some(found) => found,
                None if prefixed => continue,
                None => match Rank::ALL.get(position) {
                    Some(&rank) => (rank, *part),
                    None => continue,
                },
            };
            lineage.set(rank, name);
        }
        lineage
    }

    /// The name at a rank, as written, without prefix.
    pub fn name(&self, rank: Rank) -> Option<&str> {
        self.names[rank as usize].as_deref()
    }

    /// Sets the name at a rank; an empty name, or `Other`, clears it.
    pub fn set(&mut self, rank: Rank, name: &str) {
        let known = !name.is_empty() && name != "Other" && name != "__";
        self.names[rank as usize] = known.then(|| name.to_owned());
    }

    /// The deepest rank with a name, and the name.
    pub fn deepest(&self) -> Option<(Rank, &str)> {
        Rank::ALL
            .iter()
            .rev()
            .find_map(|&rank| self.name(rank).map(|name| (rank, name)))
    }

    /// Whether no rank has a name.
    pub fn is_empty(&self) -> bool {
        self.deepest().is_none()
    }

    /// The lineage down to `rank`, without what lies below.
    #[must_use]
    pub fn up_to(&self, rank: Rank) -> Self {
        let mut shorter = self.clone();
        for below in Rank::ALL.iter().skip(rank as usize + 1) {
            shorter.names[*below as usize] = None;
        }
        shorter
    }
}

impl fmt::Display for Lineage {
    /// Writes MetaPhlAn's form: `k__…|p__…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for rank in Rank::ALL {
            if let Some(name) = self.name(rank) {
                if !first {
                    f.write_str("|")?;
                }
                first = false;
                write!(f, "{}__{name}", rank.letter())?;
            }
        }
        Ok(())
    }
}

fn clean(part: &str) -> &str {
    part.trim().trim_matches('"').trim()
}

/// Splits `s__Name` (or SILVA's `D_6__Name`) into rank and name.
fn split_prefix(part: &str) -> Option<(Rank, &str)> {
    let (prefix, name) = part.split_once("__")?;
    if let Some(level) = prefix.strip_prefix("D_") {
        let level: usize = level.parse().ok()?;
        return Rank::ALL.get(level).map(|&rank| (rank, name));
    }
    let mut letters = prefix.chars();
    let rank = Rank::from_letter(letters.next()?)?;
    letters.next().is_none().then_some((rank, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metaphlan_label_gives_every_rank() {
        let lineage =
            Lineage::parse("k__Bacteria|p__Firmicutes|g__Blautia|s__Blautia_obeum|t__SGB1");
        assert_eq!(lineage.name(Rank::Kingdom), Some("Bacteria"));
        assert_eq!(lineage.name(Rank::Class), None);
        assert_eq!(lineage.deepest(), Some((Rank::Strain, "SGB1")));
        assert_eq!(
            lineage.up_to(Rank::Genus).deepest(),
            Some((Rank::Genus, "Blautia"))
        );
    }

    #[test]
    fn gtdb_and_silva_labels_are_read() {
        let gtdb = Lineage::parse("d__Bacteria;p__Bacillota_A;s__Blautia_A wexlerae");
        assert_eq!(gtdb.name(Rank::Species), Some("Blautia_A wexlerae"));
        let silva = Lineage::parse("D_0__Bacteria;D_1__Firmicutes;D_5__Blautia");
        assert_eq!(silva.name(Rank::Genus), Some("Blautia"));
        let bare = Lineage::parse("Bacteria;Firmicutes;Clostridia");
        assert_eq!(bare.name(Rank::Class), Some("Clostridia"));
    }

    #[test]
    fn empty_tails_and_bare_names_give_no_name() {
        let lineage = Lineage::parse("k__Bacteria;p__Firmicutes;c__;g__");
        assert_eq!(lineage.deepest(), Some((Rank::Phylum, "Firmicutes")));
        assert!(Lineage::parse("Otu000001").is_empty());
    }
}
