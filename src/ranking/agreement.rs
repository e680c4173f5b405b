//! Whether the order of donors depends on the recipient at all.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::cancel;
use crate::profile::SubjectId;

/// The place of a donor that an order lacks.
const ABSENT: u32 = u32::MAX;

/// Mean Kendall τ between the donor orders of any two recipients, over the donors they share.
///
/// 1 means that everyone gets the same order: the model ranks donors, not pairs, as any model that
/// adds up donor and recipient terms must. About 0 means that orders are unrelated, −1 that they
/// are reversed. `None` where no two recipients share two donors. Each order is a list of distinct
/// donors, best first; a pair of recipients with fewer than two shared donors is left out.
///
/// τ = 1 − 4·inversions / (n·(n − 1)) for the n shared donors (Kendall 1938; orders have no ties).
/// Where all R recipients have the same D donors, and D is no more than R, pairs of donors are
/// counted instead of pairs of recipients, in time R·D².
///
/// # Examples
/// ```
/// use donormatch::profile::SubjectId;
/// use donormatch::ranking::donor_order_agreement;
///
/// let order = |ids: [&str; 3]| ids.map(SubjectId::from).to_vec();
/// let same = [order(["d1", "d2", "d3"]), order(["d1", "d2", "d3"])];
/// assert_eq!(donor_order_agreement(&same), Some(1.0));
/// let reversed = [order(["d1", "d2", "d3"]), order(["d3", "d2", "d1"])];
/// assert_eq!(donor_order_agreement(&reversed), Some(-1.0));
/// ```
pub fn donor_order_agreement(orders: &[Vec<SubjectId>]) -> Option<f64> {
    let mut numbered = DonorOrders::default();
    for order in orders {
        numbered.push(order.iter().map(SubjectId::as_str));
    }
    numbered.agreement()
}

/// Kendall τ of an order, given as the place of each donor in another one; `None` below two donors.
pub(super) fn tau_of_places(mut places: Vec<u32>) -> Option<f64> {
    let n = places.len();
    (n >= 2).then(|| 1.0 - 4.0 * sort_and_count(&mut places) as f64 / (n * (n - 1)) as f64)
}

/// Orders of donors, each donor by a number: four bytes a place, where its id takes forty.
#[derive(Debug, Clone, Default)]
pub struct DonorOrders {
    numbers: HashMap<String, u32>,
    orders: Vec<Vec<u32>>,
}

impl DonorOrders {
    /// One more order of distinct donors, best first.
    pub fn push<'a>(&mut self, donors: impl Iterator<Item = &'a str>) {
        let mut order = Vec::with_capacity(self.orders.last().map_or(0, Vec::len));
        for donor in donors {
            let number = self.numbers.get(donor).copied().unwrap_or_else(|| {
                let next = self.numbers.len() as u32;
                self.numbers.insert(donor.to_owned(), next);
                next
            });
            order.push(number);
        }
        self.orders.push(order);
    }

    /// None yet, of donors whose numbers are their places here.
    pub(super) fn numbered(donors: &[SubjectId]) -> Self {
        let names = donors.iter().map(|donor| donor.as_str().to_owned());
        Self {
            numbers: names.zip(0..).collect(),
            orders: Vec::new(),
        }
    }

    /// The orders, each donor by its number.
    pub(super) fn into_places(self) -> Vec<Vec<u32>> {
        self.orders
    }

    /// Forgets all orders but the first ones.
    pub fn truncate(&mut self, n_orders: usize) {
        self.orders.truncate(n_orders);
    }

    /// See [`donor_order_agreement`].
    pub fn agreement(&self) -> Option<f64> {
        let n_donors = self.numbers.len();
        let same_donors = self.orders.iter().all(|order| order.len() == n_donors);
        if same_donors && n_donors <= self.orders.len() {
            by_donors(&self.places_of_each(), self.orders.len())
        } else {
            self.by_recipients()
        }
    }

    /// Of each donor its place in every order; the orders are of the same donors.
    fn places_of_each(&self) -> Vec<Vec<u32>> {
        let mut places = vec![vec![0; self.orders.len()]; self.numbers.len()];
        for (recipient, order) in self.orders.iter().enumerate() {
            for (&donor, place) in order.iter().zip(0..) {
                places[donor as usize][recipient] = place;
            }
        }
        places
    }

    fn by_recipients(&self) -> Option<f64> {
        let with_later = |first: usize| {
            let mut places = vec![ABSENT; self.numbers.len()];
            for (&donor, place) in self.orders[first].iter().zip(0..) {
                places[donor as usize] = place;
            }
            let (mut sum, mut n_pairs) = (0.0, 0_usize);
            let mut shared = Vec::new();
            for other in &self.orders[first + 1..] {
                if cancel::is_cancelled() {
                    break;
                }
                shared.clear();
                let of_first = other.iter().map(|&donor| places[donor as usize]);
                shared.extend(of_first.filter(|&place| place != ABSENT));
                let n = shared.len();
                if n >= 2 {
                    let inversions = sort_and_count(&mut shared) as f64;
                    sum += 1.0 - 4.0 * inversions / (n * (n - 1)) as f64;
                    n_pairs += 1;
                }
            }
            (sum, n_pairs)
        };
        // Summed in the order of the recipients, whatever the threads.
        let all = 0..self.orders.len();
        let sums: Vec<(f64, usize)> = all.into_par_iter().map(with_later).collect();
        let (sum, n_pairs) = sums
            .into_iter()
            .fold((0.0, 0), |(sum, n), (its, its_n)| (sum + its, n + its_n));
        (n_pairs > 0).then(|| sum / n_pairs as f64)
    }
}

