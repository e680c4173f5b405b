//! QIIME 2 taxonomies: `Feature ID`, `Taxon`, and perhaps a confidence.

use std::collections::HashMap;

use super::delimited::with_lineage;
use super::draft::Draft;
use super::lines::{Blocks, label};
use super::source::Source;
use crate::{Error, Result};

/// The lineage of every id.
pub(super) type Taxonomy = HashMap<String, String>;

/// Reads a taxonomy from text, blank lines allowed anywhere.
///
/// # Errors
/// [`Error::File`] naming the line of a missing header, a missing field, or an id seen before.
pub(super) fn read(source: Source<'_>) -> Result<Taxonomy> {
    let path = source.path().to_path_buf();
    let limits = &source.options().limits;
    let mut taxonomy = Taxonomy::new();
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
        if taxonomy.len() >= limits.axis {
            return Err(at_line("more taxa than `limits.axis` allows".to_owned()));
        }
        match taxonomy.insert(id.clone(), taxon) {
            Some(_) => Err(at_line(format!("`{id}` occurs more than once"))),
            None => Ok(()),
        }
    })?;
    if taxonomy.is_empty() {
        return Err(Error::file(path, "the taxonomy is empty"));
    }
    Ok(taxonomy)
}

/// Gives the taxa of a draft the lineages of a taxonomy, matched by id.
pub(super) fn apply(draft: &mut Draft, taxonomy: &Taxonomy) {
    let mut n_found = 0;
    for taxon in &mut draft.taxa {
        if let Some(lineage) = taxonomy.get(taxon.label()) {
            n_found += 1;
            *taxon = with_lineage(taxon.label().to_owned(), lineage);
        }
    }
    let n_taxa = draft.taxa.len();
    draft
        .notes
        .push(format!("the taxonomy names {n_found} of {n_taxa} taxa"));
}
