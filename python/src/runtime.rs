//! Where the core runs: without the interpreter, on a thread pool that survives `fork`, and in a
//! way that Ctrl-C ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{BindingError, Result};

/// How often a long call looks for Ctrl-C.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

/// The pool with the process that made it. A forked child inherits the memory but not the threads
/// of its parent, so a pool of another process would wait for ever.
static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// Threads asked for by `set_n_threads`; 0 leaves the choice to the environment.
static N_THREADS: Mutex<usize> = Mutex::new(0);

/// Sets the number of threads of later calls; 0 goes back to the environment's choice.
#[pyfunction]
pub fn set_n_threads(n_threads: usize) {
    *N_THREADS.lock().unwrap_or_else(PoisonError::into_inner) = n_threads;
    forget_pool();
}

/// The number of threads that calls use.
#[pyfunction]
pub fn n_threads() -> Result<usize> {
    Ok(pool()?.current_num_threads())
}

/// Panics inside the core's pool, for the test that no panic reaches Python as one.
#[pyfunction]
pub fn provoke_panic(py: Python<'_>) -> Result<()> {
    #[expect(clippy::panic, reason = "the test of the guard needs one")]
    long(py, || panic!("provoked"))
}

/// Runs a short borrowing task without the interpreter.
pub fn short<T: Send>(
    py: Python<'_>,
    task: impl FnOnce() -> donormatch::Result<T> + Send,
) -> Result<T> {
    let pool = pool()?;
    let outcome = py.detach(|| catch_unwind(AssertUnwindSafe(|| pool.install(task))));
    Ok(outcome.map_err(|_| BindingError::Panic)??)
}

/// Runs a task that owns what it needs, without the interpreter, looking for Ctrl-C meanwhile.
///
/// After Ctrl-C the task is left to end by itself on the old pool, its result unseen; the next
/// call gets a new pool.
pub fn long<T: Send + 'static>(
    py: Python<'_>,
    task: impl FnOnce() -> donormatch::Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = mpsc::channel();
    pool()?.spawn(move || {
        // The receiver is gone after Ctrl-C; then nobody waits for the result.
        let _ = sender.send(catch_unwind(AssertUnwindSafe(task)));
    });
    let receiver = Mutex::new(receiver);
    loop {
        let waited = py.detach(|| {
            let receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
            receiver.recv_timeout(SIGNAL_INTERVAL)
        });
        match waited {
            Ok(outcome) => return Ok(outcome.map_err(|_| BindingError::Panic)??),
            Err(RecvTimeoutError::Disconnected) => return Err(BindingError::Panic),
            Err(RecvTimeoutError::Timeout) => py.check_signals().inspect_err(|_| forget_pool())?,
        }
    }
}

/// The pool of this process, made on first use. Called with the interpreter attached, so that no
/// other thread holds the lock while Python forks.
fn pool() -> Result<Arc<ThreadPool>> {
    let mut slot = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((process, pool)) = slot.as_ref()
        && *process == std::process::id()
    {
        return Ok(Arc::clone(pool));
    }
    let built = ThreadPoolBuilder::new()
        .num_threads(wanted_threads())
        .thread_name(|number| format!("donormatch-{number}"))
        .build()
        .map_err(|error| PyErr::from(std::io::Error::other(error)))?;
    let built = Arc::new(built);
    // The pool of a parent process is leaked, never dropped: dropping would wake dead threads.
    std::mem::forget(slot.replace((std::process::id(), Arc::clone(&built))));
    Ok(built)
}

fn forget_pool() {
    let old = POOL.lock().unwrap_or_else(PoisonError::into_inner).take();
    match old {
        Some((process, pool)) if process == std::process::id() => drop(pool),
        other => std::mem::forget(other),
    }
}

/// As many as asked for, else as `RAYON_NUM_THREADS` or `OMP_NUM_THREADS` say (joblib sets the
/// latter in its workers), else (0) one a core.
fn wanted_threads() -> usize {
    let asked = *N_THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    let from_environment = || {
        ["RAYON_NUM_THREADS", "OMP_NUM_THREADS"]
            .iter()
            .find_map(|name| std::env::var(name).ok()?.parse().ok())
            .unwrap_or(0)
    };
    if asked > 0 { asked } else { from_environment() }
}
