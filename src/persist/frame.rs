//! The frame around header and payload: magic, format, lengths, checksum.

use super::header::ModelHeader;
use super::v1;
use crate::matcher::Matcher;
use crate::{Error, Result};

const MAGIC: [u8; 4] = *b"DRMM";

/// The format that this release writes, and the only one it reads.
pub const FORMAT: u16 = 1;

/// Magic, format and length of the header.
const PREFIX: usize = 10;
const CHECKSUM: usize = 4;
/// A header holds names and figures; this is a thousand times what the shipped model needs.
const MAX_HEADER: usize = 16 << 20;
/// The largest file that is read.
pub(super) const MAX_FILE: u64 = 512 << 20;

/// A matcher and its header as the bytes of a model file. The same matcher and header give the
/// same bytes.
///
/// # Errors
/// [`Error::ModelFile`] where the header or the payload is beyond the bounds of the format.
pub fn to_bytes(matcher: &Matcher, header: &ModelHeader) -> Result<Vec<u8>> {
    let payload = v1::encode(matcher)?;
    let header = ModelHeader {
        payload_length: payload.len() as u64,
        ..header.clone()
    };
    let json = serde_json::to_vec(&header)
        .map_err(|cause| Error::model_file(format!("the header cannot be written: {cause}")))?;
    if json.len() > MAX_HEADER || payload.len() as u64 > MAX_FILE - MAX_HEADER as u64 {
        return Err(Error::model_file(format!(
            "a header of {} bytes and a payload of {} are beyond the format's bounds",
            json.len(),
            payload.len()
        )));
    }
    let mut bytes = Vec::with_capacity(PREFIX + json.len() + payload.len() + CHECKSUM);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&(json.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&json);
    bytes.extend_from_slice(&payload);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    Ok(bytes)
}

/// The matcher and the header in the bytes of a model file.
///
/// # Errors
/// [`Error::ModelFile`] where the bytes are truncated, foreign, damaged, of an unknown format, or
/// hold a model that contradicts itself.
pub fn from_bytes(bytes: &[u8]) -> Result<(Matcher, ModelHeader)> {
    let (header, payload) = open(bytes)?;
    Ok((v1::decode(payload)?, header))
}

/// The header alone; the checksum of the whole file is verified, the payload is not decoded.
///
/// # Errors
/// As [`from_bytes`], save for what only the payload shows.
pub fn header_from_bytes(bytes: &[u8]) -> Result<ModelHeader> {
    Ok(open(bytes)?.0)
}

fn open(bytes: &[u8]) -> Result<(ModelHeader, &[u8])> {
    if bytes.is_empty() {
        return Err(Error::model_file(
            "expected a donormatch model, found an empty file",
        ));
    }
    if !bytes.starts_with(&MAGIC[..bytes.len().min(MAGIC.len())]) {
        return Err(Error::model_file(
            "expected a donormatch model, which starts with `DRMM`, found another kind of file",
        ));
    }
    let truncated = |expected: usize| {
        Error::model_file(format!(
            "truncated: expected at least {expected} bytes, found {}",
            bytes.len()
        ))
    };
    let format = u16::from_le_bytes(array(bytes, 4).ok_or_else(|| truncated(PREFIX))?);
    if format != FORMAT {
        return Err(Error::model_file(format!(
            "it is of format {format}, this donormatch reads format {FORMAT}; fit the model again, \
             or use the release that wrote it"
        )));
    }
    let length = u32::from_le_bytes(array(bytes, 6).ok_or_else(|| truncated(PREFIX))?) as usize;
    if length > MAX_HEADER {
        return Err(Error::model_file(format!(
            "damaged: a header of {length} bytes is beyond the bound of {MAX_HEADER}"
        )));
    }
    let start = PREFIX + length;
    let json = bytes
        .get(PREFIX..start)
        .ok_or_else(|| truncated(start + CHECKSUM))?;
    let end = bytes
        .len()
        .checked_sub(CHECKSUM)
        .filter(|&end| end >= start)
        .ok_or_else(|| truncated(start + CHECKSUM))?;
    let header = serde_json::from_slice::<ModelHeader>(json);
    if let Ok(header) = &header {
        check_length(header, end - start, bytes.len())?;
    }
    let stored = u32::from_le_bytes(array(bytes, end).ok_or_else(|| truncated(end + CHECKSUM))?);
    if crc32fast::hash(&bytes[..end]) != stored {
        return Err(Error::model_file(
            "damaged: the checksum does not fit the content; copy or download the file again",
        ));
    }
    let header = header
        .map_err(|cause| Error::model_file(format!("the header is not as expected: {cause}")))?;
    if header.kind != ModelHeader::MATCHER {
        return Err(Error::model_file(format!(
            "expected a `{}`, found a `{}`",
            ModelHeader::MATCHER,
            header.kind
        )));
    }
    Ok((header, &bytes[start..end]))
}

/// Tells a file that is too short or too long from one that is damaged within.
fn check_length(header: &ModelHeader, payload: usize, file: usize) -> Result<()> {
    let (expected, found) = (header.payload_length, payload as u64);
    match found.cmp(&expected) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(Error::model_file(format!(
            "truncated: {} of its bytes are missing, found {file}",
            expected - found
        ))),
        std::cmp::Ordering::Greater => Err(Error::model_file(format!(
            "damaged: {} bytes follow where it should end",
            found - expected
        ))),
    }
}

fn array<const N: usize>(bytes: &[u8], start: usize) -> Option<[u8; N]> {
    bytes.get(start..start + N)?.try_into().ok()
}
