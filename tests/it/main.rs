//! Integration tests: the public behavior of each room.

mod evaluation;
mod feature;
mod formats;
mod ranking;
mod readers;
mod taxonomy;
mod toposcore;
