//! TOPOSCORE: how many harmful and favorable species a profile holds, in the published arithmetic.

mod class;

use serde::{Deserialize, Serialize};

pub use class::{
    AKKERMANSIA_HIGH_PERCENT, AkkermansiaClass, AkkermansiaScope, CutOff, ToposcoreCall,
    ToposcoreClass,
};

use crate::profile::{ProfileTable, SampleId};
use crate::taxonomy::{MemberStatus, Membership, memberships, signature};
use crate::{Error, Result};

/// Number of members of SIG1, the harmful signature; a fixed denominator.
pub const N_SIG1: u32 = 37;
/// Number of members of SIG2, the favorable signature; a fixed denominator.
pub const N_SIG2: u32 = 45;

/// How to compute [`toposcore`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ToposcoreParams {
    /// The cut-offs; those of the current app by default.
    pub cut_off: CutOff,
    /// Which *Akkermansia* counts; SGB9226 by default.
    pub akkermansia: AkkermansiaScope,
    /// Samples with fewer taxa get no call: an empty profile would score 0.5, which reads as
    /// resistance. None by default, as published.
    pub min_richness: usize,
}

impl ToposcoreParams {
    /// Sets the cut-offs.
    #[must_use]
    pub fn with_cut_off(mut self, cut_off: CutOff) -> Self {
        self.cut_off = cut_off;
        self
    }

    /// Sets which *Akkermansia* counts.
    #[must_use]
    pub fn with_akkermansia(mut self, akkermansia: AkkermansiaScope) -> Self {
        self.akkermansia = akkermansia;
        self
    }

    /// Sets the number of taxa below which a sample gets no call.
    #[must_use]
    pub fn with_min_richness(mut self, min_richness: usize) -> Self {
        self.min_richness = min_richness;
        self
    }
}

/// The score of one profile, with bounds where the table was filtered.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Toposcore {
    /// Members of SIG1 with an abundance above 0.
    pub n_sig1: u32,
    /// Members of SIG2 with an abundance above 0.
    pub n_sig2: u32,
    /// k = 37 n₂ − 45 n₁ + 1665, from 0 to 3330, taking missing members as absent.
    pub numerator: i64,
    /// The least k that members the table does not measure allow; k itself of a complete table.
    pub numerator_lo: i64,
    /// The largest k that they allow.
    pub numerator_hi: i64,
    /// The relative abundance of *Akkermansia muciniphila*, as a fraction; `None` where unmeasured.
    pub akkermansia: Option<f64>,
    /// What the counts say.
    pub class: ToposcoreClass,
    /// The final call.
    pub call: ToposcoreCall,
}

impl Toposcore {
    /// The score from counts of members present and the fraction of *Akkermansia muciniphila*.
    ///
    /// S = (n₂/45 − n₁/37 + 1)/2 = k/3330, compared as whole numbers, so that no rounding decides.
    ///
    /// # Errors
    /// [`Error::Parameter`] where a count exceeds its list, or the fraction is not one.
    ///
    /// # Examples
    /// ```
    /// use donormatch::feature::{CutOff, Toposcore, ToposcoreCall};
    ///
    /// let score = Toposcore::from_counts(5, 25, Some(0.012), CutOff::Round3)?;
    /// assert_eq!(score.numerator, 2365);
    /// assert_eq!(score.call, ToposcoreCall::Sig2Plus);
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    ///
    /// # References
    /// Derosa L. et al., Cell 2024, doi 10.1016/j.cell.2024.05.029.
    pub fn from_counts(
        n_sig1: u32,
        n_sig2: u32,
        akkermansia: Option<f64>,
        cut_off: CutOff,
    ) -> Result<Self> {
        Self::from_bounds((n_sig1, n_sig1), (n_sig2, n_sig2), akkermansia, cut_off)
    }

