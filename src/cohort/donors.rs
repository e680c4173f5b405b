//! Donors and the samples they gave.

use std::collections::{BTreeMap, HashMap};

use super::screening::DonorType;
use super::{MetadataNote, MetadataTable};
use crate::profile::{CsrMatrix, ProfileTable, SampleId, SubjectId};
use crate::{Error, Result};

/// Donors, each with the profiles of one sample or several.
///
/// A donor is a person. Where nothing says which samples are of one person, each sample is its own
/// donor ([`Donors::from`] a table); [`Donors::from_metadata`] reads it from a table. A pool is a
/// donor whose samples are of several people, `weight` by the part that each has in the mixture.
///
/// # Examples
/// ```
/// use donormatch::cohort::{Donors, MetadataTable};
/// use donormatch::profile::{ProfileTable, Taxon, Unit};
///
/// let profiles = ["s1", "s2", "s3"].into_iter().fold(
///     ProfileTable::builder(Unit::Fraction).taxa([Taxon::new("s__Blautia_obeum")]),
///     |table, sample| table.sample(sample, vec![(0, 1.0)]),
/// );
/// let metadata = MetadataTable::parse("<text>", "sample_id\tdonor_id\ns1\td1\ns2\td1\n")?;
/// let donors = Donors::from_metadata(&metadata, profiles.build()?)?;
/// assert_eq!(donors.ids(), ["d1".into(), "s3".into()]);
/// assert_eq!(donors.n_samples(), [2, 1]);
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Donors {
    profiles: ProfileTable,
    /// In the order of their first sample.
    ids: Vec<SubjectId>,
    /// The rows of each donor's samples.
    rows: Vec<Vec<usize>>,
    /// What each donor is, where known.
    donor_types: Vec<Option<DonorType>>,
    /// What each sample counts among those of its donor.
    weights: Vec<f64>,
    notes: Vec<MetadataNote>,
}

/// The roles of a table of donors' samples.
pub(super) const ROLES: [&str; 4] = ["sample_id", "donor_id", "donor_type", "weight"];

impl From<ProfileTable> for Donors {
    /// Each sample is its own donor.
    fn from(profiles: ProfileTable) -> Self {
        let own = |sample: &SampleId| sample.as_str().into();
        Self {
            ids: profiles.samples().iter().map(own).collect(),
            rows: (0..profiles.n_samples()).map(|row| vec![row]).collect(),
            donor_types: vec![None; profiles.n_samples()],
            weights: vec![1.0; profiles.n_samples()],
            profiles,
            notes: Vec::new(),
        }
    }
}

impl Donors {
    /// The donors of samples, `donor_ids` one a row of the table.
    ///
    /// # Errors
    /// [`Error::Table`] where the lengths disagree or an id is blank.
    pub fn new(profiles: ProfileTable, donor_ids: &[SubjectId]) -> Result<Self> {
        if donor_ids.len() != profiles.n_samples() {
            return Err(Error::table(format!(
                "{} donor ids for {} samples",
                donor_ids.len(),
                profiles.n_samples()
            )));
        }
        let mut places: HashMap<&SubjectId, usize> = HashMap::new();
        let (mut ids, mut rows) = (Vec::new(), Vec::<Vec<usize>>::new());
        for (row, id) in donor_ids.iter().enumerate() {
            if id.as_str().trim().is_empty() {
                return Err(Error::table(format!(
                    "the donor id of sample `{}` is blank",
                    profiles.samples()[row]
                )));
            }
            let at = *places.entry(id).or_insert_with(|| {
                ids.push(id.clone());
                rows.push(Vec::new());
                rows.len() - 1
            });
            rows[at].push(row);
        }
        Ok(Self {
            donor_types: vec![None; ids.len()],
            weights: vec![1.0; profiles.n_samples()],
            profiles,
            ids,
            rows,
            notes: Vec::new(),
        })
    }

    /// All samples of the table as those of one donor.
    ///
    /// # Errors
    /// [`Error::Table`] where the id is blank.
    pub fn one(profiles: ProfileTable, id: &SubjectId) -> Result<Self> {
        let ids = vec![id.clone(); profiles.n_samples()];
        Self::new(profiles, &ids)
    }

    /// The place of a donor among [`Donors::ids`].
    ///
    /// # Errors
    /// [`Error::Table`] where there is no such donor.
    pub fn place_of(&self, donor: &SubjectId) -> Result<usize> {
        let place = self.ids.iter().position(|id| id == donor);
        place.ok_or_else(|| Error::table(self.unknown(donor)))
    }

