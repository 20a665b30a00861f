//! `cargo xtask`: what a developer and CI call. It sets up what is missing, then drives the real
//! programs; nothing of the product lives here.
//!
//! To add a command, add a variant to [`Command`] and a module with a `run` function.

mod api;
mod bench;
mod cargo;
mod demo;
mod hold;
mod node;
mod repo;
mod step;
mod suite;
mod web;

use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::process::ExitCode;

/// Drives set-up, demo and tests of Dutyroom.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start hub, two campuses and four simulated cameras on this machine; Ctrl-C ends them.
    Demo(demo::Arguments),
    /// Set up and run every test; what CI calls.
    Test(suite::Arguments),
    /// Measure the demo in real browsers, or `sync` alone, each figure beside an anchor of the same
    /// run.
    Bench(bench::Arguments),
    /// Write web/src/api/generated from the API of the program.
    GenApi,
    /// Live through simulated worlds: --seeds N [--seed S] [--sites N] [--steps N] [--json], or
    /// --replay FILE.
    #[command(disable_help_flag = true)]
    Sim {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Run a program that ends when this one does.
    #[command(hide = true)]
    Hold {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Test(arguments) => suite::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::GenApi => api::generate(),
        Command::Sim { arguments } => suite::sim(&arguments),
        Command::Hold { command } => hold::run(&command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
