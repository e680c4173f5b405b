//! Taxonomy ids of NCBI and what they stand for, as far as the catalog goes.

use std::collections::HashMap;
use std::io::Read;
use std::sync::OnceLock;

use super::Rank;

static ASSET: &[u8] = include_bytes!("../../assets/ncbi-1.tsv.gz");

/// What an id stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) rank: Rank,
    pub(super) name: &'static str,
}

/// The organism or clade of an id, where the compiled table has it.
pub(super) fn named(id: &str) -> Option<Named> {
    let id: u32 = id.trim().parse().ok()?;
    table().get(&id).copied()
}

fn table() -> &'static HashMap<u32, Named> {
    static TEXT: OnceLock<String> = OnceLock::new();
    static TABLE: OnceLock<HashMap<u32, Named>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let text = TEXT.get_or_init(|| {
            let mut text = String::new();
            let read = flate2::read::GzDecoder::new(ASSET).read_to_string(&mut text);
            debug_assert!(read.is_ok(), "the compiled-in asset is a gzip file");
            text
        });
        text.lines().filter_map(row).collect()
    })
}

fn row(line: &'static str) -> Option<(u32, Named)> {
    let mut fields = line.split('\t');
    let id = fields.next()?.parse().ok()?;
    let rank = rank_of(fields.next()?)?;
    let name = fields.next()?;
    Some((id, Named { rank, name }))
}

/// NCBI's word for a rank, as profilers write it; ranks between ours, and none, give `None`.
pub(super) fn rank_of(word: &str) -> Option<Rank> {
    match word.trim().to_ascii_lowercase().as_str() {
        "superkingdom" | "domain" | "kingdom" | "acellular root" | "realm" => Some(Rank::Kingdom),
        "phylum" => Some(Rank::Phylum),
        "class" => Some(Rank::Class),
        "order" => Some(Rank::Order),
        "family" => Some(Rank::Family),
        "genus" => Some(Rank::Genus),
        "species" => Some(Rank::Species),
        "subspecies" | "strain" | "isolate" | "biotype" | "serotype" | "serogroup"
        | "forma specialis" | "varietas" | "leaf" | "genome" => Some(Rank::Strain),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_gut_are_known() {
        // NCBI Taxonomy, 2024-09
        for (id, name) in [
            ("821", "Phocaeicola vulgatus"),
            ("40520", "Blautia obeum"),
            ("239935", "Akkermansia muciniphila"),
            ("9606", "Homo sapiens"),
        ] {
            let found = named(id);
            assert_eq!(found.map(|named| named.name), Some(name));
            assert_eq!(found.map(|named| named.rank), Some(Rank::Species));
        }
        assert_eq!(named("0"), None);
        assert_eq!(named("x"), None);
    }
}
