//! The venue, on this side of the machine's network cards: QEMU connects each card to a socket and
//! writes frames with their length in front (net/socket.c of QEMU).

use crate::day::{self, SERVER, SESSION, VENUE};
use crate::guest::limits;
use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tercel_book::Books;
use tercel_proto::{frame, itch, itch_record, mold};
use tercel_types::{Nanos, SeqNo, VenueId};

/// Packets that are sent without a pause. An emulated card drops what finds no slot.
const TOGETHER: usize = 4;
const PAUSE: Duration = Duration::from_millis(1);
/// Between two announcements that the session has ended.
const AGAIN: Duration = Duration::from_millis(100);

/// Serves `cards` sockets until standard input ends. Says where they are, and what the books of the
/// day look like when no wire is in between.
pub(crate) fn run(cards: usize) -> Result<(), Box<dyn Error>> {
    let messages = Arc::new(day::messages());
    let mut line = format!("ready {:016x}", digest(&messages)?);
    for _ in 0..cards {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        line.push_str(&format!(" {}", listener.local_addr()?.port()));
        let messages = messages.clone();
        thread::spawn(move || {
            // A machine that is gone has been served.
            if let Ok((stream, _)) = listener.accept() {
                let _ = serve(stream, &messages);
            }
        });
    }
    println!("{line}");
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// The digest of books that are made of the messages themselves.
fn digest(messages: &[Vec<u8>]) -> Result<u64, Box<dyn Error>> {
    let mut books = Books::new(&limits()).map_err(|error| format!("{error:?}"))?;
    for (number, message) in messages.iter().enumerate() {
        let message = itch::parse(message).map_err(|error| format!("{number}: {error:?}"))?;
        books.apply(&itch_record::to_record(&message, VenueId(VENUE), Nanos(1)));
    }
    Ok(books.digest())
}

/// Answers one card: the first request begins the day, any other one is answered with what it asks
/// for.
fn serve(mut stream: TcpStream, messages: &Arc<Vec<Vec<u8>>>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let out = Arc::new(Mutex::new(stream.try_clone()?));
    let mut begun = false;
    loop {
        let mut len = [0; 4];
        stream.read_exact(&mut len)?;
        let mut bytes = vec![0; u32::from_be_bytes(len) as usize];
        stream.read_exact(&mut bytes)?;
        let Ok(udp) = frame::parse_udp(&bytes) else { continue };
        let Ok(request) = mold::Request::parse(udp.payload) else { continue };
        if udp.dst != SERVER || request.session != SESSION {
            continue;
        }
        if !begun {
            begun = true;
            let (out, messages) = (out.clone(), messages.clone());
            thread::spawn(move || send(&out, &messages));
        }
        let wanted = request.seq.0.saturating_sub(1) as usize;
        if let Some(some) = messages.get(wanted..).filter(|some| !some.is_empty()) {
            let count = some.len().min(usize::from(request.count));
            let mut answer = day::packet(udp.src, request.seq.0, &some[..count]);
            // Back to the card that asked.
            answer[..6].copy_from_slice(&bytes[6..12]);
            write(&out, &answer)?;
        }
    }
}

/// The day over both lines, then that it has ended, until the machine is gone.
fn send(out: &Mutex<TcpStream>, messages: &[Vec<u8>]) -> std::io::Result<()> {
    for (number, first, some) in day::packets(messages) {
        for line in (0..2).filter(|line| day::is_on(number, *line)) {
            write(out, &day::packet(day::line(line), first, some))?;
        }
        if number % TOGETHER == 0 {
            thread::sleep(PAUSE);
        }
    }
    loop {
        for line in 0..2 {
            let next = SeqNo(messages.len() as u64 + 1);
            let end = |payload: &mut [u8]| mold::end_of_session(payload, SESSION, next);
            write(out, &day::framed(SERVER, day::line(line), end))?;
        }
        thread::sleep(AGAIN);
    }
}

fn write(out: &Mutex<TcpStream>, frame: &[u8]) -> std::io::Result<()> {
    let mut bytes = (frame.len() as u32).to_be_bytes().to_vec();
    bytes.extend_from_slice(frame);
    out.lock().unwrap_or_else(PoisonError::into_inner).write_all(&bytes)
}