    /// The score where only bounds of the counts are known, each as (seen, possible at most).
    ///
    /// # Errors
    /// [`Error::Parameter`] where a bound exceeds its list or is upside down, or the fraction is
    /// not one.
    pub fn from_bounds(
        n_sig1: (u32, u32),
        n_sig2: (u32, u32),
        akkermansia: Option<f64>,
        cut_off: CutOff,
    ) -> Result<Self> {
        check_count("n_sig1", n_sig1, N_SIG1)?;
        check_count("n_sig2", n_sig2, N_SIG2)?;
        if let Some(fraction) = akkermansia
            && !(0.0..=1.0 + 1e-9).contains(&fraction)
        {
            return Err(Error::parameter(
                "akkermansia",
                format!("expected a fraction from 0 to 1, found {fraction}"),
            ));
        }
        let numerator_lo = numerator(n_sig1.1, n_sig2.0);
        let numerator_hi = numerator(n_sig1.0, n_sig2.1);
        let least = cut_off.class(numerator_lo);
        let class = if least == cut_off.class(numerator_hi) {
            least
        } else {
            ToposcoreClass::Undecided
        };
        Ok(Self {
            n_sig1: n_sig1.0,
            n_sig2: n_sig2.0,
            numerator: numerator(n_sig1.0, n_sig2.0),
            numerator_lo,
            numerator_hi,
            akkermansia,
            class,
            call: ToposcoreCall::of(class, akkermansia.map(AkkermansiaClass::of)),
        })
    }

    /// S, from 0 (all harmful) to 1 (all favorable).
    pub fn score(&self) -> f64 {
        score(self.numerator)
    }

    /// The bounds of S that the table allows; twice S of a complete table.
    pub fn score_bounds(&self) -> (f64, f64) {
        (score(self.numerator_lo), score(self.numerator_hi))
    }

    /// The class of *Akkermansia muciniphila*; `None` where unmeasured.
    pub fn akkermansia_class(&self) -> Option<AkkermansiaClass> {
        self.akkermansia.map(AkkermansiaClass::of)
    }

    /// The score with what follows from it, to be written.
    pub fn record(&self) -> ToposcoreRecord<'static> {
        let (score_lo, score_hi) = self.score_bounds();
        ToposcoreRecord {
            sample_id: None,
            n_sig1: self.n_sig1,
            n_sig2: self.n_sig2,
            score: self.score(),
            score_lo,
            score_hi,
            akkermansia: self.akkermansia,
            akkermansia_class: self.akkermansia_class(),
            class: self.class,
            call: self.call,
        }
    }
}

/// A [`Toposcore`] as one row, with what follows from it; without a sample where it is of counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ToposcoreRecord<'a> {
    /// The sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_id: Option<&'a SampleId>,
    /// Members of SIG1 present.
    pub n_sig1: u32,
    /// Members of SIG2 present.
    pub n_sig2: u32,
    /// S, from 0 to 1.
    pub score: f64,
    /// The least S that the table allows.
    pub score_lo: f64,
    /// The largest S that it allows.
    pub score_hi: f64,
    /// *Akkermansia muciniphila*, as a fraction; `None` where unmeasured.
    pub akkermansia: Option<f64>,
    /// Its class.
    pub akkermansia_class: Option<AkkermansiaClass>,
    /// What the counts say.
    pub class: ToposcoreClass,
    /// The final call.
    pub call: ToposcoreCall,
}

/// The scores of all samples of a table, with what the table could not measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToposcoreTable {
    /// The samples.
    pub samples: Vec<SampleId>,
    /// Their scores.
    pub scores: Vec<Toposcore>,
    /// The columns and status of the 37 members of SIG1.
    pub sig1: Membership,
    /// The columns and status of the 45 members of SIG2.
    pub sig2: Membership,
}

impl ToposcoreTable {
    /// One record a sample, in the order of the table.
    pub fn records(&self) -> Vec<ToposcoreRecord<'_>> {
        let scores = self.samples.iter().zip(&self.scores);
        scores
            .map(|(sample, score)| ToposcoreRecord {
                sample_id: Some(sample),
                ..score.record()
            })
            .collect()
    }
}

