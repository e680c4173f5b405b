//! What a written table says of itself besides its numbers, and how that is read back.

use super::{Completeness, ProfileTable, Unit};

/// The column that holds what a profiler could not name.
pub(super) const UNCLASSIFIED: &str = "UNCLASSIFIED";

/// The unclassified abundance of each sample in the table's unit; `None` where no sample has any.
pub(super) fn unclassified(table: &ProfileTable) -> Option<Vec<f64>> {
    let fractions = table.unclassified();
    if fractions.iter().all(|&fraction| fraction == 0.0) {
        return None;
    }
    let known = table.abundance().row_sums();
    let amount = |(fraction, known): (&f64, f64)| match table.unit().total() {
        Some(total) => fraction * total,
        None => fraction / (1.0 - fraction.min(1.0 - f64::EPSILON)) * known,
    };
    Some(fractions.iter().zip(known).map(amount).collect())
}

/// The words of the first line: what a reader must know and the numbers do not say.
pub(super) fn statement(table: &ProfileTable) -> [(&'static str, String); 3] {
    let completeness = match table.completeness() {
        Completeness::Complete => "complete",
        Completeness::Filtered => "filtered",
    };
    [
        ("unit", table.unit().to_string()),
        ("completeness", completeness.to_owned()),
        ("vocabulary", table.vocabulary().to_string()),
    ]
}

/// What [`statement`] wrote, read back.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) unit: Unit,
    pub(super) completeness: Option<Completeness>,
    pub(super) vocabulary: Option<String>,
}

impl Statement {
    /// The statement of pairs of words; `None` where the unit is not among them.
    pub(super) fn of<'a>(value: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        Some(Self {
            unit: value("unit")?.parse().ok()?,
            completeness: match value("completeness") {
                Some("complete") => Some(Completeness::Complete),
                Some("filtered") => Some(Completeness::Filtered),
                _ => None,
            },
            vocabulary: value("vocabulary").map(str::to_owned),
        })
    }

    /// The statement of a line `donormatch unit=… completeness=… vocabulary=…`.
    pub(super) fn of_line(line: &str) -> Option<Self> {
        let rest = line.strip_prefix("donormatch ")?;
        Self::of(|key| {
            let (_, value) = rest.split_once(&format!("{key}="))?;
            match key {
                // The last word may hold blanks.
                "vocabulary" => Some(value.trim()),
                _ => value.split_whitespace().next(),
            }
        })
    }
}
