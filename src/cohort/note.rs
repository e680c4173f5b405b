//! What was noticed in a table of metadata: columns without a use, defaults that stood in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something odd in a table that is usable nevertheless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum MetadataNote {
    /// Columns that play no role here.
    UnusedColumns {
        /// Their names, in the order of the file.
        columns: Vec<String>,
    },
    /// No column plays a role, although one without a use might be meant.
    AbsentColumn {
        /// The role.
        role: String,
        /// The column without a use whose name looks like it.
        looks_like: Option<String>,
        /// All columns without a use.
        unused: Vec<String>,
    },
    /// Recipients of whom something is not known, so that a default stands in.
    Default {
        /// What is not known.
        role: String,
        /// What stands in.
        word: String,
        /// How many recipients.
        n_recipients: usize,
    },
    /// Samples that have a row but no profile.
    NoProfile {
        /// The samples, by name.
        samples: Vec<String>,
    },
    /// Samples of which nothing says whose they are: each is its own donor.
    OwnDonor {
        /// How many.
        n_samples: usize,
    },
    /// A row that is used but looks wrong.
    OddRow {
        /// Its line in the file.
        line: u64,
        /// What is odd.
        message: String,
    },
}

impl MetadataNote {
    /// Whether it is probably a mistake, so that doors warn of it unasked.
    pub fn is_warning(&self) -> bool {
        !matches!(
            self,
            Self::UnusedColumns { .. } | Self::Default { .. } | Self::OwnDonor { .. }
        )
    }
}

impl fmt::Display for MetadataNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnusedColumns { columns } => {
                write!(f, "not used: the columns {}", quoted(columns))
            }
            Self::AbsentColumn {
                role,
                looks_like: Some(column),
                ..
            } => write!(
                f,
                "no column `{role}`: the column `{column}`, which was not used, looks like it; \
                 rename it, or name it in `columns` where that can be given"
            ),
            Self::AbsentColumn { role, unused, .. } => {
                write!(f, "no column `{role}`; not used: {}", quoted(unused))
            }
            Self::Default {
                role,
                word,
                n_recipients,
            } => write!(
                f,
                "`{role}` of {n_recipients} recipients is not given: `{word}` stands in"
            ),
            Self::NoProfile { samples } => match samples.split_at_checked(N_NAMED) {
                Some((first, rest)) if !rest.is_empty() => write!(
                    f,
                    "no profile for the samples {} and {} more",
                    quoted(first),
                    rest.len()
                ),
                _ => write!(f, "no profile for the samples {}", quoted(samples)),
            },
            Self::OwnDonor { n_samples: 1 } => {
                write!(f, "1 sample has no `donor_id`: it is its own donor")
            }
            Self::OwnDonor { n_samples } => write!(
                f,
                "{n_samples} samples have no `donor_id`: each is its own donor"
            ),
            Self::OddRow { line, message } => write!(f, "line {line}: {message}"),
        }
    }
}

/// How many samples a note names.
const N_NAMED: usize = 5;

/// Names in backquotes.
pub(super) fn quoted(names: &[impl AsRef<str>]) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    names.join(", ")
}

/// How far a word is from one that goes on: farther than any misspelt one.
const LONGER: usize = 100;

/// The word that another looks like: but for case and signs the same, longer by a word, or a few
/// letters away.
pub(super) fn look_alike<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let letters = |word: &str| -> Vec<char> {
        let lower = word.chars().flat_map(char::to_lowercase);
        lower.filter(|c| c.is_alphanumeric()).collect()
    };
    let word = letters(word);
    let distance = |other: &str| {
        let other = letters(other);
        let (short, long) = if word.len() < other.len() {
            (&word, &other)
        } else {
            (&other, &word)
        };
        // One wrong letter in a short word, up to three in a long one.
        let allowed = (long.len().div_ceil(4)).clamp(1, 3);
        let found = edit_distance(&word, &other);
        if found <= allowed {
            return found;
        }
        let is_longer = short.len() >= 4 && (long.starts_with(short) || long.ends_with(short));
        if is_longer { LONGER } else { usize::MAX }
    };
    known
        .into_iter()
        .map(|other| (distance(other), other))
        .filter(|&(distance, _)| distance < usize::MAX)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, other)| other)
}

/// Letters to insert, delete, replace or swap with their neighbor: optimal string alignment.
fn edit_distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &right) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(left != right)).min(last[j + 1] + 1);
            best = best.min(row[j] + 1);
            if i > 0 && j > 0 && left == b[j - 1] && right == a[i - 1] {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_words_find_the_word_that_is_meant() {
        let roles = [
            "donor",
            "donor_samples",
            "baseline",
            "follow_up",
            "day",
            "line",
        ];
        for (word, meant) in [
            ("followup", Some("follow_up")),
            ("Follow-Up", Some("follow_up")),
            ("lien", Some("line")),
            ("donor_id", Some("donor")),
            ("donorsample", Some("donor_samples")),
            ("basline", Some("baseline")),
            ("follow_up_sample", Some("follow_up")),
            ("age", None),
            ("sex", None),
            ("recist", None),
        ] {
            assert_eq!(look_alike(word, roles), meant, "{word}");
        }
    }

    #[test]
    fn letters_that_changed_places_count_once() {
        let letters = |word: &str| word.chars().collect::<Vec<_>>();
        assert_eq!(edit_distance(&letters("lien"), &letters("line")), 1);
        assert_eq!(edit_distance(&letters("kitten"), &letters("sitting")), 3);
        assert_eq!(edit_distance(&letters(""), &letters("abc")), 3);
    }
}
