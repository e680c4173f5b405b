//! The formats that are known.

use serde::{Deserialize, Serialize};

/// A format that [`read`](super::read) knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Format {
    /// MetaPhlAn 2, 3 or 4, one sample or merged.
    Metaphlan,
    /// mOTUs 2, 3 or 4, one sample or merged.
    Motus,
    /// A report of Kraken 1, Kraken 2 or KrakenUniq.
    KrakenReport,
    /// Bracken, one sample or combined.
    Bracken,
    /// Kraken reports of several samples in one table, as KrakenTools combines them.
    KrakenCombined,
    /// MPA-style output of Kraken tools.
    Mpa,
    /// taxpasta, one sample or merged, wide or long.
    Taxpasta,
    /// The summary table of Kaiju.
    Kaiju,
    /// A taxonomic profile of SingleM.
    Singlem,
    /// sylph, with the taxonomy of sylph-tax or without.
    Sylph,
    /// A profile in the format of CAMI, of one sample or several.
    Cami,
    /// KMCP.
    Kmcp,
    /// Centrifuge's own report.
    Centrifuge,
    /// TSV or CSV, either way round.
    Delimited,
    /// BIOM 1.0 (JSON).
    BiomJson,
    /// BIOM 2.0 or 2.1 (HDF5).
    BiomHdf5,
    /// AnnData (`.h5ad`).
    AnnData,
    /// A feature table of QIIME 2 (`.qza`).
    Qiime2Artifact,
    /// Parquet, wide or long.
    Parquet,
    /// Arrow IPC, a file (Feather 2) or a stream, wide or long.
    ArrowIpc,
    /// A workbook, `.xlsx` or `.ods`, whose first sheet holds any of the texts.
    Workbook,
}
