//! Profiles, or donor and recipient → features: diversity, distances, signatures, log-ratios.
