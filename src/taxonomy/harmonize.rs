//! A table in any vocabulary → the same in the vocabulary of the models.

use std::collections::{BTreeMap, HashMap};

use super::detect::{detect_vocabulary, is_gtdb};
use super::params::{HarmonizeParams, Target, UnknownTaxa};
use super::place::{Placement, place};
use super::report::{HarmonizationReport, HarmonizedTaxon, How};
use super::resolution::Reading;
use crate::profile::{CsrMatrix, ProfileTable, Taxon, Vocabulary};
use crate::{Error, Result};

/// Brings a table into the vocabulary of the models, and reports what became of every taxon.
///
/// Taxa of one key are added; nothing is split over several. Keys of species are names in the
/// spelling of `MetaPhlAn` `vJan21` (`Eubacterium_rectale`), `SGB1234` for the unnamed; what is known
/// no deeper goes to a remainder such as `g__Blautia` or `f__Lachnospiraceae`. A second call changes
/// nothing. Columns of the result are sorted by key; unit and completeness stay.
///
/// # Errors
/// [`Error::Vocabulary`] where no taxon has a name that the vocabulary knows at any rank, where a
/// sample would keep nothing, or, with [`UnknownTaxa::Reject`], where a taxon is not in it.
///
/// # Examples
/// ```
/// use donormatch::profile::{ProfileTable, Taxon, Unit};
/// use donormatch::taxonomy::{HarmonizeParams, Target, harmonize};
///
/// let table = ProfileTable::builder(Unit::Percent)
///     .taxa(["s__Bacteroides_vulgatus", "s__Phocaeicola_vulgatus"].map(Taxon::new))
///     .sample("donor_1", vec![(0, 60.0), (1, 40.0)])
///     .build()?;
/// let (harmonized, report) = harmonize(&table, &HarmonizeParams::new(Target::Species))?;
/// assert_eq!(harmonized.n_taxa(), 1);
/// assert_eq!(report.mapped_mass, [1.0]);
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn harmonize(
    table: &ProfileTable,
    params: &HarmonizeParams,
) -> Result<(ProfileTable, HarmonizationReport)> {
    let source = detect_vocabulary(table);
    let reading = if is_gtdb(&source) {
        Reading::Gtdb
    } else {
        Reading::Ncbi
    };
    let placements: Vec<Placement> = table
        .taxa()
        .iter()
        .map(|taxon| place(taxon, params.target, params.unknown, reading))
        .collect();
    check(table, &placements, params)?;
    let order = label_order(table.taxa());
    let (taxa, columns) = target_columns(&placements, &order);
    let report = report(table, &placements, &columns, &order, source, params.target);
    let harmonized = regroup(table, taxa, &columns, &order, &report.dropped_mass)?
        .with_vocabulary(params.target.vocabulary());
    Ok((harmonized, report))
}

fn check(table: &ProfileTable, placements: &[Placement], params: &HarmonizeParams) -> Result<()> {
    let first_labels = |wanted: &dyn Fn(&Placement) -> bool| {
        let labels: Vec<String> = table
            .taxa()
            .iter()
            .zip(placements)
            .filter(|(_, placement)| wanted(placement))
            .map(|(taxon, _)| format!("`{}`", taxon.label()))
            .collect();
        let shown = labels
            .iter()
            .take(3)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        (labels.len(), shown)
    };
    let target = params.target.vocabulary();
    if placements.iter().all(|placement| !placement.is_recognized) {
        let (_, shown) = first_labels(&|_| true);
        return Err(Error::vocabulary(format!(
            "no taxon has a name known to `{target}`; the first are {shown}: give names or lineages"
        )));
    }
    if params.unknown == UnknownTaxa::Reject {
        let (n_unknown, shown) = first_labels(&|placement| placement.how == How::Kept);
        if n_unknown > 0 {
            return Err(Error::vocabulary(format!(
                "{n_unknown} taxa are not in `{target}`, among them {shown}: choose `keep`, `drop` or `roll_up` for `unknown`"
            )));
        }
    }
    Ok(())
}

/// Columns by label, so that sums do not depend on the order of the columns.
fn label_order(taxa: &[Taxon]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..taxa.len() as u32).collect();
    order.sort_by(|&a, &b| taxa[a as usize].label().cmp(taxa[b as usize].label()));
    order
}

/// The inverse of [`label_order`]: where each column stands in it.
fn positions(order: &[u32]) -> Vec<u32> {
    let mut position = vec![0; order.len()];
    for (at, &column) in order.iter().enumerate() {
        position[column as usize] = at as u32;
    }
    position
}

