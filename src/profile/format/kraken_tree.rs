//! The tree of a Kraken report, of one sample or of several → columns.

use std::collections::HashSet;

use super::draft::Draft;
use super::leaf::Hierarchy;
use super::units::UnitRule;
use crate::Result;
use crate::profile::{CsrMatrix, Lineage, Rank, Taxon, Unit, Vocabulary};

/// One line of a report.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) depth: usize,
    pub(super) rank: Option<Rank>,
    pub(super) name: String,
    pub(super) taxid: String,
    pub(super) line: u64,
    /// Reads of the clade, over all samples.
    pub(super) clade: f64,
    /// Reads of the node itself, by sample.
    pub(super) direct: Vec<f64>,
    parent: Option<usize>,
}

impl Node {
    /// A node whose place is not known yet.
    pub(super) fn new(
        depth: usize,
        rank: Option<Rank>,
        [name, taxid]: [String; 2],
        line: u64,
        clade: f64,
        direct: Vec<f64>,
    ) -> Self {
        Self {
            depth,
            rank,
            name,
            taxid,
            line,
            clade,
            direct,
            parent: None,
        }
    }

    /// The name without the rank that GTDB writes before it.
    fn bare_name(&self) -> &str {
        let mut letters = self.name.chars();
        let prefix = letters.next().and_then(Rank::from_letter);
        match letters.as_str().strip_prefix("__") {
            Some(rest) if self.rank.is_some() && prefix == self.rank => rest,
            _ => &self.name,
        }
    }

    fn has_prefix(&self) -> bool {
        self.bare_name().len() < self.name.len()
    }
}

/// The lines of a report in their order, each below the last one that is less indented.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    nodes: Vec<Node>,
    open: Vec<usize>,
}

impl Nodes {
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Adds the next line.
    pub(super) fn push(&mut self, mut node: Node) {
        let depth_of = |at: usize| self.nodes.get(at).map_or(0, |node| node.depth);
        while self
            .open
            .last()
            .is_some_and(|&at| depth_of(at) >= node.depth)
        {
            self.open.pop();
        }
        node.parent = self.open.last().copied();
        self.open.push(self.nodes.len());
        self.nodes.push(node);
    }

    /// Columns are species, with the reads of strains below them; reads that stopped above are
    /// unclassified. A report without a species has its leaves as columns.
    pub(super) fn into_draft(self, unclassified: Vec<f64>, samples: Vec<String>) -> Result<Draft> {
        let nodes = self.nodes;
        let has_species = nodes.iter().any(|node| node.rank == Some(Rank::Species));
        let parents: HashSet<usize> = nodes.iter().filter_map(|node| node.parent).collect();
        let is_column = |at: usize, node: &Node| {
            if has_species {
                node.rank == Some(Rank::Species)
            } else {
                !parents.contains(&at)
            }
        };
        let mut column_of: Vec<Option<usize>> = Vec::with_capacity(nodes.len());
        let mut columns: Vec<usize> = Vec::new();
        let mut sums: Vec<Vec<f64>> = Vec::new();
        let mut unresolved = vec![0.0; samples.len()];
        for (at, node) in nodes.iter().enumerate() {
            // Parents stand before their children, so their column is known.
            let above = node
                .parent
                .and_then(|parent| column_of.get(parent).copied().flatten());
            let column = above.or_else(|| {
                is_column(at, node).then(|| {
                    columns.push(at);
                    sums.push(vec![0.0; samples.len()]);
                    columns.len() - 1
                })
            });
            let sum = column.and_then(|column| sums.get_mut(column));
            let sum = sum.unwrap_or(&mut unresolved);
            for (sum, direct) in sum.iter_mut().zip(&node.direct) {
                *sum += direct;
            }
            column_of.push(column);
        }
        let rows = sums.into_iter().map(|sums| (0..).zip(sums).collect());
        let n_samples = samples.len();
        let matrix = CsrMatrix::from_rows(n_samples, rows.collect())?;
        let mut draft = Draft::new(samples, taxa(&nodes, &columns), matrix);
        draft.lines = columns
            .iter()
            .filter_map(|&at| nodes.get(at))
            .map(|node| node.line)
            .collect();
        draft.unit = UnitRule::Fixed(Unit::Count);
        draft.hierarchy = Hierarchy::Leaves;
        draft.vocabulary = vocabulary(&nodes);
        draft.notes.push(format!(
            "{} unclassified reads and {} reads classified above the rank of the columns are in \
             the unclassified fractions",
            unclassified.iter().sum::<f64>(),
            unresolved.iter().sum::<f64>()
        ));
        draft.notes.extend(inconsistency(&nodes));
        draft.unresolved = unclassified
            .into_iter()
            .zip(unresolved)
            .map(|(unclassified, unresolved)| unclassified + unresolved)
            .collect();
        Ok(draft)
    }
}

