//! Names among taxa that are none: what describes a patient, a sample or a classification.

use super::orientation::{has_rank, is_binomial, is_taxon_path};

/// Words of which a name of a taxon holds none.
const WORDS: [&str; 92] = [
    "age",
    "bmi",
    "sex",
    "gender",
    "weight",
    "height",
    "kg",
    "cm",
    "years",
    "months",
    "days",
    "response",
    "responder",
    "respons",
    "orr",
    "pfs",
    "os",
    "recist",
    "outcome",
    "survival",
    "status",
    "dead",
    "alive",
    "death",
    "event",
    "time",
    "date",
    "day",
    "week",
    "month",
    "year",
    "visit",
    "timepoint",
    "group",
    "arm",
    "cohort",
    "study",
    "center",
    "centre",
    "site",
    "batch",
    "plate",
    "run",
    "lane",
    "subject",
    "patient",
    "donor",
    "recipient",
    "participant",
    "sample",
    "id",
    "treatment",
    "therapy",
    "regimen",
    "drug",
    "dose",
    "line",
    "cancer",
    "tumor",
    "tumour",
    "stage",
    "ecog",
    "ldh",
    "crp",
    "albumin",
    "toxicity",
    "irae",
    "colitis",
    "antibiotics",
    "ppi",
    "smoking",
    "smoker",
    "diet",
    "country",
    "race",
    "ethnicity",
    "label",
    "target",
    "class",
    "fold",
    "depth",
    "reads",
    "total",
    "sum",
    "shannon",
    "simpson",
    "richness",
    "chao1",
    "confidence",
    "taxid",
    "rank",
    "baseline",
];

/// The labels that do not look like taxa: by their words, or because nearly all others look like
/// taxa of one notation and they do not look like any.
pub(super) fn among_taxa<'a>(labels: &[&'a str]) -> Vec<&'a str> {
    let n_certain = labels.iter().filter(|label| is_certain(label)).count();
    let n_others = labels.iter().filter(|label| !is_descriptive(label)).count();
    let others_are_taxa = n_certain >= 2 && n_certain * 2 >= n_others;
    labels
        .iter()
        .copied()
        .filter(|label| !is_certain(label))
        .filter(|label| is_descriptive(label) || (others_are_taxa && !may_be_taxon(label)))
        .collect()
}

/// Names of columns that hold what was counted up over samples, or measured of the taxon.
const MARGINS: [&str; 20] = [
    "total",
    "totals",
    "sum",
    "row_sum",
    "rowsum",
    "rowsums",
    "grand total",
    "mean",
    "average",
    "median",
    "prevalence",
    "length",
    "seq_length",
    "genome_size",
    "gc",
    "gc_content",
    "confidence",
    "taxonomy_id",
    "ncbi_tax_id",
    "taxid",
];

/// The samples whose names are those of such columns.
pub(super) fn among_samples(names: &[String]) -> Vec<&str> {
    let is_margin = |name: &&str| {
        MARGINS
            .iter()
            .any(|margin| name.trim().eq_ignore_ascii_case(margin))
    };
    names.iter().map(String::as_str).filter(is_margin).collect()
}

/// Names that are taxa in any company.
fn is_certain(label: &str) -> bool {
    has_rank(label) || is_taxon_path(label) || (is_binomial(label) && !is_descriptive(label))
}

/// Whether a word of the name is one that describes patients or samples.
pub(super) fn is_descriptive(label: &str) -> bool {
    let words = label.split(|c: char| !c.is_alphanumeric());
    let mut words = words.filter(|word| !word.is_empty()).peekable();
    words.peek().is_some()
        && words.any(|word| WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)))
        && !label.contains("bacteri")
}

/// Names that could be taxa: a capital and small letters, a bracket, numbers of databases,
/// bacteria and viruses without a proper name.
fn may_be_taxon(label: &str) -> bool {
    let lower = label.to_lowercase();
    let mut letters = label.trim_start_matches(['[', '\'', '"']).chars();
    let is_genus = letters.next().is_some_and(char::is_uppercase)
        && letters.next().is_some_and(char::is_lowercase)
        && letters.next().is_some_and(char::is_lowercase);
    is_genus
        || label.bytes().all(|byte| byte.is_ascii_digit())
        || label.len() >= 20
        || [
            "bacteri",
            "virus",
            "phage",
            "archae",
            "uncultured",
            "unclassified",
            "unknown",
            "unassigned",
            "unmapped",
            "candidat",
            "other",
            "fungus",
            "sp.",
        ]
        .iter()
        .any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_describes_a_patient_is_no_taxon() {
        let labels = [
            "age",
            "BMI",
            "Response",
            "pfs_months",
            "ldh",
            "x1",
            "Phocaeicola_vulgatus",
            "Blautia_obeum",
            "Akkermansia_muciniphila",
            "Clostridium_sp_CAG_12",
            "crAssphage",
            "s__GGB1_SGB2",
            "UNCLASSIFIED",
            "[Ruminococcus] torques",
            "Firmicutes bacterium CAG:110",
        ];
        let found = among_taxa(&labels);
        assert_eq!(found, ["age", "BMI", "Response", "pfs_months", "ldh", "x1"]);
    }

    #[test]
    fn labels_of_no_notation_are_left_alone() {
        assert!(among_taxa(&["a", "b", "taxon_1"]).is_empty());
        assert!(among_taxa(&["s__A", "s__B", "s__C_d"]).is_empty());
    }
}
