//! The tree of the taxa, and the abundance below each of its branches.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use rayon::prelude::*;

use crate::profile::{CsrMatrix, ProfileTable, ReadLimits, Tree};
use crate::{Error, Result};

/// A rooted tree whose tips are taxa, with branch lengths.
///
/// Nodes are numbered in postorder: every node comes before its parent and the root is last. The
/// length of a node is that of the branch above it.
///
/// # Examples
/// ```
/// use donormatch::feature::Phylogeny;
///
/// // ((A:1,B:2):0.5,C:3);
/// let tree = Phylogeny::from_parts(
///     &[None, Some(0), Some(1), Some(1), Some(0)],
///     &[0.0, 0.5, 1.0, 2.0, 3.0],
///     &[None, None, Some("A"), Some("B"), Some("C")],
/// )?;
/// assert_eq!((tree.n_nodes(), tree.n_tips()), (5, 3));
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Phylogeny {
    /// `None` for the root only.
    parents: Vec<Option<u32>>,
    lengths: Vec<f64>,
    tips: HashMap<String, u32>,
}

impl Phylogeny {
    /// A tree from plain arrays with one entry per node, in any order: the parent (`None` for the
    /// root), the length of the branch above (the root's is ignored), and the label of a tip.
    /// Labels of inner nodes are ignored.
    ///
    /// # Errors
    /// [`Error::Table`] where the lengths of the arrays disagree, there is not exactly one root, a
    /// parent does not exist or is its own descendant, a branch length is negative or not finite,
    /// or a tip has no label or one that occurs twice.
    pub fn from_parts<S: AsRef<str>>(
        parents: &[Option<usize>],
        lengths: &[f64],
        tip_labels: &[Option<S>],
    ) -> Result<Self> {
        let n = parents.len();
        if lengths.len() != n || tip_labels.len() != n || u32::try_from(n).is_err() {
            return Err(Error::table(format!(
                "tree: expected as many branch lengths and labels as parents, found {} and {} for {n}",
                lengths.len(),
                tip_labels.len()
            )));
        }
        if let Some(node) = lengths.iter().position(|&x| !x.is_finite() || x < 0.0) {
            let label = tip_labels[node].as_ref().map_or("", AsRef::as_ref);
            return Err(Error::table(format!(
                "tree: expected a branch length of 0 or more above {}, found {}",
                named(node, label),
                lengths[node]
            )));
        }
        let order = postorder(parents)?;
        let mut rank = vec![0_u32; n];
        for (new, &old) in order.iter().enumerate() {
            rank[old] = new as u32;
        }
        let mut has_children = vec![false; n];
        for parent in parents.iter().flatten() {
            has_children[*parent] = true;
        }
        let mut tips = HashMap::new();
        for &old in order.iter().filter(|&&old| !has_children[old]) {
            let Some(label) = tip_labels[old].as_ref() else {
                return Err(Error::table(format!("tree: tip {old} has no label")));
            };
            let label = label.as_ref().to_owned();
            if let Some(earlier) = tips.insert(label, rank[old]) {
                return Err(Error::table(format!(
                    "tree: tip `{}` occurs more than once",
                    tip_labels[order[earlier as usize]]
                        .as_ref()
                        .map_or("", AsRef::as_ref)
                )));
            }
        }
        Ok(Self {
            parents: order
                .iter()
                .map(|&old| parents[old].map(|parent| rank[parent]))
                .collect(),
            lengths: order
                .iter()
                .map(|&old| parents[old].map_or(0.0, |_| lengths[old]))
                .collect(),
            tips,
        })
    }

    /// Reads the tree of a Newick file, plain or gzipped, or of a QIIME 2 artifact.
    ///
    /// # Errors
    /// As [`Tree::read`]; [`Error::File`] as [`Phylogeny::from_tree`].
    pub fn read(path: impl AsRef<Path>, limits: &ReadLimits) -> Result<Self> {
        let path = path.as_ref();
        Self::from_tree(&Tree::read(path, limits)?).map_err(|error| error.at_path(path))
    }

    /// The tree of a Newick file, for the diversity of its tips.
    ///
    /// # Errors
    /// [`Error::Table`] where a branch has no length, and as [`Phylogeny::from_parts`].
    ///
    /// # Examples
    /// ```
    /// use donormatch::feature::Phylogeny;
    /// use donormatch::profile::{ReadLimits, Tree};
    ///
    /// let tree = Tree::parse(b"((a:1,b:2):0.5,c:3);", &ReadLimits::default())?;
    /// assert_eq!(Phylogeny::from_tree(&tree)?.n_tips(), 3);
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn from_tree(tree: &Tree) -> Result<Self> {
        let nodes = || 0..tree.n_nodes();
        let parents: Vec<Option<usize>> = nodes()
            .zip(tree.parent())
            .map(|(node, &parent)| (parent as usize != node).then_some(parent as usize))
            .collect();
        let lengths = nodes().zip(tree.length()).map(|(node, length)| {
            let length = parents[node].map_or(Some(0.0), |_| *length);
            length.ok_or_else(|| {
                let name = named(node, &tree.label()[node]);
                Error::table(format!("tree: the branch above {name} has no length"))
            })
        });
        let tips: Vec<Option<&str>> = nodes()
            .zip(tree.label())
            .map(|(node, label)| tree.is_tip(node).then_some(label.as_str()))
            .collect();
        Self::from_parts(&parents, &lengths.collect::<Result<Vec<_>>>()?, &tips)
    }

