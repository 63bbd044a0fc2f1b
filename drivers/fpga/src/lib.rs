//! Driver of the feed card, over VFIO or the emulator's shared memory.
