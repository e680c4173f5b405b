//! Profiles, or donor and recipient → features: diversity, distances, signatures, log-ratios.

mod distance;
mod diversity;
mod engraftment_metric;
mod log_ratio;
mod loss;
mod mismatch;
mod phylogeny;
mod profile_schema;
mod rarefaction;
mod toposcore;

pub use distance::{Metric, align, distances, pairwise};
pub use diversity::{Diversity, LogBase, diversity};
pub(crate) use engraftment_metric::n_shared;
pub use engraftment_metric::{ObservedEngraftment, Triad, observed_engraftment};
pub use log_ratio::{clr, log_ratio, rclr};
pub use loss::{Fate, LossCall, LossParams, call_losses};
pub use mismatch::{MismatchParams, MismatchTest, MismatchedNull, Reference, mismatched_null};
pub use phylogeny::Phylogeny;
pub use profile_schema::{COMMUNITY_FEATURES, ProfileFeatures, ProfileSchema};
pub(crate) use profile_schema::{FillScratch, UsedColumns};
pub use rarefaction::{Rarefied, rarefy};
pub use toposcore::{
    AKKERMANSIA_HIGH_PERCENT, AkkermansiaClass, AkkermansiaScope, CutOff, N_SIG1, N_SIG2,
    Toposcore, ToposcoreCall, ToposcoreClass, ToposcoreParams, ToposcoreRecord, ToposcoreTable,
    toposcore,
};

use crate::profile::ProfileTable;
use crate::{Error, Result};

/// The count of one taxon in one sample as a whole number.
fn whole_count(table: &ProfileTable, row: usize, column: usize, value: f64) -> Result<u64> {
    // 2^53: whole numbers above it have gaps.
    if value.fract() != 0.0 || value > 9_007_199_254_740_992.0 {
        return Err(Error::table(format!(
            "sample `{}`, taxon `{}`: expected a whole count, found {value}",
            table.samples()[row],
            table.taxa()[column].label()
        )));
    }
    Ok(value as u64)
}

#[cfg(test)]
mod testing {
    //! One small table and tree, for which the tests quote scikit-bio.

    use super::Phylogeny;
    use crate::profile::{ProfileTable, Taxon, Unit};

    pub(super) const FOUR_SAMPLES: [[f64; 6]; 4] = [
        [10.0, 0.0, 3.0, 1.0, 2.0, 0.0],
        [1.0, 1.0, 0.0, 0.0, 40.0, 2.0],
        [0.0, 7.0, 0.0, 5.0, 1.0, 9.0],
        [2.0, 2.0, 2.0, 2.0, 2.0, 2.0],
    ];

    pub(super) fn four_samples(unit: Unit) -> ProfileTable {
        let builder = ProfileTable::builder(unit).taxa((0..6).map(|t| Taxon::new(format!("t{t}"))));
        let rows = FOUR_SAMPLES.map(|row| (0..).zip(row).collect::<Vec<(u32, f64)>>());
        ["a", "b", "c", "d"]
            .into_iter()
            .zip(rows)
            .fold(builder, |builder, (sample, row)| {
                builder.sample(sample, row)
            })
            .build()
            .unwrap()
    }

    /// Samples `s0`, `s1`, … with these dense rows over `t0`, `t1`, …, as counts.
    pub(super) fn table_of(rows: &[Vec<f64>]) -> ProfileTable {
        let builder = ProfileTable::builder(Unit::Count)
            .taxa((0..rows[0].len()).map(|t| Taxon::new(format!("t{t}"))));
        rows.iter()
            .enumerate()
            .fold(builder, |builder, (sample, row)| {
                let row = (0..).zip(row.iter().copied()).collect();
                builder.sample(format!("s{sample}"), row)
            })
            .build()
            .unwrap()
    }

    /// (((t0:0.3,t1:0.7):0.4,(t2:0.25,t3:1.5):0.1):0.2,(t4:0.9,t5:0.05):0.6);
    pub(super) fn six_tips() -> Phylogeny {
        let nodes: [(Option<usize>, f64, Option<&str>); 11] = [
            (None, 0.0, None),
            (Some(0), 0.2, None),
            (Some(0), 0.6, None),
            (Some(1), 0.4, None),
            (Some(1), 0.1, None),
            (Some(3), 0.3, Some("t0")),
            (Some(3), 0.7, Some("t1")),
            (Some(4), 0.25, Some("t2")),
            (Some(4), 1.5, Some("t3")),
            (Some(2), 0.9, Some("t4")),
            (Some(2), 0.05, Some("t5")),
        ];
        Phylogeny::from_parts(
            &nodes.map(|node| node.0),
            &nodes.map(|node| node.1),
            &nodes.map(|node| node.2),
        )
        .unwrap()
    }
}