    /// Number of nodes: tips, inner nodes and the root.
    pub fn n_nodes(&self) -> usize {
        self.parents.len()
    }

    /// Number of tips.
    pub fn n_tips(&self) -> usize {
        self.tips.len()
    }

    /// The length of the branch above each node, in postorder; 0 for the root.
    pub fn lengths(&self) -> &[f64] {
        &self.lengths
    }

    /// The parent of each node, in postorder; `None` for the root, which is the last.
    pub fn parents(&self) -> &[Option<u32>] {
        &self.parents
    }

    /// The tip of each taxon of a table, by the label of the taxon, else by its shortest name.
    pub(super) fn tips_of(&self, table: &ProfileTable) -> Result<Vec<Option<u32>>> {
        let tips: Vec<Option<u32>> = table
            .taxa()
            .iter()
            .map(|taxon| {
                let tip = self.tips.get(taxon.label());
                tip.or_else(|| self.tips.get(taxon.name())).copied()
            })
            .collect();
        let needed: HashSet<u32> = table.abundance().indices().iter().copied().collect();
        let mut missing = (0..tips.len())
            .filter(|&column| tips[column].is_none() && needed.contains(&(column as u32)));
        if let Some(first) = missing.next() {
            return Err(Error::Vocabulary {
                message: format!(
                    "taxon `{}` and {} more with abundance are no tips of the tree; expected every \
                     taxon among its {} tips: prune the table or use the tree of its vocabulary",
                    table.taxa()[first].label(),
                    missing.count(),
                    self.n_tips()
                ),
            });
        }
        Ok(tips)
    }

    /// Samples × nodes: the abundance of the taxa below each node, in the unit of the table.
    ///
    /// Only the nodes between the root and a taxon detected are stored.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] naming a taxon with abundance that is no tip of the tree.
    pub fn branches(&self, table: &ProfileTable) -> Result<CsrMatrix> {
        CsrMatrix::from_rows(self.n_nodes(), self.map_branches(table, |nodes| nodes)?)
    }

    /// What `f` makes of the nodes of each sample, in postorder, with the abundance below each.
    pub(super) fn map_branches<T: Send>(
        &self,
        table: &ProfileTable,
        f: impl Fn(Vec<(u32, f64)>) -> T + Sync,
    ) -> Result<Vec<T>> {
        let tips = self.tips_of(table)?;
        let rows = (0..table.n_samples()).into_par_iter().map_init(
            || Walk::new(self.n_nodes()),
            |walk, row| f(walk.below(self, &tips, table.abundance().row(row))),
        );
        Ok(rows.collect())
    }
}

/// Scratch of one thread, all 0 and false between two samples.
struct Walk {
    mass: Vec<f64>,
    is_seen: Vec<bool>,
}

impl Walk {
    fn new(n_nodes: usize) -> Self {
        Self {
            mass: vec![0.0; n_nodes],
            is_seen: vec![false; n_nodes],
        }
    }

    /// The nodes above the taxa of one sample, in postorder, with the abundance below each.
    fn below(
        &mut self,
        tree: &Phylogeny,
        tips: &[Option<u32>],
        (columns, values): (&[u32], &[f64]),
    ) -> Vec<(u32, f64)> {
        let mut nodes: Vec<u32> = Vec::new();
        for (&column, &value) in columns.iter().zip(values) {
            // `tips_of` has refused a table in which one is missing here.
            let Some(tip) = tips[column as usize] else {
                continue;
            };
            self.mass[tip as usize] += value;
            // Upwards until a node that another taxon has already reached.
            let mut above = Some(tip);
            while let Some(node) = above.filter(|&node| !self.is_seen[node as usize]) {
                self.is_seen[node as usize] = true;
                nodes.push(node);
                above = tree.parents[node as usize];
            }
        }
        nodes.sort_unstable(); // children before parents
        let pairs = nodes.into_iter().map(|node| {
            let below = std::mem::take(&mut self.mass[node as usize]);
            self.is_seen[node as usize] = false;
            if let Some(parent) = tree.parents[node as usize] {
                self.mass[parent as usize] += below;
            }
            (node, below)
        });
        pairs.collect()
    }
}

/// What a message calls a node: its label, or its number where it has none.
fn named(node: usize, label: &str) -> String {
    if label.is_empty() {
        format!("node {node}")
    } else {
        format!("`{label}`")
    }
}

