//! How a venue is set up, and what may be asked of it from outside the market.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

use tercel_types::{InstrumentId, MatchNumber, Nanos, Price, Symbol};

use crate::accounts::{AccountConfig, Fees};
use crate::flow::{FlowConfig, FlowError};
use crate::lines::Faults;
use crate::matching::{Command, CrossKind, RejectReason};
use crate::publisher::{PublisherConfig, PublisherError};

/// Open orders the engine holds unless configured otherwise.
const ORDERS_MAX: usize = 1 << 20;

/// A symbol of the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolConfig {
    /// Its name.
    pub symbol: Symbol,
    /// Last close: what the first cross is measured against.
    pub initial_price: Price,
    /// Price step at a dollar and above, in price units.
    pub increment: i64,
    /// Shares of a round lot.
    pub round_lot: u32,
}

/// How the day begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Opening {
    /// With continuous trading.
    #[default]
    Directly,
    /// Quotation only, and an opening cross of every symbol this long after the first step.
    Cross {
        /// From the first step to the cross.
        after: Nanos,
    },
}

/// Commands with their times, in order of time and on the clock of [`super::Venue::step`]; for
/// instance a [`crate::replay::Replay`] with the start of the day added to its times.
pub struct Recorded(pub Box<dyn Iterator<Item = (Nanos, Command)> + Send>);

/// A venue to be.
#[derive(Debug)]
pub struct VenueConfig {
    /// What is traded; the first has stock locate 1, the second 2 and so on
    /// ([`VenueConfig::instrument`]).
    pub symbols: Vec<SymbolConfig>,
    /// Who trades.
    pub accounts: Vec<AccountConfig>,
    /// Background orders. Its start is set by the first step.
    pub flow: Option<FlowConfig>,
    /// Recorded orders. With a flow too, the two must not have one account.
    pub replay: Option<Recorded>,
    /// Market data; its session is that of the order port, too.
    pub publisher: PublisherConfig,
    /// Address of the order port; port 0 takes a free one.
    pub ouch: SocketAddrV4,
    /// How the day begins.
    pub opening: Opening,
    /// What executions cost.
    pub fees: Fees,
    /// Most open orders.
    pub orders_max: usize,
}

/// Why a venue did not start.
#[derive(Debug, thiserror::Error)]
pub enum VenueError {
    /// The market data side.
    #[error("market data: {0}")]
    Publisher(#[from] PublisherError),
    /// The order port's address could not be opened.
    #[error("cannot open {address} (ouch): {source}")]
    Ouch {
        /// The address.
        address: SocketAddrV4,
        /// The system's reason.
        source: io::Error,
    },
    /// The background flow.
    #[error("flow: {0}")]
    Flow(#[from] FlowError),
    /// Nothing to trade, or more than stock locates can number.
    #[error("symbols: there must be 1 to 65,535, not {0}")]
    Symbols(usize),
    /// A symbol that comes twice, or has an increment or a round lot of zero.
    #[error("symbols: {0} comes twice, or has an increment or a round lot below 1")]
    Symbol(Symbol),
    /// More accounts than can be numbered.
    #[error("accounts: there must be at most 65,534, not {0}")]
    Accounts(usize),
    /// Two accounts with one user name.
    #[error("accounts: the user name {0:?} comes twice")]
    Account(String),
}

/// What the operator of the venue may do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Control {
    /// Halt a symbol.
    Halt(Symbol),
    /// Let it trade again, through a reopening cross.
    Resume(Symbol),
    /// Hold a cross.
    Cross {
        /// Of which symbol.
        symbol: Symbol,
        /// Which one.
        kind: CrossKind,
    },
    /// Break an execution. The number of a whole cross breaks all of its fills.
    BustTrade(MatchNumber),
    /// Close the retransmission server's port.
    StopRetransmission,
    /// Open it again.
    StartRetransmission,
    /// Change the faults of line A and line B from now on.
    SetFaults([Faults; 2]),
    /// Cut every connection of the order port.
    Disconnect,
    /// End the day: cancel all orders and end all sessions.
    EndSession,
}

/// Why a control command was not done.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No such symbol.
    #[error("no symbol {0} here")]
    UnknownSymbol(Symbol),
    /// No such execution, or it is broken already.
    #[error("no execution has the number {}, or it is broken already", .0.0)]
    UnknownTrade(MatchNumber),
    /// The engine says no.
    #[error("refused by the matching engine: {0:?}")]
    Refused(RejectReason),
    /// There is no retransmission server.
    #[error("there is no retransmission server")]
    NoRetransmission,
    /// Its port could not be opened again.
    #[error("cannot open the retransmission server again: {0}")]
    Retransmission(io::Error),
    /// A probability is not between 0 and 1.
    #[error("every probability must be between 0 and 1")]
    Faults,
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
}

impl SymbolConfig {
    /// A symbol in steps of a cent and lots of a hundred.
    pub fn new(symbol: Symbol, initial_price: Price) -> SymbolConfig {
        SymbolConfig { symbol, initial_price, increment: Price::CENT.0, round_lot: 100 }
    }
}

impl VenueConfig {
    /// A venue with these symbols, on loopback, without accounts and without flow.
    pub fn new(symbols: Vec<SymbolConfig>) -> VenueConfig {
        VenueConfig {
            symbols,
            accounts: Vec::new(),
            flow: None,
            replay: None,
            publisher: PublisherConfig::default(),
            ouch: SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0),
            opening: Opening::Directly,
            fees: Fees::default(),
            orders_max: ORDERS_MAX,
        }
    }

    /// Stock locate of the symbol at `index` in the list.
    pub fn instrument(index: usize) -> InstrumentId {
        InstrumentId(u16::try_from(index + 1).unwrap_or(u16::MAX))
    }

    pub(super) fn check(&self) -> Result<(), VenueError> {
        if self.symbols.is_empty() || self.symbols.len() > usize::from(u16::MAX) {
            return Err(VenueError::Symbols(self.symbols.len()));
        }
        let mut names = std::collections::BTreeSet::new();
        for config in &self.symbols {
            if config.increment < 1 || config.round_lot < 1 || !names.insert(config.symbol) {
                return Err(VenueError::Symbol(config.symbol));
            }
        }
        if self.accounts.len() >= usize::from(u16::MAX) {
            return Err(VenueError::Accounts(self.accounts.len()));
        }
        let mut users = std::collections::BTreeSet::new();
        for account in &self.accounts {
            let username = account.login.username.to_ascii_uppercase();
            if !users.insert(username) {
                let name = String::from_utf8_lossy(account.login.username.trim_ascii());
                return Err(VenueError::Account(name.into_owned()));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorded(..)")
    }
}
