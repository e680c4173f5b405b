//! Lineages that went through R's `check.names`, which writes a point for every character that it
//! does not allow in a name: `k__Bacteria|p__Bacillota` becomes `k__Bacteria.p__Bacillota`.

use std::borrow::Cow;

use super::orientation::has_rank;
use crate::profile::{Rank, Taxon};

/// Puts the bars back where most labels are such lineages; gives the number of labels changed.
pub(super) fn undo(taxa: &mut [Taxon]) -> usize {
    let is_whole = |taxon: &Taxon| taxon.label().contains(['|', ';']);
    let n_dotted = taxa.iter().filter(|taxon| is_dotted(taxon.label())).count();
    if n_dotted == 0 || n_dotted * 2 < taxa.len() || taxa.iter().any(is_whole) {
        return 0;
    }
    for taxon in taxa.iter_mut() {
        if let Cow::Owned(label) = barred(taxon.label()) {
            *taxon = Taxon::new(label);
        }
    }
    n_dotted
}

fn is_dotted(label: &str) -> bool {
    has_rank(label) && matches!(barred(label), Cow::Owned(_))
}

/// The label with a bar for the points before each rank.
fn barred(label: &str) -> Cow<'_, str> {
    let bytes = label.as_bytes();
    let is_rank = |at: usize| {
        let letter = bytes.get(at).copied().map(char::from);
        letter.and_then(Rank::from_letter).is_some() && bytes.get(at + 1..at + 3) == Some(b"__")
    };
    let starts: Vec<usize> = (1..bytes.len())
        .filter(|&at| bytes.get(at - 1) == Some(&b'.') && is_rank(at))
        .collect();
    if starts.is_empty() {
        return Cow::Borrowed(label);
    }
    let mut parts = Vec::with_capacity(starts.len() + 1);
    let mut from = 0;
    for end in starts.into_iter().chain([bytes.len()]) {
        let part = label.get(from..end).unwrap_or_default();
        parts.push(if end < bytes.len() {
            part.trim_end_matches('.')
        } else {
            part
        });
        from = end;
    }
    Cow::Owned(parts.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_before_ranks_become_bars() {
        assert_eq!(
            barred("k__Bacteria.p__Bacillota..s__.Clostridium..innocuum"),
            "k__Bacteria|p__Bacillota|s__.Clostridium..innocuum"
        );
        assert_eq!(barred("s__Blautia.obeum"), "s__Blautia.obeum");
        let mut taxa = vec![Taxon::new("k__A|p__B.s__C")];
        assert_eq!(undo(&mut taxa), 0);
    }
}
