//! Small files that are held in memory whole.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::{Error, Result};

/// The bytes of a file of at most `limit` bytes; what goes on beyond, such as a device or a file
/// that grows, is refused and not read.
///
/// # Errors
/// [`Error::Io`] where it cannot be read; [`Error::File`] where it is longer.
pub(crate) fn read_held(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(|source| Error::io(path, source))?;
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| Error::io(path, source))?;
    if bytes.len() as u64 > limit {
        return Err(Error::file(
            path,
            format!("expected at most {limit} bytes, found more: is it the right file?"),
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_up_to_the_limit_is_read_and_a_longer_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(read_held(&path, 5).unwrap(), b"12345");
        let error = read_held(&path, 4).unwrap_err().to_string();
        assert!(error.contains("at most 4 bytes"), "{error}");
        assert!(read_held(&folder.path().join("absent"), 4).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_device_without_end_is_refused() {
        let error = read_held(Path::new("/dev/zero"), 1 << 20).unwrap_err();
        assert!(error.to_string().contains("/dev/zero"), "{error}");
    }
}
