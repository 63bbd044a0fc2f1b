//! mold
