//! Names of any vocabulary → one vocabulary; signatures on real tables.

pub mod tables;

mod measured;
mod properties;
mod two_vocabularies;
