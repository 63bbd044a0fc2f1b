//! Software emulator of the feed card: its registers and its record ring.
