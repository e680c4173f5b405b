//! Scores by shallow trees: each feature of a block of rows is coded once against its thresholds,
//! then every tree decides all of its splits for the whole block by comparisons of bytes.

use super::block::{ColumnBlock, ROWS};
use super::walker::{LEAF, TreeArrays};
use crate::numeric::simd::in_avx2;

/// Thresholds of one feature at most, so that a code is a byte.
const MOST_THRESHOLDS: usize = 255;

/// More thresholds than this are searched, fewer are counted.
const MOST_COUNTED: usize = 96;

/// Values that are counted side by side.
const ABREAST: usize = 16;

/// The code of each row of a block: how many thresholds of a feature its value exceeds.
pub(super) type Codes = [u8; ROWS];

/// A tree filled up to three levels (7 splits, 8 leaves) or four (15, 16), level by level, children
/// side by side.
#[derive(Debug, Clone)]
struct ShallowTree<const SPLITS: usize, const LEAVES: usize> {
    /// Place of the feature's codes: twice the place of the feature among those used, and one
    /// more where a missing value goes right.
    place: [u32; SPLITS],
    /// A row goes right where its code exceeds this.
    code: [u8; SPLITS],
    value: [f64; LEAVES],
}

/// The trees of a model, all filled up to the depth of the deepest.
#[derive(Debug)]
enum Trees {
    Three(Vec<ShallowTree<7, 8>>),
    Four(Vec<ShallowTree<15, 16>>),
}

/// Trees of four levels at most, by codes.
#[derive(Debug)]
pub(super) struct ShallowTrees {
    trees: Trees,
    /// The thresholds of each used feature, rising.
    thresholds: Vec<Vec<f64>>,
}

impl ShallowTrees {
    /// The trees by codes, given the thresholds of each used feature, rising; `None` where a tree is
    /// too deep or a feature has too many thresholds.
    pub(super) fn new(trees: &TreeArrays<'_>, thresholds: Vec<Vec<f64>>) -> Option<Self> {
        if thresholds.iter().any(|its| its.len() > MOST_THRESHOLDS) {
            return None;
        }
        let trees = match ShallowTree::all(trees, &thresholds) {
            Some(trees) => Trees::Three(trees),
            None => Trees::Four(ShallowTree::all(trees, &thresholds)?),
        };
        Some(Self { trees, thresholds })
    }

    /// The thresholds of each used feature, rising.
    pub(super) fn thresholds(&self) -> &[Vec<f64>] {
        &self.thresholds
    }

    /// Adds the trees, in their order, to the scores of the rows in `features` (row after row, as
    /// many values each as there are used features; rows past the last score are ignored).
    pub(super) fn add(&self, features: &[f64], scores: &mut [f64]) {
        in_avx2!(
            self.add_avx2(features, scores),
            self.add_with(features, scores)
        );
    }

    /// The same for the rows of a block, given the used features.
    pub(super) fn add_block(&self, used: &[u32], block: &ColumnBlock, scores: &mut [f64]) {
        in_avx2!(
            self.add_block_avx2(used, block, scores),
            self.add_block_with(used, block, scores)
        );
    }

    /// The same for rows whose features are coded: two codes a used feature, of which the second is
    /// the highest where the value is missing; any one where no feature is used. Rows past the last
    /// score are ignored.
    pub(super) fn add_codes(&self, codes: &[Codes], scores: &mut [f64]) {
        in_avx2!(
            self.add_codes_avx2(codes, scores),
            self.add_codes_with(codes, scores)
        );
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn add_avx2(&self, features: &[f64], scores: &mut [f64]) {
        self.add_with(features, scores);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn add_block_avx2(&self, used: &[u32], block: &ColumnBlock, scores: &mut [f64]) {
        self.add_block_with(used, block, scores);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn add_codes_avx2(&self, codes: &[Codes], scores: &mut [f64]) {
        self.add_codes_with(codes, scores);
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "must take the instruction set of its caller"
    )]
    fn add_with(&self, features: &[f64], scores: &mut [f64]) {
        let width = self.thresholds.len().max(1);
        let mut codes: Vec<Codes> = vec![[0; ROWS]; 2 * width];
        let blocks = features.chunks(ROWS * width).zip(scores.chunks_mut(ROWS));
        for (features, scores) in blocks {
            let pairs = codes.chunks_exact_mut(2);
            for (place, (thresholds, pair)) in self.thresholds.iter().zip(pairs).enumerate() {
                let mut values = [0.0; ROWS];
                for (value, row) in values.iter_mut().zip(features.chunks_exact(width)) {
                    *value = row[place];
                }
                write_codes(&values, thresholds, pair);
            }
            self.add_codes_with(&codes, scores);
        }
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "must take the instruction set of its caller"
    )]
    fn add_block_with(&self, used: &[u32], block: &ColumnBlock, scores: &mut [f64]) {
        let mut codes: Vec<Codes> = vec![[0; ROWS]; 2 * self.thresholds.len().max(1)];
        let features = used.iter().zip(&self.thresholds);
        for ((&feature, thresholds), pair) in features.zip(codes.chunks_exact_mut(2)) {
            match block.column(feature as usize) {
                Some(values) => write_codes(values, thresholds, pair),
                None => pair.fill([code_of(0.0, thresholds); ROWS]),
            }
        }
        self.add_codes_with(&codes, scores);
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "must take the instruction set of its caller"
    )]
    fn add_codes_with(&self, codes: &[Codes], scores: &mut [f64]) {
        let mut all = [0.0; ROWS];
        all[..scores.len()].copy_from_slice(scores);
        match &self.trees {
            Trees::Three(trees) => add_all(trees, codes, &mut all),
            Trees::Four(trees) => add_all(trees, codes, &mut all),
        }
        scores.copy_from_slice(&all[..scores.len()]);
    }
}

