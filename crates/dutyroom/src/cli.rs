//! The command line.

mod values;

use clap::{Args, Parser, Subcommand, ValueEnum};
use records::id::InstitutionId;
use std::path::{Path, PathBuf};
use values::{code, login, name, reason};

/// Dutyroom 值班通: the duty room of a campus, and the hub of all of them.
#[derive(Debug, Parser)]
#[command(name = "dutyroom", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an institution and its hub in an empty directory
    Init(Init),
    /// Make a one-time code that lets a campus join (at the hub, while it is stopped)
    Invite(Invite),
    /// Make this machine a campus, with a code from the hub
    Join(Join),
    /// Let all sites use what a newer version of the program added (at the hub, while it is stopped)
    ActivateRules(ActivateRules),
    /// People who may sign in
    #[command(subcommand)]
    User(User),
    /// Run the site
    Serve(Serve),
    /// Look over a stopped site's directory and say what is wrong and what to do about it
    Doctor(Doctor),
    /// Prove every bundle of a data directory (also of a running site), a backup or a file
    Verify(Verify),
    /// Write all journals to standard output, as a file that anyone can verify offline
    Journal(Journal),
    /// Erase a record at every site, in the institution's name (at the hub, while it is stopped)
    Erase(Erase),
    /// Write one record as an Automerge document, for other programs to read
    Record(Record),
    /// Copy one consistent state of a site, running or not, with its keys into a new folder
    Backup(Backup),
    /// Make a data directory out of a backup; the site writes on in a new incarnation
    Restore(Restore),
    /// End a journal and adopt both sides of a fork (at the hub, while it is stopped)
    Close(Close),
    /// End the validity of a site's key (at the hub, while it is stopped)
    Revoke(Revoke),
    /// Write what another site lacks into a file for a USB stick, sealed to it (also of a running site)
    Export(Export),
    /// Take a file from another site's export in (while the site is stopped; else use its page)
    Import(Import),
    /// Read and check a configuration file
    CheckConfig(CheckConfig),
    /// Print the OpenAPI document of the HTTP interface
    Openapi,
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Add a person with an account (while the site is stopped)
    Add(UserAdd),
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Directory to make
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Name of the institution
    #[arg(long, value_parser = name)]
    pub(crate) institution: String,
    /// Name of the hub's duty room
    #[arg(long, value_parser = name)]
    pub(crate) site: String,
    /// 1 to 4 letters for the hub's record numbers
    #[arg(long, value_parser = code)]
    pub(crate) code: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Invite {
    /// The hub's data directory
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Name of the campus' duty room
    #[arg(long, value_parser = name)]
    pub(crate) site: String,
    /// 1 to 4 letters for the campus' record numbers
    #[arg(long, value_parser = code)]
    pub(crate) code: String,
    /// How long the code holds
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8760))]
    pub(crate) valid_hours: u32,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ActivateRules {
    /// The hub's data directory
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// The rule set; the newest this program knows unless given
    #[arg(long, default_value_t = records::gate::RULES)]
    pub(crate) rules: u32,
    /// Also while some site runs an older program, which holds back what the rule set adds
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Join {
    /// The hub's link address: quic://host:port
    pub(crate) url: String,
    /// The code from `dutyroom invite`
    pub(crate) code: String,
    /// Directory to make
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UserAdd {
    /// The site's data directory
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// What the person types to sign in
    #[arg(long, value_parser = login)]
    pub(crate) login: String,
    /// The person's name
    #[arg(long, value_parser = name)]
    pub(crate) name: String,
    /// What the person is at this site
    #[arg(long)]
    pub(crate) role: Role,
    /// Read the password from standard input instead of making one
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Role {
    Officer,
    Leader,
    Headquarters,
    Administrator,
    Staff,
}

impl From<Role> for rules::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Officer => Self::Officer,
            Role::Leader => Self::Leader,
            Role::Headquarters => Self::Headquarters,
            Role::Administrator => Self::Administrator,
            Role::Staff => Self::Staff,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Configuration file
    #[arg(long)]
    pub(crate) config: PathBuf,
    /// Print one line of JSON when the site is ready
    #[arg(long)]
    pub(crate) ready_json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The site's data directory
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Then drop everything that is derived from the journals, and derive it again
    #[arg(long)]
    pub(crate) rebuild: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A data directory, its database or a copy of it, a file from `dutyroom journal`, or one from
    /// `dutyroom export`
    #[arg(required_unless_present = "data")]
    path: Option<PathBuf>,
    /// The data directory; beside a file from `dutyroom export`, that of a site it is sealed for
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// What another site holds, to compare with: a directory, database or file as well
    #[arg(long)]
    pub(crate) against: Option<PathBuf>,
    /// The institution everything must belong to, in hexadecimal
    #[arg(long)]
    pub(crate) institution: Option<InstitutionId>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Verify {
    /// What to verify.
    pub(crate) fn path(&self) -> &Path {
        let path = self.path.as_ref().or(self.data.as_ref());
        path.expect("the command line asks for one of them")
    }

    /// Whether a data directory is given beside what to verify.
    pub(crate) fn keys_given(&self) -> bool {
        self.path.is_some() && self.data.is_some()
    }
}

#[derive(Debug, Args)]
pub(crate) struct Journal {
    /// The data directory, also of a running site
    #[arg(long)]
    pub(crate) data: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Erase {
    /// The hub's data directory
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// The record's number, or its id in hexadecimal
    #[arg(long)]
    pub(crate) record: String,
    /// Why, in at most 200 characters: it is signed and kept for ever at every site, so it must
    /// name no person and say nothing of what is erased
    #[arg(long, value_parser = reason)]
    pub(crate) reason: String,
    /// Really erase; without it, only what would go is printed
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Record {
    /// The number on its form, or its id
    pub(crate) number: String,
    /// The site's data directory; it may be running
    #[arg(long)]
    pub(crate) data: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The data directory
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Folder to make
    pub(crate) folder: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Close {
    /// The hub's data directory
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Letters of the site's record numbers
    #[arg(long)]
    pub(crate) site: String,
    /// Which of the site's journals; the forked one if not given
    #[arg(long)]
    pub(crate) incarnation: Option<u32>,
    /// Do it, after what it would do was shown
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The hub's data directory
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Letters of the site's record numbers
    #[arg(long)]
    pub(crate) site: String,
    /// Last bundle of the site's newest journal that counts; all that the hub holds if not given
    #[arg(long)]
    pub(crate) cut: Option<u64>,
    /// Do it, after what it would do was shown
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// Folder that `dutyroom backup` made
    pub(crate) folder: PathBuf,
    /// Directory to make
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The site's data directory
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Code or id of a site the file is for: what it is known to hold is left out; `all` for all
    #[arg(long, required = true)]
    pub(crate) since: Vec<String>,
    /// Further sites that can read the file; what they lack is in it too
    #[arg(long)]
    pub(crate) to: Vec<String>,
    /// Put everything in, also what the sites once said they hold: for one that lost it
    #[arg(long)]
    pub(crate) whole: bool,
    /// File to make; standard output without it
    #[arg(long)]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The site's data directory
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// The file
    pub(crate) file: PathBuf,
    /// The site's configuration file, for its limits on attachments; the usual ones without it
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckConfig {
    /// Configuration file
    pub(crate) file: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn wrong_usage_is_exit_code_two() {
        let error = Cli::try_parse_from(["dutyroom", "serve"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
    }
}
