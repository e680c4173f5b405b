//! Integration tests: the public behavior of each room.

mod archive;
#[cfg(feature = "comparators")]
mod backend;
mod bombs;
mod boosting;
mod calibration;
mod cancel;
mod cli;
mod cli_examples;
mod cli_limits;
mod evaluation;
mod evaluation_cohorts;
mod evidence;
mod evidence_calibration;
mod feature;
mod formats;
mod fuzz;
mod golden;
mod hostile;
mod house;
mod logistic;
mod logistic_tolerance;
mod new_formats;
mod output;
mod privacy;
mod ranking;
mod ranking_files;
mod reader_speed;
mod readers;
mod screening;
mod tables;
mod tables_written;
mod taxonomy;
mod toposcore;
mod workbooks;
mod writers;
