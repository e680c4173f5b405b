//! How far cohorts agree that a term goes with response.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Serialize;

use crate::Result;
use crate::cohort::MetadataTable;

/// Made by `assets/heterogeneity.py`.
const BUNDLED: &str = include_str!("../../../assets/evidence/heterogeneity-1.tsv");

/// How the difference between responders and others in what a term counts, before checkpoint
/// inhibitors without a transplant, varies over the cohorts that the shipped models learned from.
///
/// Per cohort it is Hedges' g turned into a log odds ratio; over cohorts it is pooled with random
/// effects. The cohorts are those of the training, so that this is no test of the models, and it
/// speaks of baselines, not of what changes after a transplant.
///
/// # References
/// R. `DerSimonian` and N. Laird, "Meta-analysis in clinical trials", Controlled Clinical Trials 7
/// (1986); J. P. T. Higgins and S. G. Thompson, "Quantifying heterogeneity in a meta-analysis",
/// Statistics in Medicine 21 (2002).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Heterogeneity {
    /// Patients with a known response.
    pub n_patients: u32,
    /// Cohorts with at least five of either outcome.
    pub n_cohorts: u32,
    /// Cohorts whose log odds ratio has the sign of the pooled one.
    pub n_same_sign: u32,
    /// Pooled log odds ratio of response for one standard deviation more.
    pub ln_or: f64,
    /// Its standard error.
    pub ln_or_se: f64,
    /// Standard deviation of the log odds ratio between cohorts.
    pub tau: f64,
    /// Share of its variance that is between cohorts rather than chance, 0 to 1.
    pub i2: f64,
}

impl Heterogeneity {
    /// By term, for those that at least five cohorts can speak of.
    ///
    /// # Errors
    /// [`Error::Table`](crate::Error::Table); never, by a test.
    pub(super) fn bundled() -> Result<BTreeMap<String, Self>> {
        let table = MetadataTable::parse("heterogeneity-1.tsv", BUNDLED)?;
        let read = |row| {
            let found = Self {
                n_patients: parsed(&table, row, "n_patients")?,
                n_cohorts: parsed(&table, row, "n_cohorts")?,
                n_same_sign: parsed(&table, row, "n_same_sign")?,
                ln_or: parsed(&table, row, "ln_or")?,
                ln_or_se: parsed(&table, row, "ln_or_se")?,
                tau: parsed(&table, row, "tau")?,
                i2: parsed(&table, row, "i2")?,
            };
            Ok((table.required(row, "term")?.to_owned(), found))
        };
        (0..table.n_rows()).map(read).collect()
    }
}

fn parsed<T: FromStr>(table: &MetadataTable, row: usize, column: &str) -> Result<T> {
    let text = table.required(row, column)?;
    text.parse()
        .map_err(|_| table.error_at(row, format!("`{column}` `{text}` is no number")))
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    #[test]
    fn the_shipped_table_is_sound() {
        let all = Heterogeneity::bundled().unwrap();
        assert!(all.len() > 100, "{}", all.len());
        for (term, one) in &all {
            assert!((5..=13).contains(&one.n_cohorts), "{term}");
            assert!(one.n_same_sign <= one.n_cohorts, "{term}");
            assert!(one.n_patients <= 913, "{term}");
            assert!(one.ln_or_se > 0.0 && one.tau >= 0.0, "{term}");
            assert!((0.0..1.0).contains(&one.i2), "{term}");
            // Without variance between cohorts there is no share of it, but for the third digit.
            assert!(
                (one.tau == 0.0) == (one.i2 == 0.0) || one.tau < 0.03,
                "{term}"
            );
        }
    }

    #[test]
    fn the_signs_are_those_that_other_work_found() {
        // Independent of our script: pooled presence in ten of these cohorts (TOPOSCORE higher in
        // responders, SIG1 and depletion targets lower), Shannon AUC 0.58.
        let all = Heterogeneity::bundled().unwrap();
        assert!(all["toposcore"].ln_or > 0.0);
        assert!(all["luminate_depletion"].ln_or < 0.0);
        // A normal shift d has AUC Φ(d / √2): 0.58 is d = 0.286, a log odds ratio of 0.52.
        let diversity = all["diversity"];
        assert_abs_diff_eq!(diversity.ln_or, 0.52, epsilon = 2.0 * diversity.ln_or_se);
    }
}
