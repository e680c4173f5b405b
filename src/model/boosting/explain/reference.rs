//! What contributions are counted from.

use crate::model::MatrixView;

/// What a row is compared with: what the features that are "not known" are taken to be.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum ContributionReference<'a> {
    /// The training rows, by the share that took each branch (path-dependent `TreeSHAP`). Needs
    /// no data; follows correlations between features that the tree knows of.
    TrainingRows,
    /// These rows, one weight each (interventional `TreeSHAP`): features are exchanged for those
    /// of a reference row, whatever the correlations. Use it to explain a difference to a
    /// definite group.
    Background(MatrixView<'a>),
}
