//! A synthetic cohort → files.

use std::fs;
use std::path::{Path, PathBuf};

use super::simulate::SyntheticCohort;
use crate::profile::{ProfileTable, WriteFormat, write, write_whole};
use crate::{Error, Result};

impl SyntheticCohort {
    /// Writes `donors.tsv`, `recipients.tsv`, `follow_ups.tsv` (profiles), `metadata.tsv`
    /// (`recipient_id regimen cancer line`), `transplants.tsv` (`study donor recipient
    /// donor_samples baseline follow_up day response`) and `truth.tsv` into a folder, which is made where
    /// absent. Gives the paths.
    ///
    /// # Errors
    /// [`Error::Io`] where the folder refuses.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
        let folder = folder.as_ref();
        fs::create_dir_all(folder).map_err(|source| Error::io(folder, source))?;
        let mut written = Vec::new();
        let tables: [(&str, &ProfileTable); 3] = [
            ("donors.tsv", &self.donors),
            ("recipients.tsv", &self.recipients),
            ("follow_ups.tsv", &self.follow_ups),
        ];
        for (name, table) in tables {
            let path = folder.join(name);
            write(&path, table, WriteFormat::Tsv)?;
            written.push(path);
        }
        let texts = [
            ("metadata.tsv", self.metadata()),
            ("transplants.tsv", self.transplants_table()),
            ("truth.tsv", self.truth()),
        ];
        for (name, text) in texts {
            let path = folder.join(name);
            write_whole(&path, |mut file| {
                std::io::Write::write_all(&mut file, text.as_bytes())
                    .map_err(|source| Error::io(&path, source))
            })?;
            written.push(path);
        }
        Ok(written)
    }

    fn metadata(&self) -> String {
        let rows = self
            .recipients
            .samples()
            .iter()
            .zip(&self.contexts)
            .map(|(id, context)| {
                format!(
                    "{id}\t{}\t{}\t{}\n",
                    context.regimen, context.cancer, context.line
                )
            });
        format!(
            "recipient_id\tregimen\tcancer\tline\n{}",
            rows.collect::<String>()
        )
    }

    fn transplants_table(&self) -> String {
        let rows = self.transplants.iter().map(|transplant| {
            format!(
                "synthetic\t{0}\t{1}\t{0}\t{1}\t{2}\t28\t{3}\n",
                transplant.donor_id,
                transplant.recipient_id,
                transplant.follow_up_id,
                if transplant.response { "R" } else { "NR" }
            )
        });
        let header = "study\tdonor\trecipient\tdonor_samples\tbaseline\tfollow_up\tday\tresponse\n";
        format!("{header}{}", rows.collect::<String>())
    }

    fn truth(&self) -> String {
        let rows = self.transplants.iter().map(|transplant| {
            format!(
                "{}\t{}\t{}\t{}\n",
                transplant.donor_id,
                transplant.recipient_id,
                transplant.true_p_response,
                transplant.true_p_response_baseline
            )
        });
        let header = "donor_id\trecipient_id\ttrue_p_response\ttrue_p_response_baseline\n";
        format!("{header}{}", rows.collect::<String>())
    }
}
