//! Digests of what was read, so that a result can say what it was made of.

use sha2::{Digest as _, Sha256};

/// SHA-256 over pieces that are added one after another.
#[derive(Debug, Clone, Default)]
pub(crate) struct Digest(Sha256);

impl Digest {
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest in hexadecimal.
    pub fn finish(self) -> String {
        let digits = |byte: &u8| {
            [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0'))
        };
        self.0.finalize().iter().flat_map(digits).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_abc_is_that_of_fips_180() {
        let mut digest = Digest::default();
        digest.add(b"a");
        digest.add(b"bc");
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.finish(), expected);
    }
}
