//! Integration tests: the public behavior of each room.

#[cfg(feature = "containers")]
mod formats;
mod readers;
