//! Integration tests: the public behavior of each room.

#[cfg(feature = "containers")]
mod formats;
mod fuzz;
mod hostile;
mod reader_speed;
mod readers;
mod writers;
