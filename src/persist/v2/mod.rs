//! The payload of format 2: plain structs, frozen, through bincode and deflate.
//!
//! They mirror the living types as they were when the format was released, and are converted to and
//! from them by constructors that check. A released format is never edited: a change of a model
//! is a new folder beside this one, and the files of `tests/data/models/v2` are still read.
//!
//! No `tag`, `untagged`, `flatten` or `skip_serializing_if` here, which bincode cannot read back;
//! no map, whose order could differ; no type of another crate, which could change.

mod linear;
mod matcher;
mod numbers;
mod trees;

use linear::Linear;
use matcher::StoredMatcher;

pub(super) use matcher::{Engraftment, Response, check_community, one_or_none};
pub(super) use trees::Forest;

use super::bounded;
use crate::matcher::Matcher;
use crate::model::{BoostingModel, LogisticModel};
use crate::{Error, Result};

pub(super) fn decode_matcher(payload: &[u8]) -> Result<Matcher> {
    bounded::decode::<StoredMatcher>(payload)?.into_matcher()
}

pub(super) fn encode_boosting(model: &BoostingModel) -> Result<Vec<u8>> {
    bounded::encode(&Forest::of(&[model])?)
}

pub(super) fn decode_boosting(payload: &[u8]) -> Result<BoostingModel> {
    let mut models = bounded::decode::<Forest>(payload)?.into_models()?;
    match (models.pop(), models.len()) {
        (Some(model), 0) => Ok(model),
        _ => Err(Error::model_file("expected one boosted model")),
    }
}

pub(super) fn encode_logistic(model: &LogisticModel) -> Result<Vec<u8>> {
    bounded::encode(&Linear::of(model))
}

pub(super) fn decode_logistic(payload: &[u8]) -> Result<LogisticModel> {
    bounded::decode::<Linear>(payload)?.into_model()
}
