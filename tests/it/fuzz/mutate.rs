//! Changes to a file, from a counter.

/// A small generator of numbers (`SplitMix64`), so that a run is the same everywhere.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }
}

/// What upsets a reader of text.
const TOKENS: [&[u8]; 24] = [
    b"\t",
    b"\n",
    b"\r",
    b"#",
    b"|",
    b";",
    b",",
    b"\"",
    b"'",
    b"(",
    b")",
    b"[",
    b"{",
    b"-1",
    b"1e400",
    b"NaN",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"0",
    b"18446744073709551616",
    b"k__",
    b"t__",
    b"UNKNOWN",
];

/// A seed with one to six changes: bits, bytes, tokens, cuts, repeats, wild lengths, and stretches
/// of another seed.
pub(super) fn mutate(seed: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=numbers.below(6) {
        let at = numbers.below(bytes.len() + 1);
        match numbers.below(8) {
            0 if !bytes.is_empty() => {
                let at = at.min(bytes.len() - 1);
                bytes[at] ^= 1 << numbers.below(8);
            }
            1 if !bytes.is_empty() => {
                let at = at.min(bytes.len() - 1);
                bytes[at] = numbers.next().to_le_bytes()[0];
            }
            2 => drop(bytes.splice(at..at, TOKENS[numbers.below(TOKENS.len())].iter().copied())),
            3 => {
                let end = (at + numbers.below(40)).min(bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let end = (at + numbers.below(200)).min(bytes.len());
                let copied = bytes[at..end].to_vec();
                bytes.splice(at..at, copied);
            }
            5 => bytes.truncate(at),
            6 if bytes.len() >= 8 => {
                // A number of a container, made wild.
                let at = at.min(bytes.len() - 8);
                let wild = [0, 1, 255, u64::MAX, 1 << 60, 1 << 31, 65_536][numbers.below(7)];
                let width = [1, 2, 4, 8][numbers.below(4)];
                bytes[at..at + width].copy_from_slice(&wild.to_le_bytes()[..width]);
            }
            _ => {
                let from = numbers.below(other.len() + 1);
                let end = (from + numbers.below(100)).min(other.len());
                bytes.splice(at..at, other[from..end].iter().copied());
            }
        }
    }
    bytes
}
