//! Which columns of a table a signature speaks of, and how much of each sample they hold.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Member, Signature};
use crate::profile::{Completeness, Lineage, ProfileTable, Rank, Unit};
use crate::taxonomy::detect::{detect_vocabulary, is_gtdb};
use crate::taxonomy::lookup::genus_of;
use crate::taxonomy::params::{Target, UnknownTaxa};
use crate::taxonomy::place::place;
use crate::taxonomy::resolution::Reading;

/// What a table can say about a member of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberStatus {
    /// It has at least one column.
    Measured,
    /// It has no column, and the table is complete: it was not detected in any sample.
    NotDetected,
    /// It has no column because the table was filtered, or does not reach down to species: it may
    /// have been there.
    NotMeasurable,
}

/// A [`Signature`] laid over the columns of one [`ProfileTable`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Membership {
    /// The signature.
    pub signature: String,
    /// Its version.
    pub version: u32,
    /// The names of the members.
    pub members: Vec<String>,
    /// The columns of each member, rising; their abundances are summed.
    pub columns: Vec<Vec<u32>>,
    /// What the table can say of each member.
    pub status: Vec<MemberStatus>,
    /// Whether any column of the table is a species that the vocabulary of the models knows.
    pub reaches_species: bool,
}

impl Signature {
    /// The columns of a table, in any vocabulary, that belong to each member.
    ///
    /// Two columns of one member are summed; a column of two members (a species and its genus) is
    /// counted once in sums over the signature.
    pub fn membership(&self, table: &ProfileTable) -> Membership {
        self.laid_over(&ColumnNames::of(table), table.completeness())
    }

    fn laid_over(&self, names: &ColumnNames, completeness: Completeness) -> Membership {
        let columns: Vec<Vec<u32>> = self
            .members
            .iter()
            .map(|member| names.columns_of(member))
            .collect();
        let status = self
            .members
            .iter()
            .zip(&columns)
            .map(|(member, columns)| names.status(member, columns, completeness))
            .collect();
        Membership {
            signature: self.name.clone(),
            version: self.version,
            members: self
                .members
                .iter()
                .map(|member| member.name.clone())
                .collect(),
            columns,
            status,
            reaches_species: names.reaches_species,
        }
    }
}

/// Many signatures laid over one table, its names read once; see [`Signature::membership`].
pub fn memberships(signatures: &[Signature], table: &ProfileTable) -> Vec<Membership> {
    let names = ColumnNames::of(table);
    signatures
        .iter()
        .map(|signature| signature.laid_over(&names, table.completeness()))
        .collect()
}

impl Membership {
    /// The distinct columns of all members, rising.
    pub fn all_columns(&self) -> Vec<u32> {
        let mut columns: Vec<u32> = self.columns.iter().flatten().copied().collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Number of members that the table cannot speak of.
    pub fn n_not_measurable(&self) -> usize {
        self.status
            .iter()
            .filter(|&&status| status == MemberStatus::NotMeasurable)
            .count()
    }

    /// The members without a column: not detected, or not measurable, by [`Membership::status`].
    pub fn members_without_column(&self) -> Vec<&str> {
        self.members
            .iter()
            .zip(&self.columns)
            .filter(|(_, columns)| columns.is_empty())
            .map(|(member, _)| member.as_str())
            .collect()
    }

    /// For each sample, the number of members with an abundance above 0.
    ///
    /// # Panics
    /// Where `table` has fewer columns than the one the membership was made for.
    pub fn n_present(&self, table: &ProfileTable) -> Vec<usize> {
        let matrix = table.abundance();
        (0..table.n_samples())
            .map(|row| {
                let (present, _) = matrix.row(row);
                self.columns
                    .iter()
                    .filter(|columns| {
                        columns
                            .iter()
                            .any(|column| present.binary_search(column).is_ok())
                    })
                    .count()
            })
            .collect()
    }

    /// For each sample, the fraction that all members hold together, each column once.
    ///
    /// Of a complete table the fraction of the named mass, so that a profiler's estimate of the
    /// unclassified part does not move it; of a filtered table in percent or fraction the fraction
    /// as written, because the rest was there before it was filtered.
    pub fn summed_fraction(&self, table: &ProfileTable) -> Vec<f64> {
        let columns = self.all_columns();
        let totals = totals(table);
        table
            .abundance()
            .rows()
            .zip(totals)
            .map(|((indices, values), total)| {
                let sum: f64 = indices
                    .iter()
                    .zip(values)
                    .filter(|(index, _)| columns.binary_search(index).is_ok())
                    // Not `sum`, which gives −0 where there is nothing to add.
                    .fold(0.0, |sum, (_, value)| sum + value);
                sum / total
            })
            .collect()
    }
}

/// What each row is divided by to give fractions.
fn totals(table: &ProfileTable) -> Vec<f64> {
    match (table.completeness(), table.unit()) {
        (Completeness::Filtered, Unit::Percent) => vec![100.0; table.n_samples()],
        (Completeness::Filtered, Unit::Fraction) => vec![1.0; table.n_samples()],
        _ => table.abundance().row_sums(),
    }
}

/// The columns of a table by their names in the vocabulary of the models.
struct ColumnNames {
    by_key: HashMap<String, Vec<u32>>,
    /// Every clade around a column, genera also under the wider genus they belong to.
    by_clade: HashMap<(Rank, String), Vec<u32>>,
    reaches_species: bool,
}

impl ColumnNames {
    fn of(table: &ProfileTable) -> Self {
        let reading = if is_gtdb(&detect_vocabulary(table)) {
            Reading::Gtdb
        } else {
            Reading::Ncbi
        };
        let mut names = Self {
            by_key: HashMap::new(),
            by_clade: HashMap::new(),
            reaches_species: false,
        };
        for (column, taxon) in (0..).zip(table.taxa()) {
            let placed = place(taxon, Target::Species, UnknownTaxa::Keep, reading);
            names.reaches_species |= placed.is_listed;
            names.add_clades(column, &placed.lineage);
            if let Some(key) = placed.key {
                names.by_key.entry(key).or_default().push(column);
            }
        }
        names
    }

