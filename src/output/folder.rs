//! Files that belong together: of two that write into one folder at the same time, one stands.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file::{FinishedFile, OutputFile};
use super::place::{Access, creation};
use crate::{Error, Result};

/// Held while files are renamed, which takes a moment.
const LOCK: &str = ".donormatch.lock";
const ATTEMPTS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(20);

/// Content of a file, in steps.
pub(crate) type Content<'a> = Box<dyn FnOnce(&mut OutputFile) -> Result<()> + 'a>;

/// Writes files into a folder, which is made where absent: all of them are finished before the
/// first is put in place, and nobody else puts theirs in place meanwhile. Gives the paths.
///
/// # Errors
/// [`Error::Io`] where the folder refuses or is held; those of the contents.
pub(crate) fn write_together(
    folder: &Path,
    access: Access,
    files: Vec<(&str, Content<'_>)>,
) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder).map_err(|source| Error::io(folder, source))?;
    let mut finished = Vec::with_capacity(files.len());
    let mut paths = Vec::with_capacity(files.len());
    for (name, content) in files {
        let path = folder.join(name);
        let mut file = OutputFile::create(&path, access)?;
        content(&mut file)?;
        finished.push(file.finish()?);
        paths.push(path);
    }
    let _lock = Lock::of(folder)?;
    for file in finished {
        file.publish()?;
    }
    Ok(paths)
}

/// Puts files in place that belong together and lie in one folder: all of them are finished before
/// the first is put in place.
///
/// # Errors
/// As [`write_together`].
pub(crate) fn commit_together(folder: &Path, files: Vec<OutputFile>) -> Result<()> {
    let finished: Vec<_> = files
        .into_iter()
        .map(OutputFile::finish)
        .collect::<Result<_>>()?;
    let _lock = Lock::of(folder)?;
    finished.into_iter().try_for_each(FinishedFile::publish)
}

/// A file whose presence says that a folder is being changed.
#[derive(Debug)]
struct Lock(PathBuf);

impl Lock {
    fn of(folder: &Path) -> Result<Self> {
        let path = folder.join(LOCK);
        for _ in 0..ATTEMPTS {
            match creation(Access::Shared).open(&path) {
                Ok(mut file) => {
                    let lock = Self(path);
                    // For whoever finds it; empty it holds as well.
                    let _ = writeln!(file, "process {}", std::process::id());
                    return Ok(lock);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    std::thread::sleep(PAUSE);
                }
                Err(source) => return Err(Error::io(path, source)),
            }
        }
        Err(Error::io(
            path,
            io::Error::new(
                io::ErrorKind::AlreadyExists,
                "another process writes into this folder; remove the file if none does",
            ),
        ))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A lock that stays is told of by the next writer.
        let _ = fs::remove_file(&self.0);
    }
}
