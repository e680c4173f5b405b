//! Profiles, or donor and recipient → features: diversity, distances, signatures, log-ratios.

mod toposcore;

pub use toposcore::{
    AKKERMANSIA_HIGH_PERCENT, AkkermansiaClass, AkkermansiaScope, CutOff, N_SIG1, N_SIG2,
    Toposcore, ToposcoreCall, ToposcoreClass, ToposcoreParams, ToposcoreTable, toposcore,
};
