//! [`Matcher`](crate::matcher::Matcher) ↔ bytes: the `DRMM` format.
//!
//! A file is, in this order and little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `DRMM` |
//! | 2 | format, `u16` |
//! | 4 | length of the header, `u32` |
//! | … | header, JSON: [`ModelHeader`] |
//! | … | payload, bincode; its length stands in the header |
//! | 4 | CRC-32 (IEEE) of everything before it |
//!
//! Every length is checked against what is there and against a bound before anything is
//! allocated, and a decoded model is checked entry by entry before it is given out. The CRC finds
//! accidents, not forgery: load files of people you trust.

mod bundled;
mod file;
mod frame;
mod header;
mod v1;

pub use file::{read, read_header, write, write_bytes};
pub use frame::{FORMAT, from_bytes, header_from_bytes, to_bytes};
pub use header::{ModelHeader, ModelMetric};

#[cfg(test)]
mod tests;
