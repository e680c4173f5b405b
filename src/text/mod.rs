//! How foreign text (ids, taxa, file names, names of models) is shown and written: one escaper for
//! messages and pages, one writer of tab-separated cells. Both are used by every door.

mod cell;
mod shown;

#[cfg(test)]
pub(crate) use cell::cells_of;
pub(crate) use cell::{TsvWriter, rows_as_tsv, tsv_in_memory};
pub use shown::printable;
#[cfg(feature = "cli")]
pub(crate) use shown::printable_table;
pub(crate) use shown::{Bytes, Shown};