    /// The same, with what each donor is, in the order of [`Donors::ids`]; placebo and autologous
    /// stool are no transplant: what is predicted of them is the recipient as it is.
    ///
    /// # Errors
    /// [`Error::Table`] where the lengths disagree.
    pub fn with_donor_types(mut self, donor_types: &[Option<DonorType>]) -> Result<Self> {
        if donor_types.len() != self.n_donors() {
            return Err(Error::table(format!(
                "{} donor types for {} donors",
                donor_types.len(),
                self.n_donors()
            )));
        }
        self.donor_types = donor_types.to_vec();
        Ok(self)
    }

    /// The same, with the weight of each sample among those of its donor, one a row of the table:
    /// the parts of a pool. Only their ratios matter. Default 1 each.
    ///
    /// # Errors
    /// [`Error::Table`] where the lengths disagree or a weight is not above 0 and finite.
    pub fn with_weights(mut self, weights: &[f64]) -> Result<Self> {
        if weights.len() != self.weights.len() {
            return Err(Error::table(format!(
                "{} weights for {} samples",
                weights.len(),
                self.weights.len()
            )));
        }
        let bad = |weight: &f64| !(*weight > 0.0 && weight.is_finite());
        if let Some(at) = weights.iter().position(bad) {
            return Err(Error::table(format!(
                "the weight of sample `{}` is {}; expected a number above 0",
                self.profiles.samples()[at],
                weights[at]
            )));
        }
        self.weights = weights.to_vec();
        Ok(self)
    }

    /// From a table with `sample_id` and `donor_id`, one row a sample; a sample without a row, or
    /// whose `donor_id` is blank, is its own donor. A column `donor_type` says what the donor is,
    /// a column `weight` what the sample counts among those of its donor (blank is 1). Samples without a profile are left out, which
    /// [`Donors::notes`] tells.
    ///
    /// # Errors
    /// [`Error::File`] where a column is not there, a sample is blank or has two rows, or no row
    /// is of a profile; where a sample without a donor is called like a donor of other samples.
    pub fn from_metadata(metadata: &MetadataTable, profiles: ProfileTable) -> Result<Self> {
        metadata.check_names(&ROLES)?;
        metadata.require_column("donor_id")?;
        let mut donor_of: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        let mut about: BTreeMap<&str, SampleFacts> = BTreeMap::new();
        for row in 0..metadata.n_rows() {
            let sample = metadata.required(row, "sample_id")?;
            let donor = metadata.text(row, "donor_id");
            about.insert(sample, SampleFacts::read(metadata, row)?);
            if donor_of.insert(sample, donor).is_some() {
                return Err(metadata.error_at(row, format!("`{sample}` stands in two rows")));
            }
        }
        let named = |sample: &SampleId| donor_of.get(sample.as_str()).copied().flatten();
        let mut notes = metadata.column_notes(&ROLES, &[]);
        notes.extend(sample_notes(metadata, &donor_of, &profiles, named)?);
        let donor_ids: Vec<SubjectId> = profiles
            .samples()
            .iter()
            .map(|sample| named(sample).unwrap_or(sample.as_str()).into())
            .collect();
        let facts = |sample: &SampleId| about.get(sample.as_str()).copied().unwrap_or_default();
        let weights: Vec<f64> = profiles
            .samples()
            .iter()
            .map(|sample| facts(sample).weight)
            .collect();
        let donors = Self::new(profiles, &donor_ids)?;
        let donor_types = donors
            .rows
            .iter()
            .map(|rows| {
                let samples = rows.iter().map(|&row| &donors.profiles.samples()[row]);
                one_type(
                    metadata,
                    samples.map(|sample| (sample, facts(sample).donor_type)),
                )
            })
            .collect::<Result<Vec<_>>>()?;
        let donors = donors.with_donor_types(&donor_types)?;
        Ok(Self {
            notes,
            ..donors
                .with_weights(&weights)
                .map_err(|error| error.at_path(metadata.path()))?
        })
    }

    /// What each donor is, where known, in the order of [`Donors::ids`].
    pub fn donor_types(&self) -> &[Option<DonorType>] {
        &self.donor_types
    }

    /// The donors, in the order of their first sample.
    pub fn ids(&self) -> &[SubjectId] {
        &self.ids
    }