/// Of two donors, k of R recipients prefer one: then (s² − R)/2 with s = 2·k − R is how many more
/// pairs of recipients agree on the two than disagree.
fn by_donors(places: &[Vec<u32>], n_recipients: usize) -> Option<f64> {
    if n_recipients < 2 || places.len() < 2 {
        return None;
    }
    let squares = |(first, one): (usize, &Vec<u32>)| -> u128 {
        if cancel::is_cancelled() {
            return 0;
        }
        let of_pair = |other: &Vec<u32>| {
            let ahead = one.iter().zip(other).filter(|(one, other)| one < other);
            let s = (2 * ahead.count()).abs_diff(n_recipients) as u128;
            s * s
        };
        places[first + 1..].iter().map(of_pair).sum()
    };
    let sum: u128 = places.par_iter().enumerate().map(squares).sum();
    let pairs_of = |n: usize| (n * (n - 1) / 2) as f64;
    let mean_square = sum as f64 / pairs_of(places.len());
    Some((mean_square - n_recipients as f64) / 2.0 / pairs_of(n_recipients))
}

/// Sorts by merging and counts the inversions there were, `O(n log n)`.
fn sort_and_count(values: &mut [u32]) -> usize {
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

    fn orders(texts: &[&str]) -> Vec<Vec<SubjectId>> {
        texts
            .iter()
            .map(|text| text.split(' ').map(SubjectId::from).collect())
            .collect()
    }

    #[test]
    fn agreement_equals_scipy() {
        // scipy.stats.kendalltau([1,2,3,4,5], [3,1,2,5,4]) = 0.4: a b c d e against b c a e d.
        let tau = donor_order_agreement(&orders(&["a b c d e", "b c a e d"])).unwrap();
        assert_abs_diff_eq!(tau, 0.4, epsilon = 1e-12);
    }

    #[test]
    fn pairs_of_donors_and_of_recipients_agree() {
        let texts = ["a b c d", "d c b a", "b a c d", "c a d b", "a c b d"];
        let orders = orders(&texts);
        let mut numbered = DonorOrders::default();
        for order in &orders {
            numbered.push(order.iter().map(SubjectId::as_str));
        }
        let one = by_donors(&numbered.places_of_each(), orders.len()).unwrap();
        assert_abs_diff_eq!(one, numbered.by_recipients().unwrap(), epsilon = 1e-12);
        assert_abs_diff_eq!(one, donor_order_agreement(&orders).unwrap());
        assert!(one.abs() < 0.5);
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
