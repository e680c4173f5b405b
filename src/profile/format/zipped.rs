//! The members of a zip archive, in memory.
//!
//! Names that leave the archive, too many members and members that grow beyond measure are refused
//! before they are read.

use std::io::{Cursor, Read};
use std::path::Path;

use zip::ZipArchive;

use super::ReadLimits;
use crate::{Error, Result};

/// An archive that is held in memory.
pub(super) type Archive<B> = ZipArchive<Cursor<B>>;

/// Opens an archive of at most `limits.members` members.
pub(super) fn open<B: AsRef<[u8]>>(
    bytes: B,
    limits: &ReadLimits,
    path: &Path,
) -> Result<Archive<B>> {
    let damaged = |source: zip::result::ZipError| Error::File {
        path: path.to_path_buf(),
        line: None,
        message: "the zip archive is damaged".to_owned(),
        source: Some(Box::new(source)),
    };
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    if archive.len() > limits.members {
        return Err(Error::file(
            path,
            format!(
                "{} members, more than the {} allowed by `limits.members`",
                archive.len(),
                limits.members
            ),
        ));
    }
    Ok(archive)
}

/// The names of all members, none of which may leave the archive's folder.
pub(super) fn members<B: AsRef<[u8]>>(archive: &Archive<B>, path: &Path) -> Result<Vec<String>> {
    archive
        .file_names_raw()
        .map(|raw| {
            let name = String::from_utf8_lossy(raw).into_owned();
            let leaves = name.starts_with(['/', '\\'])
                || name.contains(':')
                || name.split(['/', '\\']).any(|part| part == "..");
            if leaves {
                Err(Error::file(
                    path,
                    format!("the member `{name}` leaves its folder"),
                ))
            } else {
                Ok(name)
            }
        })
        .collect()
}

/// The bytes of a member of an archive that was `whole` bytes where it came from, and how many of
/// these were the member's; it may grow as far as the limits allow.
pub(super) fn member<B: AsRef<[u8]>>(
    archive: &mut Archive<B>,
    name: &str,
    limits: &ReadLimits,
    whole: u64,
    path: &Path,
) -> Result<(Vec<u8>, u64)> {
    let damaged = |source: Box<dyn std::error::Error + Send + Sync>| Error::File {
        path: path.to_path_buf(),
        line: None,
        message: format!("the member `{name}` is absent or damaged"),
        source: Some(source),
    };
    let mut member = archive
        .by_name(name)
        .map_err(|source| damaged(Box::new(source)))?;
    let size = member.size();
    let n_packed = member.compressed_size().min(whole);
    let limit = limits.unpacked(n_packed);
    let too_large = || {
        Error::file(
            path,
            format!(
                "the member `{name}` would unpack to more than {limit} bytes, allowed by \
                 `limits.expansion` and `limits.held_bytes`"
            ),
        )
    };
    if size > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    (&mut member)
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| damaged(Box::new(source)))?;
    if bytes.len() as u64 > limit {
        return Err(too_large());
    }
    Ok((bytes, n_packed))
}
