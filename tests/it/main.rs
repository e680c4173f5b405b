//! Integration tests: the public behavior of each room.

mod backend;
mod calibration;
mod logistic;
