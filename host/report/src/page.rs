//! A report for a browser.
