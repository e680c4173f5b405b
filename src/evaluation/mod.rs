//! Grouped splits, metrics with intervals, comparisons, leak audit.
