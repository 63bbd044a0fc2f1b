//! `tercel control`: tokens, and the API's document.

use crate::cli::{ControlArgs, ControlCommand, RoleName};
use anyhow::Result;
use tercel_control::access::{Role, issue};
use tercel_control::api;

/// Runs it.
pub(crate) fn run(args: &ControlArgs) -> Result<()> {
    match &args.command {
        ControlCommand::Token(token) => {
            let role = match token.role {
                RoleName::Viewer => Role::Viewer,
                RoleName::Operator => Role::Operator,
                RoleName::Risk => Role::Risk,
            };
            println!("{}", issue(&token.tokens, &token.name, role)?);
            eprintln!(
                "this is the only time that it is shown; {} has its hash, which a host reads when \
                 it starts",
                token.tokens.display()
            );
        }
        ControlCommand::Openapi => println!("{}", api::document()),
    }
    Ok(())
}
