//! Driver of the feed card.
//!
//! [`AnyCard`] opens a card at a [`CardAddress`], starts it, and polls its ring of records; it is
//! the same code over every [`backend`]: VFIO for a card on PCI Express, a file for the emulator.
//! The card writes records into memory, and the host looks at the slot that comes next: no system
//! call, no copy but that of the record, no allocation after the start.
//!
//! Nothing that a card writes is believed: slot, lap and number of each record are checked, and a
//! card that is silent, was reset, or writes what it should not is a [`CardFault`].
#![deny(unsafe_code)]

mod address;
mod any;
pub mod backend;
mod card;
mod config;
mod counters;
mod error;
mod fault;
mod info;
mod liveness;
mod record_ring;
mod shared;
mod stamp;
#[cfg(all(feature = "vfio", target_os = "linux"))]
pub mod vfio;

pub use address::{AddressError, CardAddress};
pub use any::AnyCard;
pub use card::Card;
pub use config::CardConfig;
pub use counters::CardCounters;
pub use error::CardError;
pub use fault::CardFault;
pub use info::{CardIdentity, CardStatus};
pub use shared::{NoInterrupt, SharedBar, SharedFile, SharedMemory};
#[cfg(all(feature = "vfio", target_os = "linux"))]
pub use vfio::{Vfio, VfioBar, VfioCard, VfioError, VfioInterrupt, VfioMemory, VfioRing};
