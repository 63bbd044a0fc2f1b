//! Arguments of `tercel control`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Args)]
pub(crate) struct ControlArgs {
    #[command(subcommand)]
    pub(crate) command: ControlCommand,
}

#[derive(Subcommand)]
pub(crate) enum ControlCommand {
    /// Make a token, print it once, and add its hash to a file.
    ///
    /// The host reads the file that `control.tokens` names when it starts. Who brings the token
    /// (`Authorization: Bearer TOKEN`) has the role. Take a line out of the file to withdraw it.
    Token(TokenArgs),
    /// Print the OpenAPI document of the API.
    Openapi,
}

#[derive(Args)]
pub(crate) struct TokenArgs {
    /// Whose it is: the name in the journal beside everything done with it.
    pub(crate) name: String,
    /// What it allows.
    #[arg(long, value_enum)]
    pub(crate) role: RoleName,
    /// File of hashed tokens; made if it is not there.
    #[arg(long, value_name = "FILE", default_value = "tokens.toml")]
    pub(crate) tokens: PathBuf,
}

/// Each may do what the one before it may.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum RoleName {
    /// Look.
    Viewer,
    /// Kill, cancel, pause, resume; load and promote policies.
    Operator,
    /// Change limits, and reset after the kill switch or the breaker.
    Risk,
}
