//! How work is told to end: a flag a job, which every long loop looks at.
//!
//! A job runs on threads of its own ([`Workers`]), each of which knows the flag of the job. A loop
//! that may last asks `check` between two steps that do not; what was begun is dropped, so files
//! that were being written vanish and old ones stay.

use std::cell::RefCell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{Error, Result};

thread_local! {
    /// The flag of the job that the thread works for.
    static FLAG: RefCell<Option<Cancel>> = const { RefCell::new(None) };
}

/// Tells a job to end; clones tell the same job.
///
/// # Examples
/// ```
/// use donormatch::cancel::Cancel;
/// use donormatch::evaluation::{BootstrapParams, Metric, ScoredRows};
///
/// let outcomes: Vec<f64> = (0..2_000).map(|row| f64::from(row % 2)).collect();
/// let rows = ScoredRows::new(&outcomes, &outcomes)?;
/// let years = BootstrapParams::default().with_n_resamples(1_000_000_000);
///
/// let cancel = Cancel::default();
/// let elsewhere = cancel.clone();
/// std::thread::spawn(move || elsewhere.cancel());
/// let done = cancel.run(|| years.estimate(Metric::RocAuc, &rows));
/// assert!(matches!(done, Err(donormatch::Error::Cancelled)));
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// The job is to end, within a second and with [`Error::Cancelled`].
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the job was told to end.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Runs a task as a job that this flag ends, on as many threads as the rayon pool of the caller
    /// has.
    ///
    /// # Errors
    /// [`Error::Cancelled`] where it was told to end before it was done; those of the task;
    /// [`Error::Io`] where the system gives no threads.
    pub fn run<T: Send>(&self, task: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        Workers::of(self.clone(), rayon::current_num_threads())?.run(task)
    }

    /// The flag itself, for what can only store into one: a handler of signals.
    #[cfg(feature = "cli")]
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

/// Threads that work for one job at a time, and end it when told to.
#[derive(Debug)]
pub struct Workers {
    pool: ThreadPool,
    cancel: Cancel,
}

impl Workers {
    /// So many threads; as many as there are cores where that is 0.
    ///
    /// # Errors
    /// [`Error::Io`] where the system gives no threads.
    pub fn new(n_threads: usize) -> Result<Self> {
        Self::of(Cancel::default(), n_threads)
    }

    fn of(cancel: Cancel, n_threads: usize) -> Result<Self> {
        let flag = cancel.clone();
        let pool = ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .thread_name(|number| format!("donormatch-{number}"))
            .start_handler(move |_| FLAG.set(Some(flag.clone())))
            .build()
            .map_err(|error| Error::io("threads", io::Error::other(error)))?;
        Ok(Self { pool, cancel })
    }

    /// What ends the job.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// How many threads there are.
    pub fn n_threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Ready for another job: the last one has ended, told to or not.
    pub fn renew(&self) {
        self.cancel.0.store(false, Ordering::Relaxed);
    }

    /// Runs a task and waits for it.
    ///
    /// # Errors
    /// [`Error::Cancelled`] where it was told to end before it was done; those of the task.
    pub fn run<T: Send>(&self, task: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        self.pool.install(|| {
            check()?;
            let done = task();
            // Work left undone makes what came of it worthless, an error of it included.
            check().and(done)
        })
    }

    /// Starts a task, which says by itself what came of it; a panic ends it and nothing else.
    pub fn start(&self, task: impl FnOnce() + Send + 'static) {
        // A panic that left the task would abort the process.
        let guarded = move || drop(catch_unwind(AssertUnwindSafe(task)));
        self.pool.spawn(guarded);
    }
}

/// Whether the job that this thread works for was told to end. A loop that cannot return an error
/// leaves its work undone by this: once told, a job stays told, and nothing that came of it is
/// returned or put into a file.
pub(crate) fn is_cancelled() -> bool {
    FLAG.with_borrow(|flag| flag.as_ref().is_some_and(Cancel::is_cancelled))
}

/// Ends a job that was told to.
///
/// # Errors
/// [`Error::Cancelled`] where it was.
pub(crate) fn check() -> Result<()> {
    if is_cancelled() {
        Err(Error::Cancelled)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn every_thread_of_a_job_knows_its_flag_and_no_other_does() {
        let (first, second) = (Cancel::default(), Cancel::default());
        first.cancel();
        let seen = |cancel: &Cancel| {
            let workers = Workers::of(cancel.clone(), 3).unwrap();
            let all = || (0..300).into_par_iter().map(|_| is_cancelled()).collect();
            workers.pool.install(all)
        };
        let (told, untold): (Vec<bool>, Vec<bool>) = (seen(&first), seen(&second));
        assert!(told.into_iter().all(|seen| seen));
        assert!(!untold.into_iter().any(|seen| seen));
        assert!(!is_cancelled());
        assert!(check().is_ok());
    }

    #[test]
    fn a_job_that_was_told_does_not_begin_and_its_workers_can_be_renewed() {
        let workers = Workers::new(2).unwrap();
        workers.cancel().cancel();
        assert!(matches!(workers.run(|| Ok(1)), Err(Error::Cancelled)));
        workers.renew();
        assert!(matches!(workers.run(|| Ok(1)), Ok(1)));
        assert_eq!(workers.n_threads(), 2);
    }
}
