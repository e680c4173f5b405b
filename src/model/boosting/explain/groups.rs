//! Leaves that are looked up together: all those below a node, told apart by few conditions.

use std::collections::BTreeMap;

use super::codes::{Borders, Codes, Test};
use super::shapley::Meeting;
use crate::model::boosting::model::BoostingModel;

/// Conditions that tell the leaves of a group apart, at most, where there are tables: so many
/// fit a byte, and a subtree of height 2 or 3 at the bottom of a deep tree is a group.
pub(super) const TABLE_BITS: usize = 8;

/// Bits of a pattern at least, unused ones being 1, so that patterns come in fours.
const LEAST_BITS: usize = 2;

/// What the splits from the root to a node ask of one feature.
#[derive(Debug, Clone, Copy)]
struct Condition {
    /// Place among the used features.
    place: u32,
    above: Option<f64>,
    at_most: Option<f64>,
    has_missing: bool,
    /// Chance that the training rows meet it, given those before.
    chance: f64,
}

/// What a leaf asks of one feature, by the pattern of its group.
#[derive(Debug, Clone, Copy)]
struct Factor {
    place: u32,
    /// These bits of the pattern …
    mask: u64,
    /// … must be so.
    bits: u64,
    chance: f64,
}

/// One leaf of a group.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) value: f64,
    factors: Vec<Factor>,
    /// Where each factor's feature stands among those of the group.
    pub(super) slots: Vec<usize>,
}

impl Leaf {
    /// Which factors are met: factor j as bit j.
    pub(super) fn pattern(&self, group_pattern: u64) -> u64 {
        let factors = self.factors.iter().enumerate();
        factors.fold(0, |pattern, (j, factor)| {
            pattern | u64::from(group_pattern & factor.mask == factor.bits) << j
        })
    }

    /// Which factors are met by each pattern of a group of few bits.
    pub(super) fn patterns(&self, n_bits: usize) -> Vec<u8> {
        let all: [u8; 1 << TABLE_BITS] = std::array::from_fn(|pattern| pattern as u8);
        let mut patterns = vec![0; 1 << n_bits];
        for (j, factor) in self.factors.iter().enumerate() {
            let (mask, bits) = (factor.mask as u8, factor.bits as u8);
            for (pattern, group_pattern) in patterns.iter_mut().zip(&all) {
                *pattern |= u8::from(group_pattern & mask == bits) << j;
            }
        }
        patterns
    }

    /// How the training rows meet the factors, or the background rows whose patterns are given.
    pub(super) fn meeting(&self, background: Option<&BTreeMap<u64, f64>>) -> Meeting {
        let Some(background) = background else {
            return Meeting::Chances(self.factors.iter().map(|factor| factor.chance).collect());
        };
        let mut shares: BTreeMap<u64, f64> = BTreeMap::new();
        for (&pattern, share) in background {
            *shares.entry(self.pattern(pattern)).or_default() += share;
        }
        Meeting::Patterns(self.factors.len(), shares.into_iter().collect())
    }
}

/// The leaves below one node.
#[derive(Debug, Clone)]
pub(super) struct LeafGroup {
    /// Conditions that tell the leaves apart, the bits of a pattern.
    pub(super) n_bits: usize,
    pub(super) tests: Vec<Test>,
    pub(super) leaves: Vec<Leaf>,
    /// Places of the features asked for, rising.
    pub(super) places: Vec<usize>,
}

impl LeafGroup {
    /// The share of the rows that have each pattern.
    pub(super) fn shares(&self, rows: &Codes) -> BTreeMap<u64, f64> {
        let mut patterns = Vec::new();
        rows.patterns(&self.tests, self.n_bits, &mut patterns);
        let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
        for row in 0..rows.n_rows {
            *counts.entry(rows.pattern_of(&patterns, row)).or_default() += 1;
        }
        let share = 1.0 / rows.n_rows as f64;
        let shares = counts
            .into_iter()
            .map(|(pattern, n)| (pattern, f64::from(n) * share));
        shares.collect()
    }
}

/// Parts the leaves of trees into groups.
#[derive(Debug)]
pub(super) struct Grouping<'a> {
    model: &'a BoostingModel,
    used: &'a [u32],
    borders: &'a Borders,
    /// Splits at and below each node.
    n_splits: Vec<u32>,
}

impl<'a> Grouping<'a> {
    pub(super) fn new(model: &'a BoostingModel, used: &'a [u32], borders: &'a Borders) -> Self {
        let mut n_splits = vec![0; model.feature.len()];
        for node in (0..n_splits.len())
            .rev()
            .filter(|&node| !model.is_leaf(node))
        {
            let [left, right] = children(model, node);
            n_splits[node] = 1 + n_splits[left] + n_splits[right];
        }
        Self {
            model,
            used,
            borders,
            n_splits,
        }
    }

    /// Conditions of a leaf, at most.
    pub(super) fn most_conditions(&self) -> usize {
        let mut depth = vec![0; self.n_splits.len()];
        for node in (0..depth.len()).filter(|&node| !self.model.is_leaf(node)) {
            for child in children(self.model, node) {
                depth[child] = depth[node] + 1;
            }
        }
        depth.into_iter().max().unwrap_or(0).min(self.used.len())
    }

