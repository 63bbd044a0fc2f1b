//! Handing things over between the thread that trades and others, without waiting for anyone.
//!
//! A ring of places, each behind a lock that both sides only ever try: nobody sleeps on it, so to
//! let it go never wakes anybody, which would be a system call. What is sent is moved; neither end
//! allocates or frees after [`mailbox`]. One sender, one receiver, first in first out. To look into
//! an empty box costs one compare-and-swap.

use std::sync::{Arc, Mutex};

/// The sending end.
#[derive(Debug)]
pub struct Sender<T> {
    places: Arc<[Mutex<Option<T>>]>,
    next: usize,
}

/// The receiving end.
#[derive(Debug)]
pub struct Receiver<T> {
    places: Arc<[Mutex<Option<T>>]>,
    next: usize,
}

/// A box with room for `places` things, at least one.
pub fn mailbox<T>(places: usize) -> (Sender<T>, Receiver<T>) {
    let places: Arc<[Mutex<Option<T>>]> = (0..places.max(1)).map(|_| Mutex::new(None)).collect();
    (Sender { places: Arc::clone(&places), next: 0 }, Receiver { places, next: 0 })
}

impl<T> Sender<T> {
    /// Sends it, or gives it back when there is no room at this moment.
    pub fn send(&mut self, thing: T) -> Result<(), T> {
        let Ok(mut place) = self.places[self.next].try_lock() else { return Err(thing) };
        if place.is_some() {
            return Err(thing);
        }
        *place = Some(thing);
        self.next = (self.next + 1) % self.places.len();
        Ok(())
    }
}

impl<T> Receiver<T> {
    /// The oldest that was sent, if it can be had at this moment.
    pub fn receive(&mut self) -> Option<T> {
        let thing = self.places[self.next].try_lock().ok()?.take()?;
        self.next = (self.next + 1) % self.places.len();
        Some(thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_order_and_no_more_than_fit() {
        let (mut sender, mut receiver) = mailbox(3);
        for round in 0..5 {
            assert_eq!(receiver.receive(), None);
            for at in 0..3 {
                assert_eq!(sender.send(round * 3 + at), Ok(()));
            }
            assert_eq!(sender.send(99), Err(99));
            for at in 0..3 {
                assert_eq!(receiver.receive(), Some(round * 3 + at));
            }
        }
    }

    #[test]
    fn between_threads_everything_arrives_once() {
        let (mut sender, mut receiver) = mailbox(4);
        let sending = std::thread::spawn(move || {
            for number in 0..10_000u32 {
                let mut held = number;
                while let Err(back) = sender.send(held) {
                    held = back;
                    std::thread::yield_now();
                }
            }
        });
        for number in 0..10_000 {
            let received = loop {
                match receiver.receive() {
                    Some(received) => break received,
                    None => std::thread::yield_now(),
                }
            };
            assert_eq!(received, number);
        }
        sending.join().unwrap();
    }
}
