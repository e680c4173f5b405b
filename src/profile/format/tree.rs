//! Trees, as files of text or QIIME 2 artifacts.

use std::path::Path;

use super::limits::ReadLimits;
use super::options::ReadOptions;
#[cfg(feature = "containers")]
use super::qza;
#[cfg(feature = "containers")]
use super::sniff::ZIP;
use super::source::{Held, Source};
use crate::profile::Tree;
use crate::{Error, Result};

impl Tree {
    /// Reads the tree of a file, `.gz` undone by content; a QIIME 2 artifact gives its tree.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::File`] as [`Tree::parse`].
    pub fn read(path: impl AsRef<Path>, limits: &ReadLimits) -> Result<Self> {
        let path = path.as_ref();
        let options = ReadOptions::default().with_limits(limits.clone());
        let source = Source::open(path, &options)?;
        #[cfg(feature = "containers")]
        if source.head().starts_with(ZIP) {
            let artifact = qza::open(source, &["tree.nwk"])?;
            let n_packed = artifact.n_packed;
            let text = Source::from_packed(path, &artifact.bytes, n_packed, &options)?;
            return parsed(path, &text.hold()?, limits);
        }
        parsed(path, &source.hold()?, limits)
    }
}

fn parsed(path: &Path, held: &Held, limits: &ReadLimits) -> Result<Tree> {
    const NODE_BYTES: u64 = 128;
    held.allowance
        .check_parts(&held.bytes, b"(,", NODE_BYTES)
        .map_err(|message| Error::file(path, message))?;
    Tree::parse(&held.bytes, limits).map_err(|error| error.at_path(path))
}
