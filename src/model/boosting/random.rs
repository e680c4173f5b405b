//! Draws by counter: a number depends on the seed, the round and the item, never on what was
//! drawn before, so threads cannot change it.

/// A well-mixed 64-bit number of `(seed, stream, item)` (finalizer of `SplitMix64`).
pub(super) fn draw(seed: u64, stream: u64, item: u64) -> u64 {
    mix(mix(mix(seed ^ 0x9E37_79B9_7F4A_7C15).wrapping_add(stream)).wrapping_add(item))
}

fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
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
