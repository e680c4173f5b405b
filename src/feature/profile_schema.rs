//! The features of one profile that the response and toxicity models read: community summaries
//! first, then one column a taxon.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::numeric::logarithm::{ln_1p_all, ln_all};
use crate::profile::{ProfileTable, Unit, Vocabulary};
use crate::stored::checked_serde;
use crate::taxonomy::{Membership, signature};
use crate::{Error, Result};

/// The summaries of a whole community, in the order of their columns.
///
/// Burdens are ln(1 + fraction / pseudocount); log-ratios are differences of burdens.
pub const COMMUNITY_FEATURES: [&str; 16] = [
    "shannon",
    "ln_richness",
    "toposcore",
    "akkermansia_absent",
    "akkermansia_high",
    "sig1_burden",
    "sig2_burden",
    "prevotellaceae_burden",
    "scfa_producer_burden",
    "oral_burden",
    "proteobacteria_burden",
    "bifidobacterium_burden",
    "luminate_depletion_burden",
    "sig2_sig1_log_ratio",
    "scfa_oral_log_ratio",
    "scfa_proteobacteria_log_ratio",
];

/// The signatures whose summed fractions are features, in the order of their columns.
const BURDENS: [&str; 8] = [
    "toposcore_sig1",
    "toposcore_sig2",
    "prevotellaceae",
    "scfa_producers",
    "oral",
    "proteobacteria",
    "bifidobacterium",
    "luminate_depletion",
];

const AKKERMANSIA: &str = "akkermansia_muciniphila";

/// Upper end of the low Akkermansia class as a fraction (Derosa et al. 2024: 4.799 %).
const AKKERMANSIA_HIGH: f64 = 0.047_99;

/// Which columns a model reads of a profile, by name: what a fitted model keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct ProfileSchema {
    vocabulary: Vocabulary,
    taxa: Vec<String>,
    pseudocount: f64,
}

checked_serde!(ProfileSchema);

impl ProfileSchema {
    /// The schema of the taxa present in at least `min_prevalence` of the profiles given: those of
    /// the training rows, and no others.
    ///
    /// # Errors
    /// [`Error::Parameter`] where `min_prevalence` is not in [0, 1] or `pseudocount` is not
    /// positive; [`Error::Table`] where no taxon is left.
    pub fn learn(profiles: &ProfileTable, min_prevalence: f64, pseudocount: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&min_prevalence) {
            return Err(Error::parameter(
                "min_prevalence",
                format!("expected a number from 0 to 1, found {min_prevalence}"),
            ));
        }
        if !(pseudocount > 0.0 && pseudocount < 1.0) {
            return Err(Error::parameter(
                "pseudocount",
                format!("expected a fraction above 0 and below 1, found {pseudocount}"),
            ));
        }
        let mut n_samples = vec![0_usize; profiles.n_taxa()];
        for &column in profiles.abundance().indices() {
            n_samples[column as usize] += 1;
        }
        let enough = min_prevalence * profiles.n_samples() as f64;
        let mut taxa: Vec<String> = profiles
            .taxa()
            .iter()
            .zip(n_samples)
            .filter(|&(_, n)| n > 0 && n as f64 >= enough)
            .map(|(taxon, _)| taxon.label().to_owned())
            .collect();
        taxa.sort();
        if taxa.is_empty() {
            return Err(Error::table(format!(
                "no taxon is present in {min_prevalence} of the profiles"
            )));
        }
        Ok(Self {
            vocabulary: profiles.vocabulary().clone(),
            taxa,
            pseudocount,
        })
    }

    /// The schema with these parts, which a file held.
    ///
    /// # Errors
    /// As [`ProfileSchema::validate`].
    pub(crate) fn from_parts(
        vocabulary: Vocabulary,
        taxa: Vec<String>,
        pseudocount: f64,
    ) -> Result<Self> {
        let schema = Self {
            vocabulary,
            taxa,
            pseudocount,
        };
        schema.validate()?;
        Ok(schema)
    }

    fn check_stored(&self) -> Result<()> {
        self.validate()
    }

    /// Checks a schema that was read from a file.
    ///
    /// # Errors
    /// [`Error::ModelFile`] where it has no taxon, an unsorted or repeated one, or no usable
    /// pseudocount.
    pub fn validate(&self) -> Result<()> {
        if self.taxa.is_empty() || self.taxa.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(Error::model_file(
                "the taxa of the features are not sorted and unique",
            ));
        }
        if !(self.pseudocount > 0.0 && self.pseudocount < 1.0) {
            return Err(Error::model_file(format!(
                "the pseudocount is {}",
                self.pseudocount
            )));
        }
        Ok(())
    }

    /// The vocabulary that profiles must be harmonized to.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The taxa with a column of their own, sorted.
    pub fn taxa(&self) -> &[String] {
        &self.taxa
    }

    /// Fraction that burdens are counted in: ln(1 + fraction / pseudocount).
    pub(crate) fn pseudocount(&self) -> f64 {
        self.pseudocount
    }

    /// Number of columns.
    pub fn n_features(&self) -> usize {
        COMMUNITY_FEATURES.len() + self.taxa.len()
    }

    /// The names of all columns.
    pub fn feature_names(&self) -> Vec<String> {
        let community = COMMUNITY_FEATURES.iter().map(|&name| name.to_owned());
        community.chain(self.taxa.iter().cloned()).collect()
    }

    /// Binds the schema to the columns of a table, by name: order does not matter, extra taxa
    /// count for the community summaries only, absent ones are 0.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] where the table has no taxon in common with the schema.
    pub fn bind(&self, profiles: &ProfileTable) -> Result<ProfileFeatures<'_>> {
        let taxa = profiles.taxa();
        let known: HashMap<&str, usize> = self
            .taxa
            .iter()
            .map(String::as_str)
            .zip(COMMUNITY_FEATURES.len()..)
            .collect();
        let columns: Vec<Option<usize>> = taxa
            .iter()
            .map(|taxon| known.get(taxon.label()).copied())
            .collect();
        if columns.iter().all(Option::is_none) {
            return Err(Error::vocabulary(format!(
                "none of the {} taxa is known to the model, whose vocabulary is `{}`",
                taxa.len(),
                self.vocabulary
            )));
        }
        Ok(ProfileFeatures {
            schema: self,
            columns,
            roles: Roles::of(profiles)?,
        })
    }

    /// The features of every profile of a table, row-major, rows × columns.
    ///
    /// # Errors
    /// As [`ProfileSchema::bind`]; [`Error::Unit`] where the table is not in fractions.
    pub fn features(&self, profiles: &ProfileTable) -> Result<ndarray::Array2<f64>> {
        if profiles.unit() != Unit::Fraction {
            return Err(Error::unit(format!(
                "features are made from fractions, found {}; use `closure`",
                profiles.unit()
            )));
        }
        let bound = self.bind(profiles)?;
        let mut features = ndarray::Array2::zeros((profiles.n_samples(), self.n_features()));
        for (profile, mut row) in profiles.abundance().rows().zip(features.rows_mut()) {
            if let Some(row) = row.as_slice_mut() {
                let (taxa, fractions) = profile;
                bound.fill(taxa.iter().copied().zip(fractions.iter().copied()), row);
            }
        }
        Ok(features)
    }
}

