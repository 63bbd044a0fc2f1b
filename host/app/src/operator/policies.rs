//! The contest as the control plane sees it: who sits where, and requests with answers.

use super::{LOOK, Operator, Request};
use crate::config::ChallengerSource;
use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use tercel_control::sight::{Policies, PoliciesError, Policy, PolicySource};
use tercel_policy::promotion::{Candidate, Name, Notice};

/// How long the trading thread's word is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long who asked waits: an artifact is read and checked in between.
const ANSWER: Duration = Duration::from_secs(30);
/// Policies remembered that are no longer seated.
const GONE_MAX: usize = 64;

/// A policy that is known to the operator.
#[derive(Clone)]
pub(crate) struct Seat {
    name: Name,
    /// Hash of its parameters and weights.
    identity: u64,
    role: Role,
    standing: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Expected,
    Champion,
    Challenger,
    Former,
    Barred,
}

impl Seat {
    pub(crate) fn of(candidate: &Candidate) -> Seat {
        Seat {
            name: candidate.name(),
            identity: candidate.identity(),
            role: Role::Expected,
            standing: String::new(),
        }
    }
}

/// Who sits where.
pub(crate) struct Seats(Vec<Seat>);

impl Seats {
    pub(crate) fn new(champion: Seat) -> Seats {
        Seats(vec![Seat { role: Role::Champion, ..champion }])
    }

    /// Somebody is on the way to a seat.
    pub(crate) fn expect(&mut self, seat: Seat) {
        self.0.retain(|one| one.name != seat.name || one.role == Role::Champion);
        if self.0.len() > GONE_MAX {
            self.0.retain(|one| matches!(one.role, Role::Champion | Role::Challenger));
        }
        self.0.push(seat);
    }

    /// Keeps track of who is where.
    pub(super) fn note(&mut self, notice: &Notice) {
        let (Notice::Seated { name, .. }
        | Notice::Refused { name, .. }
        | Notice::Dropped { name }
        | Notice::Passed { name, .. }
        | Notice::Promoted { name, .. }
        | Notice::RolledBack { name, .. }) = *notice;
        match *notice {
            Notice::Seated { .. } => self.move_to(name, Role::Challenger),
            Notice::Dropped { .. } => self.0.retain(|one| one.name != name),
            Notice::Promoted { former, .. } => {
                self.move_to(former, Role::Former);
                self.move_to(name, Role::Champion);
            }
            Notice::RolledBack { to, .. } => {
                self.move_to(name, Role::Barred);
                self.move_to(to, Role::Champion);
            }
            Notice::Refused { .. } => {
                self.0.retain(|one| one.name != name || one.role != Role::Expected);
            }
            Notice::Passed { .. } => {}
        }
        if let Some(seat) = self.0.iter_mut().rev().find(|one| one.name == name) {
            seat.standing = notice.to_string();
        }
    }

    fn move_to(&mut self, name: Name, role: Role) {
        if let Some(seat) = self.0.iter_mut().rev().find(|one| one.name == name) {
            seat.role = role;
        }
    }

    fn of(&self, role: Role) -> impl Iterator<Item = &Seat> {
        self.0.iter().filter(move |one| one.role == role)
    }

    fn list(&self) -> Vec<Policy> {
        let seated = self.0.iter().filter(|one| one.role != Role::Expected);
        seated
            .map(|one| Policy {
                name: one.name.to_string(),
                identity: format!("{:016x}", one.identity),
                role: match one.role {
                    Role::Champion => "champion",
                    Role::Former => "former",
                    Role::Barred => "barred",
                    Role::Challenger | Role::Expected => "challenger",
                }
                .into(),
                standing: one.standing.clone(),
            })
            .collect()
    }
}

impl fmt::Display for Seats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let champion = self.of(Role::Champion).next().map(|one| one.name.to_string());
        let shadow: Vec<_> = self.of(Role::Challenger).map(|one| one.name.to_string()).collect();
        let shadow = if shadow.is_empty() { "nobody".into() } else { shadow.join(", ") };
        write!(f, "{} trades; {shadow} in shadow", champion.unwrap_or_default())
    }
}

/// What the control plane wants, and where the answer goes.
pub(super) struct Asked {
    what: What,
    answer: Sender<Result<Told, PoliciesError>>,
}

enum What {
    List,
    Do(Request),
}

enum Told {
    List(Vec<Policy>),
    Done(Notice),
}

impl Operator {
    /// Does what the control plane wants, and says what came of it.
    pub(super) fn answer(&mut self, asked: Asked) {
        let told = match asked.what {
            What::List => Ok(Told::List(self.seats.list())),
            What::Do(request) => self.carry_out(request).map(Told::Done),
        };
        // Who asked may have given up.
        let _ = asked.answer.send(told);
    }

