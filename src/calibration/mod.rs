//! Scores + outcomes → a calibrator → probabilities.
