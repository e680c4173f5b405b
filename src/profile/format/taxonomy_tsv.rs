//! QIIME 2 taxonomies: `Feature ID`, `Taxon`, and perhaps a confidence.

use std::collections::HashMap;
use std::path::Path;

use super::draft::{Draft, with_lineage};
use super::lines::{Blocks, label};
#[cfg(feature = "containers")]
use super::qza;
#[cfg(feature = "containers")]
use super::sniff::ZIP;
use super::source::Source;
use super::{ReadLimits, ReadOptions};
use crate::{Error, Result};

/// The lineage of every id of a QIIME 2 taxonomy: text whose header starts with `Feature ID` and
/// `Taxon`, or the artifact around it.
///
/// [`ReadOptions::with_taxonomy`] lets a reader apply it to a table whose taxa are such ids.
///
/// # Examples
/// ```
/// use donormatch::profile::{ReadLimits, Taxonomy};
///
/// let text = b"Feature ID\tTaxon\tConfidence\n4b5e\tk__Bacteria; g__Blautia\t0.99\n";
/// let taxonomy = Taxonomy::parse(text, &ReadLimits::default())?;
/// assert_eq!(taxonomy.n_ids(), 1);
/// assert_eq!(taxonomy.lineage("4b5e"), Some("k__Bacteria; g__Blautia"));
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taxonomy {
    lineages: HashMap<String, String>,
}

impl Taxonomy {
    /// Reads the taxonomy of a file, `.gz` undone by content; an artifact gives its taxonomy.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::File`] as [`Taxonomy::parse`].
    pub fn read(path: impl AsRef<Path>, limits: &ReadLimits) -> Result<Self> {
        let options = ReadOptions::default().with_limits(limits.clone());
        open(path.as_ref(), &options)
    }

    /// The same from bytes in memory, text or an artifact; messages call them `<bytes>`.
    ///
    /// # Errors
    /// [`Error::File`] naming the line of a missing header, a missing field, or an id seen before.
    pub fn parse(bytes: &[u8], limits: &ReadLimits) -> Result<Self> {
        let options = ReadOptions::default().with_limits(limits.clone());
        of_source(Source::from_bytes(Path::new("<bytes>"), bytes, &options)?)
    }

    /// Number of ids.
    pub fn n_ids(&self) -> usize {
        self.lineages.len()
    }

    /// The lineage of an id, as the file has it.
    pub fn lineage(&self, id: &str) -> Option<&str> {
        self.lineages.get(id).map(String::as_str)
    }
}

/// Reads the taxonomy of a file.
///
/// # Errors
/// As [`Taxonomy::read`].
pub(super) fn open(path: &Path, options: &ReadOptions) -> Result<Taxonomy> {
    of_source(Source::open(path, options)?)
}

/// The taxonomy of a QIIME 2 artifact, or of the text that is inside one.
fn of_source(source: Source<'_>) -> Result<Taxonomy> {
    #[cfg(feature = "containers")]
    if source.head().starts_with(ZIP) {
        let (path, options) = (source.path().to_path_buf(), source.options());
        let artifact = qza::open(source, &["taxonomy.tsv"])?;
        let n_packed = artifact.n_packed;
        let text = Source::from_packed(&path, &artifact.bytes, n_packed, options)?;
        return read(text);
    }
    read(source)
}

/// Reads a taxonomy from text, blank lines allowed anywhere.
///
/// # Errors
/// As [`Taxonomy::parse`].
fn read(source: Source<'_>) -> Result<Taxonomy> {
    let path = source.path().to_path_buf();
    let limits = &source.options().limits;
    let mut lineages = HashMap::new();
    let mut n_fields = None;
    Blocks::new(source)?.for_each_line(|line, bytes| {
        let at_line = |message: String| Error::line(&path, line, message);
        let fields = bytes
            .split(|&byte| byte == b'\t')
            .map(|field| label(field, limits))
            .collect::<Result<Vec<_>, _>>()
            .map_err(at_line)?;
        let Some(expected) = n_fields else {
            let [id, taxon] = [0, 1].map(|at| fields.get(at).map_or("", String::as_str));
            let is_header = matches!(id, "Feature ID" | "#OTU ID" | "feature-id" | "id")
                && matches!(taxon, "Taxon" | "taxonomy" | "taxon");
            if !is_header {
                return Err(at_line(
                    "expected the header `Feature ID`, `Taxon`".to_owned(),
                ));
            }
            n_fields = Some(fields.len());
            return Ok(());
        };
        if fields.len() != expected {
            return Err(at_line(format!(
                "expected {expected} fields as in the header, found {}",
                fields.len()
            )));
        }
        let mut fields = fields.into_iter();
        let (Some(id), Some(taxon)) = (fields.next(), fields.next()) else {
            return Err(at_line("expected an id and a taxon".to_owned()));
        };
        if lineages.len() >= limits.axis {
            return Err(at_line(
                "more taxa than allowed by `limits.axis`".to_owned(),
            ));
        }
        match lineages.insert(id.clone(), taxon) {
            Some(_) => Err(at_line(format!("`{id}` occurs more than once"))),
            None => Ok(()),
        }
    })?;
    if lineages.is_empty() {
        return Err(Error::file(path, "the taxonomy is empty"));
    }
    Ok(Taxonomy { lineages })
}

/// Gives the taxa of a draft the lineages of a taxonomy, matched by id.
pub(super) fn apply(draft: &mut Draft, taxonomy: &Taxonomy) {
    let mut n_found = 0;
    for taxon in &mut draft.taxa {
        if let Some(lineage) = taxonomy.lineage(taxon.label()) {
            n_found += 1;
            *taxon = with_lineage(taxon.label().to_owned(), lineage);
        }
    }
    let n_taxa = draft.taxa.len();
    draft
        .notes
        .push(format!("the taxonomy names {n_found} of {n_taxa} taxa"));
}
