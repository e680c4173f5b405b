//! Arguments → one call of a room before → text or JSON.
