//! The unit of a table: fixed by the format, declared by the caller, or told by the sums; never
//! guessed where these are silent.

use crate::profile::{CsrMatrix, Unit};
use crate::{Error, Result};

/// How far the sum of a complete sample may be from its whole, relatively.
const TOLERANCE: f64 = 0.02;
/// A whole-numbered table whose deepest sample has more than this is one of counts.
const MIN_DEPTH: f64 = 100.0;

/// What the format says about the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnitRule {
    /// The format fixes it.
    Fixed(Unit),
    /// The file says so itself, in our own header.
    Stated(Unit),
    /// The format does not say, but whole numbers in it are counts however few.
    CountIfWhole,
    /// The format does not say; the sums of the samples may.
    FromSums,
    /// The same of a matrix that may hold estimates or intensities: counts that are no whole
    /// numbers are believed if declared, unless samples sum to 1 or 100.
    #[cfg_attr(
        not(feature = "containers"),
        allow(dead_code, reason = "for containers")
    )]
    FromSumsOrWord,
}

/// The unit, and the sentence for the user where it was not stated.
pub(super) struct Settled {
    pub(super) unit: Unit,
    pub(super) note: Option<String>,
}

/// Which whole a sample's sum stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whole {
    Empty,
    One,
    Hundred,
    Other,
}

/// What is known of a table when its unit is settled.
pub(super) struct Evidence<'a> {
    pub(super) samples: &'a [String],
    pub(super) rule: UnitRule,
    /// Samples × taxa.
    pub(super) abundance: &'a CsrMatrix,
    /// Classified abundance of each sample.
    pub(super) known: &'a [f64],
    /// Unclassified abundance of each sample.
    pub(super) unknown: &'a [f64],
}

impl Evidence<'_> {
    /// The first sample with an abundance that is no whole number.
    fn parts(&self) -> Option<(&str, f64)> {
        let of_row = |values: &[f64], unknown: f64| {
            let mut values = values.iter().copied().chain([unknown]);
            values.find(|value| value.fract() != 0.0)
        };
        let rows = self.abundance.rows().zip(self.unknown).enumerate();
        let mut found = rows.filter_map(|(row, ((_, values), &unknown))| {
            let value = of_row(values, unknown)?;
            Some((self.samples.get(row)?.as_str(), value))
        });
        found.next()
    }
}

/// Settles the unit of a table.
///
/// # Errors
/// [`Error::Unit`] where the sums are ambiguous, mixed, or contradict what was declared.
pub(super) fn settle(evidence: &Evidence<'_>, declared: Option<Unit>) -> Result<Settled> {
    let samples = evidence.samples;
    let both = evidence.known.iter().zip(evidence.unknown);
    let sums: Vec<f64> = both.map(|(a, b)| a + b).collect();
    let parts = evidence.parts();
    let whole_numbers = parts.is_none();
    let settled = |unit, note| Ok(Settled { unit, note });
    match (declared, evidence.rule) {
        (Some(declared), UnitRule::Stated(stated)) if declared != stated => Err(Error::unit(
            format!("the file says {stated}, `unit` says {declared}: leave `unit` out"),
        )),
        (_, UnitRule::Stated(unit)) => {
            check_declared(samples, &sums, unit)?;
            settled(unit, None)
        }
        (Some(Unit::Count), UnitRule::Fixed(Unit::Percent)) => {
            refuse_percent_as_counts(&sums, parts)?;
            settled(
                Unit::Count,
                Some(
                    "the unit is count as declared, though the format usually holds percent"
                        .to_owned(),
                ),
            )
        }
        (Some(Unit::Count), rule @ (UnitRule::CountIfWhole | UnitRule::FromSumsOrWord))
            if !whole_numbers && may_be_estimates(&sums, rule) =>
        {
            settled(
                Unit::Count,
                Some("the unit is count as declared, though not all are whole numbers".to_owned()),
            )
        }
        (Some(Unit::Count), _) | (None, UnitRule::Fixed(Unit::Count)) => {
            refuse_parts(parts)?;
            settled(Unit::Count, None)
        }
        (Some(declared), UnitRule::Fixed(fixed)) if declared != fixed => {
            refuse_mixed(samples, &sums)?;
            check_declared(samples, &sums, declared)?;
            settled(
                declared,
                Some(format!(
                    "the unit is {declared} as declared, though the format usually holds {fixed}"
                )),
            )
        }
        (Some(unit), _) => {
            refuse_mixed(samples, &sums)?;
            check_declared(samples, &sums, unit)?;
            settled(unit, None)
        }
        (None, UnitRule::Fixed(unit)) => {
            refuse_mixed(samples, &sums)?;
            check_fixed(samples, &sums, unit)?;
            settled(unit, None)
        }
        (None, UnitRule::CountIfWhole)
            if whole_numbers
                && sums
                    .iter()
                    .any(|&sum| sum > 0.0 && (sum - 100.0).abs() >= 1.0) =>
        {
            settled(
                Unit::Count,
                Some("the unit is count, found from whole numbers".to_owned()),
            )
        }
        (None, UnitRule::FromSums | UnitRule::FromSumsOrWord | UnitRule::CountIfWhole) => {
            from_sums(samples, &sums, whole_numbers)
        }
    }
}

