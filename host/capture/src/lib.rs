//! Recording a feed as it arrives, and what is made of recordings.
//!
//! [`record`] writes every frame of both lines to rotating capture files, from a thread beside the
//! one that receives. [`files`] and [`decode`] read such files, in order and across rotations, and
//! hand out the feed's records with their sequence numbers; [`convert`] writes them as Parquet, a
//! folder a day and instrument; [`check`] says what is odd in them.
//!
//! Nothing here opens a port: the caller brings the frames. Nothing here runs in the process that
//! trades.
#![forbid(unsafe_code)]

pub mod check;
pub mod convert;
pub mod decode;
pub mod files;
pub mod record;
pub mod schema;
