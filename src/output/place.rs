//! Where a result goes: over a regular file, through a pipe or a device, or to a new place.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Who may read a file that did not exist before; one that did keeps its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Access {
    /// The owner only (mode 600): for results that hold ids of patients.
    Private,
    /// As the process creates files (`umask`).
    Shared,
}

/// Links followed before a chain counts as a ring, as in Linux.
const MAX_LINKS: usize = 40;

/// What stands where a result should go.
#[derive(Debug)]
pub(super) enum Place {
    /// Nothing: the file is made.
    New(PathBuf),
    /// A regular file, which is replaced.
    Regular(PathBuf, Metadata),
    /// A pipe, a device or a socket, opened for writing.
    Through(File),
}

impl Place {
    /// Follows links to the place itself.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if found.is_file() => {
                if is_open_file(path)? {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidInput,
                        "an open file by its number, which cannot be replaced: give the name of \
                         the file",
                    ));
                }
                Ok(Self::Regular(fs::canonicalize(path)?, found))
            }
            Ok(_) => OpenOptions::new().write(true).open(path).map(Self::Through),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                end_of_links(path).map(Self::New)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether a path goes by a number of an open file, as `/dev/stdout` and `/dev/fd/3` do.
fn is_open_file(path: &Path) -> io::Result<bool> {
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        let folder = fs::canonicalize(folder_of(&path))?;
        if folder.starts_with("/proc") || folder.starts_with("/dev/fd") {
            return Ok(true);
        }
        match fs::read_link(&path) {
            Ok(target) => path = folder.join(target),
            Err(_) => return Ok(false),
        }
    }
    Ok(false)
}

/// The path that a chain of links which ends nowhere points to.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("links that lead back to themselves"))
}

/// The folder that holds a path.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The options that make a file which must not exist yet, for the owner only until it is in place.
pub(super) fn creation(access: Access) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        if access == Access::Private {
            options.mode(0o600);
        }
    }
    #[cfg(not(unix))]
    let _ = access;
    options
}

/// Gives a new file the owner and the mode of the file whose place it takes.
#[cfg(unix)]
pub(super) fn take_over(file: &File, old: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};

    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        fchown(file, Some(old.uid()), Some(old.gid())).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!(
                    "the file belongs to user {} and group {}, which writing it anew would change: \
                     remove it first, or write elsewhere",
                    old.uid(),
                    old.gid()
                ),
            )
        })?;
    }
    // After the owner, whose change takes set-id bits away.
    file.set_permissions(old.permissions())
}

/// Gives a new file the mode of the file whose place it takes.
#[cfg(not(unix))]
pub(super) fn take_over(file: &File, old: &Metadata) -> io::Result<()> {
    file.set_permissions(old.permissions())
}
