//! Where a command writes, and how it ends.

use std::io::{ErrorKind, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::ranking::RESEARCH_USE;
use crate::text::{Shown, printable_table};
use crate::{Error, Result};

/// The exit code after Ctrl-C, by custom of shells: 128 and the number of the signal.
pub(super) const INTERRUPTED: u8 = 130;

/// stdout and stderr as a command sees them.
pub struct Streams<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    out_is_terminal: bool,
    err_is_terminal: bool,
}

impl std::fmt::Debug for Streams<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streams")
            .field("out_is_terminal", &self.out_is_terminal)
            .field("err_is_terminal", &self.err_is_terminal)
            .finish_non_exhaustive()
    }
}

impl<'a> Streams<'a> {
    /// Streams that are no terminals.
    pub fn new(out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        Self {
            out,
            err,
            out_is_terminal: false,
            err_is_terminal: false,
        }
    }

    pub(super) fn with_terminals(self, out: bool, err: bool) -> Self {
        Self {
            out_is_terminal: out,
            err_is_terminal: err,
            ..self
        }
    }

    /// Whether a person reads stdout.
    pub(super) fn is_read_by_a_person(&self) -> bool {
        self.out_is_terminal
    }

    /// Writes the result, in one piece and last of all; where stdout was closed meanwhile, the
    /// result is lost, which is an error. Where the result itself does not say that it is for
    /// research use, as a table, a note does.
    ///
    /// On a terminal, what acts on it is written out.
    pub(super) fn data(&mut self, text: &str) -> Result<()> {
        self.note_use(text);
        self.write(text)
    }

    /// The notice on research use, for a result that does not hold it.
    pub(super) fn note_use(&mut self, text: &str) {
        if !text.contains(RESEARCH_USE) {
            self.note(RESEARCH_USE);
        }
    }

    fn write(&mut self, text: &str) -> Result<()> {
        let text = if self.out_is_terminal {
            printable_table(text)
        } else {
            text.into()
        };
        self.out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush())
            .map_err(|source| match source.kind() {
                ErrorKind::BrokenPipe => Error::file(
                    "stdout",
                    "closed before all was written: the result is not complete",
                ),
                _ => Error::io("stdout", source),
            })
    }

    /// Tells a person something beside the result, in one line.
    pub(super) fn note(&mut self, text: &str) {
        // Nothing can be told where stderr is closed.
        let _ = writeln!(self.err, "{}", Shown(text));
    }

    /// A sign of life on a terminal until it is dropped.
    pub(super) fn progress(&self, what: &'static str) -> Progress {
        Progress(self.err_is_terminal.then(|| {
            let bar = ProgressBar::new_spinner().with_message(what);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        }))
    }

    /// How many of so many things are done, at what rate and how long it will take, on a terminal
    /// until it is dropped.
    pub(super) fn counted(&self, what: &'static str, n: u64) -> Counted {
        Counted(self.err_is_terminal.then(|| {
            let template = "{wide_bar} {pos} of {len} {msg}, {per_sec}, {eta} left";
            let bar = ProgressBar::new(n).with_message(what);
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        }))
    }

    /// Tells of wrong usage, or gives the help asked for.
    pub(super) fn usage(&mut self, usage: &clap::Error) -> u8 {
        let text = usage.render().to_string();
        if usage.use_stderr() {
            for line in text.trim_end().lines() {
                self.note(line);
            }
            return 2;
        }
        self.write(&text).map_or(1, |()| 0)
    }

    /// The exit code of a command; tells its error with the causes.
    pub(super) fn finish(&mut self, done: Result<()>) -> u8 {
        let Err(error) = done else { return 0 };
        if matches!(error, Error::Cancelled) {
            self.note(&error.to_string());
            return INTERRUPTED;
        }
        self.note(&in_words_of_the_shell(&format!("error: {error}")));
        for cause in error.causes() {
            self.note(&in_words_of_the_shell(&format!("  caused by: {cause}")));
        }
        1
    }
}

/// A message in which limits are called what the shell calls them.
fn in_words_of_the_shell(message: &str) -> String {
    message.replace("`limits.", "`--limit ")
}

/// See [`Streams::progress`].
#[derive(Debug)]
pub(super) struct Progress(Option<ProgressBar>);

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// See [`Streams::counted`].
#[derive(Debug)]
pub(super) struct Counted(Option<ProgressBar>);

impl Counted {
    /// So many more are done.
    pub(super) fn add(&self, n: usize) {
        if let Some(bar) = &self.0 {
            bar.inc(n as u64);
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
