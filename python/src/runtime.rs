//! Where the core runs: without the interpreter, on threads that survive `fork`, and in a way that
//! Ctrl-C ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use donormatch::cancel::Workers;
use pyo3::prelude::*;

use crate::error::{BindingError, Result};

/// How often a long call looks for Ctrl-C.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

/// Idle workers that are kept, each with threads of its own: as many as calls at the same time.
const MOST_IDLE: usize = 4;

/// How long a call that Ctrl-C ended waits for its threads to be idle and its memory to be free.
const LONGEST_END: Duration = Duration::from_millis(900);

/// Workers without a job, and the process that made them. A forked child inherits the memory but
/// not the threads of its parent, so workers of another process would wait for ever.
static IDLE: Mutex<(u32, Vec<Arc<Workers>>)> = Mutex::new((0, Vec::new()));

/// Threads asked for by `set_n_threads`; 0 leaves the choice to the environment.
static N_THREADS: Mutex<usize> = Mutex::new(0);

/// More threads than any machine has cores.
const MOST_THREADS: usize = 1024;

/// Sets the number of threads of later calls; 0 goes back to the environment's choice.
#[pyfunction]
pub fn set_n_threads(n_threads: usize) -> Result<()> {
    if n_threads > MOST_THREADS {
        let message = format!("expected at most {MOST_THREADS}, found {n_threads}");
        return Err(donormatch::Error::parameter("n_threads", message).into());
    }
    *N_THREADS.lock().unwrap_or_else(PoisonError::into_inner) = n_threads;
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    renewed_after_fork(&mut idle).clear();
    Ok(())
}

/// The number of threads that calls use.
#[pyfunction]
pub fn n_threads() -> Result<usize> {
    let workers = workers()?;
    let n_threads = workers.n_threads();
    dismiss(workers);
    Ok(n_threads)
}

/// Sets how much memory a call may take, in GiB.
#[pyfunction]
pub fn set_max_memory(gib: f64) -> Result<()> {
    if !(gib > 0.0 && gib.is_finite()) {
        let message = format!("expected a positive number of GiB, found {gib}");
        return Err(donormatch::Error::parameter("max_memory", message).into());
    }
    donormatch::memory::set_max_memory((gib * f64::from(1 << 30)) as u64);
    Ok(())
}

/// The bytes that a call may take.
#[pyfunction]
pub fn max_memory() -> u64 {
    donormatch::memory::max_memory()
}

/// Panics on the core's threads, for the test that no panic reaches Python as one.
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
    let workers = workers()?;
    let outcome = py.detach(|| catch_unwind(AssertUnwindSafe(|| workers.run(task))));
    dismiss(workers);
    Ok(outcome.map_err(|_| BindingError::Panic)??)
}

/// Runs a task that owns what it needs, without the interpreter, looking for Ctrl-C meanwhile.
///
/// Ctrl-C tells the task to end; the call returns when it has, or after a second.
pub fn long<T: Send + 'static>(
    py: Python<'_>,
    task: impl FnOnce() -> donormatch::Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = mpsc::channel();
    let workers = workers()?;
    let own = Arc::clone(&workers);
    workers.start(move || {
        let outcome = catch_unwind(AssertUnwindSafe(|| own.run(task)));
        drop(own);
        // The receiver is gone where the task went on for longer after Ctrl-C than is waited.
        let _ = sender.send(outcome);
    });
    let receiver = Mutex::new(receiver);
    let wait = |time: Duration| {
        py.detach(|| {
            let receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
            receiver.recv_timeout(time)
        })
    };
    loop {
        match wait(SIGNAL_INTERVAL) {
            Ok(outcome) => {
                dismiss(workers);
                return Ok(outcome.map_err(|_| BindingError::Panic)??);
            }
            Err(RecvTimeoutError::Disconnected) => return Err(BindingError::Panic),
            Err(RecvTimeoutError::Timeout) => py.check_signals().inspect_err(|_| {
                workers.cancel().cancel();
                if wait(LONGEST_END).is_ok() {
                    dismiss(Arc::clone(&workers));
                }
            })?,
        }
    }
}

/// Workers for one call. Called with the interpreter attached, so that no other thread holds the
/// lock while Python forks.
fn workers() -> Result<Arc<Workers>> {
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    match renewed_after_fork(&mut idle).pop() {
        Some(workers) => Ok(workers),
        None => Ok(Arc::new(Workers::new(wanted_threads())?)),
    }
}

/// Keeps workers whose job has ended for the next call, if they are as many as are wanted.
fn dismiss(workers: Arc<Workers>) {
    workers.renew();
    let wanted = wanted_threads();
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    let idle = renewed_after_fork(&mut idle);
    if (wanted == 0 || wanted == workers.n_threads()) && idle.len() < MOST_IDLE {
        idle.push(workers);
    }
}

/// The idle workers of this process.
fn renewed_after_fork(idle: &mut (u32, Vec<Arc<Workers>>)) -> &mut Vec<Arc<Workers>> {
    let process = std::process::id();
    if idle.0 != process {
        // Those of a parent process are leaked, never dropped: dropping would wake dead threads.
        std::mem::forget(std::mem::replace(idle, (process, Vec::new())));
    }
    &mut idle.1
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