/// The nodes with every child before its parent, children of one parent in the order given.
/// Iterative, so that a tree a million deep does no harm.
fn postorder(parents: &[Option<usize>]) -> Result<Vec<usize>> {
    let n = parents.len();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); n];
    let mut root = None;
    for (node, parent) in parents.iter().enumerate() {
        match *parent {
            Some(parent) if parent < n => children[parent].push(node),
            Some(parent) => {
                return Err(Error::table(format!(
                    "tree: node {node} names the parent {parent}, of {n} nodes"
                )));
            }
            None if root.is_none() => root = Some(node),
            None => return Err(Error::table(format!("tree: node {node} is a second root"))),
        }
    }
    let root = root.ok_or_else(|| Error::table("tree: no node without a parent"))?;
    // Parents first with the last child first, then reversed.
    let mut order = Vec::with_capacity(n);
    let mut stack = vec![root];
    while let Some(node) = stack.pop() {
        order.push(node);
        stack.append(&mut children[node]);
    }
    if order.len() != n {
        return Err(Error::table(format!(
            "tree: {} nodes are not below the root: their parents form a circle",
            n - order.len()
        )));
    }
    order.reverse();
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::testing::{four_samples, six_tips};
    use crate::profile::Unit;

    const NO_LABEL: Option<&str> = None;

    #[test]
    fn the_root_carries_the_whole_sample() {
        let table = four_samples(Unit::Count);
        let branches = six_tips().branches(&table).unwrap();
        let root = branches.n_cols() - 1;
        for (row, total) in table.abundance().row_sums().into_iter().enumerate() {
            assert!((branches.value(row, root) - total).abs() < 1e-12);
        }
    }

    #[test]
    fn every_node_comes_before_its_parent() {
        let tree = six_tips();
        for (node, parent) in tree.parents().iter().enumerate() {
            assert!(parent.is_none_or(|parent| parent as usize > node));
        }
        assert_eq!(tree.parents().iter().filter(|p| p.is_none()).count(), 1);
    }

    #[test]
    fn a_file_without_a_usable_length_is_named_with_the_branch() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tree.nwk");
        let refused = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let error = Phylogeny::read(&path, &ReadLimits::default()).unwrap_err();
            error.to_string()
        };
        let error = refused("((a:1,b):0.5,c:3);");
        assert!(
            error.contains("tree.nwk") && error.contains("above `b` has no length"),
            "{error}"
        );
        let error = refused("((a:1,b:1),c:3);");
        assert!(error.contains("above node 1 has no length"), "{error}");
        let error = refused("((a:1,b:-2):0.5,c:3);");
        assert!(
            error.contains("tree.nwk") && error.contains("above `b`, found -2"),
            "{error}"
        );
    }

    #[test]
    fn broken_trees_are_refused() {
        let refused = |parents: &[Option<usize>], lengths: &[f64], labels: &[Option<&str>]| {
            Phylogeny::from_parts(parents, lengths, labels)
                .unwrap_err()
                .to_string()
        };
        let ab = [NO_LABEL, Some("A"), Some("B")];
        let star = [None, Some(0), Some(0)];
        assert!(refused(&star, &[0.0, 1.0], &ab).contains("found 2 and 3 for 3"));
        assert!(refused(&star, &[0.0, -1.0, 1.0], &ab).contains("above `A`, found -1"));
        assert!(refused(&star, &[0.0, f64::NAN, 1.0], &ab).contains("NaN"));
        assert!(refused(&[None, Some(0), None], &[0.0; 3], &ab).contains("second root"));
        assert!(refused(&[None, Some(9), Some(0)], &[0.0; 3], &ab).contains("parent 9"));
        assert!(refused(&[None, Some(2), Some(1)], &[0.0; 3], &ab).contains("circle"));
        assert!(refused(&[Some(0)], &[0.0], &[Some("A")]).contains("without a parent"));
        let twice = [NO_LABEL, Some("A"), Some("A")];
        assert!(refused(&star, &[0.0; 3], &twice).contains("`A` occurs more than once"));
        let unnamed = [NO_LABEL, Some("A"), None];
        assert!(refused(&star, &[0.0; 3], &unnamed).contains("no label"));
        assert!(refused(&[], &[], &[]).contains("without a parent"));
    }

    #[test]
    fn a_taxon_that_is_no_tip_is_named() {
        let tree = Phylogeny::from_parts(
            &[None, Some(0), Some(0)],
            &[0.0, 1.0, 1.0],
            &[NO_LABEL, Some("t0"), Some("t1")],
        )
        .unwrap();
        let error = tree.branches(&four_samples(Unit::Count)).unwrap_err();
        assert!(error.to_string().contains("`t2` and 3 more"), "{error}");
    }

    #[test]
    fn a_chain_a_million_deep_is_walked() {
        let n = 1_000_000;
        let parents: Vec<Option<usize>> = (0..n).map(|i: usize| i.checked_sub(1)).collect();
        let mut labels = vec![NO_LABEL; n];
        labels[n - 1] = Some("A");
        let tree = Phylogeny::from_parts(&parents, &vec![1.0; n], &labels).unwrap();
        let table = ProfileTable::builder(Unit::Count)
            .taxa(["A"].map(crate::profile::Taxon::new))
            .sample("a", vec![(0, 2.0)])
            .build()
            .unwrap();
        assert_eq!(tree.branches(&table).unwrap().n_nonzero(), n);
    }
}
