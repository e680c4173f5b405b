//! A node of a growing tree that asks for its best split: its rows, sums and limits, and what it
//! may split on.

use std::sync::Arc;

use crate::numeric::random::derive;

/// Features, rising; none means all.
pub(super) type Open = Option<Arc<[u32]>>;

/// Which cuts of a feature a node tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Cuts {
    #[default]
    All,
    /// One, drawn by this seed and the feature.
    One(u64),
}

impl Cuts {
    /// The only one of `n` cuts of a feature that is tried, or `None` where all are.
    pub(super) fn drawn(self, feature: u32, n: usize) -> Option<usize> {
        match self {
            Self::All => None,
            Self::One(seed) => {
                let number = derive(seed, u64::from(feature)) >> 32;
                Some(((number * n as u64) >> 32) as usize)
            }
        }
    }
}

/// Where a leaf must stay, in units of `g / h`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            low: f64::NEG_INFINITY,
            high: f64::INFINITY,
        }
    }
}

/// A node that asks for its best split.
#[derive(Debug, Clone)]
pub(super) struct SearchNode {
    pub(super) id: usize,
    pub(super) g: i32,
    pub(super) h: i32,
    /// Copies of the rows seen.
    pub(super) n_rows: u32,
    /// Its rows, a range of the partition.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) bounds: Bounds,
    /// Features it may split on, drawn when it is searched.
    pub(super) open: Open,
    /// Cuts of them that it tries.
    pub(super) cuts: Cuts,
    /// Parent and sibling, for parent minus sibling.
    pub(super) family: Option<Family>,
}

/// Where a node comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    pub(super) parent: usize,
    pub(super) sibling: usize,
    pub(super) sibling_start: usize,
    pub(super) sibling_end: usize,
}
