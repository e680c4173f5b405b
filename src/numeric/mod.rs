//! The mathematics that every room needs and that knows neither taxa nor patients, each written
//! once: random numbers, distributions, a small linear solver.
//!
//! Nothing here is public; results must be the same bits on every machine, so `exp`, `log` and
//! their kin come from `libm`.

pub(crate) mod cholesky;
pub(crate) mod distribution;
pub(crate) mod groups;
pub(crate) mod outcomes;
pub(crate) mod random;
pub(crate) mod xoshiro;
