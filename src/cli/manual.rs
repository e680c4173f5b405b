//! `donormatch manual`

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man;

use super::Streams;
use crate::output::{Access, write_bytes};
use crate::{Error, Result};

/// Write the manual pages, one a command
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch manual man1")]
pub(super) struct ManualArguments {
    /// Folder to write them to, made where absent
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl ManualArguments {
    pub fn run(&self, mut command: clap::Command, streams: &mut Streams<'_>) -> Result<()> {
        fs::create_dir_all(&self.folder).map_err(|source| Error::io(&self.folder, source))?;
        command.build();
        let n_pages = write_pages(&self.folder, &command)?;
        streams.note(&format!(
            "{}: {n_pages} manual pages",
            self.folder.display()
        ));
        Ok(())
    }
}

/// Writes the page of a command and those of its own commands; gives how many.
fn write_pages(folder: &Path, command: &clap::Command) -> Result<usize> {
    // Of a command inside another, clap's display name says both: `donormatch-plan-donors`.
    let name = command.get_display_name().unwrap_or(command.get_name());
    let path = folder.join(format!("{name}.1"));
    let mut page = Vec::new();
    Man::new(command.clone())
        .render(&mut page)
        .map_err(|source| Error::io(&path, source))?;
    write_bytes(&path, &page, Access::Shared)?;
    let mut n_pages = 1;
    for inner in command
        .get_subcommands()
        .filter(|one| one.get_name() != "help")
    {
        n_pages += write_pages(folder, inner)?;
    }
    Ok(n_pages)
}
