//! How foreign text (ids, taxa, file names, names of models) is shown and written: one escaper for
//! messages and pages, one writer of tab-separated cells. Both are used by every door.

mod cell;
mod shown;

pub(crate) use cell::{TsvWriter, rows_as_tsv, tsv_in_memory};
pub use shown::printable;
pub(crate) use shown::{Shown, printable_table};
