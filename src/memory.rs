//! How much memory one call may take: work that cannot fit is refused before it begins.
//!
//! What a call will hold is worked out from the sizes of its inputs and compared with a limit of the
//! process, 16 GiB where nothing else is said. The core does not ask what the machine has.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Result};

/// The limit where nothing else is said.
pub const DEFAULT_MAX_MEMORY: u64 = 16 << 30;

static MAX_MEMORY: AtomicU64 = AtomicU64::new(DEFAULT_MAX_MEMORY);

/// Sets how many bytes one call may take; of all calls of the process from now on.
///
/// # Examples
/// ```
/// use donormatch::memory::{DEFAULT_MAX_MEMORY, max_memory, set_max_memory};
///
/// set_max_memory(8 << 30);
/// assert_eq!(max_memory(), 8 << 30);
/// set_max_memory(DEFAULT_MAX_MEMORY);
/// ```
pub fn set_max_memory(bytes: u64) {
    MAX_MEMORY.store(bytes, Ordering::Relaxed);
}

/// How many bytes one call may take.
pub fn max_memory() -> u64 {
    MAX_MEMORY.load(Ordering::Relaxed)
}

/// That `n` parts of `each` bytes may be held at once.
///
/// # Errors
/// [`Error::Memory`] naming `what`, how much it takes and the limit.
pub(crate) fn check(what: &str, n: u128, each: u128) -> Result<()> {
    let needed = n.saturating_mul(each);
    let allowed = max_memory();
    if needed <= u128::from(allowed) {
        return Ok(());
    }
    Err(Error::Memory {
        what: what.to_owned(),
        needed: u64::try_from(needed).unwrap_or(u64::MAX),
        allowed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_fit_is_refused_with_what_it_takes() {
        assert!(check("a table", 1000, 8).is_ok());
        let error = check("a table", 1 << 40, 8).unwrap_err().to_string();
        assert_eq!(
            error,
            "a table takes 8192.0 GiB, and `max_memory` allows 16.0 GiB"
        );
        let huge = check("a table", u128::MAX, 8).unwrap_err();
        assert!(matches!(
            huge,
            Error::Memory {
                needed: u64::MAX,
                ..
            }
        ));
    }
}
