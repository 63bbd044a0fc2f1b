//! Two namespaces, a cable, and a port on one end whose frames get lost, repeated, late, or for a
//! while do not get through at all; by a seed, both ways. The kernels this runs on have no netem.
#![allow(dead_code, unreachable_pub)] // each suite uses a part

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::time::{Duration, Instant};
use tercel_net::clock::HostClock;
use tercel_net::flows::{Flows, SessionFlow};
use tercel_net::packet::{PacketConfig, PacketPort};
use tercel_netns::{End, Namespace, available, join};
use tercel_tcp::{State, TcpConfig, TcpStack};
use tercel_types::{Clock, Frame, FrameSink, FrameSource, Nanos, PortError};

/// The kernel's address on our end of the cable, the stack's, and the venue's.
const KERNEL: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
pub const STACK: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 9);
pub const VENUE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

/// A test that waits longer than this hangs.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The longest that a late frame is held back.
const LATE_MAX: u64 = 3_000_000;

/// What happens to frames, in each direction.
#[derive(Clone, Copy, Default, Debug)]
pub struct Faults {
    pub loss: f64,
    pub duplicate: f64,
    pub late: f64,
    pub seed: u64,
}

/// What happened to them.
#[derive(Clone, Copy, Default, Debug)]
pub struct Suffered {
    pub frames: u64,
    pub lost: u64,
    pub duplicated: u64,
    pub late: u64,
    pub cut_off: u64,
}

/// One direction.
struct Way {
    random: u64,
    held: VecDeque<(Nanos, Vec<u8>)>,
    suffered: Suffered,
}

enum Fate {
    Pass,
    Lost,
    Twice,
    Late(u64),
}

impl Way {
    fn new(random: u64) -> Way {
        Way { random, held: VecDeque::new(), suffered: Suffered::default() }
    }

    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn fate(&mut self, faults: &Faults, cut_off: bool) -> Fate {
        let [loss, twice, late, span] = std::array::from_fn(|_| self.draw());
        let hit = |draw: u64, rate: f64| (draw as f64) < rate * u64::MAX as f64;
        self.suffered.frames += 1;
        if cut_off {
            self.suffered.cut_off += 1;
            Fate::Lost
        } else if hit(loss, faults.loss) {
            self.suffered.lost += 1;
            Fate::Lost
        } else if hit(twice, faults.duplicate) {
            self.suffered.duplicated += 1;
            Fate::Twice
        } else if hit(late, faults.late) {
            self.suffered.late += 1;
            Fate::Late(span % LATE_MAX)
        } else {
            Fate::Pass
        }
    }

    /// A frame whose time has come.
    fn due(&mut self, now: Nanos) -> Option<Vec<u8>> {
        let at = self.held.iter().position(|(due, _)| *due <= now)?;
        self.held.remove(at).map(|(_, frame)| frame)
    }
}

/// A port over a bad wire.
pub struct BadWire<P> {
    port: P,
    clock: HostClock,
    faults: Faults,
    /// Nothing gets through between these times.
    outage: (Nanos, Nanos),
    inward: Way,
    outward: Way,
    space: Vec<u8>,
    reserved: usize,
}

impl<P: FrameSource + FrameSink> BadWire<P> {
    fn new(port: P, clock: HostClock, faults: Faults) -> BadWire<P> {
        BadWire {
            port,
            clock,
            faults,
            outage: (Nanos(0), Nanos(0)),
            inward: Way::new(faults.seed),
            outward: Way::new(!faults.seed),
            space: vec![0; 2_048],
            reserved: 0,
        }
    }

    /// Nothing gets through from now on, for this long.
    pub fn cut_off(&mut self, span: Nanos) {
        let now = self.clock.now();
        self.outage = (now, now + span);
    }

    /// What frames have suffered: inward, outward.
    pub fn suffered(&self) -> [Suffered; 2] {
        [self.inward.suffered, self.outward.suffered]
    }

    fn send(&mut self, frame: &[u8]) {
        if let Some(space) = self.port.reserve(frame.len()) {
            space.copy_from_slice(frame);
            self.port.commit().expect("the port sends");
        }
    }
}

