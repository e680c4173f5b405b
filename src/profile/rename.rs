//! Other names for samples and taxa of a [`ProfileTable`].

use std::collections::BTreeMap;

use super::{ProfileTable, SampleId, Taxon};
use crate::{Error, Result};

impl ProfileTable {
    /// The same table under other names: old → new, of samples and of taxa. What is not named
    /// keeps its name; the lineage of a renamed taxon is read from its new label.
    ///
    /// # Errors
    /// [`Error::Table`] for an old name that the table has not got, and where two samples or two
    /// taxa would have one name.
    ///
    /// # Examples
    /// ```
    /// use std::collections::BTreeMap;
    ///
    /// use donormatch::profile::{ProfileTable, Taxon, Unit};
    ///
    /// let table = ProfileTable::builder(Unit::Percent)
    ///     .taxa(["s__Blautia_obeum"].map(Taxon::new))
    ///     .sample("D01.report", vec![(0, 100.0)])
    ///     .build()?;
    /// let samples = BTreeMap::from([("D01.report".to_owned(), "D01".to_owned())]);
    /// let renamed = table.rename(&samples, &BTreeMap::new())?;
    /// assert_eq!(renamed.samples()[0].as_str(), "D01");
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn rename(
        &self,
        samples: &BTreeMap<String, String>,
        taxa: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let has_sample = |name: &String| self.samples().iter().any(|id| id.as_str() == name);
        if let Some(name) = samples.keys().find(|name| !has_sample(name)) {
            return Err(Error::table(format!("the table has no sample `{name}`")));
        }
        let has_taxon = |name: &String| self.taxa().iter().any(|taxon| taxon.label() == name);
        if let Some(name) = taxa.keys().find(|name| !has_taxon(name)) {
            return Err(Error::table(format!("the table has no taxon `{name}`")));
        }
        let ids = self
            .samples()
            .iter()
            .map(|id| match samples.get(id.as_str()) {
                Some(new) => SampleId::new(new.clone()),
                None => id.clone(),
            });
        let labels = self
            .taxa()
            .iter()
            .map(|taxon| match taxa.get(taxon.label()) {
                Some(new) => Taxon::new(new.clone()),
                None => taxon.clone(),
            });
        let mut builder = Self::builder(self.unit())
            .taxa(labels)
            .matrix(ids.collect(), self.abundance().clone())
            .vocabulary(self.vocabulary().clone())
            .completeness(self.completeness())
            .unclassified(self.unclassified().to_vec());
        for note in self.notes() {
            builder = builder.note(note.clone());
        }
        builder.build()
    }
}
