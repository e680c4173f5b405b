//! What moved a figure, and reports.

pub mod report;
