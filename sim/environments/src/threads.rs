//! Lanes cut over threads.

use crate::{Actions, EnvError, Environment, Outcome, Spec};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// An environment that may go to another thread.
pub type Part = Box<dyn Environment + Send>;

/// A batch whose lanes are cut into as many parts as there are threads, each part stepped by a
/// thread of its own, the first by the caller's. The numbers are those of one batch, whatever the
/// cut.
///
/// A step costs two messages a thread and a copy of actions and outcomes, some 10 to 20 µs: worth
/// it from some thousand lanes on.
pub struct Threads {
    spec: Spec,
    lanes: usize,
    here: Part,
    outcome: Outcome,
    workers: Vec<Worker>,
}

/// A thread with its part.
struct Worker {
    /// Its first lane, and how many.
    first: usize,
    lanes: usize,
    /// Closed when it is to end.
    work: Option<Sender<Work>>,
    done: Receiver<(Buffer, Outcome)>,
    /// Buffers, while no work is under way.
    idle: Option<(Buffer, Outcome)>,
    thread: Option<JoinHandle<()>>,
}

/// Actions of a part.
enum Buffer {
    Discrete(Vec<u32>),
    Continuous(Vec<f32>),
}

enum Work {
    Reset(u64, Buffer, Outcome),
    Step(Buffer, Outcome),
}

impl Threads {
    /// `make` makes the part of the given first lane and number of lanes. Threads beyond one a lane
    /// are not started.
    pub fn new(
        mut make: impl FnMut(usize, usize) -> Result<Part, EnvError>,
        lanes: usize,
        threads: usize,
    ) -> Result<Threads, EnvError> {
        let threads = threads.clamp(1, lanes.max(1));
        let cut = |at: usize| lanes * at / threads;
        let here = make(0, cut(1))?;
        let mut workers = Vec::new();
        for at in 1..threads {
            let (first, lanes) = (cut(at), cut(at + 1) - cut(at));
            workers.push(Worker::new(make(first, lanes)?, first));
        }
        let outcome = Outcome::new(&*here);
        Ok(Threads { spec: here.spec().clone(), lanes, here, outcome, workers })
    }

    fn first(&self) -> usize {
        self.here.lanes()
    }

    /// Takes what the parts came to.
    fn gather(&mut self, outcome: &mut Outcome) {
        let width = self.spec.observation;
        copy(&self.outcome, outcome, 0, width);
        for worker in &mut self.workers {
            let (buffer, part) = worker.done.recv().expect("a thread that panics has said why");
            copy(&part, outcome, worker.first, width);
            worker.idle = Some((buffer, part));
        }
    }
}

impl Environment for Threads {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn lanes(&self) -> usize {
        self.lanes
    }

    fn reset(&mut self, seed: u64, outcome: &mut Outcome) {
        crate::lanes::check(&self.spec, self.lanes, None, outcome);
        for worker in &mut self.workers {
            worker.send(|buffer, outcome| Work::Reset(seed, buffer, outcome));
        }
        self.here.reset(seed, &mut self.outcome);
        self.gather(outcome);
    }

    fn step(&mut self, actions: Actions<'_>, outcome: &mut Outcome) {
        crate::lanes::check(&self.spec, self.lanes, Some(actions), outcome);
        let first = self.first();
        for worker in &mut self.workers {
            let part = part(actions, self.lanes, worker.first, worker.lanes);
            worker.send(|mut buffer, outcome| {
                buffer.fill(part);
                Work::Step(buffer, outcome)
            });
        }
        self.here.step(part(actions, self.lanes, 0, first), &mut self.outcome);
        self.gather(outcome);
    }
}

impl std::fmt::Debug for Threads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let threads = self.workers.len() + 1;
        f.debug_struct("Threads").field("spec", &self.spec).field("threads", &threads).finish()
    }
}

impl Worker {
    fn new(mut part: Part, first: usize) -> Worker {
        let lanes = part.lanes();
        let idle = Some((Buffer::Discrete(Vec::new()), Outcome::new(&*part)));
        let (work, todo) = channel::<Work>();
        let (finished, done) = channel();
        let thread = std::thread::spawn(move || {
            while let Ok(work) = todo.recv() {
                let back = match work {
                    Work::Reset(seed, buffer, mut outcome) => {
                        part.reset(seed, &mut outcome);
                        (buffer, outcome)
                    }
                    Work::Step(buffer, mut outcome) => {
                        part.step(buffer.actions(), &mut outcome);
                        (buffer, outcome)
                    }
                };
                if finished.send(back).is_err() {
                    return;
                }
            }
        });
        Worker { first, lanes, work: Some(work), done, idle, thread: Some(thread) }
    }

    fn send(&mut self, work: impl FnOnce(Buffer, Outcome) -> Work) {
        let (buffer, outcome) = self.idle.take().expect("every step is waited for");
        let sender = self.work.as_ref().expect("open until dropped");
        sender.send(work(buffer, outcome)).expect("a thread that panics has said why");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.work = None;
        if let Some(thread) = self.thread.take() {
            // What it panicked with was printed, and a panic out of a drop would abort.
            drop(thread.join());
        }
    }
}

impl Buffer {
    fn actions(&self) -> Actions<'_> {
        match self {
            Buffer::Discrete(actions) => Actions::Discrete(actions),
            Buffer::Continuous(actions) => Actions::Continuous(actions),
        }
    }

    /// Takes over actions, in the memory it has where that is of the same kind.
    fn fill(&mut self, actions: Actions<'_>) {
        match (&mut *self, actions) {
            (Buffer::Discrete(to), Actions::Discrete(from)) => {
                to.clear();
                to.extend_from_slice(from);
            }
            (Buffer::Continuous(to), Actions::Continuous(from)) => {
                to.clear();
                to.extend_from_slice(from);
            }
            (buffer, Actions::Discrete(from)) => *buffer = Buffer::Discrete(from.to_vec()),
            (buffer, Actions::Continuous(from)) => *buffer = Buffer::Continuous(from.to_vec()),
        }
    }
}

/// The actions of some lanes out of those of `of`.
fn part(actions: Actions<'_>, of: usize, first: usize, lanes: usize) -> Actions<'_> {
    match actions {
        Actions::Discrete(all) => Actions::Discrete(&all[first..first + lanes]),
        Actions::Continuous(all) => {
            let width = all.len() / of;
            Actions::Continuous(&all[first * width..(first + lanes) * width])
        }
    }
}

/// Copies what a part came to into the whole. Of the last observations only those that are new.
fn copy(part: &Outcome, whole: &mut Outcome, first: usize, width: usize) {
    let lanes = part.reward.len();
    whole.reward[first..first + lanes].copy_from_slice(&part.reward);
    whole.terminated[first..first + lanes].copy_from_slice(&part.terminated);
    whole.truncated[first..first + lanes].copy_from_slice(&part.truncated);
    let rows = first * width..(first + lanes) * width;
    whole.observation[rows].copy_from_slice(&part.observation);
    for lane in 0..lanes {
        if part.terminated[lane] || part.truncated[lane] {
            let to = (first + lane) * width;
            whole.last[to..to + width]
                .copy_from_slice(&part.last[lane * width..(lane + 1) * width]);
        }
    }
}