/// The rank of a code (`S`) or a word (`species`); `S1`, `R2`, `-` and empty codes have none.
pub(super) fn rank_of(code: &str) -> Option<Rank> {
    match code {
        "D" | "superkingdom" | "domain" => Some(Rank::Kingdom),
        "P" | "phylum" => Some(Rank::Phylum),
        "C" | "class" => Some(Rank::Class),
        "O" | "order" => Some(Rank::Order),
        "F" | "family" => Some(Rank::Family),
        "G" | "genus" => Some(Rank::Genus),
        "S" | "species" => Some(Rank::Species),
        _ => None,
    }
}

/// The lineages of the columns, by the ranks on their path; equal ones are told apart by tax id.
fn taxa(nodes: &[Node], columns: &[usize]) -> Vec<Taxon> {
    let mut seen = HashSet::new();
    let path_of = |column: usize| {
        let mut lineage = Lineage::default();
        let mut at = Some(column);
        let mut is_of_gtdb = false;
        while let Some(node) = at.and_then(|at| nodes.get(at)) {
            let is_domain = node.rank == Some(Rank::Kingdom);
            if let Some(rank) = node.rank {
                lineage.set(rank, node.bare_name());
                is_of_gtdb |= is_domain && node.has_prefix();
            }
            at = node.parent;
        }
        (lineage, is_of_gtdb)
    };
    columns
        .iter()
        .filter_map(|&column| Some((column, nodes.get(column)?)))
        .map(|(column, node)| {
            let (lineage, is_of_gtdb) = path_of(column);
            let mut label = match node.rank {
                Some(_) => lineage.to_string(),
                None => node.name.clone(),
            };
            if let (true, Some(rest)) = (is_of_gtdb, label.strip_prefix('k')) {
                label = format!("d{rest}");
            }
            if !seen.insert(label.clone()) {
                label = format!("{label} (taxid {})", node.taxid);
            }
            Taxon::with_lineage(label, lineage)
        })
        .collect()
}

/// NCBI's ids of the domains under NCBI's names prove NCBI's taxonomy.
fn vocabulary(nodes: &[Node]) -> Vocabulary {
    let ncbi = [
        ("2", "Bacteria"),
        ("2157", "Archaea"),
        ("2759", "Eukaryota"),
        ("10239", "Viruses"),
    ];
    let is_ncbi = |node: &Node| ncbi.contains(&(node.taxid.as_str(), node.name.as_str()));
    if nodes.iter().any(is_ncbi) {
        Vocabulary::new("ncbi")
    } else {
        Vocabulary::unknown()
    }
}

/// A sentence where a clade does not hold the sum of what is in it.
fn inconsistency(nodes: &[Node]) -> Option<String> {
    let mut sums: Vec<f64> = nodes.iter().map(|node| node.direct.iter().sum()).collect();
    for (at, node) in nodes.iter().enumerate().rev() {
        let sum = sums.get(at).copied().unwrap_or_default();
        if let Some(above) = node.parent.and_then(|parent| sums.get_mut(parent)) {
            *above += sum;
        }
    }
    let (node, sum) = nodes
        .iter()
        .zip(sums)
        .find(|(node, sum)| (node.clade - sum).abs() > 0.5)?;
    Some(format!(
        "line {}: the report says {} reads in the clade `{}`, its rows add up to {sum}; the rows \
         were used",
        node.line, node.clade, node.name
    ))
}
