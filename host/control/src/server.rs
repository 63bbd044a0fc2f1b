//! The server: one cold thread named `control` that takes connections and answers them.
//!
//! Nothing that a client does or leaves undone holds more than a place among the connections, a
//! head of 16 KiB, a body of 64 KiB and what the kernel buffers: heads and bodies must come in
//! time, and who reads nothing for 20 s while something waits for it is cut off.

mod connections;
mod settings;
mod tls;

pub use connections::Load;
pub use settings::{ServerError, Settings, Tls};

use crate::access::Tokens;
use crate::api::{self, Admission, Parts, Peer, Unending};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use connections::{Connections, Place};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;

/// Connections beside those of streams.
const CONNECTIONS_MORE: usize = 64;
/// Connections that the kernel holds until they are taken.
const BACKLOG: u32 = 1024;
/// How long a handshake, or a head of a request, may take, or be waited for.
const HEAD_TIME_MAX: Duration = Duration::from_secs(5);
/// Bytes of a head, and its lines.
const HEAD_BYTES_MAX: usize = 16 << 10;
const HEAD_LINES_MAX: usize = 64;
/// How long nothing may be read of what is sent.
const WRITE_TIME_MAX: Duration = Duration::from_secs(20);
/// How long connections may go on after the end.
const ENDING_TIME_MAX: Duration = Duration::from_secs(2);
/// After the system had no descriptor for another connection.
const DESCRIPTOR_PAUSE: Duration = Duration::from_millis(50);
/// Threads for what blocks, and how much less than others they want of the processor (nice(2)).
const BLOCKING_THREADS: usize = 4;
const NICE: i32 = 10;

/// A server that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    connections: Connections,
    ending: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Checks the settings, reads tokens and certificates, and listens.
    pub fn start(settings: Settings, parts: Parts) -> Result<Server, ServerError> {
        settings.validate()?;
        let tokens = settings.tokens.as_deref().map(Tokens::load).transpose()?.unwrap_or_default();
        let tls = settings.tls.as_ref().map(tls::acceptor).transpose()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .thread_name("control")
            .max_blocking_threads(BLOCKING_THREADS)
            .build()
            .map_err(ServerError::Thread)?;
        let refused = |source| ServerError::Listen { address: settings.listen, source };
        let listener = runtime.block_on(async { listen(settings.listen) }).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let (ending, end) = watch::channel(false);
        let admission = Admission {
            tokens,
            without_token: settings.without_token,
            loopback: settings.loopback(),
            streams_max: settings.streams_max,
        };
        let connections = Connections::new(settings.streams_max + CONNECTIONS_MORE);
        let host = Host {
            router: api::router(parts, admission, end.clone()),
            tls,
            connections: connections.clone(),
            end,
        };
        let thread = std::thread::Builder::new()
            .name("control".into())
            .spawn(move || run(runtime, listener, host))
            .map_err(ServerError::Thread)?;
        Ok(Server { address, connections, ending, thread: Some(thread) })
    }

    /// Where it is reached.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Its connections.
    pub fn load(&self) -> Load {
        self.connections.load()
    }

    /// Takes no more, ends the streams, lets answers that are under way be sent for 2 s, and ends.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.ending.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A panic there has been told by the thread itself.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// What every connection is served with.
#[derive(Clone)]
struct Host {
    router: Router,
    tls: Option<TlsAcceptor>,
    connections: Connections,
    end: watch::Receiver<bool>,
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn run(runtime: Runtime, listener: TcpListener, host: Host) {
    // Where the system does not let it be, it runs as any other.
    let _ = rustix::process::nice(NICE);
    runtime.block_on(accept(listener, host));
    runtime.shutdown_timeout(ENDING_TIME_MAX);
}

async fn accept(listener: TcpListener, host: Host) {
    let mut end = host.end.clone();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = end.wait_for(|end| *end) => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                if let Some(place) = host.connections.place(Instant::now()) {
                    let number = place.number();
                    let task = tokio::spawn(connection(stream, peer, place, host.clone()));
                    host.connections.works(number, task.abort_handle());
                }
            }
            Err(_) => sleep(DESCRIPTOR_PAUSE).await,
        }
    }
    drop(listener);
    let deadline = Instant::now() + ENDING_TIME_MAX;
    while host.connections.load().open > 0 && Instant::now() < deadline {
        sleep(Duration::from_millis(5)).await;
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, place: Place, host: Host) {
    // Without it answers may come later, that is all.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIME_MAX));
    let stream = Box::pin(stream);
    match host.tls.clone() {
        None => requests(stream, peer, place, host).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = timeout(HEAD_TIME_MAX, tls.accept(stream)).await {
                requests(stream, peer, place, host).await;
            }
        }
    }
}

/// Answers requests until either end closes. What a connection breaks by concerns nobody else.
async fn requests<S>(stream: S, peer: SocketAddr, place: Place, host: Host)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let router = TowerToHyperService::new(host.router);
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        place.busy();
        let mut request: Request<Body> = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        let answer = router.call(request);
        let place = &place;
        async move {
            let answer = answer.await;
            let goes_on =
                answer.as_ref().is_ok_and(|it| it.extensions().get::<Unending>().is_some());
            if !goes_on {
                place.waits(Instant::now());
            }
            answer
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEAD_LINES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let (mut serving, mut end) = (pin!(serving), host.end);
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = end.wait_for(|end| *end) => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = timeout(ENDING_TIME_MAX, serving).await;
}