    /// Number of donors.
    pub fn n_donors(&self) -> usize {
        self.ids.len()
    }

    /// How many samples each donor gave, in the order of [`Donors::ids`].
    pub fn n_samples(&self) -> Vec<usize> {
        self.rows.iter().map(Vec::len).collect()
    }

    /// The profiles of all samples.
    pub fn profiles(&self) -> &ProfileTable {
        &self.profiles
    }

    /// What was noticed in the source: columns without a use, samples without a profile or a
    /// donor.
    pub fn notes(&self) -> &[MetadataNote] {
        &self.notes
    }

    /// The profiles of one donor's samples.
    ///
    /// # Errors
    /// [`Error::Table`] where there is no such donor.
    pub fn samples_of(&self, donor: &SubjectId) -> Result<ProfileTable> {
        let place = self.place_of(donor)?;
        self.profiles.select(&self.rows[place])
    }

    /// Some of the donors, by their place among [`Donors::ids`], with all their samples.
    ///
    /// # Errors
    /// [`Error::Table`] where a place is beyond the last donor, or none is given.
    pub fn select(&self, places: &[usize]) -> Result<Self> {
        let mut samples = Vec::new();
        let mut ids = Vec::new();
        let mut donor_types: Vec<Option<DonorType>> = Vec::new();
        for &place in places {
            let (Some(id), Some(rows)) = (self.ids.get(place), self.rows.get(place)) else {
                return Err(Error::table(format!(
                    "no donor {place} among {}",
                    self.n_donors()
                )));
            };
            samples.extend(rows);
            if !ids.contains(id) {
                donor_types.push(self.donor_types[place]);
            }
            ids.extend(rows.iter().map(|_| id.clone()));
        }
        let weights: Vec<f64> = samples.iter().map(|&row| self.weights[row]).collect();
        Self::new(self.profiles.select(&samples)?, &ids)?
            .with_donor_types(&donor_types)?
            .with_weights(&weights)
    }

    /// Why a donor is not among these: it may be called by one of its samples.
    pub(crate) fn unknown(&self, donor: &SubjectId) -> String {
        let row = self.profiles.row_of(&donor.as_str().into());
        let owner = row.and_then(|row| self.rows.iter().position(|rows| rows.contains(&row)));
        match owner {
            Some(at) => format!(
                "no donor `{donor}`: it is a sample of donor `{}`",
                self.ids[at]
            ),
            None => format!("no profile for donor `{donor}`"),
        }
    }

    /// The same donors over other profiles of the same samples, such as harmonized ones.
    ///
    /// # Errors
    /// [`Error::Table`] where the samples are others.
    pub fn with_profiles(&self, profiles: ProfileTable) -> Result<Self> {
        if profiles.samples() != self.profiles.samples() {
            return Err(Error::table("the profiles are of other samples"));
        }
        Ok(Self {
            profiles,
            ..self.clone()
        })
    }

    /// One profile a donor, named after it: the mean of its samples by their weights, which are
    /// equal unless told otherwise. The profiles must be closed to 1.
    ///
    /// Not weighted by depth: from some thousand reads on, a person differs from one day to
    /// another by far more than two counts of one sample do, and most tables do not tell the
    /// depth. A sample that is too shallow to count should be left out.
    pub(crate) fn mean_profiles(&self) -> Result<ProfileTable> {
        let abundance = self.profiles.abundance();
        let rows = self
            .rows
            .iter()
            .map(|rows| mean_row(abundance, rows, &self.weights));
        let matrix = CsrMatrix::from_rows(self.profiles.n_taxa(), rows.collect())?;
        let unclassified = self.profiles.unclassified();
        let mean_of = |rows: &Vec<usize>| {
            let sum: f64 = rows
                .iter()
                .map(|&row| self.weights[row] * unclassified[row])
                .sum();
            sum / total(rows, &self.weights)
        };
        let names = self.ids.iter().map(|id| id.as_str().into());
        ProfileTable::builder(self.profiles.unit())
            .taxa(self.profiles.taxa().iter().cloned())
            .matrix(names.collect(), matrix)
            .vocabulary(self.profiles.vocabulary().clone())
            .completeness(self.profiles.completeness())
            .unclassified(self.rows.iter().map(mean_of).collect())
            .build()
    }
}

/// What a row of the metadata says of a sample besides its donor.
#[derive(Debug, Clone, Copy)]
pub(super) struct SampleFacts {
    donor_type: Option<DonorType>,
    weight: f64,
}

