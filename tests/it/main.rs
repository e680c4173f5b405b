//! Integration tests: the public behavior of each room.

mod calibration;
mod logistic;
