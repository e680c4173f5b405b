//! Keyword arguments from Python → params of the core.

use donormatch::Error;
use pyo3::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::Result;

/// Params from the JSON object that the Python half makes of its keyword arguments.
///
/// An argument that the core does not take, or not so, is named in the error.
pub fn parse<T: DeserializeOwned>(json: &str) -> Result<T> {
    let invalid = |error: serde_json::Error| Error::parameter("params", error.to_string());
    let settings: Map<String, Value> = serde_json::from_str(json).map_err(invalid)?;
    let whole = serde_json::from_value(Value::Object(settings.clone()));
    Ok(whole.map_err(|error| offender::<T>(settings).unwrap_or_else(|| invalid(error)))?)
}

/// The first argument that is refused when given alone, and why.
fn offender<T: DeserializeOwned>(settings: Map<String, Value>) -> Option<Error> {
    settings.into_iter().find_map(|(name, value)| {
        let alone = Map::from_iter([(name.clone(), value)]);
        let refusal = serde_json::from_value::<T>(Value::Object(alone)).err()?;
        Some(Error::parameter(name, refusal.to_string()))
    })
}

/// A list of records from JSON.
pub fn list<T: DeserializeOwned>(name: &str, json: &str) -> Result<Vec<T>> {
    Ok(serde_json::from_str(json).map_err(|error| Error::parameter(name, error.to_string()))?)
}

/// A word of the core's own spelling (`percent`, `species`), as serde reads it.
pub fn word<T: DeserializeOwned>(name: &str, word: &str) -> Result<T> {
    let value = Value::String(word.to_owned());
    Ok(serde_json::from_value(value).map_err(|error| Error::parameter(name, error.to_string()))?)
}

/// The core's own spelling of a unit-like value.
pub fn spelled(value: impl serde::Serialize) -> PyResult<String> {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => Ok(text),
        Ok(other) => Ok(other.to_string()),
        Err(error) => Err(pyo3::exceptions::PyValueError::new_err(error.to_string())),
    }
}

/// A report as JSON, which the Python half makes into tables; floats keep their bits.
pub fn json(report: &impl serde::Serialize) -> Result<String> {
    let failed = |error: serde_json::Error| Error::table(error.to_string());
    Ok(serde_json::to_string(report).map_err(failed)?)
}
