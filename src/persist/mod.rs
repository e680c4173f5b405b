//! Models ↔ bytes.
