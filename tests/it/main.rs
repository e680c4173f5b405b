//! Integration tests: the public behavior of each room.

mod boosting;
