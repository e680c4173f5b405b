//! Reads of the host, which are no taxon of the gut.

use crate::profile::{CsrMatrix, Rank, Taxon};

/// What a table of taxa × samples holds of the host.
pub(super) struct Host {
    /// What each sample holds of it.
    pub(super) sums: Vec<f64>,
    /// The rows of all other taxa.
    pub(super) others: Vec<usize>,
    /// Its share of the samples, in words.
    pub(super) share: String,
}

/// The host's rows, if there are any.
pub(super) fn find(taxa: &[Taxon], by_taxon: &CsrMatrix) -> Option<Host> {
    let rows = taxa.iter().enumerate();
    let (hosts, others): (Vec<_>, Vec<_>) = rows.partition(|(_, taxon)| is_host(taxon));
    if hosts.is_empty() {
        return None;
    }
    let sum_of = |rows: &[(usize, &Taxon)]| {
        let mut sums = vec![0.0; by_taxon.n_cols()];
        for &(row, _) in rows {
            let (samples, values) = by_taxon.row(row);
            for (&sample, &value) in samples.iter().zip(values) {
                if let Some(sum) = sums.get_mut(sample as usize) {
                    *sum += value;
                }
            }
        }
        sums
    };
    let sums = sum_of(&hosts);
    let share = range(&sums, &sum_of(&others));
    Some(Host {
        sums,
        others: others.into_iter().map(|(row, _)| row).collect(),
        share,
    })
}

/// Whether a column is the host's: *Homo sapiens*, or its genus in a table of genera.
fn is_host(taxon: &Taxon) -> bool {
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
fn range(host: &[f64], sums: &[f64]) -> String {
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
