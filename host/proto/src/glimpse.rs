//! glimpse
