//! The one writer of files, for the result of every door.
//!
//! A regular file is written beside its place and renamed over it, so that a reader sees the old
//! file or the new one and never a part; whatever fails (a full disk, an interrupt) leaves the old
//! one. A link is followed, the mode and the owner of a file stay, and what is no regular file (a
//! pipe, a device) is written through.

mod file;
mod folder;
mod place;

pub use file::{OutputFile, write_bytes};
pub use place::Access;

pub(crate) use file::write_whole;
pub(crate) use folder::{Content, commit_together, write_together};
pub(crate) use place::folder_of;
