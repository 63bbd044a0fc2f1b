//! A card of which only the address is known.

use crate::address::CardAddress;
use crate::card::Card;
use crate::config::CardConfig;
use crate::counters::CardCounters;
use crate::error::CardError;
use crate::fault::CardFault;
use crate::info::{CardIdentity, CardStatus};
use crate::shared::SharedFile;
#[cfg(all(feature = "vfio", target_os = "linux"))]
use crate::vfio::VfioCard;
use tercel_abi::EventRecord;
use tercel_types::Nanos;

/// A card over one of the backends; every method is that of [`Card`]. The backend is chosen once a
/// call, not once a record.
#[derive(Debug)]
pub enum AnyCard {
    /// The file of an emulator.
    Shared(Card<SharedFile>),
    /// A card on PCI Express.
    #[cfg(all(feature = "vfio", target_os = "linux"))]
    Vfio(Card<VfioCard>),
}

macro_rules! either {
    ($any:expr, $card:ident => $what:expr) => {
        match $any {
            AnyCard::Shared($card) => $what,
            #[cfg(all(feature = "vfio", target_os = "linux"))]
            AnyCard::Vfio($card) => $what,
        }
    };
}

impl AnyCard {
    /// Opens the card at `address` and probes it; see [`Card::probe`].
    ///
    /// # Errors
    /// When there is no way to it, or what answers is no card of this build.
    pub fn open(address: &CardAddress) -> Result<AnyCard, CardError> {
        match address {
            CardAddress::File(path) => Ok(AnyCard::Shared(Card::probe(SharedFile::open(path)?)?)),
            #[cfg(all(feature = "vfio", target_os = "linux"))]
            CardAddress::Pci(address) => {
                let card = VfioCard::open(address).map_err(crate::backend::BackendError::from)?;
                Ok(AnyCard::Vfio(Card::probe(card)?))
            }
            #[cfg(not(all(feature = "vfio", target_os = "linux")))]
            CardAddress::Pci(_) => Err(crate::backend::BackendError::NoVfio.into()),
        }
    }

    /// See [`Card::start`].
    ///
    /// # Errors
    /// As there.
    pub fn start(&mut self, config: &CardConfig, now: Nanos) -> Result<(), CardError> {
        either!(self, card => card.start(config, now))
    }

    /// See [`Card::poll`].
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn poll(&mut self, max: usize, each: impl FnMut(&EventRecord)) -> Result<usize, CardFault> {
        either!(self, card => card.poll(max, each))
    }

    /// See [`Card::check`].
    ///
    /// # Errors
    /// As there.
    pub fn check(&mut self, now: Nanos) -> Result<(), CardFault> {
        either!(self, card => card.check(now))
    }

    /// See [`Card::counters`].
    ///
    /// # Errors
    /// As there.
    pub fn counters(&mut self) -> Result<CardCounters, CardFault> {
        either!(self, card => card.counters())
    }

    /// See [`Card::set_filter`].
    pub fn set_filter(&mut self, locates: impl Iterator<Item = u16>) {
        either!(self, card => card.set_filter(locates));
    }

    /// See [`Card::pass_all`].
    pub fn pass_all(&mut self, all: bool) {
        either!(self, card => card.pass_all(all));
    }

    /// See [`Card::seen_session`].
    pub fn seen_session(&self, line: usize) -> Option<[u8; 10]> {
        either!(self, card => card.seen_session(line))
    }

    /// See [`Card::identity`].
    pub fn identity(&self) -> CardIdentity {
        either!(self, card => card.identity())
    }

    /// See [`Card::status`].
    pub fn status(&self) -> CardStatus {
        either!(self, card => card.status())
    }

    /// See [`Card::latched`].
    pub fn latched(&self, each: impl FnMut(&str, u64)) {
        either!(self, card => card.latched(each));
    }

    /// See [`Card::stop`].
    ///
    /// # Errors
    /// As there.
    pub fn stop(&mut self) -> Result<(), CardError> {
        either!(self, card => card.stop())
    }

    /// See [`Card::is_running`].
    pub fn is_running(&self) -> bool {
        either!(self, card => card.is_running())
    }

    /// See [`Card::fault`].
    pub fn fault(&self) -> Option<CardFault> {
        either!(self, card => card.fault())
    }

    /// See [`Card::taken`].
    pub fn taken(&self) -> u64 {
        either!(self, card => card.taken())
    }
}