/// What each column of a table counts for in the community summaries.
#[derive(Debug, Clone)]
struct Roles {
    /// 1 at `k`: member of burden `k`, else 0.
    burdens: Vec<[f64; BURDENS.len()]>,
    /// Bit `m`: member `m` of SIG1 or SIG2.
    sig1: Vec<u64>,
    sig2: Vec<u64>,
    /// 1 or 0.
    akkermansia: Vec<f64>,
}

impl Roles {
    fn of(profiles: &ProfileTable) -> Result<Self> {
        let n = profiles.n_taxa();
        let mut burdens = vec![[0.0; BURDENS.len()]; n];
        for (burden, name) in BURDENS.iter().enumerate() {
            for column in signature(name)?.membership(profiles).all_columns() {
                burdens[column as usize][burden] = 1.0;
            }
        }
        let mut akkermansia = vec![0.0; n];
        for column in signature(AKKERMANSIA)?.membership(profiles).all_columns() {
            akkermansia[column as usize] = 1.0;
        }
        let bits = |name: &str| -> Result<Vec<u64>> {
            Ok(member_bits(&signature(name)?.membership(profiles), n))
        };
        Ok(Self {
            burdens,
            sig1: bits(BURDENS[0])?,
            sig2: bits(BURDENS[1])?,
            akkermansia,
        })
    }
}

fn member_bits(membership: &Membership, n_taxa: usize) -> Vec<u64> {
    let mut bits = vec![0_u64; n_taxa];
    for (member, columns) in membership.columns.iter().enumerate() {
        for &column in columns {
            bits[column as usize] |= 1 << member;
        }
    }
    bits
}

/// A [`ProfileSchema`] bound to the columns of a table.
#[derive(Debug, Clone)]
pub struct ProfileFeatures<'a> {
    schema: &'a ProfileSchema,
    columns: Vec<Option<usize>>,
    roles: Roles,
}

