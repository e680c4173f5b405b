//! Joins the rooms before it: response and toxicity of any donor and recipient.