/// Whether counts that are no whole numbers can be believed: in a table of taxa some sample must
/// hold more than percentages do, filtered or not; a matrix of anything must not sum to 1 or 100.
fn may_be_estimates(sums: &[f64], rule: UnitRule) -> bool {
    if rule == UnitRule::CountIfWhole {
        return sums.iter().any(|&sum| sum > 100.0 * (1.0 + TOLERANCE));
    }
    sums.iter().any(|&sum| classify(sum) == Whole::Other)
}

/// Reads are whole numbers.
fn refuse_parts(parts: Option<(&str, f64)>) -> Result<()> {
    match parts {
        Some((sample, value)) => Err(Error::unit(format!(
            "sample `{sample}` holds {value}, and counts are whole numbers of reads: set `unit` \
             to `fraction` or `percent` if that is what the table holds"
        ))),
        None => Ok(()),
    }
}

/// MetaPhlAn writes percent beside reads, or alone; a merged table may be made of its reads.
fn refuse_percent_as_counts(sums: &[f64], parts: Option<(&str, f64)>) -> Result<()> {
    let deepest = sums.iter().copied().fold(0.0, f64::max);
    if parts.is_none() && deepest > 100.0 * (1.0 + TOLERANCE) {
        return Ok(());
    }
    Err(Error::unit(
        "`unit` is `count`, but the profile holds percent and no column of reads: reads come with \
         MetaPhlAn's analysis type `rel_ab_w_read_stats`",
    ))
}

fn from_sums(samples: &[String], sums: &[f64], whole_numbers: bool) -> Result<Settled> {
    let deepest = sums.iter().copied().fold(0.0, f64::max);
    let all_are = |whole| {
        sums.iter()
            .map(|&sum| classify(sum))
            .all(|found| found == whole || found == Whole::Empty)
    };
    if sums.iter().all(|&sum| sum == 0.0) {
        // The table is refused as empty by the checks that follow.
        return Ok(Settled {
            unit: Unit::Count,
            note: None,
        });
    }
    let unit = if all_are(Whole::Hundred) && !(whole_numbers && deepest > MIN_DEPTH) {
        if whole_numbers {
            return Err(Error::unit(
                "every sample is made of whole numbers that sum to 100: set `unit` to `percent` \
                 or `count`",
            ));
        }
        Unit::Percent
    } else if whole_numbers && deepest > MIN_DEPTH {
        Unit::Count
    } else if all_are(Whole::One) && !whole_numbers {
        Unit::Fraction
    } else {
        refuse_mixed(samples, sums)?;
        let lowest = sums.iter().copied().fold(f64::INFINITY, f64::min);
        return Err(Error::unit(format!(
            "the unit is not clear: {}; set `unit` to `count`, `fraction` or `percent`",
            range(lowest, deepest, whole_numbers)
        )));
    };
    Ok(Settled {
        unit,
        note: Some(format!(
            "the unit is {unit}, found from the sums of the samples"
        )),
    })
}

