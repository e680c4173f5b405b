//! What was learned from which rows, and whether any of it stood on the tested side.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Split;
use crate::{Error, Result};

/// A column of group numbers that must not stand on both sides of a split: one a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupColumn<'a> {
    /// What the groups are, by the word that messages use: `donor`.
    pub name: &'a str,
    /// The group of each row.
    pub groups: &'a [u32],
}

impl<'a> GroupColumn<'a> {
    /// A column of groups and its name.
    pub fn new(name: &'a str, groups: &'a [u32]) -> Self {
        Self { name, groups }
    }
}

/// Takes down, for one split, every statistic learned and the rows it saw.
///
/// A [`Procedure`](super::Procedure) gets one and calls [`SplitAudit::record`] for *everything*
/// that it computes from more than one row: a prevalence filter, means and spreads, a choice of
/// features, a calibration, a threshold, the model itself. The record is only as honest as the
/// procedure; [`check_blind_to_test`](super::check_blind_to_test) and
/// [`check_scores_apart`](super::check_scores_apart) test it from outside.
///
/// # Examples
/// ```
/// use donormatch::evaluation::{GroupColumn, LeakAudit, Split, SplitAudit};
///
/// let split = Split::new("fold 1/2", vec![0, 1], vec![2, 3])?;
/// let donors = [7, 8, 8, 9];
/// let columns = [GroupColumn::new("donor", &donors)];
/// let mut audit = SplitAudit::new(&split, &columns);
/// audit.record("model", &[0])?;
/// audit.record("scaling", &[0, 1, 2, 3])?;
/// let audit = LeakAudit::from(audit);
/// assert_eq!(
///     audit.check().unwrap_err().to_string(),
///     "leak: `scaling` of split `fold 1/2` saw 2 test rows and 2 tested groups of `donor` (8, 9)"
/// );
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug)]
pub struct SplitAudit<'a> {
    split: &'a Split,
    columns: &'a [GroupColumn<'a>],
    tested: Vec<BTreeSet<u32>>,
    entries: Vec<AuditEntry>,
}

impl<'a> SplitAudit<'a> {
    /// An empty record of one split; `columns` are the groups that must stay apart in it.
    pub fn new(split: &'a Split, columns: &'a [GroupColumn<'a>]) -> Self {
        let tested = columns
            .iter()
            .map(|column| {
                let rows = split.test().iter();
                rows.filter_map(|&row| column.groups.get(row))
                    .copied()
                    .collect()
            })
            .collect();
        Self {
            split,
            columns,
            tested,
            entries: Vec::new(),
        }
    }

    /// Takes down that `statistic` was learned from `rows`; from none where it is a constant of
    /// the literature.
    ///
    /// # Errors
    /// [`Error::Table`] where a row is beyond a column of groups. A leak is no error here: it
    /// stands in the record, and [`LeakAudit::check`] refuses it.
    pub fn record(&mut self, statistic: impl Into<String>, rows: &[usize]) -> Result<()> {
        self.push(statistic.into(), rows, None)
    }

    /// The same with the values learned, so that two runs can be compared to the last bit.
    ///
    /// # Errors
    /// As [`SplitAudit::record`].
    pub fn record_values(
        &mut self,
        statistic: impl Into<String>,
        rows: &[usize],
        values: &[f64],
    ) -> Result<()> {
        self.push(statistic.into(), rows, Some(digest(values)))
    }

    fn push(&mut self, statistic: String, rows: &[usize], digest: Option<u64>) -> Result<()> {
        let rows: BTreeSet<usize> = rows.iter().copied().collect();
        let mut n_groups = None;
        let mut leaked_groups = Vec::new();
        for (column, tested) in self.columns.iter().zip(&self.tested) {
            let mut seen = BTreeSet::new();
            for &row in &rows {
                seen.insert(*column.groups.get(row).ok_or_else(|| {
                    Error::table(format!(
                        "`{statistic}` was learned from row {row}, but `{}` has {} rows",
                        column.name,
                        column.groups.len()
                    ))
                })?);
            }
            n_groups.get_or_insert(seen.len());
            let both: Vec<u32> = seen.intersection(tested).copied().collect();
            if !both.is_empty() {
                leaked_groups.push(LeakedGroups {
                    column: column.name.to_owned(),
                    groups: both,
                });
            }
        }
        let test = self.split.test();
        self.entries.push(AuditEntry {
            split: self.split.name().to_owned(),
            statistic,
            n_rows: rows.len(),
            n_groups: n_groups.unwrap_or(rows.len()),
            leaked_rows: rows
                .into_iter()
                .filter(|row| test.binary_search(row).is_ok())
                .collect(),
            leaked_groups,
            digest,
        });
        Ok(())
    }
}

/// One statistic learned in one split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// The split.
    pub split: String,
    /// What was learned.
    pub statistic: String,
    /// Rows it was learned from.
    pub n_rows: usize,
    /// Groups of the first column among those rows; the rows themselves without columns.
    pub n_groups: usize,
    /// Test rows among them; must be empty.
    pub leaked_rows: Vec<usize>,
    /// Groups on both sides, by column; must be empty.
    pub leaked_groups: Vec<LeakedGroups>,
    /// Digest of the values learned, where given.
    pub digest: Option<u64>,
}

