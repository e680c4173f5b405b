//! `ProfileTable` → the same in one vocabulary, with a report of what matched how.
