//! What moved a figure, and reports.
