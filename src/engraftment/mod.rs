//! Donor + recipient → the predicted profile after the transplant.
