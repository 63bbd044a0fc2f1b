//! Arguments of `top`.

use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
#[command(after_long_help = "Examples:
  tercel top http://127.0.0.1:9310
  tercel top https://trader1:9310 --token-file token --ca ca.pem --certificate me.pem --key me.key
  tercel top --counters /dev/shm/tercel              (host.counters of a running host)
  tercel top http://127.0.0.1:9310 --once            one frame as plain text
  tercel top http://127.0.0.1:9310 --once --json | jq .account.pnl_e4

Keys: q ends, tab goes to the next pane, arrows or j and k go up and down, f shows orders and fills
of the selected instrument only, ? explains, K asks for the kill switch. Nothing else changes
anything.

The token comes from --token-file, else from the environment's TERCEL_TOKEN. It is sent in the clear
to this machine only; elsewhere https is wanted. Proxies of the environment are not used.

NO_COLOR, if not empty, takes the colours away; signs and words say the same.")]
pub(crate) struct TopArgs {
    /// Where the host's API is, as http://127.0.0.1:PORT or https://HOST:PORT.
    #[arg(value_name = "ADDRESS", required_unless_present = "counters")]
    pub(crate) address: Option<String>,
    /// Read this counters page instead of asking an API: counters, rates and latencies.
    #[arg(long, value_name = "FILE", conflicts_with = "address")]
    pub(crate) counters: Option<PathBuf>,
    /// The token is in this file.
    #[arg(long, value_name = "FILE", conflicts_with = "counters")]
    pub(crate) token_file: Option<PathBuf>,
    /// Who may have signed the host's certificate, as PEM; without it the public authorities.
    #[arg(long, value_name = "FILE", conflicts_with = "counters")]
    pub(crate) ca: Option<PathBuf>,
    /// Our certificate and what it is signed with, as PEM.
    #[arg(long, value_name = "FILE", conflicts_with = "counters", requires = "key")]
    pub(crate) certificate: Option<PathBuf>,
    /// Its private key, as PEM.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
    /// Print one frame as plain text and end.
    #[arg(long)]
    pub(crate) once: bool,
    /// Print what the frame is made from, as JSON.
    #[arg(long, requires = "once")]
    pub(crate) json: bool,
}
