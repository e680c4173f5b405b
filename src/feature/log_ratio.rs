//! Log-ratios: what a composition says that does not depend on the total.

use ndarray::Array2;

use crate::profile::ProfileTable;
use crate::{Error, Result};

/// The centered log-ratios, samples × taxa: ln(x + c) minus its mean over all taxa, with the
/// pseudocount c in the unit of the table. Every row sums to 0.
///
/// A pseudocount of 0 is taken where the table holds no zero; there is no default, because the
/// choice decides the answer wherever most values are zero. The result is dense.
///
/// # Errors
/// [`Error::Parameter`] where the pseudocount is negative or not finite, or is 0 and a taxon is
/// not detected in a sample.
///
/// # Examples
/// ```
/// use donormatch::feature::clr;
/// use donormatch::profile::{ProfileTable, Taxon, Unit};
///
/// let table = ProfileTable::builder(Unit::Count)
///     .taxa(["s__A", "s__B"].map(Taxon::new))
///     .sample("donor_1", vec![(0, 8.0), (1, 2.0)])
///     .build()?;
/// let ratios = clr(&table, 0.0)?;
/// assert!((ratios[(0, 0)] - 2.0_f64.ln()).abs() < 1e-12);
/// # Ok::<(), donormatch::Error>(())
/// ```
///
/// # References
/// Aitchison 1982, J R Stat Soc B 44:139.
pub fn clr(table: &ProfileTable, pseudocount: f64) -> Result<Array2<f64>> {
    check_pseudocount(pseudocount)?;
    let n_taxa = table.n_taxa();
    let absent = libm::log(pseudocount);
    let mut ratios = Array2::from_elem((table.n_samples(), n_taxa), absent);
    for (row, (columns, values)) in table.abundance().rows().enumerate() {
        if pseudocount == 0.0 && columns.len() < n_taxa {
            return Err(Error::parameter(
                "pseudocount",
                format!(
                    "expected a number above 0, since sample `{}` lacks {} of {n_taxa} taxa, found \
                     0: give one, or use `rclr`",
                    table.samples()[row],
                    n_taxa - columns.len()
                ),
            ));
        }
        let mut ratios = ratios.row_mut(row);
        for (&column, &value) in columns.iter().zip(values) {
            ratios[column as usize] = libm::log(value + pseudocount);
        }
        let mean = ratios.iter().sum::<f64>() / n_taxa as f64;
        ratios.mapv_inplace(|ratio| ratio - mean);
    }
    Ok(ratios)
}

/// The robust centered log-ratios, samples × taxa: ln x minus the mean of ln x over the taxa
/// detected in the sample; NaN ("missing") where a taxon is not detected.
///
/// No pseudocount and no imputation. The result is dense.
///
/// # Examples
/// ```
/// use donormatch::feature::rclr;
/// use donormatch::profile::{ProfileTable, Taxon, Unit};
///
/// let table = ProfileTable::builder(Unit::Percent)
///     .taxa(["s__A", "s__B", "s__C"].map(Taxon::new))
///     .sample("donor_1", vec![(0, 80.0), (1, 20.0)])
///     .build()?;
/// let ratios = rclr(&table);
/// assert!((ratios[(0, 0)] - 2.0_f64.ln()).abs() < 1e-12);
/// assert!(ratios[(0, 2)].is_nan());
/// # Ok::<(), donormatch::Error>(())
/// ```
///
/// # References
/// Martino et al. 2019, mSystems 4:e00016-19.
pub fn rclr(table: &ProfileTable) -> Array2<f64> {
    let mut ratios = Array2::from_elem((table.n_samples(), table.n_taxa()), f64::NAN);
    for (mut ratios, (columns, values)) in ratios.outer_iter_mut().zip(table.abundance().rows()) {
        let mean = mean_log(values);
        for (&column, &value) in columns.iter().zip(values) {
            ratios[column as usize] = libm::log(value) - mean;
        }
    }
    ratios
}

/// ln of the summed abundance of one set of taxa over that of another, of each sample:
/// ln((Σ numerator + c) / (Σ denominator + c)), with the pseudocount c in the unit of the table.
///
/// Sets are column numbers. With a pseudocount of 0 a sample that has nothing on one side is an
/// error, never an infinity.
///
/// # Errors
/// [`Error::Parameter`] where a set is empty, names a column twice or one that does not exist, a
/// column is on both sides, the pseudocount is negative or not finite, or it is 0 and a sample has
/// nothing on one side.
///
/// # Examples
/// ```
/// use donormatch::feature::log_ratio;
/// use donormatch::profile::{ProfileTable, Taxon, Unit};
///
/// let table = ProfileTable::builder(Unit::Percent)
///     .taxa(["s__A", "s__B", "s__C"].map(Taxon::new))
///     .sample("donor_1", vec![(0, 30.0), (1, 10.0), (2, 10.0)])
///     .build()?;
/// assert!((log_ratio(&table, &[0, 1], &[2], 0.0)?[0] - 4.0_f64.ln()).abs() < 1e-12);
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn log_ratio(
    table: &ProfileTable,
    numerator: &[usize],
    denominator: &[usize],
    pseudocount: f64,
) -> Result<Vec<f64>> {
    check_pseudocount(pseudocount)?;
    let side = sides(table.n_taxa(), numerator, denominator)?;
    let samples = table.samples().iter().zip(table.abundance().rows());
    samples
        .map(|(sample, (columns, values))| {
            let (mut above, mut below) = (pseudocount, pseudocount);
            for (&column, &value) in columns.iter().zip(values) {
                match side[column as usize] {
                    Some(Side::Numerator) => above += value,
                    Some(Side::Denominator) => below += value,
                    None => {}
                }
            }
            if above > 0.0 && below > 0.0 {
                return Ok(libm::log(above) - libm::log(below));
            }
            let empty = if above > 0.0 {
                "denominator"
            } else {
                "numerator"
            };
            Err(Error::parameter(
                "pseudocount",
                format!(
                    "expected a number above 0, since sample `{sample}` has no taxon of the \
                     {empty}, found 0"
                ),
            ))
        })
        .collect()
}

