//! Files and arrays → [`ProfileTable`]: samples × taxa, sparse, with its unit and vocabulary.

mod format;
mod held;
mod id;
mod lineage;
mod ncbi;
mod newick;
#[cfg(feature = "containers")]
mod parquet;
mod rename;
mod sparse;
mod statement;
mod table;
mod unit;
mod write;

pub use format::{
    Decimal, Decision, DuplicatedTaxa, EmptySamples, Format, LabelledMatrix, Orientation, Question,
    Ranks, ReadLimits, ReadOptions, Taxonomy, UnclassifiedTaxa, inspect, inspect_bytes, merge,
    read, read_bytes, read_many,
};
pub(crate) use format::{read_text, text_of_bytes};
pub(crate) use held::read_held;
pub use id::{SampleId, StudyId, SubjectId};
pub use lineage::{Lineage, Rank};
pub use newick::Tree;
pub use sparse::CsrMatrix;
pub use table::{Completeness, ProfileTable, ProfileTableBuilder, Taxon};
pub use unit::{Unit, Vocabulary};
pub(crate) use write::write_tsv;
pub use write::{WriteFormat, write};
