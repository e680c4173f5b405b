//! The payload of format 4: format 3 with what the engraftment model knows of trials and recipients,
//! and its detection limit.
//!
//! What did not change is read by the structs of formats 2 and 3, which are frozen; the rest is
//! frozen here, by the same rules.

mod departures;

use serde::{Deserialize, Serialize};

use self::departures::StoredDepartures;
use super::bounded;
use super::v3::StoredMatcher;
use crate::Result;
use crate::matcher::Matcher;

/// The payload of a file of the kind `matcher`.
#[derive(Debug, Serialize, Deserialize)]
struct StoredMatcher4 {
    matcher: StoredMatcher,
    engraftment: StoredDepartures,
}

pub(super) fn encode_matcher(matcher: &Matcher) -> Result<Vec<u8>> {
    bounded::encode(&StoredMatcher4 {
        matcher: StoredMatcher::of(matcher)?,
        engraftment: StoredDepartures::of(matcher.engraftment()),
    })
}

pub(super) fn decode_matcher(payload: &[u8]) -> Result<Matcher> {
    let stored = bounded::decode::<StoredMatcher4>(payload)?;
    let mut matcher = stored.matcher.into_matcher()?;
    stored.engraftment.give_to(&mut matcher.engraftment)?;
    matcher.validate()?;
    Ok(matcher)
}
