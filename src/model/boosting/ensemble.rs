//! Several models of the same features, scored together: a value is searched once for all of them.

use ndarray::{Array2, ArrayView2};

use super::block::ROWS;
use super::model::BoostingModel;
use super::shallow::{Codes, ShallowTrees};
use crate::Result;

/// Models of the same features.
#[derive(Debug, Clone)]
pub(crate) struct Ensemble<'a> {
    members: Vec<&'a BoostingModel>,
    /// `None` where a member cannot be coded: each then scores by itself.
    shared: Option<Shared<'a>>,
}

/// The thresholds of all members, and what a place among them means to each.
#[derive(Debug, Clone)]
struct Shared<'a> {
    /// By feature, rising.
    thresholds: Vec<Vec<f64>>,
    members: Vec<Member<'a>>,
}

#[derive(Debug, Clone)]
struct Member<'a> {
    trees: &'a ShallowTrees,
    base_score: f64,
    /// For each feature that it uses: the feature, and its own code by the shared one.
    codes: Vec<(usize, Vec<u8>)>,
}

/// What the rows of a block are by the shared thresholds of one feature.
struct SharedCodes {
    codes: [u16; ROWS],
    is_missing: [bool; ROWS],
    has_missing: bool,
}

impl<'a> Ensemble<'a> {
    /// Models that were fitted on the same features.
    pub(crate) fn new(members: impl IntoIterator<Item = &'a BoostingModel>) -> Self {
        let members: Vec<&BoostingModel> = members.into_iter().collect();
        Self {
            shared: Shared::new(&members),
            members,
        }
    }

    /// The scores of each member, members × rows: to the bit those of [`BoostingModel::scores`].
    ///
    /// # Errors
    /// [`Error::Table`](crate::Error::Table) where the number of columns differs.
    pub(crate) fn scores(&self, features: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        let mut scores = Array2::zeros((self.members.len(), features.nrows()));
        let Some(shared) = &self.shared else {
            for (member, mut row) in self.members.iter().zip(scores.rows_mut()) {
                for (place, score) in row.iter_mut().zip(member.scores(features)?) {
                    *place = score;
                }
            }
            return Ok(scores);
        };
        for member in &self.members {
            member.check_width(features.into())?;
        }
        shared.add(features, &mut scores);
        Ok(scores)
    }
}

impl<'a> Shared<'a> {
    fn new(members: &[&'a BoostingModel]) -> Option<Self> {
        let n_features = members.first()?.n_features();
        let coded: Vec<(&BoostingModel, &ShallowTrees)> = members
            .iter()
            .map(|&member| Some((member, member.coded()?)))
            .collect::<Option<_>>()?;
        let mut thresholds = vec![Vec::new(); n_features];
        for (member, trees) in &coded {
            for (&feature, its) in member.used().iter().zip(trees.thresholds()) {
                thresholds.get_mut(feature as usize)?.extend_from_slice(its);
            }
        }
        for its in &mut thresholds {
            its.sort_unstable_by(f64::total_cmp);
            its.dedup();
        }
        if thresholds
            .iter()
            .any(|its| its.len() > usize::from(u16::MAX))
        {
            return None;
        }
        let members = coded
            .into_iter()
            .map(|(member, trees)| Member {
                trees,
                base_score: member.base_score(),
                codes: member
                    .used()
                    .iter()
                    .zip(trees.thresholds())
                    .map(|(&feature, own)| {
                        let feature = feature as usize;
                        (feature, own_codes(&thresholds[feature], own))
                    })
                    .collect(),
            })
            .collect();
        Some(Self {
            thresholds,
            members,
        })
    }

    fn add(&self, features: ArrayView2<'_, f64>, scores: &mut Array2<f64>) {
        let mut codes: Vec<Codes> = Vec::new();
        for first in (0..features.nrows()).step_by(ROWS) {
            let n_rows = ROWS.min(features.nrows() - first);
            let shared: Vec<SharedCodes> = self
                .thresholds
                .iter()
                .enumerate()
                .map(|(feature, thresholds)| {
                    let mut values = [0.0; ROWS];
                    for (row, value) in values[..n_rows].iter_mut().enumerate() {
                        *value = features[[first + row, feature]];
                    }
                    SharedCodes::of(&values, thresholds)
                })
                .collect();
            for (member, mut row) in self.members.iter().zip(scores.rows_mut()) {
                member.codes_of(&shared, &mut codes);
                let mut block = [member.base_score; ROWS];
                let block = &mut block[..n_rows];
                member.trees.add_codes(&codes, block);
                for (score, value) in row.iter_mut().skip(first).zip(block) {
                    *score = *value;
                }
            }
        }
    }
}

impl Member<'_> {
    /// Writes the codes of each feature that it uses: as they are, and with missing values high.
    fn codes_of(&self, shared: &[SharedCodes], codes: &mut Vec<Codes>) {
        codes.clear();
        for (feature, own) in &self.codes {
            let shared = &shared[*feature];
            let low = shared.codes.map(|code| own[usize::from(code)]);
            codes.push(low);
            let mut high = low;
            if shared.has_missing {
                for (code, &is_missing) in high.iter_mut().zip(&shared.is_missing) {
                    *code |= u8::from(is_missing).wrapping_neg();
                }
            }
            codes.push(high);
        }
        if codes.is_empty() {
            // Trees without a split look at a code all the same.
            codes.push([0; ROWS]);
        }
    }
}

