//! Placeholder.
pub mod custom;
pub mod embedded;
pub mod gate;
pub mod losing;
pub mod probe;
pub mod value;
