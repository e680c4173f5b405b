//! Ctrl-C at the command line.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use signal_hook::consts::SIGINT;
use signal_hook::flag;

use super::streams::INTERRUPTED;
use crate::cancel::Workers;

/// How often the flag is looked at.
const INTERVAL: Duration = Duration::from_millis(50);

/// How long a command may take to end; after that it hangs on something that knows no flag, such
/// as a pipe without a writer.
const LONGEST_END: Duration = Duration::from_millis(900);

/// Runs a command on threads of its own, which Ctrl-C ends; gives the exit code.
pub(super) fn ended_by_ctrl_c(command: impl FnOnce() -> u8 + Send + 'static) -> u8 {
    let Ok(workers) = Workers::new(rayon::current_num_threads()) else {
        return command();
    };
    let cancel = workers.cancel();
    // In this order: the second Ctrl-C finds the flag set and ends the process.
    let handlers = flag::register_conditional_shutdown(SIGINT, INTERRUPTED.into(), cancel.flag())
        .and_then(|first| Ok([first, flag::register(SIGINT, cancel.flag())?]));
    let (sender, receiver) = mpsc::channel();
    workers.start(move || {
        // The receiver is gone only where the process ends.
        let _ = sender.send(command());
    });
    let mut since: Option<Instant> = None;
    let code = loop {
        match receiver.recv_timeout(INTERVAL) {
            Ok(code) => break code,
            // The command panicked, which was told.
            Err(RecvTimeoutError::Disconnected) => break 101,
            Err(RecvTimeoutError::Timeout) if cancel.is_cancelled() => {
                if since.get_or_insert_with(Instant::now).elapsed() > LONGEST_END {
                    break INTERRUPTED;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    };
    for handler in handlers.into_iter().flatten() {
        signal_hook::low_level::unregister(handler);
    }
    code
}