/// TOPOSCORE of every sample of a species table in any vocabulary and unit.
///
/// Names are harmonized first; columns of one member are summed, and a member without a column
/// counts as absent if the table is complete, else widens the bounds. *Akkermansia* is compared as a
/// fraction of the named mass of a complete table, so that an estimated unclassified part does not
/// move the cut-off.
///
/// Compute it on the table as read, or harmonized with all taxa kept: taxa that were dropped are
/// missing from what *Akkermansia* is a fraction of.
///
/// Do not use it for melanoma expecting skill: it has none there that could be shown.
///
/// # Errors
/// [`Error::Vocabulary`] where no column of the table reaches a species of the vocabulary.
///
/// # References
/// Derosa L. et al., Cell 2024, doi 10.1016/j.cell.2024.05.029; repository `valerioiebba/TOPOSCORE`.
pub fn toposcore(table: &ProfileTable, params: &ToposcoreParams) -> Result<ToposcoreTable> {
    let lists = [
        signature("toposcore_sig1")?,
        signature("toposcore_sig2")?,
        signature(match params.akkermansia {
            AkkermansiaScope::Sgb9226 => "akkermansia_muciniphila",
            AkkermansiaScope::SpeciesLabel => "akkermansia_muciniphila_label",
        })?,
    ];
    let laid = memberships(&lists, table);
    let [sig1, sig2, akkermansia]: [Membership; 3] = laid
        .try_into()
        .map_err(|_| Error::vocabulary("TOPOSCORE needs three signatures"))?;
    if !sig1.reaches_species {
        return Err(Error::vocabulary(
            "TOPOSCORE counts species, and no column of the table is a species known to \
             `donormatch_species_1`",
        ));
    }
    let is_measured = akkermansia
        .status
        .iter()
        .all(|&status| status != MemberStatus::NotMeasurable);
    let fractions = akkermansia.summed_fraction(table);
    let present = (sig1.n_present(table), sig2.n_present(table));
    let missing = (
        sig1.n_not_measurable() as u32,
        sig2.n_not_measurable() as u32,
    );
    let mut scores = Vec::with_capacity(table.n_samples());
    for (row, (taxa, _)) in table.abundance().rows().enumerate() {
        let seen = (present.0[row] as u32, present.1[row] as u32);
        let mut score = Toposcore::from_bounds(
            (seen.0, seen.0 + missing.0),
            (seen.1, seen.1 + missing.1),
            is_measured.then(|| fractions[row]),
            params.cut_off,
        )?;
        if taxa.len() < params.min_richness {
            score.call = ToposcoreCall::Unknown;
        }
        scores.push(score);
    }
    Ok(ToposcoreTable {
        samples: table.samples().to_vec(),
        scores,
        sig1,
        sig2,
    })
}

fn check_count(name: &str, (seen, most): (u32, u32), length: u32) -> Result<()> {
    if seen > most || most > length {
        return Err(Error::parameter(
            name,
            format!("expected counts from 0 to {length}, found {seen} to {most}"),
        ));
    }
    Ok(())
}

/// k = 37 n₂ − 45 n₁ + 1665
fn numerator(n_sig1: u32, n_sig2: u32) -> i64 {
    let half = i64::from(N_SIG1) * i64::from(N_SIG2);
    i64::from(N_SIG1) * i64::from(n_sig2) - i64::from(N_SIG2) * i64::from(n_sig1) + half
}

