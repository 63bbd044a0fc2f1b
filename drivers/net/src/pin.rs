//! A core of one's own, memory that stays, and a priority: each may be refused, with the reason.
//!
//! Order matters: lock memory before the hot threads start, pin a thread, and raise its priority
//! last; a thread that spins at real-time priority on a core that others need starves them.

use crate::sys;
use std::io;

/// The system refused.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// The core does not exist or is not given to this process.
    #[error("core {core} is not among those this process may use ({available})")]
    NoSuchCore {
        /// The core that was asked for.
        core: usize,
        /// Those there are, as text.
        available: String,
    },
    /// A capability is missing.
    #[error("no permission to {what}: run as root or grant the process {capability}")]
    Permission {
        /// What was tried.
        what: &'static str,
        /// The capability that allows it.
        capability: &'static str,
    },
    /// The limit on locked memory is too low.
    #[error(
        "the limit on locked memory is too low: raise it (`ulimit -l unlimited`, or LimitMEMLOCK \
         in the service) or grant the process CAP_IPC_LOCK"
    )]
    MemoryLimit,
    /// Anything else, as the system says it.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// The system's answer.
        source: io::Error,
    },
}

/// The cores that the calling thread may run on, ascending.
pub fn cores() -> Result<Vec<usize>, PinError> {
    sys::cores().map_err(|source| PinError::System { what: "list the cores", source })
}

/// Lets the calling thread run on `core` only.
pub fn pin_thread(core: usize) -> Result<(), PinError> {
    sys::pin(&[core]).map_err(|source| match source.raw_os_error() {
        Some(libc::EINVAL) => PinError::NoSuchCore { core, available: available() },
        _ => of("pin a thread", "CAP_SYS_NICE", source),
    })
}

/// Keeps the calling thread, and those that it starts from now on, off `core`, which is another's.
/// On a machine without any other core nothing changes.
pub fn keep_off(core: usize) -> Result<(), PinError> {
    let mut others = cores()?;
    others.retain(|one| *one != core);
    if others.is_empty() {
        return Ok(());
    }
    sys::pin(&others).map_err(|source| of("keep a thread off a core", "CAP_SYS_NICE", source))
}

/// Keeps every page of the process in memory once it has been touched, those mapped later too. The
/// first touch still waits for the system: prefault what must not.
pub fn lock_memory() -> Result<(), PinError> {
    sys::lock_memory().map_err(|source| match source.raw_os_error() {
        Some(libc::ENOMEM | libc::EAGAIN) => PinError::MemoryLimit,
        _ => of("lock memory", "CAP_IPC_LOCK", source),
    })
}

/// Undoes [`lock_memory`].
pub fn unlock_memory() -> Result<(), PinError> {
    sys::unlock_memory().map_err(|source| of("unlock memory", "CAP_IPC_LOCK", source))
}

/// Schedules the calling thread first-in first-out (SCHED_FIFO) at a priority of 1 to 99.
pub fn raise_priority(priority: u8) -> Result<(), PinError> {
    sys::schedule_fifo(libc::c_int::from(priority))
        .map_err(|source| of("raise the priority of a thread", "CAP_SYS_NICE", source))
}

fn of(what: &'static str, capability: &'static str, source: io::Error) -> PinError {
    match source.kind() {
        io::ErrorKind::PermissionDenied => PinError::Permission { what, capability },
        _ => PinError::System { what, source },
    }
}

fn available() -> String {
    match sys::cores() {
        Ok(cores) => cores.iter().map(usize::to_string).collect::<Vec<_>>().join(" "),
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_pinned_to_a_core_there_is() {
        let core = cores().unwrap()[0];
        let after = std::thread::spawn(move || {
            pin_thread(core).unwrap();
            cores().unwrap()
        });
        assert_eq!(after.join().unwrap(), [core]);
    }

    #[test]
    fn a_thread_keeps_off_a_core_if_there_is_another() {
        let all = cores().unwrap();
        let after = std::thread::spawn(|| {
            keep_off(cores().unwrap()[0]).unwrap();
            std::thread::spawn(|| cores().unwrap()).join().unwrap()
        });
        let expected = if all.len() > 1 { &all[1..] } else { &all[..] };
        assert_eq!(after.join().unwrap(), expected);
    }

    #[test]
    fn a_core_that_is_not_there_is_named() {
        for core in [1_000, usize::MAX] {
            let error = pin_thread(core).unwrap_err();
            assert!(matches!(error, PinError::NoSuchCore { .. }));
            assert!(error.to_string().starts_with(&format!("core {core} is not among")));
        }
    }

    #[test]
    fn a_priority_out_of_range_is_refused() {
        assert!(raise_priority(200).is_err());
    }
}
