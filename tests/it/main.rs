//! Integration tests: the public behavior of each room.

mod evaluation;
mod feature;
mod readers;
