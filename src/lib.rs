//! Match stool donors to cancer patients, honestly.

pub mod calibration;
#[cfg(feature = "cli")]
pub mod cli;
pub mod cohort;
pub mod engraftment;
pub mod error;
pub mod evaluation;
pub mod explanation;
pub mod feature;
pub mod matcher;
pub mod model;
pub mod persist;
pub mod profile;
mod random;
pub mod ranking;
pub mod taxonomy;
pub mod trial;

pub use error::{Error, ErrorKind, Result};
