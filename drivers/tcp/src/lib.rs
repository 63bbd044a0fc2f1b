//! An order session over TCP without the kernel.
//!
//! [`TcpStack`] runs a connection over any port of frames. TCP itself, with ARP and IPv4, is
//! smoltcp's: sequence numbers, what is sent again and when, windows, closing. The stack has an IP
//! address of its own; nothing of it passes the kernel.
//!
//! **The prepared segment.** The headers of the next segment are written as soon as the last has
//! gone. [`reserve`] hands out the payload area of a frame of the port itself; [`commit`] writes
//! two lengths and two checksums, and the frame is on the wire. Only then smoltcp is given the same
//! bytes, and makes its own frame of them, which is compared with the one that was sent, byte for
//! byte, and dropped. So smoltcp knows of every byte, repeats what is lost, and checks every order.
//! Where the two differ its frame goes out too, which a peer takes for a repetition, and the rest
//! of the connection does without prepared segments.
//!
//! A segment is prepared only while nothing else is due: the connection is open both ways, all that
//! was committed before has been sent, the window has room, the next hop's MAC address is fresh.
//! Otherwise bytes go the ordinary way, through smoltcp's send buffer.
//!
//! Nothing allocates after construction, nothing waits, and time is the clock's that is given.
//!
//! [`reserve`]: tercel_types::StreamPort::reserve
//! [`commit`]: tercel_types::StreamPort::commit
#![forbid(unsafe_code)]

mod arrival;
mod behind;
mod checksum;
mod config;
mod conn;
mod inbox;
mod neighbour;
mod outbox;
mod prepared;
mod random;
mod report;
mod stack;
mod stream;
mod wire;

pub use config::{ConfigError, TcpConfig};
pub use inbox::RECEIVE_MAX;
pub use report::{Reason, State, TcpReport};
pub use stack::{SEND_MAX, TcpStack};
