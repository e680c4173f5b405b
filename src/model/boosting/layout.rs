//! What a model keeps to score by, made at its first score.

use std::sync::{Arc, OnceLock};

use super::shallow::ShallowTrees;
use super::walker::Walker;

/// The trees of a model laid out at its first score and kept, so that a score costs neither a
/// layout nor a table of thresholds. It follows from the trees and is no part of what a model is
/// or says.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout {
    walker: OnceLock<Arc<Walker>>,
    /// `None` where the trees cannot be coded.
    coded: OnceLock<Option<Arc<ShallowTrees>>>,
}

impl PartialEq for Layout {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Layout {
    /// The walker, made by `make` at the first call.
    pub(super) fn walker(&self, make: impl FnOnce() -> Walker) -> &Walker {
        self.walker.get_or_init(|| Arc::new(make()))
    }

    /// The trees by codes, made by `make` at the first call.
    pub(super) fn coded(
        &self,
        make: impl FnOnce() -> Option<ShallowTrees>,
    ) -> Option<&ShallowTrees> {
        let coded = self.coded.get_or_init(|| make().map(Arc::new));
        coded.as_deref()
    }
}
