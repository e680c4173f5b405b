//! Taxa as profilers name them beside their ids: rank, name and lineage in columns of their own.

use super::entries::Reported;
use super::orientation::is_binomial;
use crate::profile::{Lineage, Rank, Taxon, ncbi};

/// What a profiler says of a taxon; blank where it says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) rank: &'a str,
    /// Names from the root, divided by `;` or `|`.
    pub(super) lineage: &'a str,
    /// The ranks of these names, divided alike.
    pub(super) ranks: &'a str,
}

/// Whether the id is one that stands for no taxon.
pub(super) fn is_no_id(id: &str) -> bool {
    matches!(id.trim(), "" | "0" | "NA" | "-1" | "nan" | "None")
}

impl Said<'_> {
    /// The taxon; a name that is not given is looked up by the id.
    pub(super) fn reported(&self) -> Reported {
        let id = self.id.trim();
        let known = ncbi::named(id);
        let name = match (self.name.trim(), known) {
            ("", Some(known)) => known.name.to_owned(),
            ("", None) => format!("NCBI:txid{id}"),
            (name, _) => name.to_owned(),
        };
        let rank = self.rank_of(&name, known.map(|known| known.rank));
        let mut lineage = lineage_of(self.lineage, self.ranks);
        if let Some(rank) = rank {
            lineage.set(rank, &name);
        }
        if rank.is_some_and(|rank| rank >= Rank::Species) {
            complete(&mut lineage, &name);
        }
        Reported {
            taxon: Taxon::with_lineage(name, lineage),
            rank,
        }
    }

    /// Whether nothing but the id is known of the taxon.
    pub(super) fn is_nameless(&self) -> bool {
        self.name.trim().is_empty() && ncbi::named(self.id).is_none()
    }

    /// The rank that is stated, or that the id has, or that the form of the name tells: no clade
    /// above the species has a name of two words.
    fn rank_of(&self, name: &str, known: Option<Rank>) -> Option<Rank> {
        let stated = self.rank.trim();
        if let Some(rank) = ncbi::rank_of(stated) {
            return Some(rank);
        }
        let n_words = name.split([' ', '_']).count();
        if !stated.is_empty() && !stated.eq_ignore_ascii_case("no rank") {
            // Groups, sections and tribes lie between ranks of ours.
            return None;
        }
        if known.is_some() {
            return known;
        }
        if stated.is_empty() {
            let is_below = n_words > 1 || name.starts_with("NCBI:txid");
            return is_below.then_some(Rank::Species);
        }
        (is_binomial(name) && n_words > 2).then_some(Rank::Strain)
    }
}

/// Names the taxa of a table whose labels are ids of NCBI, at least half of them known; gives the
/// number of ids that are not.
pub(super) fn name_ids(taxa: &mut [Taxon]) -> Option<usize> {
    let is_id = |taxon: &Taxon| {
        taxon.lineage().is_empty() && taxon.label().bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_known = |taxon: &&Taxon| ncbi::named(taxon.label()).is_some();
    let n_known = taxa.iter().filter(is_known).count();
    if n_known == 0 || n_known * 2 < taxa.len() || !taxa.iter().all(is_id) {
        return None;
    }
    for taxon in taxa.iter_mut() {
        let said = Said {
            id: taxon.label(),
            ..Said::default()
        };
        *taxon = if is_no_id(taxon.label()) {
            Taxon::new("unclassified")
        } else {
            said.reported().taxon
        };
    }
    Some(taxa.len() - n_known)
}

/// The path in a column: by the ranks beside it, by the endings that the codes of nomenclature give
/// to families and orders, or by position.
fn lineage_of(names: &str, ranks: &str) -> Lineage {
    let names: Vec<&str> = names.split([';', '|']).map(str::trim).collect();
    let ranks: Vec<&str> = ranks.split([';', '|']).map(str::trim).collect();
    let mut lineage = Lineage::default();
    for (at, &name) in names.iter().enumerate() {
        let stated = (ranks.len() == names.len())
            .then(|| ranks.get(at).copied().and_then(ncbi::rank_of))
            .flatten();
        let rank = stated.or_else(|| rank_by_ending(name));
        if let Some(rank) = rank.filter(|&rank| lineage.name(rank).is_none()) {
            lineage.set(rank, name);
        }
    }
    lineage
}

fn rank_by_ending(name: &str) -> Option<Rank> {
    const DOMAINS: [&str; 4] = ["Bacteria", "Archaea", "Eukaryota", "Viruses"];
    if DOMAINS.contains(&name) {
        return Some(Rank::Kingdom);
    }
    if name.contains(' ') {
        return None;
    }
    let endings = [
        ("aceae", Rank::Family),
        ("viridae", Rank::Family),
        ("ales", Rank::Order),
        ("virales", Rank::Order),
    ];
    endings
        .iter()
        .find(|(ending, _)| name.ends_with(ending))
        .map(|&(_, rank)| rank)
}

/// Fills in the genus and the species that a name of two words or more holds.
fn complete(lineage: &mut Lineage, name: &str) {
    if !is_binomial(name) {
        return;
    }
    let mut words = name.split([' ', '_']);
    let (Some(genus), Some(epithet)) = (words.next(), words.next()) else {
        return;
    };
    let genus = genus.trim_matches(['[', ']']);
    if lineage.name(Rank::Species).is_none() {
        lineage.set(Rank::Species, &format!("{genus} {epithet}"));
    }
    if lineage.name(Rank::Genus).is_none() {
        lineage.set(Rank::Genus, genus);
    }
}