    fn carry_out(&mut self, request: Request) -> Result<Notice, PoliciesError> {
        // What happened before is not the answer.
        self.look();
        let command = self.command(request).map_err(PoliciesError::Refused)?;
        let wanted = Wanted::of(&command);
        self.send(command).map_err(PoliciesError::Busy)?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            for notice in self.look() {
                match notice {
                    Notice::Refused { name, why } if wanted.is_about(name) => {
                        use tercel_policy::promotion::Refusal;
                        return Err(match why {
                            Refusal::Unknown => PoliciesError::Unknown(name.to_string()),
                            _ => PoliciesError::Refused(format!("{name}: {why}")),
                        });
                    }
                    _ if wanted.is(&notice) => return Ok(notice),
                    _ => {}
                }
            }
            std::thread::sleep(LOOK);
        }
        Err(PoliciesError::Busy("the trading thread has not said what came of it".into()))
    }
}

/// The notice that answers a command.
enum Wanted {
    Seated(Name),
    Dropped(Name),
    Promoted(Name),
    RolledBack,
}

impl Wanted {
    fn of(command: &tercel_engine::Command) -> Wanted {
        use tercel_engine::Command;
        match command {
            Command::Load(candidate) => Wanted::Seated(candidate.name()),
            Command::Drop(name) => Wanted::Dropped(*name),
            Command::Promote { name, .. } => Wanted::Promoted(*name),
            Command::RollBack => Wanted::RolledBack,
        }
    }

    fn is(&self, notice: &Notice) -> bool {
        match (self, notice) {
            (Wanted::Seated(wanted), Notice::Seated { name, .. })
            | (Wanted::Dropped(wanted), Notice::Dropped { name })
            | (Wanted::Promoted(wanted), Notice::Promoted { name, .. }) => wanted == name,
            (Wanted::RolledBack, Notice::RolledBack { .. }) => true,
            _ => false,
        }
    }

    fn is_about(&self, refused: Name) -> bool {
        match self {
            Wanted::Seated(name) | Wanted::Dropped(name) | Wanted::Promoted(name) => {
                *name == refused
            }
            // One command at a time is under way from here.
            Wanted::RolledBack => true,
        }
    }
}

/// The contest for the control plane.
pub(crate) struct PolicyDesk {
    asks: Sender<Asked>,
}

impl PolicyDesk {
    pub(super) fn new(asks: Sender<Asked>) -> PolicyDesk {
        PolicyDesk { asks }
    }

    fn ask(&self, what: What) -> Result<Told, PoliciesError> {
        let (answer, told) = channel();
        let gone = || PoliciesError::Busy("the host is stopping".into());
        self.asks.send(Asked { what, answer }).map_err(|_| gone())?;
        told.recv_timeout(ANSWER).unwrap_or_else(|error| match error {
            RecvTimeoutError::Disconnected => Err(gone()),
            RecvTimeoutError::Timeout => Err(PoliciesError::Busy("no answer in time".into())),
        })
    }

    fn carry_out(&self, request: Request) -> Result<Notice, PoliciesError> {
        match self.ask(What::Do(request))? {
            Told::Done(notice) => Ok(notice),
            Told::List(_) => Err(PoliciesError::Busy("another answer came".into())),
        }
    }
}

impl Policies for PolicyDesk {
    fn list(&self) -> Result<Vec<Policy>, PoliciesError> {
        match self.ask(What::List)? {
            Told::List(list) => Ok(list),
            Told::Done(_) => Err(PoliciesError::Busy("another answer came".into())),
        }
    }

    fn load(&self, source: &PolicySource, name: Option<&str>) -> Result<String, PoliciesError> {
        let source = match source {
            PolicySource::Manifest(path) => ChallengerSource::Manifest(path.into()),
            PolicySource::Kind(kind) => ChallengerSource::parse(kind),
        };
        let name = name.map(str::to_owned);
        match self.carry_out(Request::Load { source, name })? {
            Notice::Seated { name, .. } => Ok(name.to_string()),
            other => Err(PoliciesError::Busy(other.to_string())),
        }
    }

    fn remove(&self, name: &str) -> Result<(), PoliciesError> {
        self.carry_out(Request::Drop(name.into())).map(drop)
    }

    fn promote(&self, name: &str, force: bool) -> Result<(), PoliciesError> {
        self.carry_out(Request::Promote { name: name.into(), force }).map(drop)
    }

    fn roll_back(&self) -> Result<String, PoliciesError> {
        match self.carry_out(Request::RollBack)? {
            Notice::RolledBack { to, .. } => Ok(to.to_string()),
            other => Err(PoliciesError::Busy(other.to_string())),
        }
    }
}
