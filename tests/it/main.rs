//! Integration tests: the public behavior of each room.

mod backend;
mod boosting;
mod calibration;
mod evaluation;
mod evaluation_cohorts;
mod feature;
mod formats;
mod fuzz;
mod hostile;
mod logistic;
mod ranking;
mod reader_speed;
mod readers;
mod taxonomy;
mod toposcore;
mod writers;
