//! Environments and their exams by name.

use crate::ex1::{Ex1, Ex1Exam};
use crate::mm1::Mm1;
use crate::mm1::exam::Mm1Exam;
use crate::mm2::Mm2;
use crate::mm2::exam::Mm2Exam;
use crate::sa1::{Sa1, Sa1Exam};
use crate::tabular::{self, CHAIN, GRID, Places, Tabular, TabularExam};
use crate::threads::{Part, Threads};
use crate::{EnvError, Exam, Setting, Settings};
use crate::{ex1, mm1, mm2, sa1};

/// Every environment of this crate by its name.
pub const NAMES: &[&str] = &[mm1::NAME, mm2::NAME, ex1::NAME, sa1::NAME, CHAIN, GRID];

/// Most lanes of a batch, and most threads.
const LANES_MAX: usize = 1 << 22;
const THREADS_MAX: usize = 1_024;

/// Makes `lanes` copies of an environment that step together.
pub fn make(name: &str, settings: &Settings, lanes: usize) -> Result<Part, EnvError> {
    make_part(name, settings, 0, lanes)
}

/// As [`make`], with the lanes cut over threads. The numbers are the same.
pub fn make_threads(
    name: &str,
    settings: &Settings,
    lanes: usize,
    threads: usize,
) -> Result<Part, EnvError> {
    count("threads", threads, THREADS_MAX)?;
    if threads == 1 {
        return make(name, settings, lanes);
    }
    count("lanes", lanes, LANES_MAX)?;
    let part = |first, lanes| make_part(name, settings, first, lanes);
    Ok(Box::new(Threads::new(part, lanes, threads)?))
}

/// As [`make`], for the lanes from `first` on of a larger batch.
pub fn make_part(
    name: &str,
    settings: &Settings,
    first: usize,
    lanes: usize,
) -> Result<Part, EnvError> {
    count("lanes", lanes, LANES_MAX)?;
    count("first lane plus one", first + 1, LANES_MAX)?;
    let first = first as u32;
    Ok(match name {
        mm1::NAME => Box::new(Mm1::new(mm1::Model::new(settings)?, first, lanes)),
        mm2::NAME => Box::new(Mm2::new(mm2::Model::new(settings)?, first, lanes)),
        ex1::NAME => Box::new(Ex1::new(ex1::Model::new(settings)?, first, lanes)),
        sa1::NAME => Box::new(Sa1::new(sa1::Model::new(settings)?, first, lanes)),
        CHAIN | GRID => Box::new(Places::new(tabular(name, settings)?, first, lanes)),
        _ => return Err(unknown(name, NAMES)),
    })
}

/// The exam of an environment.
pub fn exam(name: &str, settings: &Settings) -> Result<Box<dyn Exam>, EnvError> {
    Ok(match name {
        mm1::NAME => Box::new(Mm1Exam::new(settings)?),
        mm2::NAME => Box::new(Mm2Exam::new(settings)?),
        ex1::NAME => Box::new(Ex1Exam::new(settings)?),
        sa1::NAME => Box::new(Sa1Exam::new(settings)?),
        CHAIN | GRID => Box::new(TabularExam::new(tabular(name, settings)?)),
        _ => return Err(unknown(name, NAMES)),
    })
}

/// A tabular problem in full, with its exact values.
pub fn tabular(name: &str, settings: &Settings) -> Result<Tabular, EnvError> {
    match name {
        CHAIN => Tabular::chain(settings),
        GRID => Tabular::grid(settings),
        _ => Err(unknown(name, &[CHAIN, GRID])),
    }
}

/// What can be set of an environment.
pub fn settings_of(name: &str) -> Result<&'static [Setting], EnvError> {
    Ok(match name {
        mm1::NAME => mm1::SETTINGS,
        mm2::NAME => mm2::SETTINGS,
        ex1::NAME => ex1::SETTINGS,
        sa1::NAME => sa1::SETTINGS,
        CHAIN => tabular::CHAIN_SETTINGS,
        GRID => tabular::GRID_SETTINGS,
        _ => return Err(unknown(name, NAMES)),
    })
}

fn count(what: &'static str, value: usize, most: usize) -> Result<(), EnvError> {
    let allowed = (1..=most).contains(&value);
    if allowed { Ok(()) } else { Err(EnvError::Count { what, value, most }) }
}

fn unknown(name: &str, known: &[&'static str]) -> EnvError {
    EnvError::Unknown { name: name.to_owned(), known: known.to_vec() }
}
