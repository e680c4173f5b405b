//! A fitted model ↔ bytes: the `DRMM` format, for a [`Matcher`](crate::matcher::Matcher), a
//! [`BoostingModel`](crate::model::BoostingModel) or a
//! [`LogisticModel`](crate::model::LogisticModel).
//!
//! A file is, in this order and little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `DRMM` |
//! | 2 | format, `u16` |
//! | 4 | length of the header, `u32` |
//! | … | header, JSON: [`ModelHeader`] |
//! | … | payload, bincode deflated; both lengths stand in the header |
//! | 4 | CRC-32 (IEEE) of everything before it |
//!
//! The payload of each format is a folder here (`v2`, `v3`, `v4`) of plain structs that mirror the living types
//! and stay as they are, so that a model that was written once can always be read.
//!
//! Every length is checked against what is there and against a bound before anything is
//! allocated, a decoded model is checked entry by entry before it is given out, and the header must
//! agree with it. The CRC finds accidents, not forgery: load files of people you trust, and take
//! the figures of a header for what its writer claims.

mod bounded;
mod bundled;
mod file;
mod frame;
mod header;
mod stored;
mod transfer;
mod v2;
mod v3;
mod v4;

pub use file::{read, read_header, write};
pub use frame::{FORMAT, from_bytes, header_from_bytes, to_bytes};
pub use header::{ModelHeader, ModelMetric};
pub use stored::Stored;
pub use transfer::{Transfer, from_transfer, to_transfer};

#[cfg(test)]
mod tests;