/// Groups of one column that a statistic saw and that are tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeakedGroups {
    /// The column.
    pub column: String,
    /// The groups.
    pub groups: Vec<u32>,
}

impl AuditEntry {
    /// Whether it saw a test row or a tested group.
    pub fn is_leak(&self) -> bool {
        !(self.leaked_rows.is_empty() && self.leaked_groups.is_empty())
    }

    fn leaks(&self) -> String {
        let mut parts = Vec::new();
        if !self.leaked_rows.is_empty() {
            parts.push(format!("{} test rows", self.leaked_rows.len()));
        }
        for leaked in &self.leaked_groups {
            parts.push(format!(
                "{} tested groups of `{}` ({})",
                leaked.groups.len(),
                leaked.column,
                first_few(&leaked.groups)
            ));
        }
        parts.join(" and ")
    }
}

/// What all splits of an evaluation learned, from which rows.
///
/// `Display` prints it as a table, one line a statistic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeakAudit {
    entries: Vec<AuditEntry>,
    unaudited: Vec<String>,
}

impl LeakAudit {
    /// Every statistic learned, by split.
    pub fn entries(&self) -> &[AuditEntry] {
        &self.entries
    }

    /// Splits in which nothing was recorded, so that nothing is known about them.
    pub fn unaudited(&self) -> &[String] {
        &self.unaudited
    }

    /// The statistics that saw what they were tested on.
    pub fn leaks(&self) -> impl Iterator<Item = &AuditEntry> {
        self.entries.iter().filter(|entry| entry.is_leak())
    }

    /// Puts the record of another split behind this one.
    pub fn extend(&mut self, other: Self) {
        self.entries.extend(other.entries);
        self.unaudited.extend(other.unaudited);
    }

    /// That nothing learned saw a test row or a tested group.
    ///
    /// An empty record passes: see [`LeakAudit::unaudited`].
    ///
    /// # Errors
    /// [`Error::Leak`] naming the first statistic that did, its split, and what it saw.
    pub fn check(&self) -> Result<()> {
        match self.leaks().next() {
            Some(entry) => Err(Error::leak(format!(
                "`{}` of split `{}` saw {}",
                entry.statistic,
                entry.split,
                entry.leaks()
            ))),
            None => Ok(()),
        }
    }
}

impl From<SplitAudit<'_>> for LeakAudit {
    fn from(audit: SplitAudit<'_>) -> Self {
        let unaudited = if audit.entries.is_empty() {
            vec![audit.split.name().to_owned()]
        } else {
            Vec::new()
        };
        Self {
            entries: audit.entries,
            unaudited,
        }
    }
}

