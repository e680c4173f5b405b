//! Bytes from a file or from memory, `.gz` undone by content, with what their first bytes say.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::ReadOptions;
use super::limits::{Allowance, Used};
use crate::cancel;
use crate::{Error, Result};

/// How much of the content is looked at before a reader is chosen.
const HEAD_BYTES: usize = 64 << 10;
/// A mark of UTF-8, which editors and spreadsheets put before a text.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";
const GZIP: &[u8] = b"\x1f\x8b";
/// How much is unpacked before what it takes is looked at again.
const STEP_BYTES: u64 = 1 << 20;

/// Content, already unpacked, whose first bytes have been seen.
pub(super) struct Source<'a> {
    path: PathBuf,
    head: Vec<u8>,
    reader: Box<dyn Read + Send + 'a>,
    options: &'a ReadOptions,
    used: Option<Used>,
}

/// Content in memory.
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    /// Bytes that it had where it came from: fewer, where it was packed.
    #[cfg_attr(
        not(feature = "containers"),
        allow(dead_code, reason = "for containers")
    )]
    pub(super) n_packed: u64,
    /// What may be made of it.
    pub(super) allowance: Allowance,
}

/// Whether the caller of a door can set the limits, so that messages name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limited {
    Settable,
    Fixed,
}

/// Counts what a decoder uses of packed content, not what is read ahead for it.
struct Counted<R> {
    inner: R,
    used: Used,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        self.used.add(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.used.add(n);
        self.inner.consume(n);
    }
}

/// Content that ends with an error where the job is told to end.
struct Watched<R>(R);

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        cancel::check().map_err(io::Error::other)?;
        self.0.read(into)
    }
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
            None,
        )
    }

    /// Wraps bytes in memory; `path` is what messages call them.
    pub(super) fn from_bytes(
        path: &Path,
        bytes: &'a [u8],
        options: &'a ReadOptions,
    ) -> Result<Self> {
        Self::new(path, Box::new(Cursor::new(bytes)), options, None)
    }

    /// Wraps bytes in memory that were unpacked from `n_packed` bytes.
    #[cfg(feature = "containers")]
    pub(super) fn from_packed(
        path: &Path,
        bytes: &'a [u8],
        n_packed: u64,
        options: &'a ReadOptions,
    ) -> Result<Self> {
        let used = Some(Used::new(n_packed));
        Self::new(path, Box::new(Cursor::new(bytes)), options, used)
    }

    fn new(
        path: &Path,
        mut raw: Box<dyn Read + Send + 'a>,
        options: &'a ReadOptions,
        used: Option<Used>,
    ) -> Result<Self> {
        let head = read_head(path, &mut raw)?;
        let raw: Box<dyn Read + Send + 'a> = Box::new(Watched(raw));
        let mut source = Self {
            path: path.to_path_buf(),
            head,
            reader: raw,
            options,
            used,
        };
        if source.head.starts_with(GZIP) {
            let packed = Cursor::new(std::mem::take(&mut source.head)).chain(source.reader);
            let counted = Counted {
                inner: BufReader::with_capacity(256 << 10, packed),
                used: Used::default(),
            };
            // What was packed twice is measured by what the outermost packing had.
            source.used.get_or_insert(counted.used.clone());
            let mut unpacked: Box<dyn Read + Send + 'a> = Box::new(MultiGzDecoder::new(counted));
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

    /// What may be held of the content.
    pub(super) fn allowance(&self) -> Allowance {
        Allowance::new(&self.options.limits, self.used.clone())
    }

    /// All content in memory.
    ///
    /// # Errors
    /// [`Error::File`] beyond `limits.held_bytes`, or beyond `limits.expansion` where it is packed.
    pub(super) fn hold(self) -> Result<Held> {
        self.hold_as(Limited::Settable)
    }

    /// As [`Source::hold`], in the words for callers who can set limits or who cannot.
    pub(super) fn hold_as(mut self, limited: Limited) -> Result<Held> {
        let allowance = self.allowance();
        let limit = self.options.limits.held_bytes;
        let mut bytes = std::mem::take(&mut self.head);
        loop {
            let n_held = bytes.len() as u64;
            if n_held > limit {
                let named = match limited {
                    Limited::Settable => " by `limits.held_bytes`",
                    Limited::Fixed => "",
                };
                let message = format!("more than the {limit} bytes allowed{named}");
                return Err(Error::file(&self.path, message));
            }
            allowance.check(n_held).map_err(|message| {
                let refused = match limited {
                    Limited::Settable => message,
                    Limited::Fixed => "unpacks to far more than a table can: unpack it".to_owned(),
                };
                Error::file(&self.path, refused)
            })?;
            let step = STEP_BYTES.min(limit - n_held + 1);
            let n = (&mut self.reader)
                .take(step)
                .read_to_end(&mut bytes)
                .map_err(|source| reading(&self.path, source))?;
            if n == 0 {
                let n_packed = self.used.map_or(n_held, |used| used.n_bytes());
                return Ok(Held {
                    bytes,
                    n_packed,
                    allowance,
                });
            }
        }
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
