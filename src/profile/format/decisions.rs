//! What a reader decided about a file, question by question, each with its reason.

use serde::Serialize;

/// What was to be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Question {
    /// What it holds: profiles, or one of the tables of metadata.
    Content,
    /// What kind of file it is.
    Format,
    /// Which line names the columns, and what divides the fields.
    Header,
    /// Which lines are comments.
    Comments,
    /// Wide (a column per taxon or sample) or long (a row per sample and taxon).
    Shape,
    /// Which axis holds the samples.
    Orientation,
    /// Which columns are neither samples nor taxa.
    Annotations,
    /// Which column of a table of metadata plays a role.
    Columns,
    /// Whether ranks repeat each other.
    Ranks,
    /// The unit.
    Unit,
    /// What a zero means.
    Completeness,
    /// The naming system of the taxa.
    Vocabulary,
    /// What was left out as the host's.
    Host,
    /// What was noticed, although it is usable.
    Note,
}

impl Question {
    /// The word used in files and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Format => "format",
            Self::Header => "header",
            Self::Comments => "comments",
            Self::Shape => "shape",
            Self::Orientation => "orientation",
            Self::Annotations => "annotations",
            Self::Columns => "columns",
            Self::Ranks => "ranks",
            Self::Unit => "unit",
            Self::Completeness => "completeness",
            Self::Vocabulary => "vocabulary",
            Self::Host => "host",
            Self::Note => "note",
        }
    }
}

/// One decision of a reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Decision {
    /// What was to be decided.
    pub question: Question,
    /// What it is.
    pub answer: String,
    /// What told it.
    pub reason: String,
}

/// The decisions about one file, in the order in which they were made.
#[derive(Debug, Clone, Default)]
pub(super) struct Decisions {
    made: Vec<Decision>,
}

impl Decisions {
    pub(super) fn add(
        &mut self,
        question: Question,
        answer: impl Into<String>,
        reason: impl Into<String>,
    ) {
        self.made.push(Decision {
            question,
            answer: answer.into(),
            reason: reason.into(),
        });
    }

    /// Puts the decisions of an earlier step before these.
    pub(super) fn after(mut self, mut earlier: Self) -> Self {
        earlier.made.append(&mut self.made);
        earlier
    }

    pub(super) fn into_made(self) -> Vec<Decision> {
        self.made
    }
}
