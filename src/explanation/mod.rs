//! Reports: rankings as pages to read, and what became of transplants.

pub mod follow_up;
pub mod report;
