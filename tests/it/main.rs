//! Integration tests: the public behavior of each room.

mod evaluation;
mod evaluation_cohorts;
