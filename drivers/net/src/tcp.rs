//! An order session's byte stream over kernel TCP.
//!
//! Small segments leave at once (`TCP_NODELAY`). What the kernel does not take now stays in the
//! send buffer and goes out with the next commit or poll, in order. Both buffers are allocated when
//! the port is made; received bytes that the reader left are moved to the front only when the space
//! behind them runs short.

use crate::NetError;
use std::io::{self, Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;
use tercel_types::{PortError, StreamPort};

/// Bytes received and not consumed that a port keeps: no message of a session may be longer.
pub const RECEIVE_MAX: usize = 256 * 1024;

/// Bytes committed and not yet taken by the kernel that a port keeps.
pub const SEND_MAX: usize = 64 * 1024;

/// A connected, non-blocking TCP stream.
#[derive(Debug)]
pub struct TcpPort {
    stream: TcpStream,
    receive: Box<[u8]>,
    /// `receive[unread..filled]` is received and not consumed.
    unread: usize,
    filled: usize,
    send: Box<[u8]>,
    /// `send[unsent..committed]` is committed and not yet taken by the kernel.
    unsent: usize,
    committed: usize,
    reserved: usize,
    /// The peer will send nothing more.
    ended: bool,
    /// The stream is broken in both directions.
    broken: bool,
}

impl TcpPort {
    /// Connects, waiting at most `timeout`.
    pub fn connect(address: SocketAddrV4, timeout: Duration) -> Result<TcpPort, NetError> {
        let timed_out = || NetError::TimedOut { address, ms: timeout.as_millis() };
        if timeout.is_zero() {
            return Err(timed_out());
        }
        let stream =
            TcpStream::connect_timeout(&address.into(), timeout).map_err(|source| match source
                .kind()
            {
                io::ErrorKind::TimedOut => timed_out(),
                _ => NetError::of_address("connect a TCP socket", address, source),
            })?;
        TcpPort::from_stream(stream)
    }

    /// A port over a stream that is connected already, such as one a listener accepted.
    pub fn from_stream(stream: TcpStream) -> Result<TcpPort, NetError> {
        stream
            .set_nodelay(true)
            .and_then(|()| stream.set_nonblocking(true))
            .map_err(NetError::system("set up a TCP socket"))?;
        Ok(TcpPort {
            stream,
            receive: vec![0; RECEIVE_MAX].into_boxed_slice(),
            unread: 0,
            filled: 0,
            send: vec![0; SEND_MAX].into_boxed_slice(),
            unsent: 0,
            committed: 0,
            reserved: 0,
            ended: false,
            broken: false,
        })
    }

    /// Bytes committed that the kernel has not taken yet.
    pub fn pending(&self) -> usize {
        self.committed - self.unsent
    }

    /// Gives the kernel what it takes now of the committed bytes.
    fn flush(&mut self) {
        while self.unsent < self.committed && !self.broken {
            match self.stream.write(&self.send[self.unsent..self.committed]) {
                Ok(0) => self.broken = true,
                Ok(taken) => self.unsent += taken,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.broken = true,
            }
        }
        if self.unsent == self.committed {
            (self.unsent, self.committed) = (0, 0);
        }
    }

    /// Reads once what has arrived, as far as there is room.
    fn fill(&mut self) {
        if self.unread == self.filled {
            (self.unread, self.filled) = (0, 0);
        } else if self.filled > RECEIVE_MAX / 2 && self.unread > 0 {
            self.receive.copy_within(self.unread..self.filled, 0);
            (self.unread, self.filled) = (0, self.filled - self.unread);
        }
        let room = &mut self.receive[self.filled..];
        if room.is_empty() || self.ended {
            return;
        }
        match self.stream.read(room) {
            Ok(0) => self.ended = true,
            Ok(got) => self.filled += got,
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => {}
                _ => (self.ended, self.broken) = (true, true),
            },
        }
    }
}

impl StreamPort for TcpPort {
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        if len > SEND_MAX - self.committed && self.unsent > 0 {
            self.send.copy_within(self.unsent..self.committed, 0);
            (self.unsent, self.committed) = (0, self.committed - self.unsent);
        }
        self.reserved = 0;
        let end = self.committed.checked_add(len)?;
        let space = self.send.get_mut(self.committed..end)?;
        self.reserved = len;
        Some(space)
    }

    /// `TooLong` when `len` is more than was reserved.
    fn commit(&mut self, len: usize) -> Result<(), PortError> {
        let reserved = std::mem::take(&mut self.reserved);
        if len > reserved {
            return Err(PortError::TooLong);
        }
        if self.broken {
            return Err(PortError::Closed);
        }
        let before = self.committed;
        self.committed += len;
        self.flush();
        // Broken by this very write: nothing of it was taken, unless older bytes went with it.
        if self.broken && self.unsent <= before { Err(PortError::Closed) } else { Ok(()) }
    }

    /// `Closed` once the peer has closed and `each` consumes nothing of what is left; `TooLong`
    /// when the buffer is full and `each` consumes nothing, so that nothing can follow.
    fn poll(&mut self, mut each: impl FnMut(&[u8]) -> usize) -> Result<usize, PortError> {
        self.flush();
        self.fill();
        let waiting = self.filled - self.unread;
        let consumed = match waiting {
            0 => 0,
            _ => each(&self.receive[self.unread..self.filled]).min(waiting),
        };
        self.unread += consumed;
        if consumed > 0 {
            Ok(consumed)
        } else if self.ended {
            Err(PortError::Closed)
        } else if waiting == RECEIVE_MAX {
            Err(PortError::TooLong)
        } else {
            Ok(0)
        }
    }
}

/// A connection being made on a thread of its own, so that a loop that reconnects need not wait.
#[derive(Debug)]
pub struct Connecting {
    answer: Receiver<Result<TcpPort, NetError>>,
}

impl Connecting {
    /// Starts to connect, for `timeout` at most.
    pub fn start(address: SocketAddrV4, timeout: Duration) -> Result<Connecting, NetError> {
        let (sender, answer) = sync_channel(1);
        std::thread::Builder::new()
            .name("connect".into())
            // The answer is not waited for any more when sending it fails.
            .spawn(move || drop(sender.send(TcpPort::connect(address, timeout))))
            .map_err(NetError::system("start a thread"))?;
        Ok(Connecting { answer })
    }

    /// The port or why there is none, once; `None` while it is not known, and after it was told.
    pub fn poll(&self) -> Option<Result<TcpPort, NetError>> {
        self.answer.try_recv().ok()
    }
}
