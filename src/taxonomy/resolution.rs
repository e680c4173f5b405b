//! Where a name belongs, before anybody decides what to do with it.

use super::How;
use super::catalog::catalog;
use super::clade::{Clade, clade_of};
use super::spelling::without_prefix;
use crate::profile::{Lineage, Rank};

/// Where a taxon could go; which of these is taken is the caller's policy.
#[derive(Debug, Clone, Default)]
pub(super) struct Resolution {
    /// The species of the vocabulary, by its place in the catalog.
    pub listed: Option<usize>,
    /// The name it would keep if kept; none where the source gave no name of its own.
    pub own: Option<String>,
    /// The smallest named clade around it.
    pub clade: Option<Clade>,
    pub how: How,
    /// What else the name may mean.
    pub candidates: Vec<String>,
}

impl Resolution {
    pub(super) fn listed(at: usize, how: How) -> Self {
        Self {
            listed: Some(at),
            how,
            ..Self::default()
        }
    }

    pub(super) fn unlisted(own: String) -> Self {
        Self {
            own: Some(own),
            how: How::Kept,
            ..Self::default()
        }
    }

    pub(super) fn nameless(clade: Option<Clade>, how: How) -> Self {
        Self {
            clade,
            how,
            ..Self::default()
        }
    }
}

/// Which of two meanings comes first where NCBI and GTDB use one name for two organisms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Ncbi,
    Gtdb,
}

/// The clade that a single word names, by what the catalog knows and by its ending.
pub(super) fn clade_named(word: &str) -> Option<Clade> {
    let rank = match word.split_once("__") {
        Some((letter, _)) if letter.len() == 1 => {
            letter.chars().next().and_then(Rank::from_letter)?
        }
        _ if word.ends_with("aceae") => Rank::Family,
        _ if word.ends_with("ales") => Rank::Order,
        _ if catalog().genus(word).is_some()
            || catalog().rank_name(Rank::Genus, word).is_some() =>
        {
            Rank::Genus
        }
        _ => Rank::ALL
            .into_iter()
            .find(|&rank| catalog().rank_name(rank, word).is_some())?,
    };
    let mut lineage = Lineage::default();
    lineage.set(rank, without_prefix(word));
    clade_of(&lineage, Rank::Genus)
}
