//! The frame around header and payload: magic, format, lengths, checksum.

use std::io::Read;
use std::path::Path;

use super::bounded::{compress, expand};
use super::header::ModelHeader;
use super::stored::Stored;
use crate::matcher::Matcher;
use crate::model::{BoostingModel, LogisticModel};
use crate::{Error, Result};

const MAGIC: [u8; 4] = *b"DRMM";

/// The format that this release writes.
pub const FORMAT: u16 = 4;

/// The oldest format that it reads.
const OLDEST: u16 = 2;

/// Magic, format and length of the header.
const PREFIX: usize = 10;
const CHECKSUM: usize = 4;
/// A header holds names and figures; this is a thousand times what the shipped model needs.
const MAX_HEADER: usize = 16 << 20;
/// The largest payload that is read.
const MAX_PAYLOAD: u64 = 64 << 20;

/// A model and its header as the bytes of a model file. The same model and header give the same
/// bytes. Entries of the header that follow from the model are taken from the model.
///
/// # Errors
/// [`Error::ModelFile`] where the header or the payload is beyond the bounds of the format, or the
/// header names another number of features than the model has.
pub fn to_bytes<M: Stored>(model: &M, header: &ModelHeader) -> Result<Vec<u8>> {
    let whole = model.encode()?;
    let payload = compress(&whole)?;
    let header = ModelHeader {
        payload_length: payload.len() as u64,
        expanded_length: whole.len() as u64,
        ..header.clone().with_derived(model.header(), model.width())?
    };
    let json = serde_json::to_vec(&header)
        .map_err(|cause| Error::model_file(format!("the header cannot be written: {cause}")))?;
    if json.len() > MAX_HEADER || payload.len() as u64 > MAX_PAYLOAD {
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

/// The model and the header in the bytes of a model file.
///
/// # Errors
/// [`Error::ModelFile`] where the bytes are truncated, foreign, damaged, of an unknown format or of
/// another kind of model, hold a model that contradicts itself, or a header that contradicts the
/// model.
pub fn from_bytes<M: Stored>(bytes: &[u8]) -> Result<(M, ModelHeader)> {
    Framed::read(bytes, Path::new("<bytes>"))?.into_model()
}

/// The header alone, checked as [`from_bytes`] does; any kind of model.
///
/// # Errors
/// As [`from_bytes`].
pub fn header_from_bytes(bytes: &[u8]) -> Result<ModelHeader> {
    Framed::read(bytes, Path::new("<bytes>"))?.into_header()
}

/// A file whose lengths and checksum are right.
pub(super) struct Framed {
    format: u16,
    header: ModelHeader,
    payload: Vec<u8>,
}

impl Framed {
    /// Reads no further than the lengths say, each of which is bounded: a file that goes on without
    /// end is refused at its first bytes.
    ///
    /// # Errors
    /// [`Error::ModelFile`] for what is wrong in the bytes; [`Error::Io`] where `path` cannot be read.
    pub fn read(mut from: impl Read, path: &Path) -> Result<Self> {
        let mut bytes = Vec::new();
        let mut more = |bytes: &mut Vec<u8>, length: usize| {
            read_up_to(&mut from, bytes, length).map_err(|source| Error::io(path, source))
        };
        more(&mut bytes, PREFIX)?;
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
        let format = u16::from_le_bytes(array(&bytes, 4)?);
        if !(OLDEST..=FORMAT).contains(&format) {
            return Err(Error::model_file(format!(
                "it is of format {format}, this donormatch reads formats {OLDEST} to {FORMAT}; fit \
                 the model again, or use the release that wrote it"
            )));
        }
        let length = u32::from_le_bytes(array(&bytes, 6)?) as usize;
        if length > MAX_HEADER {
            return Err(Error::model_file(format!(
                "damaged: a header of {length} bytes is beyond the bound of {MAX_HEADER}"
            )));
        }
        let start = PREFIX + length;
        more(&mut bytes, start)?;
        let json = bytes
            .get(PREFIX..start)
            .ok_or_else(|| truncated(&bytes, start + CHECKSUM))?;
        let header: ModelHeader = serde_json::from_slice(json).map_err(|cause| {
            Error::model_file(format!("damaged: the header is not as expected: {cause}"))
        })?;
        if header.payload_length > MAX_PAYLOAD {
            return Err(Error::model_file(format!(
                "damaged: a payload of {} bytes is beyond the bound of {MAX_PAYLOAD}",
                header.payload_length
            )));
        }
        let end = start + header.payload_length as usize;
        more(&mut bytes, end + CHECKSUM)?;
        let stored = bytes.get(end..).and_then(|rest| rest.try_into().ok());
        let stored = stored.ok_or_else(|| truncated(&bytes, end + CHECKSUM))?;
        more(&mut bytes, end + CHECKSUM + 1)?;
        if bytes.len() > end + CHECKSUM {
            return Err(Error::model_file(
                "damaged: more bytes follow where it should end",
            ));
        }
        if crc32fast::hash(&bytes[..end]) != u32::from_le_bytes(stored) {
            return Err(Error::model_file(
                "damaged: the checksum does not fit the content; copy or download the file again",
            ));
        }
        let payload = expand(&bytes[start..end], header.expanded_length)?;
        Ok(Self {
            format,
            header,
            payload,
        })
    }

    /// The model, which the header must not contradict.
    pub fn into_model<M: Stored>(self) -> Result<(M, ModelHeader)> {
        if self.header.kind != M::KIND {
            return Err(Error::model_file(format!(
                "expected a model of kind `{}`, found `{}`",
                M::KIND,
                self.header.kind
            )));
        }
        let model = M::decode(&self.payload, self.format)?;
        self.header.check_against(&model.header(), model.width())?;
        Ok((model, self.header))
    }

    /// The header, checked against the model whatever its kind.
    pub fn into_header(self) -> Result<ModelHeader> {
        match self.header.kind.as_str() {
            ModelHeader::MATCHER => Ok(self.into_model::<Matcher>()?.1),
            ModelHeader::BOOSTING => Ok(self.into_model::<BoostingModel>()?.1),
            ModelHeader::LOGISTIC => Ok(self.into_model::<LogisticModel>()?.1),
            other => Err(Error::model_file(format!(
                "expected a model of kind `matcher`, `boosting` or `logistic`, found `{other}`"
            ))),
        }
    }
}

/// Reads on until there are `length` bytes, or no more.
fn read_up_to(from: &mut impl Read, bytes: &mut Vec<u8>, length: usize) -> std::io::Result<()> {
    let missing = length.saturating_sub(bytes.len()) as u64;
    from.take(missing).read_to_end(bytes).map(|_| ())
}

fn truncated(bytes: &[u8], expected: usize) -> Error {
    Error::model_file(format!(
        "truncated: expected at least {expected} bytes, found {}",
        bytes.len()
    ))
}

fn array<const N: usize>(bytes: &[u8], start: usize) -> Result<[u8; N]> {
    bytes
        .get(start..start + N)
        .and_then(|part| part.try_into().ok())
        .ok_or_else(|| truncated(bytes, PREFIX))
}
