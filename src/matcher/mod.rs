//! Joins the rooms before it: params + cohort → [`Matcher`] → response and toxicity of any donor
//! and recipient.
//!
//! [`MatcherParams::fit`] learns [`ResponseModel`] and [`ToxicityModel`] from patients and the
//! engraftment model from transplants, and samples the joint posterior of the published arms.
//! [`Matcher::predict`] predicts each transplant first and judges its result, draw by draw, so that
//! the order of the donors may differ from one recipient to the next. [`Matcher::with_outcomes`]
//! learns from a trial on the way, [`Matcher::with_sites`] from several of which no patient leaves
//! a site.

mod attribution;
#[cfg(test)]
mod attribution_tests;
mod config;
mod domain;
#[expect(
    clippy::module_inception,
    reason = "the room is named after its one type"
)]
mod matcher;
mod outcomes;
mod params;
mod predict;
mod prediction;
mod response;
mod response_rows;
mod scene;
mod sites;
mod toxicity;

pub(crate) use attribution::{Attribution, Expected, Part, TermDraws};
pub use config::{EvaluationConfig, MatcherConfig, TrialConfig};
pub use domain::Domain;
pub use matcher::{Matcher, PredictParams};
pub use outcomes::{UpdateParams, UpdatedMatcher};
pub use params::MatcherParams;
pub use prediction::{BaselinePrediction, OwnRecord, PairPrediction};
pub(crate) use response::ResponseMember;
pub use response::{ResponseEngine, ResponseModel, ResponseParams};
pub use sites::{MergedMatcher, SiteParams};
pub use toxicity::{ToxicityModel, ToxicityParams};