impl<const SPLITS: usize, const LEAVES: usize> ShallowTree<SPLITS, LEAVES> {
    /// The trees of a model; `None` where one is too deep for this many splits.
    fn all(trees: &TreeArrays<'_>, thresholds: &[Vec<f64>]) -> Option<Vec<Self>> {
        let roots = &trees.starts[..trees.starts.len().saturating_sub(1)];
        roots
            .iter()
            .map(|&root| Self::new(trees, thresholds, root as usize))
            .collect()
    }

    fn new(trees: &TreeArrays<'_>, thresholds: &[Vec<f64>], root: usize) -> Option<Self> {
        let mut tree = Self {
            place: [0; SPLITS],
            // No code exceeds it: below a leaf every row goes left.
            code: [u8::MAX; SPLITS],
            value: [0.0; LEAVES],
        };
        let mut level = vec![root];
        let mut n_placed = 0;
        while level.len() < LEAVES {
            let mut next = Vec::new();
            for node in level {
                if trees.feature[node] == LEAF {
                    next.extend([node, node]);
                } else {
                    let place = trees.used.binary_search(&trees.feature[node]).ok()?;
                    let threshold = trees.threshold[node];
                    let below = thresholds[place].partition_point(|&other| other < threshold);
                    tree.place[n_placed] = 2 * place as u32 + u32::from(!trees.missing_left[node]);
                    tree.code[n_placed] = below as u8;
                    next.extend([trees.left[node] as usize, trees.right[node] as usize]);
                }
                n_placed += 1;
            }
            level = next;
        }
        for (value, node) in tree.value.iter_mut().zip(level) {
            if trees.feature[node] != LEAF {
                return None;
            }
            *value = trees.value[node];
        }
        Some(tree)
    }
}

/// Adds trees in their order. A loop, since a closure handed to an iterator would be compiled without
/// the instruction set of the caller.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "must take the instruction set of its caller"
)]
fn add_all<const SPLITS: usize, const LEAVES: usize>(
    trees: &[ShallowTree<SPLITS, LEAVES>],
    codes: &[Codes],
    scores: &mut [f64; ROWS],
) {
    for tree in trees {
        tree.add(codes, scores);
    }
}

/// The codes of a feature as they are, and with missing values high.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "must take the instruction set of its caller"
)]
fn write_codes(values: &[f64; ROWS], thresholds: &[f64], pair: &mut [Codes]) {
    let [low, high] = pair else {
        return;
    };
    *low = codes_of(values, thresholds);
    *high = *low;
    for (code, value) in high.iter_mut().zip(values) {
        *code |= u8::from(value.is_nan()).wrapping_neg();
    }
}

/// How many of the rising thresholds a value exceeds; a missing value exceeds none.
fn code_of(value: f64, thresholds: &[f64]) -> u8 {
    thresholds.partition_point(|&threshold| value > threshold) as u8
}

/// [`code_of`] for each value of a block.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "must take the instruction set of its caller"
)]
fn codes_of(values: &[f64; ROWS], thresholds: &[f64]) -> Codes {
    let mut codes = [0; ROWS];
    if thresholds.len() > MOST_COUNTED {
        for (code, value) in codes.iter_mut().zip(values) {
            *code = code_of(*value, thresholds);
        }
        return codes;
    }
    let (values, _) = values.as_chunks::<ABREAST>();
    let (groups, _) = codes.as_chunks_mut::<ABREAST>();
    for (codes, values) in groups.iter_mut().zip(values) {
        let mut counts = [0_u64; ABREAST];
        for threshold in thresholds {
            for (count, value) in counts.iter_mut().zip(values) {
                *count += u64::from(value > threshold);
            }
        }
        for (code, count) in codes.iter_mut().zip(counts) {
            *code = count as u8;
        }
    }
    codes
}

