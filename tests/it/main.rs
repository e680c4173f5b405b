//! Integration tests: the public behavior of each room.

mod readers;
mod evaluation;
mod feature;
