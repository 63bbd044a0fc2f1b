//! eth
