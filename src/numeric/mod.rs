//! The mathematics that every room needs and that knows neither taxa nor patients, each written
//! once: random numbers, the logistic function, Newton's method, distributions, short decimals, checks
//! of outcomes.
//!
//! Nothing here is public. `exp`, `log` and their kin come from `libm`, so that results are the
//! same bits on every machine. What exists twice does so because published bits hang on it: the
//! plain form of the sigmoid and the draws of [`random::Stream`] (shipped model, golden cohort),
//! and the generator of [`xoshiro`], with which every interval in a model's `metrics.json` was
//! drawn.

pub(crate) mod cholesky;
pub(crate) mod decimal;
pub(crate) mod distribution;
pub(crate) mod groups;
pub(crate) mod logarithm;
pub(crate) mod logistic;
pub(crate) mod newton;
pub(crate) mod outcomes;
pub(crate) mod random;
pub(crate) mod simd;
pub(crate) mod summary;
pub(crate) mod xoshiro;
