//! The matcher that ships with the crate.

use super::frame::{from_bytes, header_from_bytes};
use super::header::ModelHeader;
use crate::matcher::Matcher;
use crate::{Error, Result};

static DEFAULT: &[u8] = include_bytes!("../../models/default/model.dmm");

impl Matcher {
    /// The matcher of `models/default`, fitted on the public tables that its card names. Decoding
    /// takes a fraction of a second: keep it.
    ///
    /// # Errors
    /// [`Error::ModelFile`] in a build made before `donormatch fit` made the file.
    pub fn bundled() -> Result<Self> {
        present()?;
        Ok(from_bytes(DEFAULT)?.0)
    }

    /// The header of the bundled matcher: what it was made from, and how good it is.
    ///
    /// # Errors
    /// As [`Matcher::bundled`].
    pub fn bundled_header() -> Result<ModelHeader> {
        present()?;
        header_from_bytes(DEFAULT)
    }

    /// Whether this build has a bundled matcher.
    pub fn has_bundled() -> bool {
        !DEFAULT.is_empty()
    }
}

fn present() -> Result<()> {
    if Matcher::has_bundled() {
        return Ok(());
    }
    Err(Error::model_file(
        "this build has no bundled model; make one with `make models`, or give a file with `--model`",
    ))
}
