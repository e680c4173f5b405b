//! `ProfileTable` → the same in one vocabulary, with a report of what matched how; named lists of
//! taxa with their sources.

mod by_name;
mod catalog;
mod clade;
mod detect;
mod habit;
mod harmonize;
mod lookup;
mod params;
mod place;
mod report;
mod resolution;
mod resolve;
mod signature;
mod spelling;
mod traits;

pub use detect::detect_vocabulary;
pub use habit::traits_of;
pub use harmonize::harmonize;
pub use lookup::{genus_of, harmonize_genus, harmonize_species, lineage_of, sgbs_of, species_keys};
pub use params::{HarmonizeParams, Target, UnknownTaxa};
pub use report::{HarmonizationReport, HarmonizedTaxon, How};
pub use signature::{
    Grade, Member, MemberStatus, Membership, Signature, memberships, signature, signature_names,
    signatures,
};
pub use traits::{Confidence, OxygenTolerance, Trait, Traits};
