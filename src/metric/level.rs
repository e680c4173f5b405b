//! Levels of confidence.

use crate::{Error, Result};

/// That a confidence level lies inside (0, 1).
pub(crate) fn check_level(level: f64) -> Result<()> {
    if level > 0.0 && level < 1.0 {
        Ok(())
    } else {
        Err(Error::parameter(
            "level",
            format!("`{level}` is not inside (0, 1); 0.95 is usual"),
        ))
    }
}
