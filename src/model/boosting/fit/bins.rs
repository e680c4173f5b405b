//! Where the cuts of a column fall.

use std::ops::Range;

/// Joins neighboring values, given as weight and copies, until each bin holds `min_rows` and there
/// are at most `max_bins`; gives the first and last value of each bin.
///
/// The heaviest value, mostly zero, keeps a bin of its own; a side of it with fewer than
/// `min_rows` is one bin.
pub(super) fn merge(sizes: &[(f64, u32)], max_bins: usize, min_rows: u32) -> Vec<(usize, usize)> {
    let heaviest = (0..sizes.len())
        .max_by(|&a, &b| sizes[a].0.total_cmp(&sizes[b].0).then(b.cmp(&a)))
        .filter(|&i| sizes[i].1 >= min_rows && max_bins > 3);
    let bins = match heaviest {
        None => join_small(sizes, 0..sizes.len(), min_rows),
        Some(i) => {
            let mut bins = join_small(sizes, 0..i, min_rows);
            bins.push((i, i));
            bins.extend(join_small(sizes, i + 1..sizes.len(), min_rows));
            bins
        }
    };
    if bins.len() <= max_bins {
        bins
    } else {
        share_out(sizes, &bins, max_bins, heaviest)
    }
}

/// Joins neighbors in `range` until each bin holds `min_rows`; what is left over joins the last.
fn join_small(sizes: &[(f64, u32)], range: Range<usize>, min_rows: u32) -> Vec<(usize, usize)> {
    let mut bins = Vec::with_capacity(range.len());
    let (mut first, mut n_rows) = (range.start, 0);
    for i in range.clone() {
        n_rows += sizes[i].1;
        if n_rows >= min_rows {
            bins.push((first, i));
            (first, n_rows) = (i + 1, 0);
        }
    }
    if n_rows > 0 {
        match bins.last_mut() {
            Some(last) => last.1 = range.end - 1,
            None => bins.push((first, range.end - 1)),
        }
    }
    bins
}

/// Joins neighboring bins into at most `max_bins` of about equal weight.
fn share_out(
    sizes: &[(f64, u32)],
    bins: &[(usize, usize)],
    max_bins: usize,
    heaviest: Option<usize>,
) -> Vec<(usize, usize)> {
    let weight_of =
        |&(first, last): &(usize, usize)| sizes[first..=last].iter().map(|&(w, _)| w).sum::<f64>();
    let total: f64 = bins.iter().map(weight_of).sum();
    // The heaviest value takes one bin and may part another.
    let n_shared = if heaviest.is_some() {
        max_bins - 2
    } else {
        max_bins
    };
    let rest = (total - heaviest.map_or(0.0, |i| sizes[i].0)).max(f64::MIN_POSITIVE);
    let mut shared: Vec<(usize, usize)> = Vec::with_capacity(max_bins);
    let mut weight_below = 0.0;
    let mut open = None; // share of the weight that is being filled
    for bin in bins {
        if Some(bin.0) == heaviest {
            shared.push(*bin);
            open = None;
            continue;
        }
        let weight = weight_of(bin);
        let middle = (weight_below + weight / 2.0) / rest;
        weight_below += weight;
        let share = ((middle * n_shared as f64) as usize).min(n_shared - 1);
        match shared.last_mut() {
            Some(last) if open == Some(share) => last.1 = bin.1,
            _ => shared.push(*bin),
        }
        open = Some(share);
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_enough_rows_on_either_side_of_the_heaviest_value() {
        let sizes = [
            (1.0, 1),
            (1.0, 1),
            (1.0, 1),
            (9.0, 9),
            (1.0, 1),
            (1.0, 1),
            (1.0, 1),
        ];
        assert_eq!(merge(&sizes, 255, 2), [(0, 2), (3, 3), (4, 6)]);
        assert_eq!(merge(&sizes, 255, 4), [(0, 2), (3, 3), (4, 6)]);
        assert_eq!(merge(&sizes, 255, 1).len(), 7);
    }

    #[test]
    fn there_are_never_more_bins_than_allowed() {
        let sizes: Vec<(f64, u32)> = (0..500)
            .map(|i| (f64::from(i % 7 + 1), i % 7 + 1))
            .collect();
        for max_bins in 2..40 {
            let bins = merge(&sizes, max_bins, 1);
            assert!(
                bins.len() <= max_bins && bins.len() >= 2,
                "{max_bins}: {}",
                bins.len()
            );
            assert!(bins.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0));
        }
    }
}
