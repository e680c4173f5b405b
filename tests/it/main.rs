//! Integration tests: the public behavior of each room.

mod evaluation;
mod evaluation_cohorts;
mod feature;
mod formats;
mod ranking;
mod readers;
mod taxonomy;
mod toposcore;
