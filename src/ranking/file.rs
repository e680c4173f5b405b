//! A ranking into files as it is worked out: the rows into one, what is known about them beside it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use super::agreement::DonorOrders;
use super::prefilter::Prefiltered;
use super::table::COLUMNS;
use super::text::RESEARCH_USE;
use super::{RankedRecipient, RankingJob, RankingRow};
use crate::output::{Access, OutputFile, commit_together, folder_of};
use crate::text::TsvWriter;
use crate::{Error, Result};

/// What the name of a file of rows may end in.
const ENDINGS: [&str; 3] = [".parquet", ".tsv", ".tsv.gz"];

/// What came of writing a ranking into files.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WrittenRanking {
    /// Rows written: the pairs that are shown.
    pub n_rows: u64,
    /// Recipients ranked.
    pub n_recipients: usize,
    /// Rows of pairs that lie outside what the models know.
    pub n_outside: u64,
    /// The file of the summaries: the name of the rows' with `.summary.json` for its ending.
    pub summary_path: PathBuf,
    /// See [`Ranking::donor_order_agreement`](super::Ranking).
    pub donor_order_agreement: Option<f64>,
    /// Donors that were drawn for the pilots only, see
    /// [`PrefilterParams`](super::PrefilterParams).
    pub n_not_drawn: usize,
}

impl RankingJob<'_> {
    /// Refuses a name of a file that [`RankingJob::write`] would not know what to write into, before
    /// the work begins.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the endings that are known.
    pub fn check_output(path: &Path) -> Result<()> {
        summary_path(path).map(drop)
    }

    /// Ranks all recipients and writes the rows as they are ready: as Parquet, or as TSV, gzipped or
    /// not, by the ending of `path`. Columns are [`COLUMNS`]; the bytes are the same whatever the
    /// number of threads. A second file, `pairs.summary.json` beside `pairs.parquet`, holds the
    /// summaries of the recipients, `donor_order_agreement`, and the settings.
    ///
    /// Both files are put in place when both are whole; whatever fails leaves the old ones.
    /// Memory holds the tables, the draws of some recipients, a part of the rows, and four bytes a
    /// pair. `visit` is told of each recipient after its rows are written.
    ///
    /// # Errors
    /// Those of [`RankingJob::check_output`], [`RankingJob::rank_rows`] and `visit`; [`Error::Io`]
    /// where a file cannot be written.
    pub fn write(
        &self,
        path: &Path,
        access: Access,
        mut visit: impl FnMut(&RankedRecipient) -> Result<()>,
    ) -> Result<WrittenRanking> {
        let summary_path = summary_path(path)?;
        let mut rows = RowsFile::create(path, access)?;
        let mut summaries = SummaryFile::create(&summary_path, access)?;
        let mut orders = DonorOrders::default();
        let (mut n_rows, mut n_recipients, mut n_outside) = (0, 0, 0);
        let prefilter = self.rank_all(&mut orders, |recipient| {
            rows.write(&recipient.rows)?;
            summaries.write(&recipient)?;
            n_recipients += 1;
            n_rows += recipient.rows.len() as u64;
            n_outside += recipient.rows.iter().filter(|row| !row.in_domain).count() as u64;
            visit(&recipient)
        })?;
        let donor_order_agreement = orders.agreement();
        let files = vec![
            rows.finish()?,
            summaries.finish(self, donor_order_agreement, prefilter.as_ref())?,
        ];
        commit_together(folder_of(path), files)?;
        Ok(WrittenRanking {
            n_rows,
            n_recipients,
            n_outside,
            summary_path,
            donor_order_agreement,
            n_not_drawn: prefilter.map_or(0, |prefilter| prefilter.not_drawn.len()),
        })
    }
}

/// The file beside the rows.
fn summary_path(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ending = ENDINGS
        .iter()
        .find(|&&ending| name.len() > ending.len() && name.ends_with(ending));
    let Some(ending) = ending else {
        return Err(Error::parameter(
            "output",
            format!("expected a name that ends in `.parquet`, `.tsv` or `.tsv.gz`, found `{name}`"),
        ));
    };
    if *ending == ".parquet" && cfg!(not(feature = "containers")) {
        return Err(Error::parameter(
            "output",
            "this build writes no Parquet (feature `containers`): give a name that ends in \
             `.tsv` or `.tsv.gz`",
        ));
    }
    let stem = &name[..name.len() - ending.len()];
    Ok(path.with_file_name(format!("{stem}.summary.json")))
}

