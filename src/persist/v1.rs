//! The payload of format 1: the fitted matcher through bincode 2, little-endian, variable-length
//! integers.
//!
//! What is fixed is the order and the type of the fields of [`Matcher`] and everything in it. A
//! change to one of these types is a new format: it goes with `v2.rs` and mirrors here of what the
//! types were.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};

use crate::matcher::Matcher;
use crate::{Error, Result};

/// The most that a decoder may claim, in bytes.
const LIMIT: usize = 512 << 20;

fn config() -> Configuration<LittleEndian, Varint, Limit<LIMIT>> {
    bincode::config::standard().with_limit::<LIMIT>()
}

pub(super) fn encode(matcher: &Matcher) -> Result<Vec<u8>> {
    bincode::serde::encode_to_vec(matcher, config())
        .map_err(|cause| Error::model_file(format!("the model cannot be written: {cause}")))
}

pub(super) fn decode(payload: &[u8]) -> Result<Matcher> {
    let (matcher, read): (Matcher, usize) = bincode::serde::decode_from_slice(payload, config())
        .map_err(|cause| Error::model_file(format!("the payload cannot be decoded: {cause}")))?;
    if read != payload.len() {
        return Err(Error::model_file(format!(
            "{} bytes of the payload belong to nothing",
            payload.len() - read
        )));
    }
    matcher.validate()?;
    Ok(matcher)
}
