//! One public error enum for all rooms, and the small exhaustive [`ErrorKind`] that the doors map.

use std::io;
use std::path::{Path, PathBuf};

use crate::text::{Bytes, Shown};

/// A `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Everything that a caller can cause to go wrong.
///
/// What a message shows is one line: of the text that it quotes (ids, taxa, paths), control
/// characters, line separators and marks of direction are written out, as `\u{1b}`.
///
/// The message names the offender, what was expected and what came, and the fix where there is
/// one. The cause, if any, is in [`std::error::Error::source`], never pasted into the text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read or write a file.
    #[error("cannot access `{}`", Shown(path.display()))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file was read but does not hold what it should.
    #[error("`{}`{}: {}", Shown(path.display()), line.map(|n| format!(", line {n}")).unwrap_or_default(), Shown(message))]
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, where that is known.
        line: Option<u64>,
        /// What was expected and what came.
        message: String,
        /// What a parser said, if one did.
        source: Option<Cause>,
    },
    /// A table in memory breaks a rule: duplicated ids, negative values, mismatched lengths.
    #[error("{}", Shown(message))]
    Table {
        /// What was expected and what came.
        message: String,
    },
    /// The unit of a table is unknown, ambiguous or not the one needed.
    #[error("{}", Shown(message))]
    Unit {
        /// What was expected and what came.
        message: String,
    },
    /// Names of taxa cannot be brought into the vocabulary needed.
    #[error("{}", Shown(message))]
    Vocabulary {
        /// What was expected and what came.
        message: String,
    },
    /// A setting is out of its range or contradicts another.
    #[error("`{}`: {}", Shown(name), Shown(message))]
    Parameter {
        /// The setting, by the word the caller used.
        name: String,
        /// What was expected and what came.
        message: String,
    },
    /// A split is impossible, or would put one group on both sides.
    #[error("{}", Shown(message))]
    Split {
        /// Which groups, and what to do.
        message: String,
    },
    /// A statistic was learned from rows that it is tested on.
    #[error("leak: {}", Shown(message))]
    Leak {
        /// Which statistic saw which rows.
        message: String,
    },
    /// A model file is truncated, foreign, damaged or of an unknown format.
    #[error("model file{}: {}", path.as_ref().map(|p| format!(" `{}`", Shown(p.display()))).unwrap_or_default(), Shown(message))]
    ModelFile {
        /// The file, where the bytes came from one.
        path: Option<PathBuf>,
        /// What was expected and what came.
        message: String,
    },
    /// The work would take more memory than one call may
    /// ([`set_max_memory`](crate::memory::set_max_memory)).
    #[error("{what} takes {}, and `max_memory` allows {}", Bytes(*needed), Bytes(*allowed))]
    Memory {
        /// What is too large.
        what: String,
        /// Bytes that it takes.
        needed: u64,
        /// Bytes that are allowed.
        allowed: u64,
    },
    /// An iterative fit did not reach its tolerance.
    #[error("{}", Shown(message))]
    Convergence {
        /// Which fit, after how many steps, and what to change.
        message: String,
    },
    /// The job was told to end before it was done, see [`Cancel`](crate::cancel::Cancel).
    #[error("interrupted before it was done")]
    Cancelled,
}

/// The kinds that the Python package and the command line tell apart.
///
/// Exhaustive on purpose: a new kind must be mapped by every door before it compiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The operating system refused.
    Io,
    /// The data are not usable as they are.
    Input,
    /// A setting is wrong.
    Parameter,
    /// A model file cannot be used.
    ModelFormat,
    /// A fit did not converge.
    Convergence,
    /// The job was told to end.
    Cancelled,
    /// The work does not fit into the memory allowed.
    Memory,
}

