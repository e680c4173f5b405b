//! Signatures from TSV, built in or the user's own.

use std::path::Path;

use super::{Grade, Member, Signature};
use crate::profile::{Taxon, read_text};
use crate::taxonomy::params::{Target, UnknownTaxa};
use crate::taxonomy::place::place;
use crate::taxonomy::resolution::Reading;
use crate::{Error, Result};

impl Signature {
    /// Reads a list of one's own, `.gz` undone by content; see [`Signature`] for the format. Where
    /// no line gives the name, the file does.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be read; [`Error::File`] where it holds no column `taxon`,
    /// no name or no members, or the same member twice.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut signature = Self::parse(&read_text(path)?).map_err(|error| error.at_path(path))?;
        if signature.name.is_empty() {
            signature.name = name_of(path);
        }
        Ok(signature)
    }

    /// The same from text in memory; the name is empty where no line gives it.
    ///
    /// # Errors
    /// [`Error::Table`] where there is no column `taxon` or no members, the same member twice, or
    /// a version that is no number or a grade that is none.
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
            grade: Grade::default(),
            evidence: String::new(),
        };
        let mut taxon_column = None;
        let text = text.trim_start_matches('\u{feff}');
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
            "grade" => self.grade = value.parse()?,
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

/// The name of a file without `.gz` and one more ending.
fn name_of(path: &Path) -> String {
    let whole = path.file_name().unwrap_or_default().to_string_lossy();
    let plain = whole.strip_suffix(".gz").unwrap_or(&whole);
    let stem = Path::new(plain).file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
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
    fn a_gzipped_list_reads_as_the_plain_one_and_gives_its_name() {
        use std::io::Write;
        let folder = tempfile::tempdir().unwrap();
        let text = "# version: 2\ntaxon\nRoseburia hominis\n";
        let plain = folder.path().join("butyrate.tsv");
        std::fs::write(&plain, text).unwrap();
        let packed = folder.path().join("butyrate.tsv.gz");
        let mut file = flate2::write::GzEncoder::new(
            std::fs::File::create(&packed).unwrap(),
            flate2::Compression::default(),
        );
        file.write_all(text.as_bytes()).unwrap();
        file.finish().unwrap();
        let signature = Signature::read(&plain).unwrap();
        assert_eq!(
            (signature.name.as_str(), signature.version),
            ("butyrate", 2)
        );
        assert_eq!(Signature::read(&packed).unwrap(), signature);
        std::fs::write(&plain, b"taxon\nBlautia \xff\n").unwrap();
        let error = Signature::read(&plain).unwrap_err().to_string();
        assert!(
            error.contains("butyrate.tsv") && error.contains("UTF-8"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Signature::read("no/such/list.tsv").unwrap_err();
        assert!(error.to_string().contains("no/such/list.tsv"));
    }
}