#[derive(Clone, Copy)]
enum Side {
    Numerator,
    Denominator,
}

fn sides(n_taxa: usize, numerator: &[usize], denominator: &[usize]) -> Result<Vec<Option<Side>>> {
    let mut sides = vec![None; n_taxa];
    let sets = [
        ("numerator", numerator, Side::Numerator),
        ("denominator", denominator, Side::Denominator),
    ];
    for (name, columns, side) in sets {
        if columns.is_empty() {
            return Err(Error::parameter(
                name,
                "expected at least one taxon, found none",
            ));
        }
        for &column in columns {
            match sides.get_mut(column) {
                Some(place @ None) => *place = Some(side),
                Some(Some(_)) => {
                    return Err(Error::parameter(
                        name,
                        format!("column {column} is named twice, or on both sides"),
                    ));
                }
                None => {
                    return Err(Error::parameter(
                        name,
                        format!("expected a column below {n_taxa}, found {column}"),
                    ));
                }
            }
        }
    }
    Ok(sides)
}

fn check_pseudocount(pseudocount: f64) -> Result<()> {
    if pseudocount >= 0.0 && pseudocount.is_finite() {
        return Ok(());
    }
    Err(Error::parameter(
        "pseudocount",
        format!("expected a number of 0 or more, found {pseudocount}"),
    ))
}

/// The mean of the natural logarithms of the taxa detected.
pub(super) fn mean_log(values: &[f64]) -> f64 {
    values.iter().copied().map(libm::log).sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;
    use proptest::prelude::*;

    use super::*;
    use crate::feature::testing::{four_samples, table_of};
    use crate::profile::Unit;

    // scikit-bio 0.7.4: `clr(counts[0] + 0.5)` and `rclr(counts)[0]`.
    #[test]
    fn both_log_ratios_equal_scikit_bio() {
        let table = four_samples(Unit::Count);
        let expected = [
            1.761_441_973_076_598_4,
            -1.283_080_464_646_824_3,
            0.662_829_684_408_489,
            -0.184_468_175_978_714_68,
            0.326_357_447_787_276_04,
            -1.283_080_464_646_824_3,
        ];
        for (found, expected) in clr(&table, 0.5).unwrap().row(0).iter().zip(expected) {
            assert_abs_diff_eq!(*found, expected, epsilon = 1e-12);
        }
        let robust = rclr(&table);
        assert_abs_diff_eq!(robust[(0, 0)], 1.278_998_952_438_520_6, epsilon = 1e-12);
        assert_abs_diff_eq!(robust[(0, 3)], -1.023_586_140_555_525_3, epsilon = 1e-12);
        assert!(robust[(0, 1)].is_nan() && robust[(0, 5)].is_nan());
    }

    #[test]
    fn a_zero_without_a_pseudocount_is_an_error() {
        let table = four_samples(Unit::Count);
        let error = clr(&table, 0.0).unwrap_err().to_string();
        assert!(error.contains("sample `a` lacks 2 of 6 taxa"), "{error}");
        for pseudocount in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(clr(&table, pseudocount).is_err());
            assert!(log_ratio(&table, &[0], &[1], pseudocount).is_err());
        }
        let error = log_ratio(&table, &[0], &[1], 0.0).unwrap_err().to_string();
        assert!(error.contains("no taxon of the denominator"), "{error}");
    }

    #[test]
    fn sets_are_checked() {
        let table = four_samples(Unit::Count);
        for (numerator, denominator) in [
            (&[][..], &[0][..]),
            (&[0], &[]),
            (&[0], &[0]),
            (&[0, 0], &[1]),
            (&[0], &[6]),
        ] {
            assert!(log_ratio(&table, numerator, denominator, 1.0).is_err());
        }
        // By hand: ln((10 + 3 + 1) / (2 + 1)).
        let found = log_ratio(&table, &[0, 2], &[4, 5], 1.0).unwrap()[0];
        assert_abs_diff_eq!(found, (14.0_f64 / 3.0).ln(), epsilon = 1e-12);
    }

    proptest! {
        #[test]
        fn clr_of_any_composition_sums_to_zero_and_is_scale_free(
            values in prop::collection::vec(1e-6_f64..1e6, 2..40),
            scale in 1e-3_f64..1e3,
        ) {
            let ratios = clr(&table_of(std::slice::from_ref(&values)), 0.0).unwrap();
            prop_assert!(ratios.sum().abs() < 1e-9);
            let scaled: Vec<f64> = values.iter().map(|value| value * scale).collect();
            let scaled = table_of(&[scaled]);
            for (one, other) in ratios.iter().zip(&clr(&scaled, 0.0).unwrap()) {
                prop_assert!((one - other).abs() < 1e-9);
            }
            for (one, other) in ratios.iter().zip(&rclr(&scaled)) {
                prop_assert!((one - other).abs() < 1e-9);
            }
        }
    }
}
