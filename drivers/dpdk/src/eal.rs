//! DPDK's start and end.

use crate::sys::{self, Cores};
use crate::{DpdkError, arguments, diagnosis};
use std::collections::BTreeSet;
use std::ffi::CString;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// DPDK, started. It ends with the last copy of this; ports have one each.
#[derive(Clone, Debug)]
pub struct Eal(Arc<Running>);

#[derive(Debug)]
struct Running {
    arguments: Vec<String>,
}

/// What has become of DPDK in this process.
enum State {
    Fresh,
    Started(Weak<Running>),
    Failed,
}

static STATE: Mutex<State> = Mutex::new(State::Fresh);

/// Names of the devices that ports have. Held while devices come and go: DPDK's own lists of them
/// are for one thread.
static DEVICES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Kind of pool that buffers come from, and the plugin that has it.
const POOL: (&std::ffi::CStr, &str) = (c"ring_mp_mc", "rte_mempool_ring");

impl Eal {
    /// Starts DPDK with `arguments`, without the program's name; [`crate::arguments`] makes some.
    ///
    /// DPDK can be started once a process: with equal arguments a second call gives the same one,
    /// with others, or after it has ended, an error. It belongs to the beginning of a program: DPDK
    /// sets a variable of the environment, which C code of other threads must not read meanwhile.
    /// Unless the arguments name cores, DPDK's own
    /// threads run on those that the caller may run on. The caller's cores stay as they are.
    pub fn init(arguments: &[String]) -> Result<Eal, DpdkError> {
        let mut state = lock(&STATE);
        match &*state {
            State::Fresh => {}
            State::Started(running) => {
                let running = running.upgrade().ok_or(DpdkError::Over)?;
                if running.arguments == arguments {
                    return Ok(Eal(running));
                }
                return Err(DpdkError::Running(running.arguments.join(" ")));
            }
            State::Failed => return Err(DpdkError::Over),
        }
        arguments::check(arguments)?;
        if sys::is_realtime() {
            return Err(DpdkError::RealTime);
        }
        let huge = !arguments::has(arguments, "--no-huge");
        if huge && diagnosis::huge_pages_free(&diagnosis::huge_pages()) == 0 {
            return Err(DpdkError::NoHugePages);
        }
        *state = State::Failed;
        start(arguments)?;
        // Ends DPDK again if a plugin is missing.
        let running = Arc::new(Running { arguments: arguments.to_vec() });
        if !sys::has_pool(POOL.0) {
            return Err(diagnosis::plugin(POOL.1));
        }
        *state = State::Started(Arc::downgrade(&running));
        Ok(Eal(running))
    }

    /// Name and version of DPDK.
    pub fn version(&self) -> String {
        sys::version()
    }

    /// The arguments that it was started with.
    pub fn arguments(&self) -> &[String] {
        &self.0.arguments
    }

    /// The devices that ports have. Keeps other threads from bringing in or taking away any.
    pub(crate) fn devices() -> MutexGuard<'static, BTreeSet<String>> {
        lock(&DEVICES)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        sys::end();
    }
}

fn start(arguments: &[String]) -> Result<(), DpdkError> {
    let cores = Cores::get().ok();
    let mut all = vec!["tercel".to_string()];
    all.extend_from_slice(arguments);
    if let Some(cores) = cores.as_ref().filter(|_| !arguments::names_cores(arguments)) {
        // One thread of DPDK's, which may float over all of them; by default there is one for
        // each core of the machine.
        let numbers: Vec<String> = cores.numbers().map(|core| core.to_string()).collect();
        all.push(format!("--lcores=0@({})", numbers.join(",")));
    }
    let all: Result<Vec<CString>, DpdkError> = all
        .into_iter()
        .map(|text| CString::new(text.as_str()).map_err(|_| DpdkError::Argument(text)))
        .collect();
    let started = sys::start(all?);
    if let Some(cores) = cores {
        // DPDK moves the caller to the first of its cores. Cores that were taken away meanwhile
        // are no reason to fail.
        let _ = cores.set();
    }
    started.map_err(|errno| DpdkError::Start { errno, hint: hint(errno) })
}

fn hint(errno: i32) -> &'static str {
    match errno {
        libc::EACCES | libc::EPERM => {
            "Most likely this user may not use huge pages or write DPDK's folder: see the memlock \
             limit (ulimit -l), /dev/hugepages and /run/dpdk, or run as root"
        }
        libc::ENOMEM => "Most likely too few huge pages are free: see /proc/meminfo",
        libc::EINVAL => "Most likely an argument is wrong",
        _ => "",
    }
}

/// The lock, also after a panic of another thread: nothing is done under it by halves that a later
/// call does not see.
fn lock<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