impl SharedCodes {
    fn of(values: &[f64; ROWS], thresholds: &[f64]) -> Self {
        let code = |value: f64| thresholds.partition_point(|&threshold| value > threshold) as u16;
        let is_missing = values.map(f64::is_nan);
        let is_constant = values
            .iter()
            .all(|value| value.to_bits() == values[0].to_bits());
        Self {
            codes: if is_constant {
                [code(values[0]); ROWS]
            } else {
                values.map(code)
            },
            has_missing: is_missing.contains(&true),
            is_missing,
        }
    }
}

/// The code by `own` thresholds of each code by the shared ones, which hold them all.
fn own_codes(shared: &[f64], own: &[f64]) -> Vec<u8> {
    let exceeded = shared
        .iter()
        .map(|&last| own.partition_point(|&threshold| threshold <= last) as u8);
    std::iter::once(0).chain(exceeded).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::model::boosting::ColumnBlock;
    use crate::model::boosting::tests::{features, outcomes};
    use crate::model::{BoostingParams, TrainingData};

    #[test]
    fn together_models_score_as_each_by_itself_to_the_bit() {
        let mut x: Array2<f64> = features(7, 150, 6, 0.3, 10.0);
        for i in 0..60 {
            x[[(i * 7) % 150, i % 5]] = f64::NAN;
        }
        let fit = |seed: u64, max_depth| {
            let y = outcomes(seed, &x);
            let params = BoostingParams {
                n_rounds: 40,
                max_depth,
                seed,
                ..BoostingParams::default()
            };
            params
                .fit(&TrainingData::new(x.view(), &y).unwrap())
                .unwrap()
        };
        for max_depth in [3, 4, 6] {
            let models: Vec<BoostingModel> = (1..5).map(|seed| fit(seed, max_depth)).collect();
            let ensemble = Ensemble::new(&models);
            assert_eq!(ensemble.shared.is_some(), max_depth < 5);
            let mut rows = x.clone();
            rows.column_mut(2).fill(f64::NAN);
            rows.column_mut(3).fill(0.25);
            for rows in [x.view(), rows.view()] {
                let together = ensemble.scores(rows).unwrap();
                for (model, row) in models.iter().zip(together.rows()) {
                    assert_eq!(row.to_vec(), model.scores(rows).unwrap());
                }
            }
        }
    }

    #[test]
    fn a_model_without_a_split_scores_its_mean() {
        let x = features(7, 60, 6, 0.3, 10.0);
        let y = outcomes(1, &x);
        let params = BoostingParams {
            min_leaf_rows: 60,
            ..BoostingParams::default()
        };
        let model = params
            .fit(&TrainingData::new(x.view(), &y).unwrap())
            .unwrap();
        assert!(model.used().is_empty());
        let expected = model.scores(x.view()).unwrap();
        let together = Ensemble::new([&model]).scores(x.view()).unwrap();
        assert_eq!(together.row(0).to_vec(), expected);
        let mut block = ColumnBlock::new(6);
        for n_rows in [ROWS, 5] {
            block.clear(n_rows);
            let scores = model.block_scores(&block).unwrap();
            assert_eq!(scores, vec![expected[0]; n_rows]);
        }
    }

    #[test]
    fn another_width_is_refused() {
        let x = features(7, 60, 6, 0.3, 10.0);
        let y = outcomes(1, &x);
        let model = BoostingParams::default()
            .fit(&TrainingData::new(x.view(), &y).unwrap())
            .unwrap();
        let narrow = x.slice(ndarray::s![.., ..5]);
        assert!(Ensemble::new([&model]).scores(narrow).is_err());
    }
}
