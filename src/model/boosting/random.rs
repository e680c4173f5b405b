//! Draws by counter: a number depends on the seed, the round and the item, never on what was
//! drawn before, so threads cannot change it.
//!
//! [`draw`] hashes three numbers where [`crate::numeric::random::derive`] hashes two; the trees of
//! the shipped model were drawn with it.

use crate::numeric::random::{GOLDEN, mix};

/// What is drawn: each has a stream of its own.
pub(super) const ROWS: u64 = 1;
pub(super) const TREE_FEATURES: u64 = 2;
pub(super) const HELD_OUT: u64 = 3;
pub(super) const NODE_FEATURES: u64 = 4;
pub(super) const THRESHOLDS: u64 = 5;

/// A well-mixed 64-bit number of `(seed, stream, item)`.
pub(super) fn draw(seed: u64, stream: u64, item: u64) -> u64 {
    let step = |x: u64| mix(x.wrapping_add(GOLDEN));
    step(step(step(seed ^ GOLDEN).wrapping_add(stream)).wrapping_add(item))
}

/// Marks `fraction` of the items (at least one): those with the smallest draws.
///
/// `id(i)` is what item `i` is known by whatever the subset, so that the same seed treats the
/// same row the same way.
pub(super) fn sample(
    n: usize,
    fraction: f64,
    seed: u64,
    stream: u64,
    id: impl Fn(usize) -> u64,
) -> Vec<bool> {
    let n_kept = ((n as f64 * fraction).round() as usize).clamp(1, n);
    let mut kept = vec![n_kept == n; n];
    if n_kept < n {
        let mut order: Vec<(u64, u32)> = (0..n)
            .map(|i| (draw(seed, stream, id(i)), i as u32))
            .collect();
        order.select_nth_unstable(n_kept - 1);
        for &(_, i) in &order[..n_kept] {
            kept[i as usize] = true;
        }
    }
    kept
}

/// The items in a random order.
pub(super) fn shuffled(n: usize, seed: u64, stream: u64) -> Vec<u32> {
    let mut order: Vec<(u64, u32)> = (0..n)
        .map(|i| (draw(seed, stream, i as u64), i as u32))
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, i)| i).collect()
}
