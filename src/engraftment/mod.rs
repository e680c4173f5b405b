//! Donor + recipient → the predicted profile after the transplant: taxa gained, kept and lost.
//!
//! [`EngraftmentParams::fit`] learns from transplants with follow-ups; the
//! [`EngraftmentPredictor`] of the fitted [`EngraftmentModel`] turns a [`PairProfile`] into a
//! [`TransplantPrediction`]. [`NaiveRule`] holds the rules that it has to beat.

mod departure;
mod effect;
mod feature;
mod fit;
mod model;
mod pair;
mod params;
mod prediction;
mod rule;
mod training;

pub(crate) use departure::{Departures, STATE};
pub(crate) use effect::{EffectDistribution, Shift};
pub(crate) use feature::{CladeTable, FEATURES, StudySummary, TaxonPrior};
pub use model::{EngraftmentModel, EngraftmentPredictor};
pub(crate) use pair::above_limit;
pub use pair::{PairProfile, TransplantContext, align_to_fractions};
pub use params::{EngraftmentFeatures, EngraftmentParams};
pub use prediction::{
    Fate, RealizedProfile, TaxonCounts, TaxonRecord, TransplantOutcomes, TransplantPrediction,
};
pub use rule::NaiveRule;

pub(crate) use training::{Observation, observations};
