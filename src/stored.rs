//! What is deserialized is checked like what is built, so that what exists is valid.

/// Serde for a type whose `check_stored(&self) -> Result<()>` must hold of every value.
///
/// The type itself derives `Serialize` and `Deserialize` with `#[serde(remote = "Self")]`, which
/// makes the plain code of serde a function of the type; what is stored keeps its form.
macro_rules! checked_serde {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(
                &self,
                serializer: S,
            ) -> std::result::Result<S::Ok, S::Error> {
                <$type>::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> std::result::Result<Self, D::Error> {
                let stored = <$type>::deserialize(deserializer)?;
                stored.check_stored().map_err(serde::de::Error::custom)?;
                Ok(stored)
            }
        }
    };
}

pub(crate) use checked_serde;
