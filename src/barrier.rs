//! What a panic may tell: nothing where it is caught and becomes an error, and never a folder of
//! the machine on which the program was built.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    /// How many barriers the thread is behind.
    static BEHIND: Cell<u32> = const { Cell::new(0) };
}

/// Whether panics that nobody catches are told in our words.
static PATHS_ARE_HIDDEN: AtomicBool = AtomicBool::new(false);

/// Runs a task; `None` where it panicked, of which nothing is printed.
///
/// The first call puts a hook before the one that the process has; it passes on every panic that
/// is not behind a barrier.
#[cfg_attr(
    not(feature = "containers"),
    allow(dead_code, reason = "for containers")
)]
pub(crate) fn caught<T>(task: impl FnOnce() -> T) -> Option<T> {
    install();
    BEHIND.set(BEHIND.get() + 1);
    let outcome = panic::catch_unwind(AssertUnwindSafe(task));
    BEHIND.set(BEHIND.get() - 1);
    outcome.ok()
}

/// From now on a panic prints its message and a place that names no folder of the builder. For
/// programs; a library leaves the hook of its process alone.
pub fn hide_paths() {
    install();
    PATHS_ARE_HIDDEN.store(true, Ordering::Relaxed);
}

fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let earlier = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if BEHIND.get() > 0 {
                return;
            }
            if PATHS_ARE_HIDDEN.load(Ordering::Relaxed) {
                tell(info);
            } else {
                earlier(info);
            }
        }));
    });
}

fn tell(info: &PanicHookInfo<'_>) {
    let place = info.location().map_or_else(String::new, |location| {
        format!(" at {}:{}", place(location.file()), location.line())
    });
    eprintln!("internal error{place}: {}", text(info.payload()));
}

fn text(payload: &(dyn Any + Send)) -> &str {
    let owned = || payload.downcast_ref::<String>().map(String::as_str);
    let borrowed = payload.downcast_ref::<&str>().copied();
    borrowed.or_else(owned).unwrap_or("no message")
}

/// The file of a panic from the name of its package on.
fn place(file: &str) -> &str {
    let unpacked = file.split_once("/registry/src/");
    if let Some((_, package)) = unpacked.and_then(|(_, rest)| rest.split_once('/')) {
        return package;
    }
    if file.starts_with(['/', '\\']) || file.contains(':') {
        return file.rsplit(['/', '\\']).next().unwrap_or(file);
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_behind_a_barrier_is_none_and_silent_and_the_barrier_ends_with_it() {
        let silent = Cell::new(false);
        let outcome = caught(|| {
            silent.set(BEHIND.get() == 1);
            std::panic::panic_any("damaged");
        });
        assert!(outcome.is_none() && silent.get());
        assert_eq!(BEHIND.get(), 0);
        assert_eq!(caught(|| caught(|| 7)), Some(Some(7)));
    }

    #[test]
    fn no_place_names_a_folder_of_the_builder() {
        for (file, shown) in [
            ("src/profile/mod.rs", "src/profile/mod.rs"),
            (
                "/home/me/.cargo/registry/src/index.example-6f17/parquet-59.0.0/src/a.rs",
                "parquet-59.0.0/src/a.rs",
            ),
            ("/home/me/donormatch/src/a.rs", "a.rs"),
            ("C:\\me\\src\\a.rs", "a.rs"),
        ] {
            assert_eq!(place(file), shown);
        }
    }
}
