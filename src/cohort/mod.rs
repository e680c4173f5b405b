//! Tables of subjects and transplants + profiles → a checked cohort; donor screening records.
