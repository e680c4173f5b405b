//! Abundances that come one by one, each with its sample and its taxon → a draft.

use std::collections::HashMap;

use super::draft::Draft;
use super::leaf::Hierarchy;
use super::options::{DuplicatedTaxa, ReadOptions};
use crate::profile::{CsrMatrix, Rank, Taxon};
use crate::{Error, Result};

/// Names in the order in which they first occur.
#[derive(Debug, Default)]
pub(super) struct Names {
    number_of: HashMap<String, u32>,
    pub(super) names: Vec<String>,
}

impl Names {
    /// The number of a name, a new one where it has none.
    pub(super) fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.number_of.get(name) {
            return number;
        }
        let number = self.names.len() as u32;
        self.number_of.insert(name.to_owned(), number);
        self.names.push(name.to_owned());
        number
    }
}

/// A taxon as a profiler reports it.
#[derive(Debug, Clone)]
pub(super) struct Reported {
    pub(super) taxon: Taxon,
    /// Its level, where it is one of ours.
    pub(super) rank: Option<Rank>,
}

/// What was read so far.
#[derive(Debug)]
pub(super) struct Entries<'a> {
    options: &'a ReadOptions,
    samples: Names,
    keys: Names,
    taxa: Vec<Reported>,
    /// By taxon: sample and abundance.
    values: Vec<Vec<(u32, f64)>>,
    /// By sample: what has no taxon.
    unclassified: HashMap<u32, f64>,
    n_values: u64,
}

impl<'a> Entries<'a> {
    pub(super) fn new(options: &'a ReadOptions) -> Self {
        Self {
            options,
            samples: Names::default(),
            keys: Names::default(),
            taxa: Vec::new(),
            values: Vec::new(),
            unclassified: HashMap::new(),
            n_values: 0,
        }
    }

    /// The number of a sample, which becomes a row even where nothing is added to it.
    pub(super) fn sample(&mut self, name: &str) -> u32 {
        self.samples.number(name)
    }

    /// Adds the abundance of the taxon with this key; `reported` is called where the key is new.
    ///
    /// # Errors
    /// Where there are more samples, taxa or values than the limits allow.
    pub(super) fn add(
        &mut self,
        sample: u32,
        key: &str,
        reported: impl FnOnce() -> Reported,
        value: f64,
    ) -> Result<(), String> {
        let taxon = self.keys.number(key) as usize;
        if taxon == self.taxa.len() {
            self.taxa.push(reported());
            self.values.push(Vec::new());
        }
        let limits = &self.options.limits;
        if self.taxa.len() > limits.axis || self.samples.names.len() > limits.axis {
            return Err("more samples or taxa than `limits.axis` allows".to_owned());
        }
        self.n_values += 1;
        if self.n_values > limits.nonzeros {
            return Err(format!(
                "more than the {} abundances allowed by `limits.nonzeros`",
                limits.nonzeros
            ));
        }
        if let Some(row) = self.values.get_mut(taxon) {
            row.push((sample, value));
        }
        Ok(())
    }

    /// Adds abundance that the profiler gave to no taxon.
    pub(super) fn add_unclassified(&mut self, sample: u32, value: f64) {
        *self.unclassified.entry(sample).or_insert(0.0) += value;
    }

    /// The draft of a table in which every entry is abundance of its own: species and what is
    /// below them are columns (without any, the deepest rank is), and what lies above is
    /// unclassified.
    ///
    /// # Errors
    /// [`Error::Table`] for a taxon that has two values in one sample, unless they are to be added.
    pub(super) fn into_disjoint(mut self) -> Result<Draft> {
        let deepest = self.taxa.iter().filter_map(|taxon| taxon.rank).max();
        let least = deepest.map(|deepest| deepest.min(Rank::Species));
        let is_column = |taxon: &Reported| taxon.rank >= least;
        let mut unresolved = vec![0.0; self.samples.names.len()];
        let mut kept: Vec<usize> = Vec::new();
        let mut n_above = 0;
        for (at, taxon) in self.taxa.iter().enumerate() {
            if is_column(taxon) {
                kept.push(at);
                continue;
            }
            n_above += 1;
            for &(sample, value) in self.values.get(at).into_iter().flatten() {
                if let Some(sum) = unresolved.get_mut(sample as usize) {
                    *sum += value;
                }
            }
        }
        for (&sample, &value) in &self.unclassified {
            if let Some(sum) = unresolved.get_mut(sample as usize) {
                *sum += value;
            }
        }
        self.unclassified.clear();
        let mut draft = self.into_draft(&kept)?;
        draft.hierarchy = Hierarchy::Leaves;
        draft.unresolved = unresolved;
        if n_above > 0 {
            draft.notes.push(format!(
                "abundance at {n_above} clades above the rank of the columns is in the \
                 unclassified fractions"
            ));
        }
        Ok(draft)
    }

    /// The draft of a table that holds every rank.
    ///
    /// # Errors
    /// As [`Entries::into_disjoint`].
    pub(super) fn into_ranks(self) -> Result<Draft> {
        let mut unresolved = vec![0.0; self.samples.names.len()];
        for (&sample, &value) in &self.unclassified {
            if let Some(sum) = unresolved.get_mut(sample as usize) {
                *sum += value;
            }
        }
        let all: Vec<usize> = (0..self.taxa.len()).collect();
        let mut draft = self.into_draft(&all)?;
        draft.hierarchy = Hierarchy::AllRanks;
        draft.unresolved = unresolved;
        Ok(draft)
    }

    fn into_draft(self, kept: &[usize]) -> Result<Draft> {
        let sums = self.options.duplicates == DuplicatedTaxa::Sum;
        let mut rows = Vec::with_capacity(kept.len());
        let mut taxa = Vec::with_capacity(kept.len());
        let mut seen = Names::default();
        for &at in kept {
            let (Some(found), Some(values)) = (self.taxa.get(at), self.values.get(at)) else {
                continue;
            };
            let mut row: Vec<(u32, f64)> = values.clone();
            row.sort_by_key(|&(sample, _)| sample);
            let twice = row.windows(2).find_map(|pair| match pair {
                [(one, _), (other, _)] if one == other => self.samples.names.get(*one as usize),
                _ => None,
            });
            if let (false, Some(sample)) = (sums, twice) {
                return Err(Error::table(format!(
                    "sample `{sample}`, taxon `{}`: a second value; set `duplicates` to `sum` to \
                     add them up",
                    found.taxon.label()
                )));
            }
            rows.push(summed(row));
            // One name under two ids is told apart by them.
            let label = found.taxon.label();
            let n_seen = seen.names.len();
            let key = self.keys.names.get(at).map_or("", String::as_str);
            let taxon = if seen.number(label) as usize == n_seen || key == label {
                found.taxon.clone()
            } else {
                Taxon::with_lineage(format!("{label} ({key})"), found.taxon.lineage().clone())
            };
            taxa.push(taxon);
        }
        let matrix = CsrMatrix::from_rows(self.samples.names.len(), rows)?;
        Ok(Draft::new(self.samples.names, taxa, matrix))
    }
}

/// One entry a sample, none of them 0.
fn summed(row: Vec<(u32, f64)>) -> Vec<(u32, f64)> {
    let mut sums: Vec<(u32, f64)> = Vec::with_capacity(row.len());
    for (sample, value) in row {
        match sums.last_mut() {
            Some((last, sum)) if *last == sample => *sum += value,
            _ => sums.push((sample, value)),
        }
    }
    sums.retain(|&(_, value)| value != 0.0);
    sums
}