/// Refuses a table in which some samples sum to 1 and others to 100.
fn refuse_mixed(samples: &[String], sums: &[f64]) -> Result<()> {
    let first = |whole| {
        sums.iter()
            .position(|&sum| classify(sum) == whole)
            .and_then(|row| samples.get(row))
    };
    match (first(Whole::One), first(Whole::Hundred)) {
        (Some(one), Some(hundred)) => {
            let n_ones = sums
                .iter()
                .filter(|&&sum| classify(sum) == Whole::One)
                .count();
            Err(Error::unit(format!(
                "percent and fractions in one table: sample `{hundred}` sums to 100, sample \
                 `{one}` to 1 ({n_ones} of {} samples sum to 1); bring them to one unit",
                sums.len()
            )))
        }
        _ => Ok(()),
    }
}

fn check_declared(samples: &[String], sums: &[f64], unit: Unit) -> Result<()> {
    let Some(total) = unit.total() else {
        return Ok(());
    };
    let limit = total * (1.0 + TOLERANCE);
    match sums.iter().position(|&sum| sum > limit) {
        Some(row) => Err(Error::unit(format!(
            "sample `{}` sums to {}, more than the {total} of a table in {unit}; set `unit` to \
             what the numbers are",
            samples.get(row).map_or("", String::as_str),
            sums.get(row).copied().unwrap_or_default(),
        ))),
        None => Ok(()),
    }
}

/// A format that fixes percent must not hold fractions: all samples at 1 or below are refused.
fn check_fixed(samples: &[String], sums: &[f64], unit: Unit) -> Result<()> {
    check_declared(samples, sums, unit)?;
    let deepest = sums.iter().copied().fold(0.0, f64::max);
    if unit == Unit::Percent && deepest > 0.0 && deepest <= 1.0 + TOLERANCE {
        return Err(Error::unit(format!(
            "the format holds percent, but no sample sums to more than {deepest}: set `unit` to \
             `fraction` if the table was divided by 100, or to `percent` if it was filtered"
        )));
    }
    Ok(())
}

fn classify(sum: f64) -> Whole {
    if sum == 0.0 {
        Whole::Empty
    } else if (sum - 1.0).abs() <= TOLERANCE {
        Whole::One
    } else if (sum - 100.0).abs() <= 100.0 * TOLERANCE {
        Whole::Hundred
    } else {
        Whole::Other
    }
}

/// What the samples sum to, for a message.
fn range(lowest: f64, deepest: f64, whole_numbers: bool) -> String {
    let sums = if lowest < deepest {
        format!("samples sum to {} – {}", shown(lowest), shown(deepest))
    } else {
        format!("every sample sums to {}", shown(deepest))
    };
    if whole_numbers {
        sums + ", all in whole numbers"
    } else {
        sums
    }
}

/// A sum for a message, without three hundred digits.
fn shown(sum: f64) -> String {
    if sum == 0.0 || (1e-4..1e15).contains(&sum) {
        sum.to_string()
    } else {
        format!("{sum:e}")
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::{Completeness, ReadOptions, read_bytes};

    /// What is said of a table in which each sample has these two abundances.
    fn refused(rows: [[f64; 2]; 2]) -> String {
        let [[a, b], [c, d]] = rows;
        let text = format!(
            "sample_id\ts__Blautia_obeum\ts__Dorea_longicatena\nx\t{a}\t{b}\ny\t{c}\t{d}\n"
        );
        let options = ReadOptions {
            completeness: Some(Completeness::Complete),
            ..ReadOptions::default()
        };
        read_bytes(text.as_bytes(), &options)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn an_unclear_unit_is_told_without_a_range_of_one_number() {
        let same = refused([[1.0, 0.0], [0.0, 1.0]]);
        assert!(
            same.contains("every sample sums to 1, all in whole numbers"),
            "{same}"
        );
        let apart = refused([[0.25, 0.5], [3.5, 1.0]]);
        assert!(apart.contains("samples sum to 0.75 – 4.5;"), "{apart}");
    }
}