    fn add_clades(&mut self, column: u32, lineage: &Lineage) {
        let own_genus = lineage.name(Rank::Genus);
        let wider_genus = genus_of(lineage).filter(|genus| Some(genus.as_str()) != own_genus);
        let ranks = Rank::ALL
            .into_iter()
            .take_while(|&rank| rank <= Rank::Genus);
        let clades = ranks
            .filter_map(|rank| Some((rank, lineage.name(rank)?.to_owned())))
            .chain(wider_genus.map(|genus| (Rank::Genus, genus)));
        for clade in clades {
            self.by_clade.entry(clade).or_default().push(column);
        }
    }

    fn columns_of(&self, member: &Member) -> Vec<u32> {
        let mut columns: Vec<u32> = member
            .keys
            .iter()
            .filter_map(|key| match clade(key) {
                None => self.by_key.get(key),
                Some((rank, name)) => self.by_clade.get(&(rank, name.to_owned())),
            })
            .flatten()
            .copied()
            .collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    fn status(&self, member: &Member, columns: &[u32], completeness: Completeness) -> MemberStatus {
        let is_species = member.keys.iter().all(|key| clade(key).is_none());
        if !columns.is_empty() {
            MemberStatus::Measured
        } else if completeness == Completeness::Complete && (self.reaches_species || !is_species) {
            MemberStatus::NotDetected
        } else {
            MemberStatus::NotMeasurable
        }
    }
}

/// The rank and name of a key such as `g__Roseburia`.
fn clade(key: &str) -> Option<(Rank, &str)> {
    let (letter, name) = key.split_once("__")?;
    let mut letters = letter.chars();
    let rank = Rank::from_letter(letters.next()?)?;
    letters.next().is_none().then_some((rank, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Taxon;
    use crate::taxonomy::signature;

    fn table(labels: &[&str], values: &[f64]) -> ProfileTable {
        ProfileTable::builder(Unit::Percent)
            .taxa(labels.iter().map(|label| Taxon::new(*label)))
            .sample("a", (0..).zip(values.iter().copied()).collect())
            .build()
            .unwrap()
    }

    #[test]
    fn columns_of_one_member_are_summed_and_counted_once() {
        let table = table(
            &[
                "s__Roseburia_hominis|t__SGB4936",
                "s__Agathobacter_rectalis",
                "s__Eubacterium_rectale",
            ],
            &[20.0, 30.0, 50.0],
        );
        let membership = signature("toposcore_sig2").unwrap().membership(&table);
        assert_eq!(membership.n_present(&table), [2]);
        approx::assert_abs_diff_eq!(membership.summed_fraction(&table)[0], 1.0, epsilon = 1e-15);
    }

    #[test]
    fn a_filtered_table_does_not_say_absent() {
        let complete = table(&["s__Roseburia_hominis"], &[40.0]);
        let filtered = complete.clone().with_completeness(Completeness::Filtered);
        let signature = signature("toposcore_sig1").unwrap();
        assert_eq!(signature.membership(&complete).n_not_measurable(), 0);
        assert_eq!(signature.membership(&filtered).n_not_measurable(), 37);
        let roseburia = super::super::signature("toposcore_sig2")
            .unwrap()
            .membership(&filtered);
        approx::assert_abs_diff_eq!(
            roseburia.summed_fraction(&filtered)[0],
            0.4,
            epsilon = 1e-15
        );
    }

    #[test]
    fn a_genus_table_cannot_speak_of_species_but_of_genera() {
        let table = table(
            &[
                "k__Bacteria;f__Prevotellaceae;g__Prevotella",
                "k__Bacteria;f__Bifidobacteriaceae;g__Bifidobacterium",
            ],
            &[1.0, 3.0],
        );
        assert_eq!(
            signature("toposcore_sig1")
                .unwrap()
                .membership(&table)
                .n_not_measurable(),
            37
        );
        let bifidobacterium = signature("bifidobacterium").unwrap().membership(&table);
        approx::assert_abs_diff_eq!(
            bifidobacterium.summed_fraction(&table)[0],
            0.75,
            epsilon = 1e-15
        );
    }
}
