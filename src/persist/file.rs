//! Model files on disk.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::frame::{Framed, to_bytes};
use super::header::ModelHeader;
use super::stored::Stored;
use crate::output::{Access, write_bytes};
use crate::{Error, Result};

/// Writes a model file; it is complete or absent, never half-written.
///
/// # Errors
/// [`Error::Io`] where the folder refuses; those of [`to_bytes`].
pub fn write<M: Stored>(path: impl AsRef<Path>, model: &M, header: &ModelHeader) -> Result<()> {
    write_bytes(path, &to_bytes(model, header)?, Access::Shared)
}

/// Reads a model file: of a [`Matcher`](crate::matcher::Matcher), or of a single model.
///
/// No more is read than the lengths in the file say, which are bounded; what goes on without end,
/// such as a device, is refused at its first bytes.
///
/// # Errors
/// [`Error::Io`] where it cannot be read; [`Error::ModelFile`] as
/// [`from_bytes`](super::from_bytes).
///
/// # Examples
/// ```no_run
/// use donormatch::matcher::Matcher;
/// let (matcher, header) = donormatch::persist::read::<Matcher>("model.dmm")?;
/// assert_eq!(header.vocabulary, matcher.vocabulary().as_str());
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn read<M: Stored>(path: impl AsRef<Path>) -> Result<(M, ModelHeader)> {
    let path = path.as_ref();
    let model = framed(path).and_then(Framed::into_model);
    model.map_err(|error| error.at_path(path))
}

/// Reads the header of a model file of any kind. The whole file is checked, so that a header is given
/// out only with a model that agrees with it.
///
/// # Errors
/// As [`read`].
pub fn read_header(path: impl AsRef<Path>) -> Result<ModelHeader> {
    let path = path.as_ref();
    let header = framed(path).and_then(Framed::into_header);
    header.map_err(|error| error.at_path(path))
}

fn framed(path: &Path) -> Result<Framed> {
    let file = File::open(path).map_err(|source| Error::io(path, source))?;
    Framed::read(BufReader::new(file), path)
}