fn target_columns(placements: &[Placement], order: &[u32]) -> (Vec<Taxon>, Vec<Option<u32>>) {
    let mut targets: BTreeMap<&str, &Placement> = BTreeMap::new();
    for &column in order {
        let placement = &placements[column as usize];
        if let Some(key) = &placement.key {
            targets.entry(key).or_insert(placement);
        }
    }
    let numbers: HashMap<&str, u32> = targets.keys().copied().zip(0..).collect();
    let columns = placements
        .iter()
        .map(|placement| {
            placement
                .key
                .as_deref()
                .and_then(|key| numbers.get(key).copied())
        })
        .collect();
    let taxa = targets
        .into_iter()
        .map(|(key, placement)| Taxon::with_lineage(key, placement.lineage.clone()))
        .collect();
    (taxa, columns)
}

fn report(
    table: &ProfileTable,
    placements: &[Placement],
    columns: &[Option<u32>],
    order: &[u32],
    source: Vocabulary,
    target: Target,
) -> HarmonizationReport {
    let mut n_sources: HashMap<u32, usize> = HashMap::new();
    for column in columns.iter().flatten() {
        *n_sources.entry(*column).or_insert(0) += 1;
    }
    let mut taxa: Vec<HarmonizedTaxon> = table
        .taxa()
        .iter()
        .zip(placements.iter().zip(columns))
        .map(|(taxon, (placement, column))| HarmonizedTaxon {
            original: taxon.label().to_owned(),
            target: placement.key.clone(),
            how: how_reported(
                placement.how,
                column.and_then(|at| n_sources.get(&at).copied()),
            ),
            candidates: placement.candidates.clone(),
            n_samples: 0,
            mean_fraction: 0.0,
            max_fraction: 0.0,
        })
        .collect();
    let mut mapped_mass = Vec::with_capacity(table.n_samples());
    let mut dropped_mass = Vec::with_capacity(table.n_samples());
    let position = positions(order);
    for (indices, values) in table.abundance().rows() {
        let mut row: Vec<(u32, f64)> = indices
            .iter()
            .copied()
            .zip(values.iter().copied())
            .collect();
        row.sort_unstable_by_key(|&(index, _)| position[index as usize]);
        let total: f64 = row.iter().map(|(_, value)| value).sum();
        let (mut mapped, mut dropped) = (0.0, 0.0);
        for (index, value) in row {
            let fraction = value / total;
            let row = &mut taxa[index as usize];
            row.n_samples += 1;
            row.mean_fraction += fraction;
            row.max_fraction = row.max_fraction.max(fraction);
            if placements[index as usize].is_listed {
                mapped += value;
            }
            if columns[index as usize].is_none() {
                dropped += value;
            }
        }
        mapped_mass.push(mapped / total);
        dropped_mass.push(dropped / total);
    }
    for row in &mut taxa {
        row.mean_fraction /= table.n_samples() as f64;
    }
    HarmonizationReport {
        source,
        target: target.vocabulary(),
        taxa,
        samples: table.samples().to_vec(),
        mapped_mass,
        dropped_mass,
    }
}

fn how_reported(how: How, n_sources: Option<usize>) -> How {
    let is_one_to_one = matches!(how, How::Exact | How::Synonym | How::CaseOrPunctuation);
    if is_one_to_one && n_sources.is_some_and(|n| n > 1) {
        How::Merged
    } else {
        how
    }
}

fn regroup(
    table: &ProfileTable,
    taxa: Vec<Taxon>,
    columns: &[Option<u32>],
    order: &[u32],
    dropped_mass: &[f64],
) -> Result<ProfileTable> {
    let position = positions(order);
    let mut rows = Vec::with_capacity(table.n_samples());
    for (sample, (indices, values)) in table.samples().iter().zip(table.abundance().rows()) {
        let mut parts: Vec<(u32, u32, f64)> = indices
            .iter()
            .zip(values)
            .filter_map(|(&index, &value)| {
                let column = columns[index as usize]?;
                Some((column, position[index as usize], value))
            })
            .collect();
        parts.sort_unstable_by_key(|&(column, at, _)| (column, at));
        let mut row: Vec<(u32, f64)> = Vec::with_capacity(parts.len());
        for (column, _, value) in parts {
            match row.last_mut() {
                Some((last, sum)) if *last == column => *sum += value,
                _ => row.push((column, value)),
            }
        }
        if row.is_empty() {
            return Err(Error::vocabulary(format!(
                "sample `{sample}` keeps no taxon in the vocabulary of the models"
            )));
        }
        rows.push(row);
    }
    let unclassified = table
        .unclassified()
        .iter()
        .zip(dropped_mass)
        .map(|(&before, &dropped)| (before + (1.0 - before) * dropped).clamp(0.0, 1.0))
        .collect();
    let matrix = CsrMatrix::from_rows(taxa.len(), rows)?;
    let builder = ProfileTable::builder(table.unit())
        .taxa(taxa)
        .matrix(table.samples().to_vec(), matrix)
        .completeness(table.completeness())
        .unclassified(unclassified);
    table
        .notes()
        .iter()
        .fold(builder, |builder, note| builder.note(note.clone()))
        .build()
}
