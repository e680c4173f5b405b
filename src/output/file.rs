//! A file that is complete or as it was before.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::place::{Access, Place, creation, take_over};
use crate::cancel;
use crate::{Error, Result};

const BUFFER: usize = 256 << 10;

/// A result on its way to a file; in place only after [`OutputFile::commit`].
///
/// Dropped without a commit, it leaves what was there before; a pipe or a device has by then
/// received what was written. A hard link to the old file keeps the old content.
///
/// # Examples
/// ```
/// use std::io::Write;
/// use donormatch::output::{Access, OutputFile};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("ranking.tsv");
/// let mut file = OutputFile::create(&path, Access::Private)?;
/// writeln!(file, "recipient_id\tdonor_id")?;
/// assert!(!path.exists());
/// file.commit()?;
/// assert!(path.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct OutputFile {
    /// As the caller named it.
    path: PathBuf,
    writer: BufWriter<File>,
    /// The file beside its place and the place; `None` for what is written through.
    renaming: Option<(Beside, PathBuf)>,
}

impl OutputFile {
    /// Begins a result that will stand at `path`; `access` holds where no file is there yet.
    ///
    /// # Errors
    /// [`Error::Io`] where the path is a folder, the folder refuses, or the file belongs to another
    /// user whom a new file would not belong to.
    pub fn create(path: impl AsRef<Path>, access: Access) -> Result<Self> {
        let path = path.as_ref();
        Self::open(path, access).map_err(|source| Error::io(path, source))
    }

    fn open(path: &Path, access: Access) -> io::Result<Self> {
        let (file, renaming) = match Place::of(path)? {
            Place::Through(file) => (file, None),
            Place::New(place) => {
                let (file, beside) = Beside::create(&place, access)?;
                (file, Some((beside, place)))
            }
            Place::Regular(place, old) => {
                let (file, beside) = Beside::create(&place, Access::Private)?;
                take_over(&file, &old)?;
                (file, Some((beside, place)))
            }
        };
        Ok(Self {
            path: path.to_path_buf(),
            writer: BufWriter::with_capacity(BUFFER, file),
            renaming,
        })
    }

    /// Writes bytes; as [`Write::write_all`], with an error that names the file.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk is full or the reader of a pipe is gone.
    pub fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.write_all(bytes)
            .map_err(|source| Error::io(&self.path, source))
    }

    /// Puts the whole file in its place.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk is full or the folder refuses; the old file is still there.
    pub fn commit(self) -> Result<()> {
        self.finish()?.publish()
    }

    /// Everything on the disk, not yet in place.
    pub(super) fn finish(self) -> Result<FinishedFile> {
        let Self {
            path,
            writer,
            renaming,
        } = self;
        // What a job that was told to end left is not whole.
        cancel::check()?;
        let synced = || -> io::Result<()> {
            let file = writer
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?;
            // A pipe has nothing to wait for.
            if renaming.is_some() {
                file.sync_all()?;
            }
            Ok(())
        };
        match synced() {
            Ok(()) => Ok(FinishedFile { path, renaming }),
            Err(source) => Err(Error::io(path, source)),
        }
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A file that only has to be renamed.
#[derive(Debug)]
pub(super) struct FinishedFile {
    path: PathBuf,
    renaming: Option<(Beside, PathBuf)>,
}

impl FinishedFile {
    /// Puts the file in its place.
    pub(super) fn publish(self) -> Result<()> {
        let Some((mut beside, place)) = self.renaming else {
            return Ok(());
        };
        fs::rename(&beside.0, &place).map_err(|source| Error::io(&self.path, source))?;
        beside.0 = PathBuf::new();
        Ok(())
    }
}

/// A file beside its place, which goes away unless it was renamed.
#[derive(Debug)]
struct Beside(PathBuf);

impl Beside {
    fn create(place: &Path, access: Access) -> io::Result<(File, Self)> {
        let name = place
            .file_name()
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
        // Short, so that a name of full length has a place too.
        let name: String = name.to_string_lossy().chars().take(32).collect();
        for attempt in 0..1_000_u32 {
            let temporary =
                place.with_file_name(format!(".{name}.{}.{attempt}.tmp", std::process::id()));
            match creation(access).open(&temporary) {
                Ok(file) => return Ok((file, Self(temporary))),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            // What went wrong before is what the caller needs; a leftover is only untidy.
            let _ = fs::remove_file(&self.0);
        }
    }
}

/// Writes a whole file: see [`OutputFile`].
///
/// # Errors
/// As [`OutputFile::create`] and [`OutputFile::commit`].
pub fn write_bytes(path: impl AsRef<Path>, bytes: &[u8], access: Access) -> Result<()> {
    write_whole(path.as_ref(), access, |file| file.put(bytes))
}

/// Writes a file in steps, and puts it in place if all went well.
pub(crate) fn write_whole(
    path: &Path,
    access: Access,
    content: impl FnOnce(&mut OutputFile) -> Result<()>,
) -> Result<()> {
    let mut file = OutputFile::create(path, access)?;
    content(&mut file)?;
    file.commit()
}
