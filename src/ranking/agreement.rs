//! Whether the order of donors depends on the recipient at all.

use std::collections::HashMap;

use crate::profile::SampleId;

/// Mean Kendall τ between the donor orders of any two recipients, over the donors they share.
///
/// 1 means that everyone gets the same order: the model ranks donors, not pairs, as any model that
/// adds up donor and recipient terms must. About 0 means that orders are unrelated, −1 that they
/// are reversed. `None` where no two recipients share two donors. Each order is a list of distinct
/// donors, best first; a pair of recipients with fewer than two shared donors is left out.
///
/// τ = 1 − 4·inversions / (n·(n − 1)) for the n shared donors (Kendall 1938; orders have no ties).
///
/// # Examples
/// ```
/// use donormatch::profile::SampleId;
/// use donormatch::ranking::donor_order_agreement;
///
/// let order = |ids: [&str; 3]| ids.map(SampleId::from).to_vec();
/// let same = [order(["d1", "d2", "d3"]), order(["d1", "d2", "d3"])];
/// assert_eq!(donor_order_agreement(&same), Some(1.0));
/// let reversed = [order(["d1", "d2", "d3"]), order(["d3", "d2", "d1"])];
/// assert_eq!(donor_order_agreement(&reversed), Some(-1.0));
/// ```
pub fn donor_order_agreement(orders: &[Vec<SampleId>]) -> Option<f64> {
    let places: Vec<HashMap<&SampleId, usize>> = orders
        .iter()
        .map(|order| order.iter().zip(0..).collect())
        .collect();
    let mut sum = 0.0;
    let mut n_pairs = 0_usize;
    for (first, order) in orders.iter().enumerate() {
        for other in &places[first + 1..] {
            let mut shared: Vec<usize> = order
                .iter()
                .filter_map(|donor| other.get(donor).copied())
                .collect();
            let n = shared.len();
            if n < 2 {
                continue;
            }
            let inversions = sort_and_count(&mut shared) as f64;
            sum += 1.0 - 4.0 * inversions / (n * (n - 1)) as f64;
            n_pairs += 1;
        }
    }
    (n_pairs > 0).then(|| sum / n_pairs as f64)
}

/// Sorts by merging and counts the inversions there were, `O(n log n)`.
fn sort_and_count(values: &mut [usize]) -> usize {
    if values.len() < 2 {
        return 0;
    }
    let (left, right) = values.split_at_mut(values.len() / 2);
    let mut inversions = sort_and_count(left) + sort_and_count(right);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut l, mut r) = (0, 0);
    while l < left.len() && r < right.len() {
        if left[l] <= right[r] {
            merged.push(left[l]);
            l += 1;
        } else {
            inversions += left.len() - l;
            merged.push(right[r]);
            r += 1;
        }
    }
    merged.extend_from_slice(&left[l..]);
    merged.extend_from_slice(&right[r..]);
    values.copy_from_slice(&merged);
    inversions
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    fn orders(texts: &[&str]) -> Vec<Vec<SampleId>> {
        texts
            .iter()
            .map(|text| text.split(' ').map(SampleId::from).collect())
            .collect()
    }

    #[test]
    fn agreement_equals_scipy() {
        // scipy.stats.kendalltau([1,2,3,4,5], [3,1,2,5,4]) = 0.4: a b c d e against b c a e d.
        let tau = donor_order_agreement(&orders(&["a b c d e", "b c a e d"])).unwrap();
        assert_abs_diff_eq!(tau, 0.4, epsilon = 1e-12);
    }

    #[test]
    fn only_shared_donors_count_and_too_few_give_none() {
        let tau = donor_order_agreement(&orders(&["a x b c", "c b y a", "z"])).unwrap();
        assert_abs_diff_eq!(tau, -1.0, epsilon = 1e-12);
        assert_eq!(donor_order_agreement(&orders(&["a b", "c d"])), None);
        assert_eq!(donor_order_agreement(&orders(&["a b"])), None);
        assert_eq!(donor_order_agreement(&[]), None);
    }
}
