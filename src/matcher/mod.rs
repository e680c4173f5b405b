//! Joins the rooms before it: params + cohort → [`Matcher`](self) → response and toxicity of any
//! donor and recipient.

mod prediction;

pub use prediction::PairPrediction;
