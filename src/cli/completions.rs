//! `donormatch completions`

use clap::Args;
use clap_complete::{Shell, generate};

use super::Streams;
use crate::Result;

/// Print the completions of a shell, for its startup file
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch completions bash")]
pub(super) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsArguments {
    pub fn run(&self, mut command: clap::Command, streams: &mut Streams<'_>) -> Result<()> {
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        generate(self.shell, &mut command, name, &mut script);
        streams.data(&String::from_utf8_lossy(&script))
    }
}
