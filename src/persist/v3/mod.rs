//! The payload of format 3: the models of format 2 with the joint evidence in place of constants.
//!
//! What did not change is read by the structs of format 2, which are frozen; the rest is frozen
//! here, by the same rules.

mod evidence;
mod matcher;

pub(super) use matcher::StoredMatcher;

use super::bounded;
use crate::Result;
use crate::matcher::Matcher;

pub(super) fn decode_matcher(payload: &[u8]) -> Result<Matcher> {
    bounded::decode::<StoredMatcher>(payload)?.into_matcher()
}