fn score(numerator: i64) -> f64 {
    numerator as f64 / f64::from(2 * N_SIG1 * N_SIG2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Completeness, Taxon, Unit};

    #[test]
    fn numerators_span_0_to_3330() {
        assert_eq!(numerator(0, 0), 1665);
        assert_eq!(numerator(N_SIG1, 0), 0);
        assert_eq!(numerator(0, N_SIG2), 3330);
    }

    #[test]
    fn the_two_cut_offs_differ_for_one_pair_of_counts() {
        let pairs = (0..=N_SIG1).flat_map(|n1| (0..=N_SIG2).map(move |n2| (n1, n2)));
        let differ: Vec<_> = pairs
            .filter(|&(n1, n2)| {
                let k = numerator(n1, n2);
                CutOff::Round3.class(k) != CutOff::ExactRoc.class(k)
            })
            .collect();
        assert_eq!(differ, [(13, 19)]);
    }

    #[test]
    fn integers_agree_with_the_published_floating_point_rule() {
        for n1 in 0..=N_SIG1 {
            for n2 in 0..=N_SIG2 {
                let s = f64::midpoint(f64::from(n2) / 45.0 - f64::from(n1) / 37.0, 1.0);
                let rounded = (s * 1000.0).round() / 1000.0;
                let expected = if rounded <= 0.5351 {
                    ToposcoreClass::Sig1
                } else if rounded >= 0.7911 {
                    ToposcoreClass::Sig2
                } else {
                    ToposcoreClass::Gray
                };
                assert_eq!(
                    CutOff::Round3.class(numerator(n1, n2)),
                    expected,
                    "{n1} {n2}"
                );
            }
        }
    }

    #[test]
    fn counts_beyond_the_lists_and_odd_fractions_are_refused() {
        let of = |n1, n2, akk| Toposcore::from_counts(n1, n2, akk, CutOff::Round3);
        assert!(of(38, 0, None).is_err() && of(0, 46, None).is_err());
        assert!(of(0, 0, Some(-0.1)).is_err() && of(0, 0, Some(f64::NAN)).is_err());
        assert!(Toposcore::from_bounds((3, 2), (0, 0), None, CutOff::Round3).is_err());
    }

    fn table(labels: &[&str]) -> ProfileTable {
        let share = 100.0 / labels.len() as f64;
        ProfileTable::builder(Unit::Percent)
            .taxa(labels.iter().map(|label| Taxon::new(*label)))
            .sample(
                "a",
                (0..labels.len() as u32).map(|at| (at, share)).collect(),
            )
            .build()
            .unwrap()
    }

    #[test]
    fn a_filtered_table_gets_bounds_and_no_class_where_they_span_a_cut_off() {
        let table = table(&["s__Roseburia_hominis", "s__Akkermansia_muciniphila"]);
        let params = ToposcoreParams::default();
        let complete = toposcore(&table, &params).unwrap().scores[0];
        assert_eq!(complete.class, ToposcoreClass::Sig1);
        let filtered = table.with_completeness(Completeness::Filtered);
        let bounded = toposcore(&filtered, &params).unwrap().scores[0];
        assert_eq!(bounded.class, ToposcoreClass::Undecided);
        assert_eq!(bounded.call, ToposcoreCall::Unknown);
        assert_eq!((bounded.numerator_lo, bounded.numerator_hi), (37, 3330));
    }

    #[test]
    fn a_thin_profile_gets_no_call_where_richness_is_asked_for() {
        let table = table(&["s__Roseburia_hominis", "s__Blautia_obeum"]);
        let strict = ToposcoreParams::default().with_min_richness(3);
        assert_eq!(
            toposcore(&table, &strict).unwrap().scores[0].call,
            ToposcoreCall::Unknown
        );
    }

    #[test]
    fn a_genus_table_is_refused() {
        let table = table(&["k__Bacteria;f__Lachnospiraceae;g__Blautia"]);
        assert!(toposcore(&table, &ToposcoreParams::default()).is_err());
    }

    #[test]
    fn gtdb_and_metaphlan_names_count_alike_and_muciniphila_b_does_not_count() {
        let params = ToposcoreParams::default();
        let gtdb = table(&[
            "d__Bacteria;p__Bacillota_A;g__Sarcina;s__Sarcina perfringens",
            "d__Bacteria;p__Bacillota_A;g__Agathobacter;s__Agathobacter rectalis",
            "d__Bacteria;p__Verrucomicrobiota;g__Akkermansia;s__Akkermansia muciniphila_B",
            "d__Bacteria;p__Verrucomicrobiota;g__Akkermansia;s__Akkermansia muciniphila_C",
        ]);
        let score = toposcore(&gtdb, &params).unwrap().scores[0];
        assert_eq!((score.n_sig1, score.n_sig2), (1, 1));
        assert_eq!(score.akkermansia_class(), Some(AkkermansiaClass::Zero));
    }
}
