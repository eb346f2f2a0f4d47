//! How results are told.

pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod text;
