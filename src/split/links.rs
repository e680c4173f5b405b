//! Rows that must stay together because a subject belongs to both.

use std::collections::BTreeMap;

use crate::Result;
use crate::numeric::groups::number_groups;
use crate::numeric::outcomes::check_length;

/// Links rows that share a donor, a recipient or anything else, however long the chain
/// (union–find).
///
/// # Examples
/// A pooled donor links the two donors in it, and a recipient treated twice links both donors:
/// ```
/// use donormatch::evaluation::RowLinks;
///
/// let groups = RowLinks::new(5)
///     .by_any(&[vec!["D1"], vec!["D1", "D2"], vec!["D2"], vec!["D3"], vec!["D4"]])?
///     .by(&["R1", "R2", "R3", "R4", "R4"])?
///     .into_groups();
/// assert_eq!(groups, [0, 0, 0, 1, 1]);
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct RowLinks {
    parents: Vec<usize>,
}

impl RowLinks {
    /// `n_rows` rows, none linked.
    pub fn new(n_rows: usize) -> Self {
        Self {
            parents: (0..n_rows).collect(),
        }
    }

    /// Links rows of equal label.
    ///
    /// # Errors
    /// [`Error::Table`](crate::Error::Table) where there is not one label a row.
    pub fn by<L: Ord>(mut self, labels: &[L]) -> Result<Self> {
        check_length("labels", labels.len(), self.parents.len())?;
        let mut first = BTreeMap::new();
        for (row, label) in labels.iter().enumerate() {
            let other = *first.entry(label).or_insert(row);
            self.join(row, other);
        }
        Ok(self)
    }

    /// Links rows with any label in common; a row without labels is linked to none.
    ///
    /// # Errors
    /// [`Error::Table`](crate::Error::Table) where there is not one set of labels a row.
    pub fn by_any<L: Ord>(mut self, labels: &[impl AsRef<[L]>]) -> Result<Self> {
        check_length("sets of labels", labels.len(), self.parents.len())?;
        let mut first = BTreeMap::new();
        for (row, set) in labels.iter().enumerate() {
            for label in set.as_ref() {
                let other = *first.entry(label).or_insert(row);
                self.join(row, other);
            }
        }
        Ok(self)
    }

    /// The group of each row, numbered from 0 by first appearance.
    pub fn into_groups(mut self) -> Vec<u32> {
        let roots: Vec<usize> = (0..self.parents.len()).map(|row| self.root(row)).collect();
        number_groups(&roots).0
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        // The earlier row leads; halving the paths keeps them short.
        self.parents[a.max(b)] = a.min(b);
    }

    fn root(&mut self, mut row: usize) -> usize {
        while self.parents[row] != row {
            self.parents[row] = self.parents[self.parents[row]];
            row = self.parents[row];
        }
        row
    }
}

/// Groups of transplants that share any donor (a pooled one has several) or the recipient,
/// however long the chain. Splits by these groups never part a subject.
///
/// # Errors
/// [`Error::Table`](crate::Error::Table) where the lengths differ.
///
/// # Examples
/// ```
/// use donormatch::evaluation::link_groups;
///
/// let donors = [vec![1, 2], vec![2], vec![3], vec![]];
/// assert_eq!(link_groups(&donors, &[10, 11, 12, 12])?, [0, 0, 1, 1]);
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn link_groups<D: Ord, R: Ord>(
    donors: &[impl AsRef<[D]>],
    recipients: &[R],
) -> Result<Vec<u32>> {
    Ok(RowLinks::new(recipients.len())
        .by_any(donors)?
        .by(recipients)?
        .into_groups())
}
