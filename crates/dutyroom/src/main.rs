//! The Dutyroom program: one site, campus or hub.
//!
//! This crate knows the command line, configuration files, logging and signals, and nothing
//! about duty. Each command is a file under `commands/`. Exit codes: 0 done, 1 a said error,
//! 2 wrong usage.

mod cli;
mod commands;
mod config;
mod copy;
mod logging;
mod meter;
mod site;

use clap::Parser as _;
use cli::{Cli, Command};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let done = runtime.block_on(run(cli.command));
    match done {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("dutyroom: {error:#}");
    ExitCode::FAILURE
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Init(args) => commands::init::run(args).await,
        Command::Invite(args) => commands::invite::run(args).await,
        Command::ActivateRules(args) => commands::activate_rules::run(args).await,
        Command::Join(args) => commands::join::run(args).await,
        Command::User(cli::User::Add(args)) => commands::user_add::run(args).await,
        Command::Serve(args) => commands::serve::run(args).await,
        Command::Export(args) => commands::export::run(args).await,
        Command::Import(args) => commands::import::run(args).await,
        Command::Doctor(args) => commands::doctor::run(args).await,
        Command::Verify(args) => commands::verify::run(args).await,
        Command::Journal(args) => commands::journal::run(args).await,
        Command::Erase(args) => commands::erase::run(args).await,
        Command::Record(args) => commands::record::run(args).await,
        Command::Backup(args) => commands::backup::run(args).await,
        Command::Close(args) => commands::close::run(args).await,
        Command::Revoke(args) => commands::revoke::run(args).await,
        Command::Restore(args) => commands::restore::run(args).await,
        Command::CheckConfig(args) => commands::check_config::run(&args),
        Command::Openapi => commands::openapi::run(),
    }
}
