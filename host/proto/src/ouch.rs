//! ouch
