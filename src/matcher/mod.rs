//! Joins the rooms before it: params + cohort → [`Matcher`] → response and toxicity of any donor
//! and recipient.
//!
//! [`MatcherParams::fit`] learns three models: [`ResponseModel`] from patients, the engraftment
//! model from transplants, [`ToxicityModel`] from priors and patients. [`Matcher::predict`] predicts
//! each transplant first and judges its result, draw by draw, so that the order of the donors may
//! differ from one recipient to the next.

mod baseline;
mod config;
mod domain;
#[expect(
    clippy::module_inception,
    reason = "the room is named after its one type"
)]
mod matcher;
mod outcomes;
mod params;
mod posterior;
mod prediction;
mod response;
mod response_rows;
mod scene;
mod toxicity;

pub use baseline::{
    LogOdds, REFRACTORY_ARMS, ResponseBaseline, TRANSPLANT_EFFECT, myocarditis_baseline,
    response_baseline, severe_irae_baseline,
};
pub use config::{EvaluationConfig, MatcherConfig, TrialConfig};
pub use domain::Domain;
pub use matcher::{Matcher, PredictParams};
pub use outcomes::ObservedToxicity;
pub use params::MatcherParams;
pub(crate) use posterior::Normal;
pub use prediction::{BaselinePrediction, PairPrediction};
pub(crate) use response::ResponseMember;
pub use response::{ResponseEngine, ResponseModel, ResponseParams};
pub use toxicity::{Prior, ToxicityModel, ToxicityOutcome, ToxicityParams};
