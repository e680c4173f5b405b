//! Reports: rankings as pages to read.

pub mod report;
