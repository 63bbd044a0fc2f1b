//! binary_file