impl fmt::Display for LeakAudit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ("split", "statistic");
        let width =
            |head: &str, cells: &mut dyn Iterator<Item = usize>| cells.fold(head.len(), usize::max);
        let split = width(
            heads.0,
            &mut self.entries.iter().map(|entry| entry.split.chars().count()),
        );
        let statistic = width(
            heads.1,
            &mut self.entries.iter().map(|e| e.statistic.chars().count()),
        );
        writeln!(
            f,
            "{:split$}  {:statistic$}  {:>6}  {:>6}  leaked",
            heads.0, heads.1, "rows", "groups"
        )?;
        for entry in &self.entries {
            let leaks = if entry.is_leak() {
                entry.leaks()
            } else {
                "nothing".to_owned()
            };
            writeln!(
                f,
                "{:split$}  {:statistic$}  {:>6}  {:>6}  {leaks}",
                entry.split, entry.statistic, entry.n_rows, entry.n_groups
            )?;
        }
        for split in &self.unaudited {
            writeln!(f, "{split}: nothing was recorded")?;
        }
        Ok(())
    }
}

fn first_few(groups: &[u32]) -> String {
    let shown: Vec<String> = groups.iter().take(5).map(ToString::to_string).collect();
    let rest = if groups.len() > 5 { ", …" } else { "" };
    shown.join(", ") + rest
}

/// FNV-1a over the bits of the values.
fn digest(values: &[f64]) -> u64 {
    values
        .iter()
        .flat_map(|value| value.to_bits().to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split() -> Split {
        Split::new("fold 1/2", vec![0, 1, 2], vec![3, 4]).unwrap()
    }

    #[test]
    fn a_statistic_of_training_rows_passes() {
        let split = split();
        let groups = [0, 0, 1, 2, 2];
        let columns = [GroupColumn::new("recipient", &groups)];
        let mut audit = SplitAudit::new(&split, &columns);
        audit.record("published cut-off", &[]).unwrap();
        audit.record("model", split.training()).unwrap();
        let audit = LeakAudit::from(audit);
        audit.check().unwrap();
        assert_eq!(
            (audit.entries()[1].n_rows, audit.entries()[1].n_groups),
            (3, 2)
        );
        assert!(audit.unaudited().is_empty());
    }

    #[test]
    fn a_group_on_both_sides_is_a_leak_even_where_its_rows_are_not() {
        let split = split();
        let groups = [0, 0, 2, 2, 3];
        let columns = [GroupColumn::new("donor", &groups)];
        let mut audit = SplitAudit::new(&split, &columns);
        audit.record("model", split.training()).unwrap();
        let audit = LeakAudit::from(audit);
        assert_eq!(
            audit.check().unwrap_err().to_string(),
            "leak: `model` of split `fold 1/2` saw 1 tested groups of `donor` (2)"
        );
    }

    #[test]
    fn the_table_lists_every_statistic() {
        let split = split();
        let mut audit = SplitAudit::new(&split, &[]);
        audit.record("scaling", &[0, 1, 2, 3]).unwrap();
        audit.record("model", split.training()).unwrap();
        let mut audit = LeakAudit::from(audit);
        audit.extend(LeakAudit::from(SplitAudit::new(&split, &[])));
        assert_eq!(
            audit.to_string(),
            "split     statistic    rows  groups  leaked\n\
             fold 1/2  scaling         4       4  1 test rows\n\
             fold 1/2  model           3       3  nothing\n\
             fold 1/2: nothing was recorded\n"
        );
    }

    #[test]
    fn a_row_beyond_the_groups_is_an_error() {
        let split = split();
        let columns = [GroupColumn::new("donor", &[0, 1, 2, 3, 4])];
        let mut audit = SplitAudit::new(&split, &columns);
        assert!(audit.record("model", &[5]).is_err());
    }

    #[test]
    fn digests_tell_values_apart() {
        assert_ne!(digest(&[1.0, 2.0]), digest(&[2.0, 1.0]));
        assert_ne!(digest(&[0.0]), digest(&[-0.0]));
    }
}
