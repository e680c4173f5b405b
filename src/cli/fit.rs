//! `donormatch fit`

use std::path::PathBuf;

use clap::Args;

use super::Streams;
use crate::Result;
use crate::matcher::MatcherConfig;
use crate::persist::{self, ModelHeader};
use crate::taxonomy::Target;

/// Fit a matcher from a configuration and the tables that it names
#[derive(Debug, Args)]
pub(super) struct FitArguments {
    /// Configuration, such as models/default/config.toml
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Folder that the paths of the configuration start from
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Model file to write; in a folder it is named model.dmm
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

impl FitArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let config = MatcherConfig::read(&self.config)?;
        let matcher = {
            let _progress = streams.progress("fitting");
            let patients = config.read_patients(&self.data)?;
            let transplants = config.read_transplants(&self.data, Target::Species)?;
            config.matcher.fit(&patients, &transplants)?
        };
        let header = ModelHeader::of(&matcher)
            .with_name(&config.name)
            .with_seed(config.matcher.response.seed)
            .with_data_digest(config.data_digest(&self.data, Target::Species)?);
        let path = if self.output.is_dir() {
            self.output.join("model.dmm")
        } else {
            self.output.clone()
        };
        persist::write(&path, &matcher, &header)?;
        let (n_patients, n_responders) = matcher.response().n_training();
        let (n_follow_ups, n_recipients) = matcher.engraftment().n_training();
        streams.note(&format!(
            "{}: {n_patients} patients ({n_responders} responders), {n_follow_ups} follow-ups of \
             {n_recipients} recipients",
            path.display()
        ));
        Ok(())
    }
}
