//! One device as a source and a sink of frames.

use crate::config::{FRAME_MIN, Name, PortConfig};
use crate::flow::{self, FlowRule};
use crate::report::{Link, PortReport};
use crate::stamp::{Arrival, Unit};
use crate::sys::{self, Device, Inbox, Outgoing, Pool, StampField};
use crate::{DpdkError, Eal, below, diagnosis, orphan};
use core::ffi::CStr;
use std::ffi::CString;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tercel_dpdk_sys::raw;
use tercel_types::{Frame, FrameSink, FrameSource, PortError};

/// Bytes of an Ethernet header; an MTU is counted without them.
const HEADER: usize = 14;
/// The MTU of an ordinary network.
const MTU: usize = 1_500;
/// What failed when a queue is taken.
const SET_UP: &str = "set up";
/// How long a queue may be taken by a process that is gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// A device of DPDK with one queue each way.
///
/// A virtual device over an interface of the kernel (`net_af_xdp`, `net_af_packet`, `net_tap`)
/// looks for it in the network namespace of the calling thread, when it is opened and when it is
/// dropped.
///
/// Known of DPDK 22.11: `net_af_packet` puts every tag of a provider bridge (802.1ad) back as an
/// ordinary one (802.1Q); `net_af_xdp` has one queue of the interface, and its buffers have to
/// fit a page; two `net_memif` ports of one process must not be dropped at the same time.
pub struct DpdkPort {
    // Dropped in this order: nothing holds the device's socket any more, buffers go back to the
    // pool, the device is closed, the pool is freed, and DPDK ends behind the last port.
    below: Option<below::Socket>,
    inbox: Inbox,
    outgoing: Option<Outgoing>,
    device: Open,
    pool: Pool,
    _eal: Eal,
    scratch: Box<[u8]>,
    stamps: Option<StampField>,
    arrival: Arrival,
    reserved: Reserved,
    send_max: usize,
    mac: [u8; 6],
    driver: String,
    flows: Vec<FlowRule>,
    report: PortReport,
}

/// A device whose end keeps other threads away from DPDK's lists.
struct Open {
    device: Option<Device>,
    name: String,
}

/// What the next commit has to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reserved {
    Nothing,
    Frame(usize),
    /// It was refused for its length.
    TooLong,
}