impl Default for SampleFacts {
    fn default() -> Self {
        Self {
            donor_type: None,
            weight: 1.0,
        }
    }
}

impl SampleFacts {
    pub(super) fn read(metadata: &MetadataTable, row: usize) -> Result<Self> {
        let word = metadata.text(row, "donor_type");
        let donor_type = word
            .map(|word| {
                word.parse()
                    .map_err(|error: Error| metadata.error_at(row, error.to_string()))
            })
            .transpose()?;
        Ok(Self {
            donor_type,
            weight: metadata.number(row, "weight")?.unwrap_or(1.0),
        })
    }
}

/// The one type that the samples of a donor name, where any does.
fn one_type<'a>(
    metadata: &MetadataTable,
    samples: impl Iterator<Item = (&'a SampleId, Option<DonorType>)>,
) -> Result<Option<DonorType>> {
    let mut known: Option<(&SampleId, DonorType)> = None;
    for (sample, donor_type) in samples {
        match (known, donor_type) {
            (Some((other, one)), Some(donor_type)) if one != donor_type => {
                let message = format!(
                    "samples `{other}` and `{sample}` are of one donor, `{one}` in the column \
                     `donor_type` of one and `{donor_type}` in that of the other"
                );
                return Err(Error::file(metadata.path(), message));
            }
            (None, Some(donor_type)) => known = Some((sample, donor_type)),
            _ => {}
        }
    }
    Ok(known.map(|(_, donor_type)| donor_type))
}

fn total(rows: &[usize], weights: &[f64]) -> f64 {
    rows.iter().map(|&row| weights[row]).sum()
}

/// The weighted mean of some rows, that of one row to the bit.
fn mean_row(abundance: &CsrMatrix, rows: &[usize], weights: &[f64]) -> Vec<(u32, f64)> {
    if let [row] = rows {
        let (taxa, values) = abundance.row(*row);
        return taxa.iter().copied().zip(values.iter().copied()).collect();
    }
    let total = total(rows, weights);
    let mut sums: BTreeMap<u32, f64> = BTreeMap::new();
    for &row in rows {
        let (taxa, values) = abundance.row(row);
        for (&taxon, value) in taxa.iter().zip(values) {
            *sums.entry(taxon).or_insert(0.0) += weights[row] * value;
        }
    }
    sums.into_iter()
        .map(|(taxon, sum)| (taxon, sum / total))
        .collect()
}

