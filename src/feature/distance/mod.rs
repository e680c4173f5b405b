//! Distances between samples: donors (rows) against recipients (columns), or all pairs of a table.

mod align;
mod branches;
mod codes;
mod cross;
mod kernel;
mod presence;

use ndarray::Array2;

pub use align::align;
use align::check_comparable;
use branches::{BranchRows, Branches};
use codes::unshared;
use cross::{Part, cross};
use kernel::{Angles, Overlap, OverlapForm, SharedDivergence};
use presence::Presence;

use super::Phylogeny;
use super::log_ratio::mean_log;
use crate::memory;
use crate::profile::{CsrMatrix, ProfileTable};
use crate::{Error, Result};

/// A distance between two samples, for [`distances`] and [`pairwise`].
///
/// a and b are the abundances of two samples in the unit of their tables; p and q the same closed
/// to 1; D the number of columns. All are equal to scikit-bio 0.7 (`skbio.diversity.beta`) or to
/// the definition named, to 1e-12.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Metric<'a> {
    /// Σ |a − b| / Σ (a + b), on the abundances as they are: 1 − Σ min(p, q) after
    /// [`closure`](ProfileTable::closure), which counts of different depth need first. From 0 to 1.
    BrayCurtis,
    /// 1 − shared taxa / taxa in either, on presence and absence. From 0 to 1. Depends on depth.
    Jaccard,
    /// √(½ Σ p ln(p/m) + ½ Σ q ln(q/m)) with m = (p + q) / 2: the distance (not its square, the
    /// divergence), natural logarithm, as in `SciPy`. From 0 to √ln 2.
    JensenShannon,
    /// Euclidean distance of the centered log-ratios, after adding the pseudocount to every value
    /// (zero or not) in the unit of the table. Depends on D: compare only over the same columns.
    Aitchison {
        /// Above 0, in the unit of the table; for counts 1 or 0.5 is usual.
        pseudocount: f64,
    },
    /// Euclidean distance of the robust centered log-ratios, ln x minus the mean of ln x over the
    /// taxa detected, and 0 where a taxon is not detected (no imputation), as `robust.aitchison`
    /// of vegan 2.6 without imputation.
    RobustAitchison,
    /// Length of the branches seen in one sample only / length seen in either. From 0 to 1.
    UnweightedUniFrac(&'a Phylogeny),
    /// Σ over branches of length · |p − q|, p and q the fractions below the branch.
    WeightedUniFrac(&'a Phylogeny),
    /// [`Metric::WeightedUniFrac`] divided by Σ length · (p + q): from 0 to 1.
    NormalizedWeightedUniFrac(&'a Phylogeny),
}

/// The distance of every donor to every recipient: donors (rows) × recipients (columns).
///
/// Both tables must have the same taxa in the same order ([`align`]), the same vocabulary and the
/// same unit. Memory is the result, at most a few copies of the non-zeros (for unweighted `UniFrac`
/// one bit for each branch and sample) and at most 50 MB; time grows with the taxa that two samples
/// share, for `UniFrac` with the branches. The result is the same to the bit for any number of
/// threads.
///
/// # Errors
/// [`Error::Table`] where the columns differ, [`Error::Vocabulary`] or [`Error::Unit`] where these
/// do, [`Error::Parameter`] for a pseudocount that is not above 0, [`Error::Vocabulary`] where a
/// taxon with abundance is no tip of the tree.
///
/// # Examples
/// ```
/// use donormatch::feature::{Metric, distances};
/// use donormatch::profile::{ProfileTable, Taxon, Unit};
///
/// let table = |sample: &str, row| {
///     ProfileTable::builder(Unit::Percent)
///         .taxa(["s__A", "s__B"].map(Taxon::new))
///         .sample(sample, row)
///         .build()
/// };
/// let donors = table("donor_1", vec![(0, 50.0), (1, 50.0)])?;
/// let recipients = table("recipient_1", vec![(0, 100.0)])?;
/// assert_eq!(distances(&donors, &recipients, Metric::BrayCurtis)?[(0, 0)], 0.5);
/// # Ok::<(), donormatch::Error>(())
/// ```
///
/// # References
/// Bray and Curtis 1957, Ecol Monogr 27:325. Jaccard 1912, New Phytol 11:37. Endres and Schindelin
/// 2003, IEEE Trans Inf Theory 49:1858. Aitchison 1986, The Statistical Analysis of Compositional
/// Data. Martino et al. 2019, mSystems 4:e00016-19. Lozupone and Knight 2005, Appl Environ
/// Microbiol 71:8228; Lozupone et al. 2007, 73:1576.
pub fn distances(
    donors: &ProfileTable,
    recipients: &ProfileTable,
    metric: Metric<'_>,
) -> Result<Array2<f64>> {
    check_comparable(donors, recipients)?;
    compute(donors, recipients, metric, Part::Full)
}

/// The distances of all samples of one table to each other: symmetric to the bit, 0 on the
/// diagonal, and equal to [`distances`] of the table with itself.
///
/// # Errors
/// As [`distances`].
///
/// # Examples
/// ```
/// use donormatch::feature::{Metric, pairwise};
/// use donormatch::profile::{ProfileTable, Taxon, Unit};
///
/// let table = ProfileTable::builder(Unit::Count)
///     .taxa(["s__A", "s__B"].map(Taxon::new))
///     .sample("a", vec![(0, 5.0)])
///     .sample("b", vec![(1, 7.0)])
///     .build()?;
/// assert_eq!(pairwise(&table, Metric::Jaccard)?[(0, 1)], 1.0);
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn pairwise(table: &ProfileTable, metric: Metric<'_>) -> Result<Array2<f64>> {
    compute(table, table, metric, Part::Upper)
}

fn compute(
    donors: &ProfileTable,
    recipients: &ProfileTable,
    metric: Metric<'_>,
    part: Part,
) -> Result<Array2<f64>> {
    let n_pairs = donors.n_samples() as u128 * recipients.n_samples() as u128;
    memory::check("the matrix of distances", n_pairs, 8)?;
    let rows = |embed: &dyn Fn(&ProfileTable) -> Result<CsrMatrix>| {
        Rows::new(donors, recipients, part, embed)
    };
    let overlap = |rows: Rows, form| {
        let [a, b] = rows.both();
        cross(a, b, &Overlap::of_matrices(a, b, form), part)
    };
    let weighted = |tree, form| -> Result<_> {
        let branches = Branches::new(tree, donors, recipients)?;
        let a = BranchRows::new(&branches, donors.abundance());
        let b = BranchRows::new(&branches, recipients.abundance());
        let kernel = Overlap::new(a.sums().to_vec(), b.sums().to_vec(), form);
        Ok(cross(&a, &b, &kernel, part))
    };
    Ok(match metric {
        Metric::BrayCurtis => {
            let rows = rows(&|table| Ok(table.abundance().clone()))?;
            overlap(rows, OverlapForm::OverSum)
        }
        Metric::Jaccard => {
            let rows = rows(&|table| Ok(table.abundance().map_rows(|_, _| 1.0)))?;
            overlap(rows, OverlapForm::OverUnion)
        }
        Metric::JensenShannon => {
            let rows = rows(&|table| Ok(table.closure().abundance().clone()))?;
            let [a, b] = rows.both();
            cross(a, b, &SharedDivergence::new(a, b), part)
        }
        Metric::Aitchison { pseudocount } => {
            check_pseudocount(pseudocount)?;
            // ln(x + c) − ln c: 0 where x is 0, and the constant leaves with the centering.
            let shift = |_, value: f64| libm::log1p(value / pseudocount);
            let rows = rows(&|table| Ok(table.abundance().map_rows(shift)))?;
            let [a, b] = rows.both();
            cross(a, b, &Angles::new(a, b, Some(donors.n_taxa())), part)
        }
        Metric::RobustAitchison => {
            let rows = rows(&|table| Ok(robust_log_ratios(table)))?;
            let [a, b] = rows.both();
            cross(a, b, &Angles::new(a, b, None), part)
        }
        Metric::UnweightedUniFrac(tree) => {
            let branches = Branches::new(tree, donors, recipients)?;
            let bits = [donors, recipients]
                .map(|table| Presence::of_branches(&branches, table.abundance()));
            unshared(&bits[0], &bits[1], branches.lengths(), part)
        }
        Metric::WeightedUniFrac(tree) => weighted(tree, OverlapForm::Difference)?,
        Metric::NormalizedWeightedUniFrac(tree) => weighted(tree, OverlapForm::OverSum)?,
    })
}

/// The sparse rows whose shared columns make a distance; with [`Part::Upper`] of one table only.
struct Rows {
    donors: CsrMatrix,
    recipients: Option<CsrMatrix>,
}

impl Rows {
    fn new(
        donors: &ProfileTable,
        recipients: &ProfileTable,
        part: Part,
        embed: &dyn Fn(&ProfileTable) -> Result<CsrMatrix>,
    ) -> Result<Self> {
        Ok(Self {
            donors: embed(donors)?,
            recipients: match part {
                Part::Full => Some(embed(recipients)?),
                Part::Upper => None,
            },
        })
    }

    fn both(&self) -> [&CsrMatrix; 2] {
        [
            &self.donors,
            self.recipients.as_ref().unwrap_or(&self.donors),
        ]
    }
}

/// ln x less the mean of ln x over the taxa detected.
fn robust_log_ratios(table: &ProfileTable) -> CsrMatrix {
    let rows = table.abundance();
    let means: Vec<f64> = rows.rows().map(|(_, x)| mean_log(x)).collect();
    rows.map_rows(|row, value| libm::log(value) - means[row])
}

fn check_pseudocount(pseudocount: f64) -> Result<()> {
    if pseudocount > 0.0 && pseudocount.is_finite() {
        return Ok(());
    }
    Err(Error::parameter(
        "pseudocount",
        format!("expected a number above 0, found {pseudocount}"),
    ))
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;
    use crate::feature::testing::{four_samples, six_tips, table_of};
    use crate::profile::{Taxon, Unit};

    /// The upper triangle by rows, as `SciPy`'s condensed form.
    fn condensed(square: &Array2<f64>) -> Vec<f64> {
        let n = square.nrows();
        let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
        pairs.map(|pair| square[pair]).collect()
    }

    // scikit-bio 0.7.4: `beta_diversity(metric, counts)`; Jensen–Shannon is SciPy 1.17.1's of the
    // rows closed to 1; Aitchison is SciPy's Euclidean distance of `clr(counts + 0.5)`, robust
    // Aitchison of `rclr(counts)` with 0 for its NaN.
    #[test]
    fn every_distance_equals_scikit_bio() {
        let tree = six_tips();
        let cases: [(Metric<'_>, [f64; 6]); 8] = [
            (
                Metric::BrayCurtis,
                [
                    0.9,
                    0.894_736_842_105_263_2,
                    0.5,
                    0.878_787_878_787_878_8,
                    0.785_714_285_714_285_7,
                    0.588_235_294_117_647_1,
                ],
            ),
            (
                Metric::Jaccard,
                [2.0 / 3.0, 2.0 / 3.0, 1.0 / 3.0, 0.4, 1.0 / 3.0, 1.0 / 3.0],
            ),
            (
                Metric::JensenShannon,
                [
                    0.673_273_738_494_443_6,
                    0.753_776_988_268_075_5,
                    0.447_505_161_292_614_4,
                    0.697_240_425_610_643_4,
                    0.580_200_042_360_277_6,
                    0.417_902_779_141_937_63,
                ],
            ),
            (
                Metric::Aitchison { pseudocount: 0.5 },
                [
                    4.504_609_038_546_057,
                    5.536_908_338_120_441,
                    2.641_050_863_622_432_6,
                    4.694_908_081_810_174,
                    3.620_174_902_013_843_6,
                    3.001_569_133_603_141_4,
                ],
            ),
            (
                Metric::RobustAitchison,
                [
                    4.074_596_615_283_839_5,
                    2.265_005_099_440_857,
                    1.672_837_630_094_373_7,
                    4.626_232_697_656_219,
                    3.047_580_234_243_933_5,
                    1.712_200_208_557_897_8,
                ],
            ),
            (
                Metric::UnweightedUniFrac(&tree),
                [0.52, 0.26, 0.15, 0.4, 0.37, 0.11],
            ),
            (
                Metric::WeightedUniFrac(&tree),
                [
                    1.965_625,
                    1.184_943_181_818_181_7,
                    0.753_125,
                    1.881_818_181_818_182,
                    1.755_303_030_303_030_4,
                    0.523_484_848_484_848_4,
                ],
            ),
            (
                Metric::NormalizedWeightedUniFrac(&tree),
                [
                    0.816_016_039_627_314_5,
                    0.558_292_062_642_216_4,
                    0.361_680_840_420_210_04,
                    0.723_776_223_776_224,
                    0.685_705_830_127_256_7,
                    0.230_256_581_139_620_1,
                ],
            ),
        ];
        let table = four_samples(Unit::Count);
        for (metric, expected) in cases {
            let square = pairwise(&table, metric).unwrap();
            for (found, expected) in condensed(&square).iter().zip(expected) {
                assert_abs_diff_eq!(*found, expected, epsilon = 1e-12);
            }
            assert_eq!(square, distances(&table, &table, metric).unwrap());
            assert_eq!(square, square.t());
            assert!(square.diag().iter().all(|&d| d == 0.0));
        }
    }

    #[test]
    fn tables_that_cannot_be_compared_are_refused_with_the_fix() {
        let donors = four_samples(Unit::Count);
        let fraction = distances(&donors, &donors.closure(), Metric::BrayCurtis).unwrap_err();
        assert!(fraction.to_string().contains("`closure`"), "{fraction}");
        let other = ProfileTable::builder(Unit::Count)
            .taxa(["t1", "t0"].map(Taxon::new))
            .sample("r", vec![(0, 1.0)])
            .build()
            .unwrap();
        let order = distances(&donors, &other, Metric::BrayCurtis).unwrap_err();
        assert!(order.to_string().contains("column 0 is `t0`"), "{order}");
        assert!(order.to_string().contains("`align`"), "{order}");
        let named = other.with_vocabulary(crate::profile::Vocabulary::new("gtdb_r220"));
        assert!(
            align(&donors, &named)
                .unwrap_err()
                .to_string()
                .contains("`gtdb_r220`")
        );
        for pseudocount in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(pairwise(&donors, Metric::Aitchison { pseudocount }).is_err());
        }
    }

    #[test]
    fn a_fraction_that_vanishes_beside_the_other_gives_a_number() {
        let table = ProfileTable::builder(Unit::Fraction)
            .taxa(["A", "B"].map(Taxon::new))
            .sample("a", vec![(0, 1e-300), (1, 1.0)])
            .sample("b", vec![(0, 1.0), (1, 1e-300)])
            .build()
            .unwrap();
        let distance = pairwise(&table, Metric::JensenShannon).unwrap()[(0, 1)];
        // Disjoint but for 1e-300: √ln 2.
        assert_abs_diff_eq!(distance, std::f64::consts::LN_2.sqrt(), epsilon = 1e-12);
    }

    // Python's `decimal` with 60 digits, from the definitions, on counts exact in binary.
    #[test]
    fn near_samples_keep_their_digits() {
        let (step, tiny) = (0.125, 1.0 / 1_048_576.0);
        let rows = [
            vec![50.0, 30.0, 20.0, 0.0],
            vec![50.0 + step, 30.0, 20.0, 0.0],
            vec![50.0 + tiny, 30.0, 20.0, 0.0],
            vec![50.0 + tiny, 30.0, 20.0, tiny],
        ];
        let table = table_of(&rows);
        let shannon = pairwise(&table, Metric::JensenShannon).unwrap();
        let aitchison = pairwise(&table, Metric::Aitchison { pseudocount: 0.5 }).unwrap();
        let expected = [
            (4.413_901_010_669_006e-4, 2.140_978_602_867_076e-3),
            (3.371_747_848_716_029e-9, 1.635_457_776_526_932e-8),
            (5.749_072_340_511_229e-5, 1.646_431_472_804_786e-6),
        ];
        for (other, (divergence, ratio)) in (1..).zip(expected) {
            assert_abs_diff_eq!(shannon[(0, other)], divergence, epsilon = 1e-13);
            assert_abs_diff_eq!(aitchison[(0, other)], ratio, epsilon = 1e-13);
        }
    }

    #[test]
    fn one_sample_is_at_distance_0_of_itself() {
        let table = four_samples(Unit::Count).select(&[0]).unwrap();
        let square = pairwise(&table, Metric::BrayCurtis).unwrap();
        assert_eq!(square, ndarray::array![[0.0]]);
    }
}
