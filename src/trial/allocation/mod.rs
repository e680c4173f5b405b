//! Simulated trials under policies that allocate donors: what a design can show before it starts.
//!
//! 1. [`Scenario`]: donors, recipients, effects, accrual, delay, dropout and stool of a trial.
//! 2. [`Policy`], or an [`AllocationPolicy`] of one's own: shown a [`TrialView`], it gives each
//!    donor a probability, which is logged.
//! 3. [`DesignParams::trial`]: one [`SimulatedTrial`]; [`DesignParams::compare`]: many under each
//!    policy, as a [`DesignReport`]: power and type-I error, responders, regret, severe events, and
//!    from how many recipients on a donor could be preferred.
//!
//! The true effects are set, or drawn from the joint posterior of published arms. Two policies meet
//! the same donors, recipients and chances, so that their difference is due to their choices.
//!
//! # References
//! Olesen, Gurry and Alm, "Designing fecal microbiota transplant trials that account for differences
//! in donor stool efficacy", Stat Methods Med Res 2018, for donors that are good or not, and block,
//! random and adaptive allocation.

mod analysis;
mod belief;
mod compare;
mod course;
mod follow;
mod params;
mod policy;
mod report;
mod result;
mod scenario;
mod stock;
mod truth;
mod view;

pub use belief::Memory;
pub use course::{Allocation, SimulatedTrial};
pub use params::{DesignParams, TrueEffects};
pub use policy::{AllocationPolicy, DEFAULT_FLOOR, Learner, Policy};
pub use report::{DESIGN_COLUMNS, DesignReport, DesignRow, PolicyCurve};
pub use scenario::{DonorEffects, Scenario};
pub use view::{DonorView, KnownOutcome, RecipientView, TrialView};