impl DpdkPort {
    /// Brings the device in and starts it.
    pub fn open(eal: &Eal, config: &PortConfig) -> Result<DpdkPort, DpdkError> {
        config.check()?;
        let name = Name::parse(&config.device)?;
        let mut devices = Eal::devices();
        if devices.contains(name.name()) {
            return Err(DpdkError::InUse(name.name().to_string()));
        }
        let begin = Instant::now();
        loop {
            match open(eal, config, &name) {
                // The kernel gives the queue of a process that was killed free a little later.
                Err(DpdkError::Device { what: SET_UP, .. })
                    if name.driver() == Some("net_af_xdp") && begin.elapsed() < PATIENCE =>
                {
                    std::thread::sleep(PATIENCE / 20);
                }
                Ok(port) => {
                    devices.insert(name.name().to_string());
                    return Ok(port);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The device's hardware address.
    pub fn mac(&self) -> [u8; 6] {
        self.mac
    }

    /// The name of its driver.
    pub fn driver(&self) -> &str {
        &self.driver
    }

    /// The rules that were asked for, and what came of them.
    pub fn flows(&self) -> &[FlowRule] {
        &self.flows
    }

    /// What was counted. Asks the device, which may take a system call.
    pub fn report(&self) -> PortReport {
        let counted = self.device.get().statistics().unwrap_or_default();
        let dropped = self.below.as_ref().map(below::Socket::dropped).unwrap_or_default();
        PortReport {
            stamped: self.arrival.stamped,
            stamps_refused: self.arrival.refused,
            received: counted.received,
            sent: counted.sent,
            missed: counted.missed + dropped.missed,
            no_buffer: counted.no_buffer + dropped.no_buffer,
            receive_errors: counted.receive_errors,
            transmit_errors: counted.transmit_errors,
            buffers_free: self.pool.available(),
            ..self.report.clone()
        }
    }

    /// State of the link, as far as the device tells.
    pub fn link(&self) -> Option<Link> {
        self.device.get().link().ok().map(|link| Link::of(&link))
    }
}

/// What setting up found out.
struct Set {
    stamps: Option<StampField>,
    unit: Unit,
    mac: [u8; 6],
    driver: String,
    flows: Vec<FlowRule>,
    report: PortReport,
}

fn open(eal: &Eal, config: &PortConfig, name: &Name) -> Result<DpdkPort, DpdkError> {
    let before = below::Sockets::of_driver(name.driver());
    let mut device = bring_in(name, &config.device)?;
    match set_up(config, name, &mut device) {
        Ok((pool, set)) => Ok(DpdkPort {
            below: before.and_then(|before| before.new_one()),
            inbox: Inbox::new(),
            outgoing: None,
            device: Open { device: Some(device), name: name.name().to_string() },
            pool,
            _eal: eal.clone(),
            scratch: vec![0; config.frame_max].into_boxed_slice(),
            stamps: set.stamps,
            arrival: Arrival::new(set.unit),
            reserved: Reserved::Nothing,
            send_max: config.frame_max.min(usize::from(config.buffer_bytes)),
            mac: set.mac,
            driver: set.driver,
            flows: set.flows,
            report: set.report,
        }),
        Err((error, pool)) => {
            // The device has buffers of the pool.
            drop(device);
            drop(pool);
            Err(error)
        }
    }
}

fn bring_in(name: &Name, arguments: &str) -> Result<Device, DpdkError> {
    let c = |text: &str| CString::new(text).map_err(|_| DpdkError::Name(text.to_string()));
    let own = c(name.name())?;
    match name {
        Name::Pci(address) => {
            if let Some(error) = diagnosis::pci(&diagnosis::pci_devices(), address) {
                return Err(error);
            }
            if !sys::has_bus(c"pci") {
                return Err(diagnosis::plugin("rte_bus_pci"));
            }
        }
        Name::Virtual { .. } => {
            if !sys::has_bus(c"vdev") {
                return Err(diagnosis::plugin("rte_bus_vdev"));
            }
        }
    }
    // One that was named to EAL is there already.
    if let Ok(device) = Device::named(&own) {
        return Ok(device);
    }
    if let Name::Virtual { interface: Some(interface), .. } = name
        && name.driver() == Some("net_af_xdp")
        && let Some(index) = sys::interface(&c(interface)?)
    {
        // What cannot be looked at, for want of permission, is left to the driver's own error.
        if let Ok(orphan::Found::InUse(program)) = orphan::remove(index, below::own_xdp_sockets()) {
            let (device, interface) = (name.name().to_string(), interface.clone());
            return Err(DpdkError::ForeignProgram { device, interface, program });
        }
    }
    sys::probe(&c(arguments)?).map_err(|errno| diagnosis::probe(name, errno))?;
    Device::named(&own).map_err(|errno| diagnosis::probe(name, errno))
}

type Failure = (DpdkError, Option<Pool>);

fn set_up(config: &PortConfig, name: &Name, device: &mut Device) -> Result<(Pool, Set), Failure> {
    let failed = |what: &'static str| {
        let device = name.name().to_string();
        move |errno: i32| DpdkError::Device { what, device, errno }
    };
    let info = device.info().map_err(|errno| (failed("ask")(errno), None))?;
    let driver = text(&info.driver);
    // Taken before the pool: every buffer's description has the field.
    let recorded = driver == "net_pcap";
    let stamps = if info.stamps != 0 || recorded { StampField::new().ok() } else { None };
    let buffers = config.buffers;
    let bytes = config.buffer_bytes;
    let node = Some(info.numa_node).filter(|&node| node != u32::MAX);
    let pool = Pool::new(&pool_name(), buffers, bytes, node, driver == "net_af_xdp")
        .map_err(|_| (DpdkError::Memory { buffers, bytes }, None))?;
    // The kernel is told where such a pool begins and how long it is.
    if driver == "net_af_xdp" && pool.chunks() != 1 {
        return Err((DpdkError::Memory { buffers, bytes }, Some(pool)));
    }
    match start(config, device, &info, &pool, failed) {
        Ok((flows, report)) => {
            let unit = if recorded { Unit::RecordedMicros } else { Unit::Nanos };
            Ok((pool, Set { stamps, unit, mac: info.mac, driver, flows, report }))
        }
        Err(error) => Err((error, Some(pool))),
    }
}

fn start<F: FnOnce(i32) -> DpdkError>(
    config: &PortConfig,
    device: &mut Device,
    info: &raw::Info,
    pool: &Pool,
    failed: impl Fn(&'static str) -> F,
) -> Result<(Vec<FlowRule>, PortReport), DpdkError> {
    if config.isolate && device.isolate().is_err() {
        let what = "it cannot leave frames to the kernel: set isolate to false".to_string();
        return Err(DpdkError::Config { device: config.device.clone(), what });
    }
    let mtu = config.frame_max - HEADER;
    let max = if info.max_mtu == 0 { u16::MAX } else { info.max_mtu };
    // An ordinary MTU is what devices begin with; drivers differ in how tags count.
    let mtu = if mtu <= MTU + 8 { 0 } else { mtu.min(usize::from(max)) as u16 };
    let wanted = config.frame_max > usize::from(config.buffer_bytes);
    let mut setup = raw::Setup {
        pool: std::ptr::null_mut(),
        mtu,
        receive_slots: config.receive_slots,
        transmit_slots: config.transmit_slots,
        scatter: u8::from(wanted && info.scatter != 0),
        stamps: info.stamps,
    };
    device.configure(pool, &mut setup).map_err(failed(SET_UP))?;
    device.start().map_err(failed("start"))?;
    let promiscuous = config.promiscuous && device.promiscuous();
    let macs = flow::hardware_groups(&config.groups);
    // Not every device has a list of groups; then it is asked for all of them.
    let listed = macs.is_empty() || device.groups(&macs).is_ok();
    let all_multicast = (config.all_multicast || !listed) && device.all_multicast();
    let flows = flow::rules(device, &config.groups);
    let report = PortReport {
        receive_slots: setup.receive_slots,
        transmit_slots: setup.transmit_slots,
        promiscuous,
        all_multicast,
        ..PortReport::default()
    };
    Ok((flows, report))
}

/// A name that no other pool of the process has; DPDK has space for 25 bytes.
fn pool_name() -> CString {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    CString::new(format!("tercel_{number}")).unwrap_or_default()
}

fn text(name: &[core::ffi::c_char]) -> String {
    let bytes: Vec<u8> = name.iter().map(|&c| c as u8).collect();
    let text = CStr::from_bytes_until_nul(&bytes).unwrap_or_default();
    text.to_string_lossy().into_owned()
}

/// Nanoseconds since the Unix epoch, by the system's clock: 29 ns, once for each burst.
fn realtime() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

impl FrameSource for DpdkPort {
    /// A device whose interface is gone gives no frames any more; [`DpdkPort::link`] tells.
    #[inline]
    fn poll(&mut self, max: usize, mut each: impl FnMut(Frame<'_>)) -> Result<usize, PortError> {
        let mut given = 0;
        while given < max {
            let all = self.inbox.fill(self.device.get_mut(), self.stamps);
            if self.inbox.len() == 0 {
                break;
            }
            let now = realtime();
            let (arrival, report) = (&mut self.arrival, &mut self.report);
            self.inbox.hand_out(max - given, &mut self.scratch, |arrived| {
                report.gathered += u64::from(arrived.gathered);
                let received = arrival.time(arrived.stamp, now);
                let Some(bytes) = arrived.bytes else {
                    report.oversized += 1;
                    return;
                };
                report.frames += 1;
                given += 1;
                each(Frame { bytes, received });
            });
            if all {
                break;
            }
        }
        Ok(given)
    }
}

impl FrameSink for DpdkPort {
    #[inline]
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        if len > self.send_max {
            self.reserved = Reserved::TooLong;
            return None;
        }
        if self.outgoing.is_none() {
            self.reserved = Reserved::Nothing;
            self.outgoing = Outgoing::new(self.device.get_mut(), &self.pool);
        }
        let space = self.outgoing.as_mut()?.space(len)?;
        self.reserved = Reserved::Frame(len);
        Some(space)
    }

    /// `System(EAGAIN)` when the transmit ring is full, and then the frame stays for another
    /// commit. `TooLong` when the space that was asked for last was refused for its length.
    /// `System(EINVAL)` when nothing was reserved or the frame is shorter than [`FRAME_MIN`].
    #[inline]
    fn commit(&mut self) -> Result<(), PortError> {
        let len = match self.reserved {
            Reserved::Frame(len) if len >= FRAME_MIN => len,
            Reserved::TooLong => {
                self.reserved = Reserved::Nothing;
                return Err(PortError::TooLong);
            }
            _ => return Err(PortError::System(libc::EINVAL)),
        };
        let Some(frame) = self.outgoing.take() else {
            return Err(PortError::System(libc::EINVAL));
        };
        match frame.send(self.device.get_mut(), len) {
            Ok(()) => {
                self.reserved = Reserved::Nothing;
                Ok(())
            }
            Err(frame) => {
                self.outgoing = Some(frame);
                self.report.transmit_full += 1;
                Err(PortError::System(libc::EAGAIN))
            }
        }
    }
}

impl Open {
    fn get(&self) -> &Device {
        self.device.as_ref().expect("a device until it is dropped")
    }

    #[inline]
    fn get_mut(&mut self) -> &mut Device {
        self.device.as_mut().expect("a device until it is dropped")
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut devices = Eal::devices();
        drop(self.device.take());
        devices.remove(&self.name);
    }
}
