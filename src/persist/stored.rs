//! What a model file can hold.

use super::header::ModelHeader;
use super::{v2, v3, v4};
use crate::Result;
use crate::matcher::Matcher;
use crate::model::{BoostingModel, LogisticModel};

/// A model that has a file format: [`Matcher`], [`BoostingModel`], [`LogisticModel`].
///
/// The models of other crates ([`ForestModel`](crate::model::backend::ForestModel),
/// [`RidgeModel`](crate::model::backend::RidgeModel)) have none: their layout is not ours to
/// freeze.
pub trait Stored: Payload {
    /// The header of a file that holds it: what follows from the model itself.
    fn header(&self) -> ModelHeader;
}

/// How a model becomes the payload of a file, and back; only for the models named by [`Stored`].
pub trait Payload: Sized {
    #[doc(hidden)]
    const KIND: &'static str;
    #[doc(hidden)]
    fn width(&self) -> usize;
    #[doc(hidden)]
    fn encode(&self) -> Result<Vec<u8>>;
    #[doc(hidden)]
    fn decode(payload: &[u8], format: u16) -> Result<Self>;
}

impl Stored for Matcher {
    fn header(&self) -> ModelHeader {
        ModelHeader::of(self)
    }
}

impl Payload for Matcher {
    const KIND: &'static str = ModelHeader::MATCHER;

    fn width(&self) -> usize {
        self.response().schema().n_features()
    }

    fn encode(&self) -> Result<Vec<u8>> {
        v4::encode_matcher(self)
    }

    fn decode(payload: &[u8], format: u16) -> Result<Self> {
        match format {
            2 => v2::decode_matcher(payload),
            3 => v3::decode_matcher(payload),
            _ => v4::decode_matcher(payload),
        }
    }
}

impl Stored for BoostingModel {
    fn header(&self) -> ModelHeader {
        ModelHeader::of_boosting(self)
    }
}

impl Payload for BoostingModel {
    const KIND: &'static str = ModelHeader::BOOSTING;

    fn width(&self) -> usize {
        self.n_features()
    }

    fn encode(&self) -> Result<Vec<u8>> {
        v2::encode_boosting(self)
    }

    fn decode(payload: &[u8], _: u16) -> Result<Self> {
        v2::decode_boosting(payload)
    }
}

impl Stored for LogisticModel {
    fn header(&self) -> ModelHeader {
        ModelHeader::of_logistic(self)
    }
}

impl Payload for LogisticModel {
    const KIND: &'static str = ModelHeader::LOGISTIC;

    fn width(&self) -> usize {
        self.n_features()
    }

    fn encode(&self) -> Result<Vec<u8>> {
        v2::encode_logistic(self)
    }

    fn decode(payload: &[u8], _: u16) -> Result<Self> {
        v2::decode_logistic(payload)
    }
}