/// What is to be said of samples that only one of the two tables has.
fn sample_notes<'a>(
    metadata: &MetadataTable,
    donor_of: &BTreeMap<&'a str, Option<&'a str>>,
    profiles: &ProfileTable,
    named: impl Fn(&SampleId) -> Option<&'a str>,
) -> Result<Vec<MetadataNote>> {
    let samples = profiles.samples();
    let known: std::collections::HashSet<&str> = samples.iter().map(SampleId::as_str).collect();
    let absent: Vec<String> = donor_of
        .keys()
        .filter(|sample| !known.contains(*sample))
        .map(|&sample| sample.to_owned())
        .collect();
    if absent.len() == donor_of.len() {
        let message = format!(
            "no row is of a sample among the profiles, such as `{}`",
            samples[0]
        );
        return Err(Error::file(metadata.path(), message));
    }
    let own: Vec<&SampleId> = samples.iter().filter(|id| named(id).is_none()).collect();
    let donors: std::collections::HashSet<&str> = samples.iter().filter_map(named).collect();
    if let Some(sample) = own.iter().find(|sample| donors.contains(sample.as_str())) {
        let message = format!(
            "sample `{sample}` has no donor, and a donor of other samples is called `{sample}`; \
             give the sample its `donor_id`"
        );
        return Err(Error::file(metadata.path(), message));
    }
    let mut notes = Vec::new();
    if !absent.is_empty() {
        notes.push(MetadataNote::NoProfile { samples: absent });
    }
    if !own.is_empty() {
        notes.push(MetadataNote::OwnDonor {
            n_samples: own.len(),
        });
    }
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Taxon, Unit};

    fn profiles() -> ProfileTable {
        ProfileTable::builder(Unit::Fraction)
            .taxa(["s__A", "s__B", "s__C"].map(Taxon::new))
            .sample("a1", vec![(0, 1.0)])
            .sample("b1", vec![(1, 1.0)])
            .sample("a2", vec![(0, 0.5), (2, 0.5)])
            .unclassified(vec![0.2, 0.0, 0.4])
            .build()
            .unwrap()
    }

    fn read(text: &str) -> Result<Donors> {
        Donors::from_metadata(&MetadataTable::parse("donors.tsv", text)?, profiles())
    }

    #[test]
    fn samples_of_a_donor_count_the_same_whatever_their_depth() {
        let donors = read("sample_id\tdonor_id\na2\tA\na1\tA\nb1\tB\n").unwrap();
        let mean = donors.mean_profiles().unwrap();
        assert_eq!(mean.samples(), ["A".into(), "B".into()]);
        assert_eq!(mean.abundance().row(0), (&[0, 2][..], &[0.75, 0.25][..]));
        assert_eq!(mean.abundance().row(1), (&[1][..], &[1.0][..]));
        approx::assert_abs_diff_eq!(mean.unclassified()[0], 0.3, epsilon = 1e-15);
        assert_eq!(donors.n_samples(), [2, 1]);
        assert!(donors.notes().is_empty());
    }

    #[test]
    fn a_pool_is_a_mixture_by_weight_and_a_donor_has_one_type() {
        let text = "sample_id\tdonor_id\tweight\tdonor_type\na1\tpool\t3\t\nb1\tpool\t1\thealthy\n";
        let donors = read(text).unwrap();
        let mean = donors.mean_profiles().unwrap();
        assert_eq!(mean.abundance().row(0), (&[0, 1][..], &[0.75, 0.25][..]));
        assert_eq!(donors.donor_types(), [Some(DonorType::Healthy), None]);
        assert_eq!(
            donors.select(&[1, 0]).unwrap().donor_types(),
            [None, Some(DonorType::Healthy)]
        );
        for (cells, told) in [
            ("a1\tA\t0\t\n", "weight of sample `a1`"),
            ("a1\tA\t1\tangel\n", "`angel`"),
            ("a1\tA\t1\thealthy\na2\tA\t1\tplacebo\n", "one donor"),
        ] {
            let text = format!("sample_id\tdonor_id\tweight\tdonor_type\n{cells}");
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn without_a_table_each_sample_is_its_own_donor_to_the_bit() {
        let donors = Donors::from(profiles());
        assert_eq!(donors.ids(), ["a1", "b1", "a2"].map(SubjectId::from));
        assert_eq!(donors.mean_profiles().unwrap(), profiles());
    }

    #[test]
    fn samples_without_a_row_or_a_profile_are_told() {
        let donors = read("sample_id\tdonor_id\na1\tA\na2\tA\nx9\tX\n").unwrap();
        assert_eq!(donors.ids(), ["A", "b1"].map(SubjectId::from));
        let notes: Vec<String> = donors.notes().iter().map(ToString::to_string).collect();
        assert!(notes[0].contains("`x9`"), "{notes:?}");
        assert!(notes[1].contains("1 sample"), "{notes:?}");
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        for (text, told) in [
            ("sample_id\tdonor\na1\tA\n", "`donor_id`"),
            ("donor_id\tday\nA\t1\n", "`sample_id`"),
            ("sample_id\tdonor_id\na1\tA\na1\tB\n", "line 3: `a1`"),
            ("sample_id\tdonor_id\nx\tA\n", "such as `a1`"),
            ("sample_id\tdonor_id\na1\tb1\na2\tA\n", "sample `b1`"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
        let lengths = Donors::new(profiles(), &["A".into()]).unwrap_err();
        assert!(lengths.to_string().contains("1 donor ids for 3 samples"));
        let blank = ["A", " ", "B"].map(SubjectId::from);
        let blank = Donors::new(profiles(), &blank).unwrap_err();
        assert!(blank.to_string().contains("`b1`"));
    }

    #[test]
    fn a_donor_that_is_called_by_its_sample_is_named() {
        let donors = read("sample_id\tdonor_id\na1\tA\na2\tA\nb1\tB\n").unwrap();
        let samples = donors.samples_of(&"A".into()).unwrap();
        assert_eq!(samples.samples(), ["a1".into(), "a2".into()]);
        let error = donors.samples_of(&"a2".into()).unwrap_err().to_string();
        assert!(error.contains("a sample of donor `A`"), "{error}");
        let error = donors.samples_of(&"Z".into()).unwrap_err().to_string();
        assert!(error.contains("no profile for donor `Z`"), "{error}");
    }
}
