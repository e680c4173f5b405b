//! Model files on disk.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::frame::{MAX_FILE, from_bytes, header_from_bytes, to_bytes};
use super::header::ModelHeader;
use crate::matcher::Matcher;
use crate::profile::write_whole;
use crate::{Error, Result};

/// Writes a model file; it is complete or absent, never half-written.
///
/// # Errors
/// [`Error::Io`] where the folder refuses; those of [`to_bytes`].
pub fn write(path: impl AsRef<Path>, matcher: &Matcher, header: &ModelHeader) -> Result<()> {
    write_bytes(path, &to_bytes(matcher, header)?)
}

/// Writes any file so that it is complete or as it was before: beside its place, then renamed.
///
/// # Errors
/// [`Error::Io`] where the folder refuses.
pub fn write_bytes(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    write_whole(path.as_ref(), |mut file| {
        file.write_all(bytes)
            .map_err(|source| Error::io(path.as_ref(), source))
    })
}

/// Reads a model file.
///
/// # Errors
/// [`Error::Io`] where it cannot be read; [`Error::ModelFile`] as [`from_bytes`].
///
/// # Examples
/// ```no_run
/// let (matcher, header) = donormatch::persist::read("model.dmm")?;
/// assert_eq!(header.vocabulary, matcher.vocabulary().as_str());
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn read(path: impl AsRef<Path>) -> Result<(Matcher, ModelHeader)> {
    let path = path.as_ref();
    from_bytes(&bytes_of(path)?).map_err(|error| error.at_path(path))
}

/// Reads the header of a model file; the checksum is verified.
///
/// # Errors
/// As [`read`], save for what only the payload shows.
pub fn read_header(path: impl AsRef<Path>) -> Result<ModelHeader> {
    let path = path.as_ref();
    header_from_bytes(&bytes_of(path)?).map_err(|error| error.at_path(path))
}

fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    let length = fs::metadata(path)
        .map_err(|source| Error::io(path, source))?
        .len();
    if length > MAX_FILE {
        return Err(Error::model_file(format!(
            "a file of {length} bytes is beyond the bound of {MAX_FILE}"
        ))
        .at_path(path));
    }
    fs::read(path).map_err(|source| Error::io(path, source))
}
