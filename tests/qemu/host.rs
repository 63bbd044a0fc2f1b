//! The other side of the card: an emulator whose memory the guest sees behind a BAR, and the frames
//! that arrive at it.

use crate::feed::{self, Packets};
use std::error::Error;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};
use tercel_abi::FeedDevice;
use tercel_abi::device::{self, register};
use tercel_emulator::SharedCard;

/// Bytes of registers and ring memory together: a BAR's size is a power of two.
const BAR: usize = 1 << 20;

/// Serves the card in `path` until standard input ends. Each start of the card begins the day anew.
pub(crate) fn run(path: &Path) -> Result<(), Box<dyn Error>> {
    // What an earlier run has left may have another size.
    if path.exists() {
        std::fs::remove_file(path)?;
    }
    let mut card = SharedCard::create(path, BAR - device::SIZE, feed::TIME_BASE)?;
    let registers = File::open(path)?;
    std::thread::spawn(|| {
        // Whether it ends or fails: whoever has started this program is gone.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    println!("ready");
    std::io::stdout().flush()?;
    let word = |offset: u32| -> std::io::Result<u32> {
        let mut bytes = [0; 4];
        registers.read_exact_at(&mut bytes, u64::from(offset))?;
        Ok(u32::from_le_bytes(bytes))
    };
    let begin = Instant::now();
    // The generation that the card runs.
    let serve = |card: &mut SharedCard| {
        card.run_once(begin.elapsed().as_nanos() as u64);
        card.device_mut().csr_read(register::STATUS)
    };
    let mut done = 0;
    loop {
        let generation = serve(&mut card);
        if generation == done {
            std::thread::sleep(Duration::from_micros(200));
            continue;
        }
        done = generation;
        if generation == 0 {
            continue;
        }
        let is_filtered = |locate: u16| -> std::io::Result<bool> {
            let at = device::FILTER_OFFSET + u32::from(locate) / 32 * 4;
            Ok(word(at)? >> (locate % 32) & 1 == u32::from(feed::is_wanted(locate)))
        };
        // The driver writes the filter when the card has started; before that all would pass.
        for locate in 1..=feed::INSTRUMENTS {
            while !(word(register::PASS_ALL)? == 0 && is_filtered(locate)?)
                && serve(&mut card) == generation
            {
                std::thread::yield_now();
            }
        }
        // Takes up what has been seen just now.
        serve(&mut card);
        for packet in Packets::new() {
            for line in (0..device::LINES).filter(|line| packet.is_on(*line)) {
                card.rx_frame(line, &packet.frame(line), true, packet.ticks(line));
            }
            // The card drops what finds no room, and the guest is slower than this side.
            while serve(&mut card) == generation && card.room() == 0 {
                std::thread::yield_now();
            }
            if serve(&mut card) != generation {
                break;
            }
        }
        // What arrives but is none of the feed's business, so that those counters have moved.
        for number in 0..feed::BAD_FRAMES {
            card.rx_frame(0, &[0; 64], number % 2 == 0, feed::TICKS_EACH);
        }
    }
}
