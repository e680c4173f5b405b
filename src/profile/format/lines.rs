//! A text in blocks that end where a line ends, so that blocks can be parsed side by side.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::limits::Allowance;
use super::source::{BOM, Source, reading};
use super::{ReadLimits, ReadOptions};
use crate::cancel;
use crate::{Error, Result};

/// Size of a block; lines longer than this make longer blocks.
const BLOCK_BYTES: usize = 4 << 20;
/// The same of packed text, whose rows may take far more memory than the file is long.
const PACKED_BLOCK_BYTES: usize = 1 << 20;
/// Memory of a field while a line is divided, and of a label.
const FIELD_BYTES: u64 = 64;
/// Memory of a row that is read by itself.
const ROW_BYTES: u64 = 256;

/// Whole lines of a text, each ended by `\n` but perhaps the last of all.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    /// The number of the first line, counted from 1.
    pub(super) first_line: u64,
}

/// Reads a text block by block in bounded memory.
pub(super) struct Blocks<'a> {
    path: PathBuf,
    options: &'a ReadOptions,
    reader: Box<dyn Read + Send + 'a>,
    allowance: Allowance,
    carry: Vec<u8>,
    next_line: u64,
    n_read: u64,
    ended: bool,
    carriage_returns_end_lines: bool,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(source: Source<'a>) -> Result<Self> {
        let head = source.head();
        for (mark, name) in [
            (b"\xff\xfe".as_slice(), "UTF-16"),
            (b"\xfe\xff".as_slice(), "UTF-16"),
        ] {
            if head.starts_with(mark) {
                return Err(Error::file(
                    source.path(),
                    format!("the text is {name}: save it as UTF-8"),
                ));
            }
        }
        let carriage_returns_end_lines =
            memchr::memchr(b'\r', head).is_some() && memchr::memchr(b'\n', head).is_none();
        let allowance = source.allowance();
        let (path, options, reader) = source.into_reader();
        Ok(Self {
            path,
            options,
            reader,
            allowance,
            carry: Vec::new(),
            next_line: 1,
            n_read: 0,
            ended: false,
            carriage_returns_end_lines,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn options(&self) -> &'a ReadOptions {
        self.options
    }

    fn limits(&self) -> &'a ReadLimits {
        &self.options.limits
    }

    /// Refuses `held` bytes of rows and values where packed content does not warrant them.
    pub(super) fn check_held(&self, held: u64) -> Result<()> {
        self.allowance
            .check(held)
            .map_err(|message| Error::file(&self.path, message))
    }

    fn block_bytes(&self) -> usize {
        if self.allowance.is_packed() {
            PACKED_BLOCK_BYTES
        } else {
            BLOCK_BYTES
        }
    }

    /// The next block, of at least `min_lines` lines unless the text ends; `None` at the end.
    ///
    /// # Errors
    /// [`Error::File`] for a line beyond `limits.line_bytes`, a text beyond `limits.text_bytes` or
    /// `limits.expansion`, or a NUL byte; [`Error::Io`] from the operating system.
    pub(super) fn next_block(&mut self, min_lines: usize) -> Result<Option<Block>> {
        cancel::check()?;
        let mut bytes = std::mem::take(&mut self.carry);
        let mut n_lines = 0;
        let mut last_end = 0;
        let mut seen = 0;
        let block_bytes = self.block_bytes();
        while !self.ended && (bytes.len() < block_bytes || n_lines < min_lines.max(1)) {
            self.read_more(&mut bytes)?;
            for at in memchr::memchr_iter(b'\n', bytes.get(seen..).unwrap_or_default()) {
                let end = seen + at + 1;
                self.check_line(end - last_end, n_lines)?;
                last_end = end;
                n_lines += 1;
            }
            seen = bytes.len();
            self.check_line(bytes.len() - last_end, n_lines)?;
        }
        if !self.ended {
            self.carry = bytes.split_off(last_end);
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        if bytes.len() > 2 * PACKED_BLOCK_BYTES {
            self.allowance
                .check_parts(&bytes, b"\t,;|", FIELD_BYTES)
                .map_err(|message| Error::file(&self.path, message))?;
        }
        let first_line = self.next_line;
        self.next_line += n_lines as u64;
        if memchr::memmem::find(&bytes, BOM).is_some() {
            bytes = without_marks(&bytes);
        }
        if let Some(at) = memchr::memchr(0, &bytes) {
            let line = first_line + memchr::memchr_iter(b'\n', &bytes[..at]).count() as u64;
            return Err(Error::line(
                &self.path,
                line,
                "a NUL byte: the file is no text",
            ));
        }
        Ok(Some(Block { bytes, first_line }))
    }

    fn read_more(&mut self, bytes: &mut Vec<u8>) -> Result<()> {
        let from = bytes.len();
        let chunk = (self.block_bytes() / 4) as u64;
        let n = (&mut self.reader)
            .take(chunk)
            .read_to_end(bytes)
            .map_err(|source| reading(&self.path, source))?;
        self.n_read += n as u64;
        self.ended = (n as u64) < chunk;
        if self.n_read > self.limits().text_bytes {
            return Err(Error::file(
                &self.path,
                format!(
                    "more than the {} bytes of text allowed by `limits.text_bytes`",
                    self.limits().text_bytes
                ),
            ));
        }
        self.check_held(self.n_read)?;
        if self.carriage_returns_end_lines {
            for byte in bytes.iter_mut().skip(from).filter(|byte| **byte == b'\r') {
                *byte = b'\n';
            }
        }
        Ok(())
    }

    fn check_line(&self, length: usize, n_lines: usize) -> Result<()> {
        if length <= self.limits().line_bytes {
            return Ok(());
        }
        Err(Error::line(
            &self.path,
            self.next_line + n_lines as u64,
            format!(
                "a line of more than the {} bytes allowed by `limits.line_bytes`",
                self.limits().line_bytes
            ),
        ))
    }

    /// Calls `f` with the number and bytes of every line that is not blank, in order.
    pub(super) fn for_each_line(
        mut self,
        mut f: impl FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut n_rows = 0;
        while let Some(block) = self.next_block(1)? {
            for (line, bytes) in lines(&block.bytes)
                .zip(block.first_line..)
                .map(|(b, n)| (n, b))
            {
                if !bytes.iter().all(u8::is_ascii_whitespace) {
                    f(line, bytes)?;
                    n_rows += 1;
                }
            }
            self.check_held(n_rows * ROW_BYTES)?;
        }
        Ok(())
    }
}

/// A text without its byte order marks: files that were joined have one before each part.
fn without_marks(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for at in memchr::memmem::find_iter(bytes, BOM) {
        text.extend_from_slice(bytes.get(from..at).unwrap_or_default());
        from = at + BOM.len();
    }
    text.extend_from_slice(bytes.get(from..).unwrap_or_default());
    text
}

/// Whether a line holds nothing but blanks and empty fields.
pub(super) fn is_blank(line: &[u8], delimiter: u8) -> bool {
    line.iter()
        .all(|&byte| byte.is_ascii_whitespace() || byte == delimiter)
}

/// The lines of a block, without their ends.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> + '_ {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..end).unwrap_or(rest);
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    })
}

/// The text of a label: UTF-8, or else Latin-1 where every byte is a printable character of it.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn label(bytes: &[u8], limits: &ReadLimits) -> Result<String, String> {
    if bytes.len() > limits.label_bytes {
        return Err(format!(
            "a label of {} bytes, more than the {} allowed: shorten it, or raise \
             `limits.label_bytes`",
            bytes.len(),
            limits.label_bytes
        ));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(_) if bytes.iter().all(|&b| !(0x80..0xa0).contains(&b)) => {
            let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
            Ok(text.trim().to_owned())
        }
        Err(_) => Err(format!(
            "a label that is neither UTF-8 nor Latin-1: `{}`",
            super::number::shown(bytes)
        )),
    }
}