impl<P: FrameSource + FrameSink> FrameSource for BadWire<P> {
    fn poll(&mut self, max: usize, mut each: impl FnMut(Frame<'_>)) -> Result<usize, PortError> {
        let now = self.clock.now();
        while let Some(frame) = self.outward.due(now) {
            self.send(&frame);
        }
        let mut given = 0;
        while let Some(frame) = self.inward.due(now) {
            each(Frame { bytes: &frame, received: now });
            given += 1;
        }
        let (inward, faults) = (&mut self.inward, self.faults);
        let cut_off = (self.outage.0..self.outage.1).contains(&now);
        self.port.poll(max, |frame| match inward.fate(&faults, cut_off) {
            Fate::Lost => {}
            Fate::Late(span) => inward.held.push_back((now + Nanos(span), frame.bytes.to_vec())),
            Fate::Pass => {
                each(frame);
                given += 1;
            }
            Fate::Twice => {
                each(frame);
                each(frame);
                given += 2;
            }
        })?;
        Ok(given)
    }
}

impl<P: FrameSource + FrameSink> FrameSink for BadWire<P> {
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        self.reserved = len;
        self.space.get_mut(..len)
    }

    fn commit(&mut self) -> Result<(), PortError> {
        let now = self.clock.now();
        let frame = self.space[..self.reserved].to_vec();
        let cut_off = (self.outage.0..self.outage.1).contains(&now);
        match self.outward.fate(&self.faults, cut_off) {
            Fate::Lost => {}
            Fate::Late(span) => self.outward.held.push_back((now + Nanos(span), frame)),
            Fate::Pass => self.send(&frame),
            Fate::Twice => {
                self.send(&frame);
                self.send(&frame);
            }
        }
        Ok(())
    }
}

pub type Stack = TcpStack<BadWire<PacketPort>, HostClock>;

/// Our host and the venue's.
pub struct Network {
    pub ours: Namespace,
    pub venue: Namespace,
    pub clock: HostClock,
}

impl Network {
    /// `None`, with a line that says why, where namespaces cannot be made.
    pub fn lay() -> Option<Network> {
        if let Err(reason) = available() {
            println!("skipped: {reason}");
            return None;
        }
        let (ours, venue) = (Namespace::new().unwrap(), Namespace::new().unwrap());
        let here = End { namespace: &ours, interface: "orders", address: KERNEL };
        let there = End { namespace: &venue, interface: "venue", address: VENUE };
        join(here, there).unwrap();
        Some(Network { ours, venue, clock: HostClock::new() })
    }

    /// A listener of the venue's kernel.
    pub fn listen(&self) -> TcpListener {
        self.venue.run(|| TcpListener::bind((VENUE, 0))).unwrap().unwrap()
    }

    /// A stack on our end that talks to this port of the venue's.
    pub fn stack(&self, port: u16, faults: Faults) -> Stack {
        self.stack_with(port, faults, |config| config)
    }

    pub fn stack_with(
        &self,
        port: u16,
        faults: Faults,
        change: impl Fn(TcpConfig) -> TcpConfig,
    ) -> Stack {
        let peer = SocketAddrV4::new(VENUE, port);
        let flows = Flows { session: Some(SessionFlow { local: STACK, peer }), ..Flows::default() };
        let config = PacketConfig { interface: "orders".into(), flows, slots: 512 };
        let raw = self.ours.run(|| PacketPort::open(&config)).unwrap().unwrap();
        let config = change(TcpConfig {
            mac: raw.mac(),
            address: STACK,
            prefix: 24,
            gateway: None,
            peer,
            mtu: 1_500,
            connect_timeout: Nanos::from_secs(20),
            keep_alive: None,
            seed: faults.seed,
        });
        let wire = BadWire::new(raw, self.clock.clone(), faults);
        TcpStack::new(wire, config, self.clock.clone()).unwrap()
    }
}

/// Steps the stack until it stands so.
pub fn until(stack: &mut Stack, state: State) {
    let start = Instant::now();
    while stack.step() != state {
        assert!(start.elapsed() < PATIENCE, "{:?}, not {state:?}", stack.state());
        std::thread::yield_now();
    }
}
