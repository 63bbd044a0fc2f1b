//! In the machine: network cards that QEMU emulates, bound to vfio-pci behind an emulated IOMMU,
//! and a day of a venue over each.

use crate::day::{self, GUEST, INSTRUMENTS, SERVER, SESSION, VENUE};
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tercel_book::{Books, Limits};
use tercel_dpdk::{DpdkError, DpdkPort, Eal, Memory, PortConfig, arguments};
use tercel_proto::feed::{Feed, FeedConfig};
use tercel_proto::mold::Request;
use tercel_types::{FrameSink, FrameSource, Nanos, PortError, SeqNo, VenueId};

/// What a test found, or why it failed.
type Found = Result<String, Box<dyn Error>>;

/// Vendor and device number of QEMU's `e1000`, `virtio-net-pci` (modern) and `vmxnet3`.
const CARDS: [(u16, u16); 3] = [(0x8086, 0x100e), (0x1af4, 0x1041), (0x15ad, 0x07b0)];

const DEVICES: &str = "/sys/bus/pci/devices";

/// Longest time without progress.
const PATIENCE: Duration = Duration::from_secs(30);
/// Until the venue is asked again to begin.
const AGAIN: Duration = Duration::from_millis(500);

/// Books for the day.
pub(crate) fn limits() -> Limits {
    Limits {
        instruments_max: usize::from(INSTRUMENTS) + 1,
        orders_max: 1 << 16,
        levels_max: 1 << 15,
        ..Limits::default()
    }
}

/// Runs every test. Whoever started the machine counts the lines.
pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    let cards = CARDS.iter().map(|card| find(*card)).collect::<Result<Vec<String>, _>>()?;
    cards.iter().try_for_each(|address| bind(address))?;
    // A process that has a card and all its memory, and does not get to give anything back.
    let killed = kill(&cards[0]);
    let names: Vec<&str> = cards.iter().map(String::as_str).collect();
    let eal = Eal::init(&arguments(Memory::Huge, &names))?;
    println!("note: {}, {}", eal.version(), eal.arguments().join(" "));
    for (number, address) in names.iter().enumerate() {
        let begin = Instant::now();
        let found = match (&killed, number) {
            (Err(error), 0) => Err(format!("before, in a process to kill: {error}").into()),
            _ => over(&eal, address),
        };
        let millis = begin.elapsed().as_millis();
        match found {
            Ok(found) => println!("test dpdk: a day over {found}; {millis} ms)"),
            Err(error) => println!("test dpdk: a day over {address} ... FAILED: {error}"),
        }
    }
    Ok(())
}

fn kill(address: &str) -> Result<(), Box<dyn Error>> {
    let mut command = Command::new("/proc/self/exe");
    command.args(["hold", address]).env("TERCEL_HUGE", "1");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    child.kill()?;
    child.wait()?;
    if line.trim() == "ready" { Ok(()) } else { Err("it did not start".into()) }
}

/// A whole day over one card. What it found begins with the driver's name.
fn over(eal: &Eal, address: &str) -> Found {
    let lines = [day::line(0), day::line(1)];
    let config = PortConfig { groups: lines.to_vec(), ..PortConfig::new(address) };
    let mut port = match DpdkPort::open(eal, &config) {
        Err(error @ DpdkError::NotBound { .. }) => return Err(error.into()),
        opened => opened?,
    };
    let begin = Instant::now();
    while !port.link().is_some_and(|link| link.up) {
        if begin.elapsed() > PATIENCE {
            return Err("no link".into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut feed = Feed::new(FeedConfig {
        recovery: Some(SERVER),
        request_wait: Nanos::from_millis(2),
        // Emulated, so slow, and beside other work.
        heartbeat_timeout: Nanos::from_secs(60),
        requests_max: 1_000,
        ..FeedConfig::new(VenueId(VENUE), lines)
    });
    let mut books = Books::new(&limits()).map_err(|error| format!("{error:?}"))?;
    let (mut asked, mut heard) = (None::<Instant>, Instant::now());
    while !feed.is_ended() {
        let got = port.poll(64, |frame| {
            feed.on_frame(frame, frame.received, &mut |record| {
                books.apply(record);
            });
        })?;
        if got > 0 {
            heard = Instant::now();
        } else if heard.elapsed() > PATIENCE {
            return Err(
                format!("silence at message {}: {:?}", feed.next_seq().0, port.report()).into()
            );
        } else {
            feed.on_timer(now(), &mut |record| {
                books.apply(record);
            });
        }
        if let Some(request) = feed.take_request(now()) {
            ask(&mut port, request)?;
        }
        if feed.session().is_none() && asked.is_none_or(|at| at.elapsed() > AGAIN) {
            asked = Some(Instant::now());
            ask(&mut port, Request { session: SESSION, seq: SeqNo(1), count: 1 })?;
        }
    }
    let (counters, report) = (feed.counters(), port.report());
    if feed.next_seq().0 != day::MESSAGES as u64 + 1 || counters.requests == 0 {
        return Err(format!("ended at message {}: {counters:?}", feed.next_seq().0).into());
    }
    let refused = port.flows().iter().filter(|rule| rule.refused.is_some()).count();
    Ok(format!(
        "{} ... ok (book {:016x}, {} frames, {} missed, {} requests, {refused} rules refused",
        port.driver(),
        books.digest(),
        report.frames,
        report.missed + report.no_buffer,
        counters.requests,
    ))
}

fn ask(port: &mut DpdkPort, request: Request) -> Result<(), Box<dyn Error>> {
    let mut bytes = day::framed(GUEST, SERVER, |payload| {
        let request = request.emit();
        payload[..request.len()].copy_from_slice(&request);
        request.len()
    });
    bytes[6..12].copy_from_slice(&port.mac());
    let space = port.reserve(bytes.len()).ok_or("no buffer to ask with")?;
    space.copy_from_slice(&bytes);
    match port.commit() {
        // Asked again later.
        Ok(()) | Err(PortError::System(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn now() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Nanos(since.map_or(0, |since| since.as_nanos() as u64))
}

/// The address of the first device with these numbers.
fn find((vendor, device): (u16, u16)) -> Result<String, Box<dyn Error>> {
    for entry in fs::read_dir(DEVICES)? {
        let path = entry?.path();
        let number = |name: &str| -> Result<u16, Box<dyn Error>> {
            let text = fs::read_to_string(path.join(name))?;
            Ok(u16::from_str_radix(text.trim().trim_start_matches("0x"), 16)?)
        };
        if (number("vendor")?, number("device")?) == (vendor, device) {
            return Ok(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    Err(format!("no device {vendor:04x}:{device:04x} on this bus").into())
}

/// Does what the driver tells its user to do.
fn bind(address: &str) -> Result<(), Box<dyn Error>> {
    fs::write(format!("{DEVICES}/{address}/driver_override"), "vfio-pci")?;
    fs::write("/sys/bus/pci/drivers_probe", address)?;
    Ok(())
}
