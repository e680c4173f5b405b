//! What a model keeps to score by, made at its first score.

use std::sync::{Arc, OnceLock};

use super::shallow::ShallowTrees;
use super::walker::Walker;

/// The trees of a model laid out at its first score and kept, so that a score costs neither a
/// layout nor a table of thresholds. It follows from the trees and is no part of what a model is
/// or says.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout(OnceLock<Arc<Laid>>);

/// See [`Layout`].
#[derive(Debug)]
pub(super) struct Laid {
    pub(super) walker: Walker,
    /// `None` where the trees cannot be coded.
    coded: OnceLock<Option<ShallowTrees>>,
}

impl PartialEq for Layout {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Layout {
    /// What is kept, with the walker that `make` gives at the first call.
    pub(super) fn get_or_make(&self, make: impl FnOnce() -> Walker) -> &Laid {
        self.0.get_or_init(|| {
            Arc::new(Laid {
                walker: make(),
                coded: OnceLock::new(),
            })
        })
    }
}

impl Laid {
    /// The trees by codes, made by `make` at the first call.
    pub(super) fn coded(
        &self,
        make: impl FnOnce() -> Option<ShallowTrees>,
    ) -> Option<&ShallowTrees> {
        self.coded.get_or_init(make).as_ref()
    }
}
