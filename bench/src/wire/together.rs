//! Both ends of a round at once, each on a thread of its own, in its own namespace, on its core.

use super::cables::Cables;
use anyhow::{Context as _, Result};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tercel_net::pin;

/// What the ends of a round tell each other. Flags are all there is to see: what the ends have
/// found is handed over when their threads are joined, so `Relaxed` is enough.
#[derive(Default, Debug)]
pub(crate) struct Ends {
    ready: AtomicBool,
    met: AtomicBool,
    over: AtomicBool,
    settled: AtomicU64,
}

impl Ends {
    /// The host's port is open.
    pub(crate) fn ready(&self) {
        self.ready.store(true, Relaxed);
    }

    /// Waits for the host's port; false when there will be none.
    pub(crate) fn wait_until_ready(&self) -> bool {
        while !self.ready.load(Relaxed) {
            if self.is_over() {
                return false;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        true
    }

    /// The host has what it needs to begin.
    pub(crate) fn met(&self) {
        self.met.store(true, Relaxed);
    }

    /// Both ends may begin.
    pub(crate) fn have_met(&self) -> bool {
        self.met.load(Relaxed)
    }

    /// The host knows that so many orders rest at the venue, or have.
    #[inline]
    pub(crate) fn settle(&self, orders: u64) {
        // Read first: the line stays with both cores as long as it does not change.
        if self.settled.load(Relaxed) != orders {
            self.settled.store(orders, Relaxed);
        }
    }

    /// So many orders are known to the host to have been taken.
    #[inline]
    pub(crate) fn settled(&self) -> u64 {
        self.settled.load(Relaxed)
    }

    /// The sender has done its part; said before it hangs up.
    pub(crate) fn finish(&self) {
        self.over.store(true, Relaxed);
    }

    /// One end has done its part, or cannot do it.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Relaxed)
    }
}

/// Says that it is over, also when the thread panics.
struct Over<'a>(&'a Ends);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// Runs both ends, the host's on the first core and the sender's on the second, and returns what
/// they found. An error of the host goes before one of the sender, whose cause it mostly is.
///
/// # Errors
/// What either end failed with.
pub(crate) fn together<H: Send, S: Send>(
    cables: &Cables,
    cores: [usize; 2],
    ends: &Ends,
    host: impl FnOnce() -> Result<H> + Send,
    sender: impl FnOnce() -> Result<S> + Send,
) -> Result<(H, S)> {
    let on = |core: usize| pin::pin_thread(core).context("cannot pin a thread");
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            cables.sender.run(|| {
                let _over = Over(ends);
                on(cores[1])?;
                sender()
            })
        });
        let hosted = cables.host.run(|| {
            let _over = Over(ends);
            on(cores[0])?;
            host()
        });
        let sent = match sending.join() {
            Ok(sent) => sent,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        Ok((hosted??, sent??))
    })
}
