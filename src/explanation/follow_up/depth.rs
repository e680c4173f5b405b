//! All samples at one depth, as the sets of taxa detected in them.

use std::collections::HashMap;

use crate::feature::{n_shared, rarefy};
use crate::profile::{ProfileTable, SampleId, Unit};
use crate::{Error, Result};

/// The taxa detected in each sample, as sorted columns.
pub(super) struct Detected {
    pub(super) taxa: Vec<String>,
    of: HashMap<SampleId, Vec<u32>>,
    pub(super) depth: Option<u64>,
    pub(super) too_shallow: Vec<SampleId>,
}

impl Detected {
    pub(super) fn new(
        table: &ProfileTable,
        samples: &[SampleId],
        depth: Option<u64>,
        min_fraction: f64,
        seed: u64,
    ) -> Result<Self> {
        let table = table.select_samples(samples)?;
        let (table, depth, too_shallow) = match (table.unit(), depth) {
            (Unit::Count, depth) => {
                let lowest = table.depth().unwrap_or_default().into_iter();
                let lowest = lowest.fold(f64::INFINITY, f64::min);
                let depth = depth.unwrap_or(if lowest.is_finite() { lowest as u64 } else { 0 });
                let rarefied = rarefy(&table, depth, seed)?;
                (rarefied.table, Some(depth), rarefied.too_shallow)
            }
            (_, None) => (table, None, Vec::new()),
            (unit, Some(_)) => {
                return Err(Error::parameter(
                    "depth",
                    format!(
                        "a table in `{unit}` has no reads to draw from: leave it out, or set \
                         `min_fraction`"
                    ),
                ));
            }
        };
        let sums = table.abundance().row_sums();
        let rows = table.abundance().rows().zip(&sums);
        let detected = rows.map(|((columns, values), sum)| {
            let both = columns.iter().zip(values);
            let seen = both.filter(|(_, value)| **value / sum >= min_fraction);
            seen.map(|(column, _)| *column).collect()
        });
        Ok(Self {
            of: table.samples().iter().cloned().zip(detected).collect(),
            taxa: table
                .taxa()
                .iter()
                .map(|taxon| taxon.label().to_owned())
                .collect(),
            depth,
            too_shallow,
        })
    }

    /// `None` for a sample that is too shallow.
    pub(super) fn of(&self, sample: &SampleId) -> Option<&[u32]> {
        self.of.get(sample).map(Vec::as_slice)
    }

    /// `|a ∩ b| / |a|`.
    pub(super) fn share(&self, a: &SampleId, b: &SampleId) -> Option<f64> {
        let (a, b) = (self.of(a)?, self.of(b)?);
        (!a.is_empty()).then(|| n_shared(a, b) as f64 / a.len() as f64)
    }
}

pub(super) fn holds(columns: &[u32], column: u32) -> bool {
    columns.binary_search(&column).is_ok()
}
