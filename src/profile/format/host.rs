//! Reads of the host, which are no taxon of the gut.

use crate::profile::{Rank, Taxon};

/// Whether a column is the host's: *Homo sapiens*, or its genus in a table of genera.
pub(super) fn is_host(taxon: &Taxon) -> bool {
    let is_species = |name: &str| {
        let mut words = name.split([' ', '_', '.']);
        let is_word = |word: Option<&str>, known: &str| {
            word.is_some_and(|word| word.eq_ignore_ascii_case(known))
        };
        is_word(words.next(), "homo") && is_word(words.next(), "sapiens")
    };
    let lineage = taxon.lineage();
    match lineage.name(Rank::Species) {
        Some(name) => is_species(name),
        None => match lineage.deepest() {
            Some((Rank::Genus, name)) => name == "Homo",
            Some(_) => false,
            None => is_species(taxon.label()) || taxon.label() == "NCBI:txid9606",
        },
    }
}

/// The share of the host in each sample, for a note.
pub(super) fn range(host: &[f64], sums: &[f64]) -> String {
    let shares = host.iter().zip(sums).map(|(host, sum)| {
        let whole = host + sum;
        if whole > 0.0 {
            100.0 * host / whole
        } else {
            0.0
        }
    });
    let shares: Vec<f64> = shares.collect();
    let lowest = shares.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = shares.iter().copied().fold(0.0, f64::max);
    if shares.len() < 2 {
        format!("{highest:.2} % of the sample")
    } else {
        format!("{lowest:.2} to {highest:.2} % of the samples")
    }
}
