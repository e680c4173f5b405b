//! Trees laid out for walking: what scores of new rows are made by.

/// Stands for "no feature": the node is a leaf.
pub(super) const LEAF: u32 = u32::MAX;

/// The arrays of the nodes of all trees that a walk needs, as the model holds them.
pub(super) struct TreeArrays<'a> {
    /// First node of each tree, then the number of nodes.
    pub(super) starts: &'a [u32],
    pub(super) feature: &'a [u32],
    pub(super) threshold: &'a [f64],
    pub(super) left: &'a [u32],
    pub(super) right: &'a [u32],
    pub(super) missing_left: &'a [bool],
    pub(super) value: &'a [f64],
    /// Features that some tree splits on, rising.
    pub(super) used: Vec<u32>,
    pub(super) base_score: f64,
}

/// Rows that walk a tree side by side, to hide the time of each load.
const ABREAST: usize = 8;

/// A node as the walk wants it: one cache line holds four, children side by side.
#[derive(Debug, Clone, Copy)]
struct WalkNode {
    /// Not exceeded on the way left; +∞ in a leaf.
    threshold: f64,
    /// Place of the feature among those used, and whether a missing value goes left (top bit).
    feature: u32,
    /// Left child, the right one follows; a leaf leads to itself.
    left: u32,
}

const MISSING_LEFT: u32 = 1 << 31;

/// The trees laid out for walking.
#[derive(Debug)]
pub(super) struct Walker {
    nodes: Vec<WalkNode>,
    values: Vec<f64>,
    /// First node and depth of each tree.
    trees: Vec<(u32, u32)>,
    /// Features used, rising.
    pub(super) used: Vec<u32>,
    pub(super) base_score: f64,
}

impl Walker {
    pub(super) fn new(trees: &TreeArrays<'_>) -> Self {
        let used = trees.used.clone();
        let mut walker = Self {
            nodes: Vec::with_capacity(trees.feature.len()),
            values: Vec::with_capacity(trees.feature.len()),
            trees: Vec::with_capacity(trees.starts.len()),
            used,
            base_score: trees.base_score,
        };
        for roots in trees.starts.windows(2) {
            walker.push(trees, roots[0] as usize);
        }
        walker
    }

    /// Appends the tree below `root`, level by level.
    fn push(&mut self, trees: &TreeArrays<'_>, root: usize) {
        let start = self.nodes.len() as u32;
        let mut level = vec![root];
        let mut depth = 0;
        let mut n_placed = start + 1;
        loop {
            let mut next = Vec::new();
            for &node in &level {
                let this = self.nodes.len() as u32;
                self.values.push(trees.value[node]);
                if trees.feature[node] == LEAF {
                    self.nodes.push(WalkNode {
                        threshold: f64::INFINITY,
                        feature: MISSING_LEFT,
                        left: this,
                    });
                    continue;
                }
                let place = self
                    .used
                    .partition_point(|&used| used < trees.feature[node])
                    as u32;
                let missing = if trees.missing_left[node] {
                    MISSING_LEFT
                } else {
                    0
                };
                self.nodes.push(WalkNode {
                    threshold: trees.threshold[node],
                    feature: place | missing,
                    left: n_placed,
                });
                n_placed += 2;
                next.extend([trees.left[node] as usize, trees.right[node] as usize]);
            }
            if next.is_empty() {
                break;
            }
            depth += 1;
            level = next;
        }
        self.trees.push((start, depth));
    }

    /// Adds the trees to the scores of the rows in `features` (row after row, `used.len()` each).
    pub(super) fn add(&self, features: &[f64], scores: &mut [f64]) {
        let width = self.used.len().max(1);
        for &(root, depth) in &self.trees {
            let mut rows = features.chunks_exact(width * ABREAST);
            let (groups, _) = scores.as_chunks_mut::<ABREAST>();
            for (rows, scores) in rows.by_ref().zip(groups) {
                let mut at = [root; ABREAST];
                for _ in 0..depth {
                    for (lane, at) in at.iter_mut().enumerate() {
                        *at = self.step(*at, &rows[lane * width..(lane + 1) * width]);
                    }
                }
                for (score, &at) in scores.iter_mut().zip(&at) {
                    *score += self.values[at as usize];
                }
            }
            let n_done = scores.len() / ABREAST * ABREAST;
            for (row, score) in rows
                .remainder()
                .chunks_exact(width)
                .zip(&mut scores[n_done..])
            {
                let at = (0..depth).fold(root, |at, _| self.step(at, row));
                *score += self.values[at as usize];
            }
        }
    }

    #[inline]
    #[expect(
        clippy::needless_bitwise_bool,
        reason = "a branch here would be mispredicted"
    )]
    fn step(&self, at: u32, row: &[f64]) -> u32 {
        let node = &self.nodes[at as usize];
        let x = row[(node.feature & !MISSING_LEFT) as usize];
        let is_missing_right = x.is_nan() & (node.feature < MISSING_LEFT);
        node.left + u32::from((x > node.threshold) | is_missing_right)
    }
}