    /// The groups of one tree, from left to right.
    pub(super) fn of_tree(&self, tree: usize) -> Vec<LeafGroup> {
        let mut groups = Vec::new();
        self.descend(
            self.model.nodes_of(tree).start,
            &mut Vec::new(),
            &mut groups,
        );
        groups
    }

    /// Makes groups below a node as soon as few enough conditions tell their leaves apart.
    fn descend(&self, node: usize, path: &mut Vec<Condition>, groups: &mut Vec<LeafGroup>) {
        if self.model.is_leaf(node) || path.len() + self.n_splits[node] as usize <= TABLE_BITS {
            groups.push(self.group(node, path));
            return;
        }
        let (model, place) = (self.model, self.place(node));
        for (child, is_left) in children(model, node).into_iter().zip([true, false]) {
            let new = Condition {
                place,
                above: None,
                at_most: None,
                has_missing: true,
                chance: 1.0,
            };
            with_change(
                path,
                |other| other.place == place,
                new,
                |condition| {
                    condition.chance *= model.cover[child] / model.cover[node];
                    condition.has_missing &= model.missing_left[node] == is_left;
                    let threshold = model.threshold[node];
                    if is_left {
                        let old = condition.at_most.unwrap_or(threshold);
                        condition.at_most = Some(old.min(threshold));
                    } else {
                        let old = condition.above.unwrap_or(threshold);
                        condition.above = Some(old.max(threshold));
                    }
                },
                |path| self.descend(child, path, groups),
            );
        }
    }

    /// The leaves below a node, the conditions on the way there being the first bits.
    fn group(&self, node: usize, path: &[Condition]) -> LeafGroup {
        let mut group = LeafGroup {
            n_bits: path.len(),
            tests: Vec::new(),
            leaves: Vec::new(),
            places: Vec::new(),
        };
        let mut factors = Vec::new();
        for (bit, condition) in path.iter().enumerate() {
            // Both sides of an interval let a missing value through, or neither does.
            let &Condition {
                place,
                has_missing,
                chance,
                ..
            } = condition;
            let at_most = |threshold| {
                self.borders
                    .at_most(place, threshold, has_missing, bit as u32)
            };
            let above = |threshold| {
                self.borders
                    .above(place, threshold, has_missing, bit as u32)
            };
            group.tests.extend(condition.at_most.map(at_most));
            group.tests.extend(condition.above.map(above));
            factors.push(Factor {
                place,
                mask: 1 << bit,
                bits: 1 << bit,
                chance,
            });
        }
        self.part(node, &mut factors, &mut group);
        group.n_bits = group.n_bits.max(LEAST_BITS);
        let factors = group.leaves.iter().flat_map(|leaf| &leaf.factors);
        group.places = factors.map(|factor| factor.place as usize).collect();
        group.places.sort_unstable();
        group.places.dedup();
        for leaf in &mut group.leaves {
            let slot = |factor: &Factor| {
                group
                    .places
                    .partition_point(|&at| at < factor.place as usize)
            };
            leaf.slots = leaf.factors.iter().map(slot).collect();
        }
        group
    }

    /// Adds the leaves below a node of a group, one bit a split.
    fn part(&self, node: usize, factors: &mut Vec<Factor>, group: &mut LeafGroup) {
        let model = self.model;
        if model.is_leaf(node) {
            group.leaves.push(Leaf {
                value: model.value[node],
                factors: factors.clone(),
                slots: Vec::new(),
            });
            return;
        }
        let (place, bit) = (self.place(node), group.n_bits as u32);
        let missing_left = model.missing_left[node];
        group.tests.push(
            self.borders
                .at_most(place, model.threshold[node], missing_left, bit),
        );
        group.n_bits += 1;
        for (child, is_left) in children(model, node).into_iter().zip([true, false]) {
            let new = Factor {
                place,
                mask: 0,
                bits: 0,
                chance: 1.0,
            };
            with_change(
                factors,
                |other| other.place == place,
                new,
                |factor| {
                    factor.chance *= model.cover[child] / model.cover[node];
                    factor.mask |= 1 << bit;
                    factor.bits |= u64::from(is_left) << bit;
                },
                |factors| self.part(child, factors, group),
            );
        }
    }

    fn place(&self, node: usize) -> u32 {
        let feature = self.model.feature[node];
        self.used.partition_point(|&used| used < feature) as u32
    }
}

fn children(model: &BoostingModel, node: usize) -> [usize; 2] {
    [model.left[node] as usize, model.right[node] as usize]
}

/// Goes on with the entry that is looked for, or a new one, changed; then takes it back.
fn with_change<T: Copy>(
    entries: &mut Vec<T>,
    is_sought: impl Fn(&T) -> bool,
    new: T,
    change: impl Fn(&mut T),
    go_on: impl FnOnce(&mut Vec<T>),
) {
    if let Some(at) = entries.iter().position(is_sought) {
        let old = entries[at];
        change(&mut entries[at]);
        go_on(entries);
        entries[at] = old;
    } else {
        let mut new = new;
        change(&mut new);
        entries.push(new);
        go_on(entries);
        entries.pop();
    }
}
