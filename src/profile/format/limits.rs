//! How much of a file a reader is willing to hold, and how far packed content may unpack.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What any packed content may unpack to, however small it is.
const FREE_BYTES: u64 = 16 << 20;

/// Upper bounds on what a reader holds, so that a hostile or broken file ends in an error and not
/// in exhausted memory. Raise one where a genuine file needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ReadLimits {
    /// Bytes of text after decompression; default 64 GiB (texts are streamed, not held).
    pub text_bytes: u64,
    /// Bytes of a file that is held whole, after decompression: BIOM, HDF5, zip members, Parquet,
    /// Newick; default 2 GiB.
    pub held_bytes: u64,
    /// Bytes of one line of text; default 32 MiB.
    pub line_bytes: usize,
    /// Bytes of one label; default 16 KiB (a whole amplicon sequence fits).
    pub label_bytes: usize,
    /// Samples × taxa that are not zero; default 2³⁰.
    pub nonzeros: u64,
    /// Samples, and taxa, each; default 2²⁴.
    pub axis: usize,
    /// Members of a zip archive; default 10,000.
    pub members: usize,
    /// Nodes of a tree; default 2²².
    pub nodes: usize,
    /// Bytes of one decoded chunk of an HDF5 dataset; default 256 MiB.
    pub chunk_bytes: u64,
    /// How many times its own size packed content (gzip, a zip member, a dataset, the columns of a
    /// Parquet file) may have when unpacked, and what is made of its rows and entries in memory,
    /// beyond 16 MiB; default 400. Tables of which nearly all is zero come to 100.
    pub expansion: u64,
}

impl ReadLimits {
    /// The same limits, one of them changed by its name.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the limits there are.
    ///
    /// # Examples
    /// ```
    /// use donormatch::profile::ReadLimits;
    ///
    /// let limits = ReadLimits::default().with("held_bytes", 1 << 20)?;
    /// assert_eq!(limits.held_bytes, 1 << 20);
    /// assert!(limits.with("bytes", 1).is_err());
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn with(self, name: &str, value: u64) -> Result<Self> {
        let refused = |error: serde_json::Error| Error::parameter("limit", error.to_string());
        let mut limits = serde_json::to_value(self).map_err(refused)?;
        if let Some(fields) = limits.as_object_mut() {
            fields.insert(name.to_owned(), value.into());
        }
        serde_json::from_value(limits).map_err(refused)
    }

    /// The bytes that a part of `n_bytes` may unpack to.
    #[cfg(feature = "containers")]
    pub(super) fn unpacked(&self, n_bytes: u64) -> u64 {
        self.expanded(n_bytes).min(self.held_bytes)
    }

    fn expanded(&self, n_bytes: u64) -> u64 {
        n_bytes
            .saturating_mul(self.expansion)
            .saturating_add(FREE_BYTES)
    }
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            text_bytes: 64 << 30,
            held_bytes: 2 << 30,
            line_bytes: 32 << 20,
            label_bytes: 16 << 10,
            nonzeros: 1 << 30,
            axis: 1 << 24,
            members: 10_000,
            nodes: 1 << 22,
            chunk_bytes: 256 << 20,
            expansion: 400,
        }
    }
}

/// How many bytes of packed content were used so far; shared with the reader that counts them.
#[derive(Debug, Clone, Default)]
pub(super) struct Used(Arc<AtomicU64>);

impl Used {
    #[cfg_attr(
        not(feature = "containers"),
        allow(dead_code, reason = "for containers")
    )]
    pub(super) fn new(n_bytes: u64) -> Self {
        Self(Arc::new(AtomicU64::new(n_bytes)))
    }

    pub(super) fn add(&self, n_bytes: usize) {
        self.0.fetch_add(n_bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn n_bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What may be held of content that grows as it is unpacked; content that was not packed is what
/// it is, and only the other limits hold for it.
#[derive(Debug, Clone)]
pub(super) struct Allowance {
    limits: ReadLimits,
    used: Option<Used>,
}

impl Allowance {
    pub(super) fn new(limits: &ReadLimits, used: Option<Used>) -> Self {
        Self {
            limits: limits.clone(),
            used,
        }
    }

    /// Whether the content grows as it is read.
    pub(super) fn is_packed(&self) -> bool {
        self.used.is_some()
    }

    /// Refuses `held` bytes where the packed bytes that were used so far do not warrant them.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn check(&self, held: u64) -> Result<(), String> {
        let Some(used) = &self.used else {
            return Ok(());
        };
        let n_used = used.n_bytes();
        if held <= self.limits.expanded(n_used) {
            return Ok(());
        }
        Err(format!(
            "{n_used} packed bytes would take more than {held} bytes of memory, beyond 16 MiB and \
             {} times their size: more than allowed by `limits.expansion`",
            self.limits.expansion
        ))
    }

    /// Refuses a text whose parts, ended or begun by one of `marks`, would take too much at
    /// `n_bytes` each.
    ///
    /// # Errors
    /// As [`Allowance::check`].
    pub(super) fn check_parts(
        &self,
        text: &[u8],
        marks: &[u8],
        n_bytes: u64,
    ) -> Result<(), String> {
        if !self.is_packed() {
            return Ok(());
        }
        let n_parts = text.iter().filter(|byte| marks.contains(byte)).count();
        self.check(n_parts as u64 * n_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_changed_by_its_name_and_an_unknown_name_is_refused_with_the_known() {
        let limits = ReadLimits::default().with("axis", 7).unwrap();
        assert_eq!(limits.axis, 7);
        let error = limits.with("rows", 7).unwrap_err().to_string();
        assert!(
            error.contains("`rows`") && error.contains("`held_bytes`"),
            "{error}"
        );
    }

    #[test]
    fn packed_bytes_warrant_400_times_their_size_and_16_mib_and_others_anything() {
        let limits = ReadLimits::default();
        let packed = Allowance::new(&limits, Some(Used::new(1_000)));
        assert!(packed.check((16 << 20) + 400_000).is_ok());
        let message = packed.check((16 << 20) + 400_001).unwrap_err();
        assert!(message.contains("`limits.expansion`"), "{message}");
        assert!(Allowance::new(&limits, None).check(u64::MAX).is_ok());
        assert!(packed.check_parts(&[b','; 1_000], b",", 64).is_ok());
        assert!(packed.check_parts(&vec![b','; 300_000], b",", 64).is_err());
    }
}