impl<const SPLITS: usize, const LEAVES: usize> ShallowTree<SPLITS, LEAVES> {
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "must take the instruction set of its caller"
    )]
    fn add(&self, codes: &[Codes], scores: &mut [f64; ROWS]) {
        let of = self.place.map(|place| &codes[place as usize]);
        let mut leaves = [0_u8; ROWS];
        for row in 0..ROWS {
            // All bits where the row would go right at a split.
            let right = |split: usize| u8::from(of[split][row] > self.code[split]).wrapping_neg();
            let choose = |mask: u8, yes: u8, no: u8| (mask & yes) | (!mask & no);
            let first = right(0);
            let second = choose(first, right(2), right(1));
            let third = choose(
                first,
                choose(second, right(6), right(5)),
                choose(second, right(4), right(3)),
            );
            leaves[row] = (first & 4) | (second & 2) | (third & 1);
            if LEAVES == 16 {
                let below = |split: usize| choose(third, right(split + 1), right(split));
                let fourth = choose(
                    first,
                    choose(second, below(13), below(11)),
                    choose(second, below(9), below(7)),
                );
                leaves[row] = (leaves[row] << 1) | (fourth & 1);
            }
        }
        for (score, leaf) in scores.iter_mut().zip(leaves) {
            *score += self.value[usize::from(leaf) % LEAVES];
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::model::boosting::predict::gather;
    use crate::model::boosting::tests::{features, outcomes};
    use crate::model::{BoostingParams, TrainingData};

    #[test]
    fn coded_trees_score_as_walked_ones_do_to_the_bit() {
        for (seed, max_depth, n_rounds) in [(1, 1, 30), (2, 2, 30), (3, 3, 200), (5, 4, 200)] {
            let mut x: Array2<f64> = features(seed, 300, 12, 0.3, 1e6);
            for i in 0..200 {
                x[[(i * 7) % 300, i % 5]] = f64::NAN;
            }
            let y = outcomes(seed, &x);
            let params = BoostingParams {
                n_rounds,
                max_depth,
                ..BoostingParams::unsampled()
            };
            let model = params
                .fit(&TrainingData::new(x.view(), &y).unwrap())
                .unwrap();
            // Values that no training row had, at thresholds, and missing where none was.
            for (i, value) in x.iter_mut().enumerate().filter(|(i, _)| i % 3 == 0) {
                *value = match i % 4 {
                    0 => f64::NAN,
                    1 => model.threshold[i % model.threshold.len()],
                    2 => f64::INFINITY,
                    _ => -*value,
                };
            }
            let walker = model.walker();
            let coded =
                ShallowTrees::new(&model.trees(), model.thresholds_of(&walker.used)).unwrap();
            let mut block = vec![0.0; 300 * walker.used.len()];
            gather(x.view().into(), &walker.used, 0, &mut block);
            let [mut walked, mut by_codes, mut portable, mut by_block] =
                [(); 4].map(|()| vec![0.5; 300]);
            walker.add(&block, &mut walked);
            coded.add(&block, &mut by_codes);
            coded.add_with(&block, &mut portable);
            assert_eq!(walked, by_codes);
            assert_eq!(walked, portable);
            let mut block = ColumnBlock::new(12);
            for (first, scores) in (0..300).step_by(ROWS).zip(by_block.chunks_mut(ROWS)) {
                block.clear(scores.len());
                for row in 0..scores.len() {
                    for (column, &value) in x.row(first + row).iter().enumerate() {
                        if value != 0.0 {
                            block.set(row, column, value);
                        }
                    }
                }
                coded.add_block(&walker.used, &block, scores);
            }
            assert_eq!(walked, by_block);
        }
    }

    #[test]
    fn deep_trees_are_not_coded() {
        let x = features(4, 300, 12, 0.3, 1e6);
        let y = outcomes(4, &x);
        let params = BoostingParams {
            max_depth: 5,
            ..BoostingParams::unsampled()
        };
        let model = params
            .fit(&TrainingData::new(x.view(), &y).unwrap())
            .unwrap();
        let thresholds = model.thresholds_of(&model.used_features());
        assert!(ShallowTrees::new(&model.trees(), thresholds).is_none());
    }
}
