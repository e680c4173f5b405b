//! Settings of the engraftment model.

use serde::{Deserialize, Serialize};

use crate::model::BoostingParams;
use crate::{Error, Result};

/// Which features the models may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngraftmentFeatures {
    /// Abundances, percentiles, prevalence elsewhere and how alike the pair is: what means the same
    /// in every study.
    Core,
    /// All of [`EngraftmentModel::feature_names`](super::EngraftmentModel::feature_names): also
    /// diversity, richness, traits and clades.
    Full,
    /// Whichever of the two predicts better when each training study is left out in turn; needs
    /// three studies, else core.
    #[default]
    Selected,
}

/// Settings of the engraftment model: a hurdle of two boosted models over taxa of pairs.
///
/// The first predicts whether a taxon is present after the transplant, the second how abundant it
/// is where it is present. Each is fitted [`EngraftmentParams::n_members`] times on bootstrap
/// draws of the recipients within their studies, so that the spread of the members says how much
/// the prediction hangs on who was studied.
///
/// # References
/// The unit of learning (one taxon of one transplant, taxa absent from both left out) and most
/// features follow Ianiro et al. 2022, Nature Medicine 28:1913, without its taxon identities,
/// which cannot speak of an unseen species.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EngraftmentParams {
    /// Which features to use. Default: selected inside the training studies.
    pub features: EngraftmentFeatures,
    /// Fits on bootstrap draws of the recipients. Default 5.
    pub n_members: u32,
    /// The model of presence. Default: 100 rounds of depth 4, rate 0.1, half of the features a
    /// tree, leaves of 100 rows or more.
    pub presence: BoostingParams,
    /// The model of log10 abundance where present. Same defaults, squared error.
    pub abundance: BoostingParams,
    /// Training rows that a clade needs for an indicator of its own, in at least two studies.
    /// Default 500.
    pub min_clade_rows: u32,
    /// Fractions below it count as not detected, in donor, recipient and follow-up. Default 10⁻⁵
    /// (0.001 %): of shotgun profiles, nine in ten have their smallest abundance below it, so that
    /// what is cut off is what only the deeper samples show.
    pub detection_limit: f64,
    /// Seed of the bootstrap and of the trees. Default 0.
    pub seed: u64,
}

impl Default for EngraftmentParams {
    fn default() -> Self {
        let presence = BoostingParams {
            n_rounds: 100,
            learning_rate: 0.1,
            max_depth: 4,
            max_bins: 63,
            l2: 10.0,
            min_leaf_rows: 100,
            min_leaf_weight: 0.5,
            row_fraction: 0.5,
            column_fraction: Some(0.5),
            ..BoostingParams::default()
        };
        let abundance = BoostingParams {
            loss: crate::model::BoostingLoss::SquaredError,
            ..presence.clone()
        };
        Self {
            features: EngraftmentFeatures::Selected,
            n_members: 5,
            presence,
            abundance,
            min_clade_rows: 500,
            detection_limit: 1e-5,
            seed: 0,
        }
    }
}

impl EngraftmentParams {
    pub(super) fn check(&self) -> Result<()> {
        if self.n_members == 0 {
            return Err(Error::parameter("n_members", "expected 1 or more, found 0"));
        }
        if !(0.0..0.1).contains(&self.detection_limit) {
            return Err(Error::parameter(
                "detection_limit",
                format!(
                    "expected a fraction from 0 to below 0.1, found {}",
                    self.detection_limit
                ),
            ));
        }
        Ok(())
    }
}
