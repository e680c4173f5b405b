//! Which of the rows and columns of a plain table are samples: decided from labels, or asked for.

use super::options::Orientation;

/// Finds the orientation from ranks among the labels, then from the name of the label column, then
/// from what else the labels look like: lineages, identifiers of taxa, names of species, samples.
///
/// # Errors
/// Where neither tells, a message that names `orientation`.
pub(super) fn find(
    corner: Option<&str>,
    columns: &[String],
    rows: &[String],
) -> Result<Orientation, String> {
    let columns = columns.get(..2_000).unwrap_or(columns);
    let by = |evidence| compare(share(columns, evidence), share(rows, evidence));
    let told = by(has_rank)
        .or_else(|| corner.and_then(from_corner))
        .or_else(|| by(is_taxon_path))
        .or_else(|| by(is_binomial));
    if let Some(found) = told {
        return Ok(found);
    }
    // The axis that looks like samples is the one that does not hold the taxa.
    compare(share(rows, is_sample_like), share(columns, is_sample_like)).ok_or_else(|| {
        format!(
            "rows (`{}`, …) and columns (`{}`, …) could both be samples: set `orientation` to \
             `samples_in_rows` or `taxa_in_rows`",
            rows.first().map_or("", String::as_str),
            columns.first().map_or("", String::as_str)
        )
    })
}

/// Samples are in rows where it is the columns that look like taxa.
fn compare(columns: f64, rows: f64) -> Option<Orientation> {
    if columns >= 0.5 && rows < 0.5 * columns {
        Some(Orientation::SamplesInRows)
    } else if rows >= 0.5 && columns < 0.5 * rows {
        Some(Orientation::TaxaInRows)
    } else {
        None
    }
}

fn share(labels: &[String], evidence: fn(&str) -> bool) -> f64 {
    let n = labels.iter().filter(|label| evidence(label)).count();
    n as f64 / labels.len().max(1) as f64
}

pub(super) fn from_corner(corner: &str) -> Option<Orientation> {
    let word: String = corner
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    match word.as_str() {
        "sample" | "samples" | "sampleid" | "samplename" | "run" | "runid" | "subject"
        | "subjectid" => Some(Orientation::SamplesInRows),
        "cladename" | "clade" | "taxon" | "taxa" | "taxonomy" | "taxonid" | "otu" | "otuid"
        | "asv" | "asvid" | "featureid" | "species" | "genus" | "lineage" | "motu"
        | "consensustaxonomy" | "sgb" | "classification" => Some(Orientation::TaxaInRows),
        _ => None,
    }
}

/// `k__…`, which no sample is called.
pub(super) fn has_rank(label: &str) -> bool {
    let mut letters = label.trim().chars();
    letters.next().is_some_and(|c| "dkpcofgstm".contains(c)) && letters.as_str().starts_with("__")
}

/// `…|…`, `…;…`, mOTUs, SGBs, OTUs, amplicons and their hashes: a sample may be called so too.
pub(super) fn is_taxon_path(label: &str) -> bool {
    let numbered = |prefix: &str| {
        label
            .strip_prefix(prefix)
            .and_then(|rest| rest.bytes().next())
            .is_some_and(|byte| byte.is_ascii_digit())
    };
    label.contains('|')
        || label.contains(';')
        || label.contains("mOTU")
        || [
            "SGB",
            "GGB",
            "OTU",
            "Otu",
            "otu",
            "ASV",
            "OTU_",
            "ASV_",
            "NCBI:txid",
        ]
        .iter()
        .any(|prefix| numbered(prefix))
        || (label.len() == 32 && label.bytes().all(|byte| byte.is_ascii_hexdigit()))
        || (label.len() >= 40 && label.bytes().all(|byte| b"ACGTN".contains(&byte)))
}

/// `Genus_species` or `Genus species`.
pub(super) fn is_binomial(label: &str) -> bool {
    let mut words = label.trim_matches(['[', ']']).split(['_', ' ']);
    let genus = words.next().unwrap_or_default();
    let species = words.next().unwrap_or_default();
    let mut letters = genus.chars();
    letters.next().is_some_and(|c| c.is_ascii_uppercase())
        && letters.clone().count() >= 2
        && letters.all(|c| c.is_ascii_lowercase())
        && species.len() >= 3
        && species.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// `Sample-1`, `S12`, accessions of the sequence archives.
fn is_sample_like(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    let rest = [
        "sample", "srr", "err", "drr", "srs", "ers", "samn", "samea", "subject", "s",
    ]
    .iter()
    .find_map(|prefix| lower.strip_prefix(prefix));
    rest.is_some_and(|rest| {
        let rest = rest.trim_start_matches(['-', '_', '.', ' ']);
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn labels_tell_the_orientation() {
        let taxa = labels(&["k__A|p__B", "k__A|p__C"]);
        let names = labels(&["Phocaeicola_vulgatus", "Blautia obeum"]);
        let samples = labels(&["CSM5FZ3N_P", "x"]);
        for taxa in [taxa, names] {
            assert_eq!(find(None, &taxa, &samples), Ok(Orientation::SamplesInRows));
            assert_eq!(find(None, &samples, &taxa), Ok(Orientation::TaxaInRows));
        }
    }

    #[test]
    fn the_name_of_the_label_column_stands_before_labels_that_samples_may_have() {
        let samples = labels(&["P0|baseline", "P1|baseline"]);
        let hashes = labels(&["0123456789abcdef0123456789abcdef", "OTU9"]);
        let names = labels(&["Phocaeicola_vulgatus", "Blautia_obeum"]);
        for samples in [samples, hashes] {
            let found = find(Some("sample_id"), &names, &samples);
            assert_eq!(found, Ok(Orientation::SamplesInRows));
            let lineages = labels(&["k__A|p__B", "k__A|p__C"]);
            assert_eq!(find(None, &samples, &lineages), Ok(Orientation::TaxaInRows));
        }
    }

    #[test]
    fn a_tie_asks_for_the_orientation() {
        let (one, other) = (labels(&["a", "b"]), labels(&["c", "d"]));
        assert!(
            find(None, &one, &other)
                .unwrap_err()
                .contains("`orientation`")
        );
        assert_eq!(
            find(Some("#OTU ID"), &one, &other),
            Ok(Orientation::TaxaInRows)
        );
        assert_eq!(
            find(Some("sample_id"), &one, &other),
            Ok(Orientation::SamplesInRows)
        );
    }
}
