//! Bytes from a file or from memory, `.gz` undone by content, with what their first bytes say.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::ReadOptions;
use crate::{Error, Result};

/// How much of the content is looked at before a reader is chosen.
const HEAD_BYTES: usize = 64 << 10;
/// A mark of UTF-8, which editors and spreadsheets put before a text.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";
const GZIP: &[u8] = b"\x1f\x8b";

/// Content, already unpacked, whose first bytes have been seen.
pub(super) struct Source<'a> {
    path: PathBuf,
    head: Vec<u8>,
    reader: Box<dyn Read + Send + 'a>,
    options: &'a ReadOptions,
}

impl<'a> Source<'a> {
    /// Opens a file.
    pub(super) fn open(path: &Path, options: &'a ReadOptions) -> Result<Self> {
        let file = File::open(path).map_err(|source| Error::io(path, source))?;
        let metadata = file.metadata().map_err(|source| Error::io(path, source))?;
        if metadata.is_dir() {
            return Err(Error::file(path, "expected a file, found a folder"));
        }
        Self::new(
            path,
            Box::new(BufReader::with_capacity(256 << 10, file)),
            options,
        )
    }

    /// Wraps bytes in memory; `path` is what messages call them.
    pub(super) fn from_bytes(
        path: &Path,
        bytes: &'a [u8],
        options: &'a ReadOptions,
    ) -> Result<Self> {
        Self::new(path, Box::new(Cursor::new(bytes)), options)
    }

    fn new(
        path: &Path,
        mut raw: Box<dyn Read + Send + 'a>,
        options: &'a ReadOptions,
    ) -> Result<Self> {
        let head = read_head(path, &mut raw)?;
        let mut source = Self {
            path: path.to_path_buf(),
            head,
            reader: raw,
            options,
        };
        if source.head.starts_with(GZIP) {
            let packed = Cursor::new(std::mem::take(&mut source.head)).chain(source.reader);
            let mut unpacked: Box<dyn Read + Send + 'a> = Box::new(MultiGzDecoder::new(
                BufReader::with_capacity(256 << 10, packed),
            ));
            source.head = read_head(path, &mut unpacked)?;
            source.reader = unpacked;
            if source.head.starts_with(GZIP) {
                return Err(Error::file(path, "gzip inside gzip: unpack it once"));
            }
        }
        if source.head.starts_with(BOM) {
            source.head.drain(..BOM.len());
        }
        if source.head.iter().all(u8::is_ascii_whitespace) && source.head.len() < HEAD_BYTES {
            return Err(Error::file(path, "the file is empty"));
        }
        Ok(source)
    }

    /// What messages call the content.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the caller said.
    pub(super) fn options(&self) -> &'a ReadOptions {
        self.options
    }

    /// The first bytes, after unpacking.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// All content as a stream, its first bytes included.
    pub(super) fn into_reader(self) -> (PathBuf, &'a ReadOptions, Box<dyn Read + Send + 'a>) {
        let reader = Cursor::new(self.head).chain(self.reader);
        (self.path, self.options, Box::new(reader))
    }

    /// All content in memory.
    ///
    /// # Errors
    /// [`Error::File`] beyond `limits.held_bytes`.
    pub(super) fn hold(mut self) -> Result<Vec<u8>> {
        let limit = self.options.limits.held_bytes;
        let mut bytes = std::mem::take(&mut self.head);
        let rest = limit.saturating_sub(bytes.len() as u64).saturating_add(1);
        (&mut self.reader)
            .take(rest)
            .read_to_end(&mut bytes)
            .map_err(|source| reading(&self.path, source))?;
        if bytes.len() as u64 > limit {
            return Err(Error::file(
                &self.path,
                format!("more than the {limit} bytes allowed"),
            ));
        }
        Ok(bytes)
    }
}

/// An I/O error as ours: a damaged archive is about the content, not about the disk.
pub(super) fn reading(path: &Path, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            Error::File {
                path: path.to_path_buf(),
                line: None,
                message: "the compressed content is damaged or truncated".to_owned(),
                source: Some(Box::new(source)),
            }
        }
        _ => Error::io(path, source),
    }
}

fn read_head(path: &Path, reader: &mut (dyn Read + Send)) -> Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    reader
        .take(HEAD_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(|source| reading(path, source))?;
    Ok(head)
}

/// The sample id that a file name stands for: the name without the endings of profilers.
pub(super) fn sample_name(path: &Path) -> String {
    const ENDINGS: [&str; 24] = [
        ".gz",
        ".txt",
        ".tsv",
        ".csv",
        ".out",
        ".report",
        ".kreport",
        ".kreport2",
        ".kraken2",
        ".bracken",
        ".kraken",
        ".mpa",
        ".biom",
        ".fastq",
        ".fq",
        ".sylphmpa",
        ".kaiju",
        ".profile",
        ".xlsx",
        ".ods",
        ".parquet",
        ".metaphlan",
        "_profile",
        "_metaphlan",
    ];
    let name = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut rest = name.as_str();
    while let Some(shorter) = ENDINGS
        .iter()
        .find_map(|ending| rest.strip_suffix(ending))
        .filter(|shorter| !shorter.is_empty())
    {
        rest = shorter;
    }
    if rest.is_empty() || rest == "<bytes>" {
        "sample".to_owned()
    } else {
        rest.to_owned()
    }
}
