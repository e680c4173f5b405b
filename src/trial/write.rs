//! A synthetic cohort → files.

use std::path::{Path, PathBuf};

use super::simulate::SyntheticCohort;
use crate::Result;
use crate::output::{Access, Content, write_together};
use crate::profile::write_tsv;

impl SyntheticCohort {
    /// Writes `donors.tsv`, `recipients.tsv`, `follow_ups.tsv` (profiles), `metadata.tsv`
    /// (`recipient_id regimen cancer line`), `transplants.tsv` (`study donor recipient
    /// donor_samples baseline follow_up day response`) and `truth.tsv` into a folder, which is made where
    /// absent. Gives the paths. Of two that write into one folder at once, one cohort stands.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) where the folder refuses.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
        let folder = folder.as_ref();
        let table = |table| -> Content<'_> { Box::new(move |file| write_tsv(file, table)) };
        let text =
            |text: String| -> Content<'_> { Box::new(move |file| file.put(text.as_bytes())) };
        let files = vec![
            ("donors.tsv", table(&self.donors)),
            ("recipients.tsv", table(&self.recipients)),
            ("follow_ups.tsv", table(&self.follow_ups)),
            ("metadata.tsv", text(self.metadata())),
            ("transplants.tsv", text(self.transplants_table())),
            ("truth.tsv", text(self.truth())),
        ];
        write_together(folder, Access::Shared, files)
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
