//! Signatures from TSV, built in or the user's own.

use std::path::Path;

use super::{Member, Signature};
use crate::profile::Taxon;
use crate::taxonomy::params::{Target, UnknownTaxa};
use crate::taxonomy::place::place;
use crate::taxonomy::resolve::Reading;
use crate::{Error, Result};

impl Signature {
    /// Reads a list of one's own; see [`Signature`] for the format.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be read; [`Error::File`] where it holds no column `taxon`,
    /// no name or no members, or the same member twice.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| Error::io(path, source))?;
        let mut signature = Self::parse(&text).map_err(|error| error.at_path(path))?;
        if signature.name.is_empty() {
            signature.name = path
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
                .unwrap_or_default();
        }
        Ok(signature)
    }

    /// The same from text in memory; the name is empty where no line gives it.
    ///
    /// # Errors
    /// [`Error::Table`] where there is no column `taxon` or no members, the same member twice, or
    /// a version that is no number.
    ///
    /// # Examples
    /// ```
    /// use donormatch::taxonomy::Signature;
    ///
    /// let mine = Signature::parse("# name: butyrate\ntaxon\nRoseburia hominis\n")?;
    /// assert_eq!((mine.name.as_str(), mine.members.len()), ("butyrate", 1));
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self> {
        let mut signature = Self {
            name: String::new(),
            version: 1,
            title: String::new(),
            members: Vec::new(),
            source: String::new(),
            evidence: String::new(),
        };
        let mut taxon_column = None;
        for line in text.lines().map(|line| line.trim_end_matches('\r')) {
            if let Some(comment) = line.strip_prefix('#') {
                signature.take_comment(comment)?;
                continue;
            }
            if line.trim().is_empty() {
                continue;
            }
            let mut fields = line.split('\t');
            let Some(column) = taxon_column else {
                let found = fields.position(|field| field.trim() == "taxon");
                taxon_column = Some(found.ok_or_else(|| {
                    Error::table(format!(
                        "expected a header with a column `taxon`, found `{line}`"
                    ))
                })?);
                continue;
            };
            let name = fields.nth(column).map(str::trim).unwrap_or_default();
            if name.is_empty() {
                return Err(Error::table(format!("no taxon in the line `{line}`")));
            }
            signature.add(name)?;
        }
        if signature.members.is_empty() {
            return Err(Error::table("the signature has no members"));
        }
        Ok(signature)
    }

    fn take_comment(&mut self, comment: &str) -> Result<()> {
        let Some((word, value)) = comment.split_once(':') else {
            return Ok(());
        };
        let value = value.trim().to_owned();
        match word.trim() {
            "name" => self.name = value,
            "title" => self.title = value,
            "source" => self.source = value,
            "evidence" => self.evidence = value,
            "version" => {
                self.version = value.parse().map_err(|_| {
                    Error::table(format!(
                        "expected a whole number for `version`, found `{value}`"
                    ))
                })?;
            }
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, name: &str) -> Result<()> {
        let mut keys: Vec<String> = Vec::new();
        for variant in name
            .split(',')
            .map(str::trim)
            .filter(|variant| !variant.is_empty())
        {
            let key = key_of(variant);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        if keys.is_empty() {
            return Err(Error::table(format!("no taxon in `{name}`")));
        }
        let twice = |member: &&Member| member.keys.iter().any(|key| keys.contains(key));
        if let Some(before) = self.members.iter().find(twice) {
            return Err(Error::table(format!(
                "`{name}` and `{}` are one member: write it once",
                before.name
            )));
        }
        self.members.push(Member {
            name: name.to_owned(),
            keys,
        });
        Ok(())
    }
}

fn key_of(name: &str) -> String {
    let placed = place(
        &Taxon::new(name),
        Target::Species,
        UnknownTaxa::Keep,
        Reading::Ncbi,
    );
    placed.key.unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_vocabulary_become_keys() {
        let text = "# name: mine\ntaxon\tnote\n[Clostridium] bolteae\tx\nAgathobacter rectalis, Roseburia hominis\t\ng__Segatella\t\n";
        let signature = Signature::parse(text).unwrap();
        let keys: Vec<&[String]> = signature
            .members
            .iter()
            .map(|member| &member.keys[..])
            .collect();
        assert_eq!(keys[0], ["Enterocloster_bolteae"]);
        assert_eq!(keys[1], ["Eubacterium_rectale", "Roseburia_hominis"]);
        assert_eq!(keys[2], ["g__Prevotella"]);
    }

    #[test]
    fn a_list_without_taxa_or_with_one_twice_is_refused() {
        assert!(Signature::parse("taxon\n").is_err());
        assert!(Signature::parse("species\nBlautia obeum\n").is_err());
        let error =
            Signature::parse("taxon\nBacteroides vulgatus\nPhocaeicola vulgatus\n").unwrap_err();
        assert!(error.to_string().contains("one member"), "{error}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Signature::read("no/such/list.tsv").unwrap_err();
        assert!(error.to_string().contains("no/such/list.tsv"));
    }
}
