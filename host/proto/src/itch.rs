//! itch
