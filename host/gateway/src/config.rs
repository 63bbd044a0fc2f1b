//! What a gateway is made with.

use tercel_proto::ouch::letter;
use tercel_types::Nanos;

/// Who we are at the venue, and how large the tables are.
#[derive(Clone, Copy, Debug)]
pub struct GatewayConfig {
    /// Name of the session's user, padded on the right with spaces.
    pub username: [u8; 6],
    /// Its password, padded on the right with spaces.
    pub password: [u8; 10],
    /// Firm on each new order; spaces for the port's own, which leaves the field out.
    pub firm: [u8; 4],
    /// Capacity letter (OUCH 5.0 §2.1): `P` principal.
    pub capacity: u8,
    /// Customer type letter; `None` leaves the field out, which is the port's setting.
    pub customer_type: Option<u8>,
    /// Orders that may be pending or open at once; 1 to 1,048,576, moved into that range.
    pub orders_max: usize,
    /// Dead orders that are remembered for late messages; 1 to 1,048,576. A message about an older
    /// one counts as one about an unknown order.
    pub dead_max: usize,
    /// Executions that are remembered so that a broken trade can be undone; 1 to 16,777,216. The
    /// break of an older one cannot be told in shares and is only counted.
    pub executions_max: usize,
    /// One more than the highest stock locate; 1 to 65,536.
    pub instruments_max: usize,
    /// We send a heartbeat after this long without another packet (SoupBinTCP §2.3.3: 1 s).
    pub heartbeat: Nanos,
    /// The line counts as broken after this long without a packet from the venue, which sends one
    /// each second (SoupBinTCP §1.4: 15 s is allowed).
    pub server_timeout: Nanos,
}

impl Default for GatewayConfig {
    fn default() -> GatewayConfig {
        GatewayConfig {
            username: [b' '; 6],
            password: [b' '; 10],
            firm: [b' '; 4],
            capacity: letter::CAPACITY_PRINCIPAL,
            customer_type: None,
            orders_max: 4_096,
            dead_max: 4_096,
            executions_max: 65_536,
            instruments_max: 65_536,
            heartbeat: Nanos::from_secs(1),
            server_timeout: Nanos::from_secs(15),
        }
    }
}

impl GatewayConfig {
    /// The same with every size in its range.
    pub(crate) fn clamped(self) -> GatewayConfig {
        GatewayConfig {
            orders_max: self.orders_max.clamp(1, 1 << 20),
            dead_max: self.dead_max.clamp(1, 1 << 20),
            executions_max: self.executions_max.clamp(1, 1 << 24),
            instruments_max: self.instruments_max.clamp(1, 1 << 16),
            ..self
        }
    }
}
