//! How trials and recipients depart from the engraftment trees.

use serde::{Deserialize, Serialize};

use crate::engraftment::{Departures, EngraftmentModel, STATE};
use crate::{Error, Result};

/// Means and covariances by gain and keep.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredDepartures {
    detection_limit: f64,
    last_day: f64,
    /// Of published trials and, after an update with follow-ups, of the trial at hand: none, one or
    /// two.
    effects: Vec<Effects>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Effects {
    mean: Vec<f64>,
    /// Row by row.
    covariance: Vec<f64>,
    /// Row by row, 2 × 2.
    recipient: Vec<f64>,
    degrees: u32,
}

impl StoredDepartures {
    pub fn of(model: &EngraftmentModel) -> Self {
        let effects = model.departures.iter().chain(&model.own).map(Effects::of);
        Self {
            detection_limit: model.detection_limit,
            last_day: model.last_day,
            effects: effects.collect(),
        }
    }

    pub fn give_to(self, model: &mut EngraftmentModel) -> Result<()> {
        model.detection_limit = self.detection_limit;
        model.last_day = self.last_day;
        let mut effects = self.effects.into_iter().map(Effects::into_departures);
        model.departures = effects.next().transpose()?;
        model.own = effects.next().transpose()?;
        if effects.next().is_some() {
            return Err(unusable());
        }
        Ok(())
    }
}

impl Effects {
    fn of(departures: &Departures) -> Self {
        Self {
            mean: departures.mean.to_vec(),
            covariance: departures.covariance.clone(),
            recipient: departures.recipient.iter().flatten().copied().collect(),
            degrees: departures.degrees,
        }
    }

    fn into_departures(self) -> Result<Departures> {
        let mean: [f64; STATE] = self.mean.try_into().map_err(|_| unusable())?;
        let [a, b, c, d] = self.recipient[..] else {
            return Err(unusable());
        };
        Ok(Departures {
            mean,
            covariance: self.covariance,
            recipient: [[a, b], [c, d]],
            degrees: self.degrees,
        })
    }
}

fn unusable() -> Error {
    Error::model_file("what the engraftment model knows of trials is not usable")
}
