//! Probabilities → donors in order, with uncertainty, front and assignment.
