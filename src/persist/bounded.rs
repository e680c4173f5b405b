//! Decoding that a hostile length cannot abuse: what is allocated is bounded by what is there.

use std::io::{Read, Write};

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// Bytes that one byte of a payload may expand to. What compresses better is stored as it is.
const MAX_RATIO: usize = 16;
/// Expanded size up to which the ratio does not matter.
const SMALL: usize = 1 << 20;
/// The largest number in memory, in bytes; in a payload it may take a single one.
const LARGEST: usize = 8;

type Bounded<const LIMIT: usize> = Configuration<LittleEndian, Varint, Limit<LIMIT>>;

/// A value through bincode 2, little-endian, variable-length integers.
pub(super) fn encode(value: &impl Serialize) -> Result<Vec<u8>> {
    bincode::serde::encode_to_vec(value, bincode::config::standard())
        .map_err(|cause| Error::model_file(format!("it cannot be written: {cause}")))
}

/// The value of [`encode`]; lengths that claim more than the bytes can hold, and bytes that are
/// left over, are refused.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let decoded = match bytes.len().saturating_mul(LARGEST) {
        0..0x1_0000 => decode_up_to::<T, 0x1_0000>(bytes),
        0x1_0000..0x10_0000 => decode_up_to::<T, 0x10_0000>(bytes),
        0x10_0000..0x100_0000 => decode_up_to::<T, 0x100_0000>(bytes),
        0x100_0000..0x1000_0000 => decode_up_to::<T, 0x1000_0000>(bytes),
        _ => decode_up_to::<T, { usize::MAX / 4 }>(bytes),
    };
    let (value, n_read) = decoded
        .map_err(|cause| Error::model_file(format!("the payload cannot be decoded: {cause}")))?;
    match bytes.len() - n_read {
        0 => Ok(value),
        n => Err(Error::model_file(format!(
            "{n} bytes of the payload belong to nothing"
        ))),
    }
}

fn decode_up_to<T: DeserializeOwned, const LIMIT: usize>(
    bytes: &[u8],
) -> std::result::Result<(T, usize), bincode::error::DecodeError> {
    let config: Bounded<LIMIT> = bincode::config::standard().with_limit::<LIMIT>();
    bincode::serde::decode_from_slice(bytes, config)
}

/// Deflated bytes, which [`expand`] takes.
pub(super) fn compress(bytes: &[u8]) -> Result<Vec<u8>> {
    let packed = deflate(bytes, Compression::best())?;
    if bytes.len() <= most_from(packed.len()) {
        return Ok(packed);
    }
    deflate(bytes, Compression::none())
}

fn deflate(bytes: &[u8], level: Compression) -> Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), level);
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .map_err(|cause| Error::model_file(format!("the payload cannot be compressed: {cause}")))
}

/// Bytes that `n_packed` bytes may expand to.
fn most_from(n_packed: usize) -> usize {
    n_packed.saturating_mul(MAX_RATIO).max(SMALL)
}

/// The `length` bytes that were compressed to `packed`.
///
/// # Errors
/// [`Error::ModelFile`] where they are more or fewer, or more than `packed` may stand for.
pub(super) fn expand(packed: &[u8], length: u64) -> Result<Vec<u8>> {
    let most = most_from(packed.len());
    let length = usize::try_from(length)
        .ok()
        .filter(|&length| length <= most)
        .ok_or_else(|| {
            Error::model_file(format!(
                "damaged: a payload of {} bytes cannot stand for {length}, at most for {most}",
                packed.len()
            ))
        })?;
    let mut bytes = Vec::with_capacity(length);
    let mut decoder = DeflateDecoder::new(packed);
    (&mut decoder)
        .take(length as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|cause| Error::model_file(format!("the payload cannot be expanded: {cause}")))?;
    if bytes.len() != length {
        return Err(Error::model_file(format!(
            "damaged: expected a payload of {length} bytes, found {}",
            if bytes.len() > length {
                "more"
            } else {
                "fewer"
            }
        )));
    }
    match packed.len() as u64 - decoder.total_in() {
        0 => Ok(bytes),
        n => Err(Error::model_file(format!(
            "{n} bytes of the payload belong to nothing"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_bytes_is_refused_without_allocating_it() {
        // A variable-length integer of eight bytes: 2^62 elements of a list.
        let claim = [&[0xFD][..], &(1_u64 << 62).to_le_bytes()].concat();
        assert!(decode::<Vec<u64>>(&claim).is_err());
        assert!(decode::<String>(&claim).is_err());
        assert!(decode::<Vec<u8>>(&[claim, vec![0; 100]].concat()).is_err());
    }

    #[test]
    fn bytes_left_over_are_refused() {
        let mut bytes = encode(&7_u32).unwrap();
        assert_eq!(decode::<u32>(&bytes).unwrap(), 7);
        bytes.push(0);
        let error = decode::<u32>(&bytes).unwrap_err().to_string();
        assert!(
            error.contains("1 bytes of the payload belong to nothing"),
            "{error}"
        );
    }

    #[test]
    fn what_was_compressed_expands_to_the_same_bytes_and_no_others() {
        for bytes in [
            vec![],
            vec![0; 4 << 20],
            (0..=255).cycle().take(3000).collect(),
        ] {
            let packed = compress(&bytes).unwrap();
            let length = bytes.len() as u64;
            assert_eq!(expand(&packed, length).unwrap(), bytes);
            assert!(expand(&packed, length + 1).is_err());
            assert!(expand(&[&packed[..], &[0]].concat(), length).is_err());
            if length > 0 {
                assert!(expand(&packed, length - 1).is_err());
            }
        }
    }

    #[test]
    fn a_bomb_is_refused_by_its_claim() {
        let bomb = deflate(&vec![0; 64 << 20], Compression::best()).unwrap();
        let error = expand(&bomb, 64 << 20).unwrap_err().to_string();
        assert!(error.contains("cannot stand for"), "{error}");
        assert!(expand(&bomb, 1000).is_err());
    }
}
