//! What a zero of a table means, told by what its samples lack of the whole, by its smallest
//! abundances and by the depth.
//!
//! * A sample of relative abundances that lacks more of the whole than rounding explains has been
//!   filtered. Rounding explains half a unit of the last decimal for each of its taxa.
//! * A sample with many taxa has rare ones among them. A table whose richest sample has
//!   [`RICH`] taxa or more, and in which nothing is rarer than [`RARE`], has been cut off there,
//!   renormalized or not; except where the rarest is a single read: then the depth is the limit,
//!   and every abundance is a whole multiple of the rarest.

use crate::profile::{Completeness, CsrMatrix, Unit};

/// What a sample may lack of the whole besides what rounding explains.
const SLACK: f64 = 1e-3;
/// From this number of taxa on, the rarest of a sample tells whether rare ones were removed.
const RICH: usize = 20;
/// The fraction of a sample that is rare; profilers report much less.
const RARE: f64 = 5e-4;
/// Fewer reads than this are rare at any depth.
const FEW_READS: f64 = 5.0;

/// What is decided, and why.
pub(super) fn find(
    unit: Unit,
    samples: &CsrMatrix,
    known: &[f64],
    unknown: &[f64],
) -> (Completeness, String) {
    if let Some(total) = unit.total() {
        let decimals = samples.values().iter().map(|&value| decimals(value)).max();
        let rounding = 0.5 * 10_f64.powi(-decimals.unwrap_or(0));
        for ((row, known), unknown) in samples.rows().zip(known).zip(unknown) {
            let lacking = total - known - unknown;
            if *known > 0.0 && lacking > SLACK * total + rounding * row.0.len() as f64 {
                let percent = 100.0 * lacking / total;
                return (
                    Completeness::Filtered,
                    format!("a sample lacks {percent:.2} % of the whole, more than by rounding"),
                );
            }
        }
    }
    let richest = samples.rows().map(|(taxa, _)| taxa.len()).max();
    let rarest = rarest(samples, known, unknown);
    if richest.unwrap_or(0) >= RICH && rarest >= RARE && !depth_is_the_limit(unit, samples) {
        let percent = 100.0 * rarest;
        return (
            Completeness::Filtered,
            format!(
                "nothing is rarer than {percent:.3} % in samples of up to {} taxa",
                richest.unwrap_or(0)
            ),
        );
    }
    let reason = match unit {
        Unit::Count => "rare taxa are there as far as the depth lets them be",
        Unit::Fraction | Unit::Percent => {
            "no sample lacks more of the whole than by rounding, and rare taxa are not cut off"
        }
    };
    (Completeness::Complete, reason.to_owned())
}

/// The smallest fraction of a sample that any taxon has.
fn rarest(samples: &CsrMatrix, known: &[f64], unknown: &[f64]) -> f64 {
    samples
        .rows()
        .zip(known.iter().zip(unknown))
        .flat_map(|((_, values), (known, unknown))| {
            values
                .iter()
                .filter(|&&value| value > 0.0)
                .map(move |value| value / (known + unknown))
        })
        .fold(f64::INFINITY, f64::min)
}

/// Whether the rarest taxa of the samples are single reads.
fn depth_is_the_limit(unit: Unit, samples: &CsrMatrix) -> bool {
    if unit == Unit::Count {
        return samples
            .values()
            .iter()
            .any(|&reads| reads > 0.0 && reads < FEW_READS);
    }
    samples.rows().all(|(_, values)| {
        let read = values
            .iter()
            .copied()
            .filter(|&value| value > 0.0)
            .fold(f64::INFINITY, f64::min);
        // A step of a power of ten is that of rounding.
        let power = read.log10();
        (power - power.round()).abs() > 1e-6
            && values.iter().filter(|&&value| value > 0.0).all(|value| {
                let reads = value / read;
                reads > 50.0 || (reads - reads.round()).abs() < 0.01
            })
    })
}

/// The decimals of a number as it is shortest written; at most 12.
fn decimals(value: f64) -> i32 {
    let mut scaled = value;
    for n in 0..12 {
        if (scaled - scaled.round()).abs() <= 1e-9 * scaled.abs().max(1.0) {
            return n;
        }
        scaled *= 10.0;
    }
    12
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One sample of 40 taxa whose abundances fall by a quarter from one to the next.
    fn sample(cut: f64, renormalized: bool) -> (CsrMatrix, Vec<f64>) {
        let all: Vec<f64> = (0..40).map(|n| 0.85_f64.powi(n)).collect();
        let whole: f64 = all.iter().sum();
        let kept: Vec<f64> = all
            .iter()
            .map(|v| v / whole)
            .filter(|v| *v >= cut)
            .collect();
        let left: f64 = if renormalized { kept.iter().sum() } else { 1.0 };
        let row: Vec<(u32, f64)> = (0..).zip(kept.iter().map(|v| v / left)).collect();
        let sums = vec![row.iter().map(|(_, v)| v).sum()];
        (CsrMatrix::from_rows(40, vec![row]).unwrap(), sums)
    }

    fn is_filtered(cut: f64, renormalized: bool) -> bool {
        let (samples, known) = sample(cut, renormalized);
        find(Unit::Fraction, &samples, &known, &[0.0]).0 == Completeness::Filtered
    }

    #[test]
    fn a_cut_at_a_tenth_of_a_percent_does_not_pass_for_complete() {
        assert!(!is_filtered(0.0, false));
        assert!(is_filtered(1e-3, false));
        assert!(is_filtered(1e-3, true));
    }

    #[test]
    fn single_reads_are_rare_at_any_depth() {
        let reads: Vec<(u32, f64)> = (0..30).map(|n| (n, f64::from(n % 7 + 1))).collect();
        let total: f64 = reads.iter().map(|(_, v)| v).sum();
        let counts = CsrMatrix::from_rows(30, vec![reads.clone()]).unwrap();
        let found = find(Unit::Count, &counts, &[total], &[0.0]);
        assert_eq!(found.0, Completeness::Complete);
        let shares = reads.iter().map(|&(n, v)| (n, v / total)).collect();
        let shares = CsrMatrix::from_rows(30, vec![shares]).unwrap();
        let found = find(Unit::Fraction, &shares, &[1.0], &[0.0]);
        assert_eq!(found.0, Completeness::Complete);
    }
}
