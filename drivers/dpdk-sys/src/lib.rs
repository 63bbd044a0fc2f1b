//! DPDK behind a flat C shim, `csrc/shim.c`, of which [`raw`] has the declarations.
//!
//! Receiving and sending are inline functions of DPDK's headers over structures that change with
//! each release, so a compiler of C has to see them. Written by hand, some thirty functions over
//! plain integers and pointers, the shim needs neither bindgen nor libclang and does one call for a
//! whole batch of frames. It links DPDK's core only; drivers are plugins that DPDK loads by itself.
#![deny(unsafe_code)]

#[allow(unsafe_code)]
pub mod raw;
