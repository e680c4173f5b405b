//! Lost, kept, or too shallow to tell.

use serde::{Deserialize, Serialize};

use super::engraftment_metric::Rows;
use crate::profile::{ProfileTable, SampleId, Unit};
use crate::{Error, Result};

/// What became of a taxon that the recipient had before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Detected after.
    Kept,
    /// Not detected after, though at its abundance before it would have been.
    Lost,
    /// Not detected after, but the follow-up is too shallow to tell.
    Indeterminate,
}

/// The fate of one taxon of the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LossCall {
    /// Column of the taxon.
    pub column: usize,
    /// What became of it.
    pub fate: Fate,
    /// The chance of detecting it in the follow-up, had its abundance stayed the same.
    pub detection: f64,
}

/// Settings of [`call_losses`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossParams {
    /// A loss is called only where the chance of detection is at least this; default 0.9.
    pub min_detection: f64,
    /// Reads of the follow-up (all of them, unclassified ones too): needed for relative
    /// abundances, refused for counts, which have their own.
    pub follow_up_depth: Option<f64>,
}

impl Default for LossParams {
    fn default() -> Self {
        Self {
            min_detection: 0.9,
            follow_up_depth: None,
        }
    }
}

/// The fate of every taxon that the baseline holds, in the order of the columns.
///
/// With f the fraction of the taxon in the baseline and n the reads of the follow-up, a read misses
/// the taxon with chance 1 − f, so that P(detect) = 1 − (1 − f)ⁿ (binomial; 1 − e^(−nf), the
/// Poisson form, is its limit for small f). For relative abundances f is taken of all reads, the
/// unclassified ones included. The uncertainty of f itself is not in it: a taxon seen in one read
/// before may never have been as abundant as f says. Nor are the profiler's own thresholds: where
/// it needs more than one read to report a taxon, give as depth the reads divided by that number.
///
/// # Errors
/// [`Error::Table`] naming a sample that the table does not hold; [`Error::Parameter`] where
/// `min_detection` is not in (0, 1\], or `follow_up_depth` is missing, given for counts, or not
/// above 0.
///
/// # Examples
/// ```
/// use donormatch::feature::{Fate, LossParams, call_losses};
/// use donormatch::profile::{ProfileTable, Taxon, Unit};
///
/// let table = ProfileTable::builder(Unit::Count)
///     .taxa(["s__A", "s__B", "s__C"].map(Taxon::new))
///     .sample("before", vec![(0, 9000.0), (1, 998.0), (2, 2.0)])
///     .sample("after", vec![(0, 1000.0)])
///     .build()?;
/// let calls = call_losses(&table, &"before".into(), &"after".into(), &LossParams::default())?;
/// let fates: Vec<Fate> = calls.iter().map(|call| call.fate).collect();
/// assert_eq!(fates, [Fate::Kept, Fate::Lost, Fate::Indeterminate]);
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn call_losses(
    table: &ProfileTable,
    baseline: &SampleId,
    follow_up: &SampleId,
    params: &LossParams,
) -> Result<Vec<LossCall>> {
    if !(params.min_detection > 0.0 && params.min_detection <= 1.0) {
        return Err(Error::parameter(
            "min_detection",
            format!(
                "expected a chance above 0 and up to 1, found {}",
                params.min_detection
            ),
        ));
    }
    let rows = Rows::new(table);
    let (before, after) = (rows.of(baseline)?, rows.of(follow_up)?);
    let depth = depth_of(table, after, params.follow_up_depth)?;
    let (columns, values) = table.abundance().row(before);
    let classified = match table.unit() {
        Unit::Count => 1.0,
        Unit::Fraction | Unit::Percent => 1.0 - table.unclassified()[before],
    };
    let scale = classified / values.iter().sum::<f64>();
    let present = table.abundance().row(after).0;
    let call = |(column, value): (&u32, &f64)| {
        let detection = chance_of_detection(value * scale, depth);
        let fate = if present.binary_search(column).is_ok() {
            Fate::Kept
        } else if detection >= params.min_detection {
            Fate::Lost
        } else {
            Fate::Indeterminate
        };
        LossCall {
            column: *column as usize,
            fate,
            detection,
        }
    };
    Ok(columns.iter().zip(values).map(call).collect())
}

/// 1 − (1 − f)ⁿ without loss of digits for small f.
fn chance_of_detection(fraction: f64, depth: f64) -> f64 {
    -libm::expm1(depth * libm::log1p(-fraction.min(1.0)))
}

fn depth_of(table: &ProfileTable, follow_up: usize, given: Option<f64>) -> Result<f64> {
    let wrong = |message: String| Err(Error::parameter("follow_up_depth", message));
    match (table.unit(), given) {
        (Unit::Count, None) => Ok(table.abundance().row(follow_up).1.iter().sum()),
        (Unit::Count, Some(_)) => {
            wrong("a table of counts has its own depth: leave this out".to_owned())
        }
        (unit, None) => wrong(format!(
            "a table in `{unit}` does not say how many reads the follow-up has: give them"
        )),
        (_, Some(depth)) if depth > 0.0 && depth.is_finite() => Ok(depth),
        (_, Some(depth)) => wrong(format!("expected reads above 0, found {depth}")),
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;
    use crate::profile::Taxon;

    // SciPy 1.17.1: `binom.sf(0, 1000, 0.001)` and `binom.sf(0, 5000, 3 / 7000)`.
    #[test]
    fn the_chance_of_detection_equals_scipy() {
        let close =
            |found: f64, expected: f64| assert_abs_diff_eq!(found, expected, epsilon = 1e-13);
        close(chance_of_detection(0.001, 1000.0), 0.632_304_575_229_035_9);
        close(
            chance_of_detection(3.0 / 7000.0, 5000.0),
            0.882_734_707_974_552_4,
        );
        close(chance_of_detection(1.0, 1.0), 1.0);
    }

    fn percent() -> ProfileTable {
        ProfileTable::builder(Unit::Percent)
            .taxa(["A", "B"].map(Taxon::new))
            .sample("before", vec![(0, 99.9), (1, 0.1)])
            .sample("after", vec![(0, 100.0)])
            .unclassified(vec![0.5, 0.0])
            .build()
            .unwrap()
    }

    fn call(params: &LossParams) -> Result<Vec<LossCall>> {
        call_losses(&percent(), &"before".into(), &"after".into(), params)
    }

    #[test]
    fn relative_abundances_need_a_depth_and_count_the_unclassified() {
        assert!(call(&LossParams::default()).is_err());
        let at = |depth| LossParams {
            follow_up_depth: Some(depth),
            ..LossParams::default()
        };
        // Half is unclassified, so f = 0.0005: ln 0.1 / ln(1 − 0.0005) = 4,604.0 reads are needed.
        assert_eq!(call(&at(4605.0)).unwrap()[1].fate, Fate::Lost);
        assert_eq!(call(&at(4603.0)).unwrap()[1].fate, Fate::Indeterminate);
        assert!(call(&at(0.0)).is_err() && call(&at(f64::NAN)).is_err());
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        for min_detection in [0.0, 1.1, f64::NAN] {
            let params = LossParams {
                min_detection,
                follow_up_depth: Some(1e6),
            };
            assert!(call(&params).is_err());
        }
        let counts = crate::feature::testing::four_samples(Unit::Count);
        let params = LossParams {
            follow_up_depth: Some(1e6),
            ..LossParams::default()
        };
        assert!(call_losses(&counts, &"a".into(), &"b".into(), &params).is_err());
    }
}