impl Error {
    /// The kind that this error belongs to.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } => ErrorKind::Io,
            Self::File { .. }
            | Self::Table { .. }
            | Self::Unit { .. }
            | Self::Vocabulary { .. }
            | Self::Split { .. }
            | Self::Leak { .. } => ErrorKind::Input,
            Self::Parameter { .. } => ErrorKind::Parameter,
            Self::ModelFile { .. } => ErrorKind::ModelFormat,
            Self::Convergence { .. } => ErrorKind::Convergence,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Memory { .. } => ErrorKind::Memory,
        }
    }

    /// The texts of the causes, outermost first, each on one line.
    pub fn causes(&self) -> impl Iterator<Item = String> + '_ {
        let first = std::error::Error::source(self);
        std::iter::successors(first, |&cause| cause.source())
            .map(|cause| Shown(cause.to_string().trim_end()).to_string())
    }

    /// An [`Error::Io`] about `path`.
    pub fn io(path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io {
            path: path.as_ref().to_path_buf(),
            source,
        }
    }

    /// An [`Error::File`] about `path` as a whole.
    pub fn file(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Self::File {
            path: path.as_ref().to_path_buf(),
            line: None,
            message: message.into(),
            source: None,
        }
    }

    /// An [`Error::File`] about one line of `path`, counted from 1.
    pub fn line(path: impl AsRef<Path>, line: u64, message: impl Into<String>) -> Self {
        Self::File {
            path: path.as_ref().to_path_buf(),
            line: Some(line),
            message: message.into(),
            source: None,
        }
    }

    /// An [`Error::Table`].
    pub fn table(message: impl Into<String>) -> Self {
        Self::Table {
            message: message.into(),
        }
    }

    /// An [`Error::Unit`].
    pub fn unit(message: impl Into<String>) -> Self {
        Self::Unit {
            message: message.into(),
        }
    }

    /// An [`Error::Vocabulary`].
    pub fn vocabulary(message: impl Into<String>) -> Self {
        Self::Vocabulary {
            message: message.into(),
        }
    }

    /// An [`Error::Parameter`] about the setting `name`.
    pub fn parameter(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Parameter {
            name: name.into(),
            message: message.into(),
        }
    }

    /// An [`Error::Split`].
    pub fn split(message: impl Into<String>) -> Self {
        Self::Split {
            message: message.into(),
        }
    }

    /// An [`Error::Leak`].
    pub fn leak(message: impl Into<String>) -> Self {
        Self::Leak {
            message: message.into(),
        }
    }

    /// An [`Error::ModelFile`] without a path.
    pub fn model_file(message: impl Into<String>) -> Self {
        Self::ModelFile {
            path: None,
            message: message.into(),
        }
    }

    /// An [`Error::Convergence`].
    pub fn convergence(message: impl Into<String>) -> Self {
        Self::Convergence {
            message: message.into(),
        }
    }

    /// The same error, told of the file it is about, where it did not know one.
    #[must_use]
    pub fn at_path(self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        match self {
            Self::Table { message } | Self::Vocabulary { message } | Self::Unit { message } => {
                Self::file(path, message)
            }
            Self::ModelFile {
                path: None,
                message,
            } => Self::ModelFile {
                path: Some(path.to_path_buf()),
                message,
            },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_file_and_line() {
        let error = Error::line("a.tsv", 3, "expected 4 fields, found 2");
        assert_eq!(
            error.to_string(),
            "`a.tsv`, line 3: expected 4 fields, found 2"
        );
    }

    #[test]
    fn no_id_or_path_acts_on_a_terminal_or_forges_a_line() {
        let id = "\u{1b}]0;x\u{7}\nerror: forged\u{202e}";
        let shown = "\\u{1b}]0;x\\u{7}\\u{a}error: forged\\u{202e}";
        let cause = || io::Error::other(format!("near {id}"));
        for error in [
            Error::table(format!("sample `{id}` occurs more than once")),
            Error::io(id, cause()),
            Error::line(id, 3, "short"),
            Error::parameter(id, "unknown"),
            Error::model_file("foreign").at_path(id),
        ] {
            let text = error.to_string();
            assert!(text.contains(shown), "{text}");
            assert!(!text.contains(char::is_control), "{text:?}");
        }
        let causes: Vec<String> = Error::io("a", cause()).causes().collect();
        assert_eq!(causes, [format!("near {shown}")]);
    }

    #[test]
    fn an_error_without_a_file_learns_it_once() {
        let error = Error::table("the table is empty")
            .at_path("a.tsv")
            .at_path("b.tsv");
        assert_eq!(error.to_string(), "`a.tsv`: the table is empty");
    }
}