/// The rows on their way to a file.
enum RowsFile {
    Tsv(PathBuf, Box<TsvWriter<OutputFile>>),
    Gzip(PathBuf, Box<TsvWriter<GzEncoder<OutputFile>>>),
    #[cfg(feature = "containers")]
    Parquet(super::parquet::ParquetRows),
}

impl RowsFile {
    fn create(path: &Path, access: Access) -> Result<Self> {
        let file = OutputFile::create(path, access)?;
        let failed = |source: io::Error| Error::io(path, source);
        let name = path.to_string_lossy();
        #[cfg(feature = "containers")]
        if name.ends_with(".parquet") {
            return Ok(Self::Parquet(super::parquet::ParquetRows::new(path, file)));
        }
        if name.ends_with(".gz") {
            let packed = GzEncoder::new(file, Compression::default());
            let table = TsvWriter::new(packed, COLUMNS).map_err(failed)?;
            return Ok(Self::Gzip(path.to_path_buf(), Box::new(table)));
        }
        let table = TsvWriter::new(file, COLUMNS).map_err(failed)?;
        Ok(Self::Tsv(path.to_path_buf(), Box::new(table)))
    }

    fn write(&mut self, rows: &[RankingRow]) -> Result<()> {
        match self {
            Self::Tsv(path, table) => write_rows(path, table, rows),
            Self::Gzip(path, table) => write_rows(path, table, rows),
            #[cfg(feature = "containers")]
            Self::Parquet(parquet) => parquet.write(rows),
        }
    }

    /// The file, which has everything and is not in place yet.
    fn finish(self) -> Result<OutputFile> {
        match self {
            Self::Tsv(path, table) => table.into_inner().map_err(|source| Error::io(path, source)),
            Self::Gzip(path, table) => table
                .into_inner()
                .and_then(GzEncoder::finish)
                .map_err(|source| Error::io(path, source)),
            #[cfg(feature = "containers")]
            Self::Parquet(parquet) => parquet.finish(),
        }
    }
}

fn write_rows(path: &Path, table: &mut TsvWriter<impl Write>, rows: &[RankingRow]) -> Result<()> {
    rows.iter()
        .try_for_each(|row| row.write(table))
        .map_err(|source| Error::io(path, source))
}

/// The summaries on their way to a file, one recipient a line.
struct SummaryFile {
    file: OutputFile,
    is_empty: bool,
}

impl SummaryFile {
    fn create(path: &Path, access: Access) -> Result<Self> {
        let mut file = OutputFile::create(path, access)?;
        let head = format!(
            "{{\"research_use\": {},\n\"summaries\": [",
            json(&RESEARCH_USE)?
        );
        file.put(head.as_bytes())?;
        Ok(Self {
            file,
            is_empty: true,
        })
    }

    fn write(&mut self, recipient: &RankedRecipient) -> Result<()> {
        let line = json(&recipient.summary)?;
        let before = if self.is_empty { "\n" } else { ",\n" };
        self.is_empty = false;
        self.file.put(before.as_bytes())?;
        self.file.put(line.as_bytes())
    }

    fn finish(
        mut self,
        job: &RankingJob<'_>,
        agreement: Option<f64>,
        prefilter: Option<&Prefiltered>,
    ) -> Result<OutputFile> {
        let tail = format!(
            "\n],\n\"donor_order_agreement\": {},\n\"prefilter\": {},\n\"params\": {},\n\
             \"predict\": {}}}\n",
            json(&agreement)?,
            json(&prefilter)?,
            json(job.params)?,
            json(job.predict)?
        );
        self.file.put(tail.as_bytes())?;
        Ok(self.file)
    }
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::table(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_lies_beside_the_rows_and_other_names_are_refused() {
        for (name, expected) in [
            ("a/pairs.parquet", "a/pairs.summary.json"),
            ("pairs.tsv", "pairs.summary.json"),
            ("b.c/pairs.v1.tsv.gz", "b.c/pairs.v1.summary.json"),
        ] {
            assert_eq!(summary_path(Path::new(name)).unwrap(), Path::new(expected));
        }
        for name in ["pairs.csv", "pairs", ".tsv", "a/.parquet", "pairs.gz", ""] {
            let error = summary_path(Path::new(name)).unwrap_err().to_string();
            assert!(error.starts_with("`output`"), "{name}: {error}");
        }
    }
}
