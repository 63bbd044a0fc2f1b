//! The Verilated feed card behind the same interface as the emulator.