impl ProfileFeatures<'_> {
    /// Share of a profile (a fraction) in taxa that have a column of their own.
    pub fn covered(&self, profile: impl Iterator<Item = (u32, f64)>) -> f64 {
        profile
            .filter(|&(taxon, _)| self.columns[taxon as usize].is_some())
            .fold(0.0, |sum, (_, fraction)| sum + fraction)
    }

    /// The columns of taxa of which `is_used` (n features) says that a model reads them.
    pub(crate) fn used_columns(&self, is_used: &[bool]) -> UsedColumns {
        let columns = self.columns.iter().map(|column| match column {
            Some(column) if is_used[*column] => *column as u32,
            _ => UsedColumns::NONE,
        });
        UsedColumns(columns.collect())
    }

    /// As [`ProfileFeatures::fill`], for many profiles: the taxa and their fractions, all above 0,
    /// stand apart, and `set` is given the community summaries and those columns of taxa that
    /// `used_columns` holds and that are not 0. Summaries are the same bits, columns of taxa the same
    /// to 4e-16.
    pub(crate) fn fill_present(
        &self,
        taxa: &[u32],
        fractions: &[f64],
        used_columns: &UsedColumns,
        scratch: &mut FillScratch,
        mut set: impl FnMut(usize, f64),
    ) {
        let pseudocount = self.schema.pseudocount;
        let FillScratch { logs, columns } = scratch;
        logs.clear();
        logs.extend_from_slice(fractions);
        ln_all(logs);
        let mut community = Community::default();
        for ((&taxon, &fraction), &ln) in taxa.iter().zip(fractions).zip(logs.iter()) {
            community.add(&self.roles, taxon as usize, fraction, ln);
        }
        logs.resize(fractions.len(), 0.0);
        columns.resize(fractions.len(), 0);
        let mut n_used = 0;
        for (&taxon, &fraction) in taxa.iter().zip(fractions) {
            // Written in any case and kept only where used: a branch would be mispredicted.
            let column = used_columns.0[taxon as usize];
            columns[n_used] = column;
            logs[n_used] = fraction / pseudocount;
            n_used += usize::from(column != UsedColumns::NONE);
        }
        columns.truncate(n_used);
        logs.truncate(n_used);
        ln_1p_all(logs);
        for (&column, &burden) in columns.iter().zip(logs.iter()) {
            set(column as usize, burden);
        }
        for (column, value) in community.columns(pseudocount).into_iter().enumerate() {
            set(column, value);
        }
    }

    /// Writes the features of one profile, given as `(column of the table, fraction)`, into `row`.
    pub fn fill(&self, profile: impl Iterator<Item = (u32, f64)>, row: &mut [f64]) {
        row.fill(0.0);
        let pseudocount = self.schema.pseudocount;
        let mut community = Community::default();
        for (taxon, fraction) in profile {
            let taxon = taxon as usize;
            community.add(&self.roles, taxon, fraction, libm::log(fraction));
            if let Some(column) = self.columns[taxon] {
                row[column] = burden(fraction, pseudocount);
            }
        }
        row[..COMMUNITY_FEATURES.len()].copy_from_slice(&community.columns(pseudocount));
    }
}

/// The column of each taxon of a table that a model reads.
#[derive(Debug, Clone)]
pub(crate) struct UsedColumns(Vec<u32>);

impl UsedColumns {
    const NONE: u32 = u32::MAX;
}

/// Room of [`ProfileFeatures::fill_present`] that is used again.
#[derive(Debug, Clone, Default)]
pub(crate) struct FillScratch {
    logs: Vec<f64>,
    columns: Vec<u32>,
}

fn burden(fraction: f64, pseudocount: f64) -> f64 {
    libm::log1p(fraction / pseudocount)
}

#[derive(Default)]
struct Community {
    shannon: f64,
    richness: f64,
    sig1: u64,
    sig2: u64,
    akkermansia: f64,
    burdens: [f64; BURDENS.len()],
}

impl Community {
    fn add(&mut self, roles: &Roles, taxon: usize, fraction: f64, ln: f64) {
        self.shannon -= fraction * ln;
        self.richness += 1.0;
        self.sig1 |= roles.sig1[taxon];
        self.sig2 |= roles.sig2[taxon];
        // Factors of 0 and 1 and no branches, which would be mispredicted.
        self.akkermansia += fraction * roles.akkermansia[taxon];
        for (burden, is_member) in self.burdens.iter_mut().zip(&roles.burdens[taxon]) {
            *burden += fraction * is_member;
        }
    }

    fn columns(&self, pseudocount: f64) -> [f64; COMMUNITY_FEATURES.len()] {
        let [
            sig1,
            sig2,
            prevotellaceae,
            scfa,
            oral,
            proteobacteria,
            bifidobacterium,
            depletion,
        ] = self.burdens.map(|fraction| burden(fraction, pseudocount));
        let n1 = f64::from(self.sig1.count_ones());
        let n2 = f64::from(self.sig2.count_ones());
        [
            self.shannon,
            libm::log(self.richness.max(1.0)),
            f64::midpoint(n2 / 45.0 - n1 / 37.0, 1.0),
            f64::from(u8::from(self.akkermansia == 0.0)),
            f64::from(u8::from(self.akkermansia >= AKKERMANSIA_HIGH)),
            sig1,
            sig2,
            prevotellaceae,
            scfa,
            oral,
            proteobacteria,
            bifidobacterium,
            depletion,
            sig2 - sig1,
            scfa - oral,
            scfa - proteobacteria,
        ]
    }
}
