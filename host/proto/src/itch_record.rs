//! itch_record
