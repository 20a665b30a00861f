//! `dutyroom user add`.

use crate::{cli, site};
use anyhow::{Context as _, bail};
use records::field::Value;
use records::id::{AccountId, ActionId, RecordId, TerminalId};
use records::write::Edit;
use rules::Role;
use serde_json::json;
use server::auth::password;
use server::cameras::register::SITE_ITSELF;
use server::clock::Clock;
use server::random::Random;
use std::convert::Infallible;
use std::process::ExitCode;
use store::{Account, Action, RecordEdit, Store};

pub(crate) async fn run(args: cli::UserAdd) -> anyhow::Result<ExitCode> {
    let (random, clock) = (Random::system(), Clock::system());
    let password = match args.password_stdin {
        true => read_password()?,
        false => make_password(random.bytes()),
    };
    let verifier = password::verifier(&password, random.bytes())?;
    let (identity, store) = site::open(&args.data, &random).await?;
    // Looked up first: a person record, once signed, stays in the journal.
    if store.account_by_login(&args.login).await?.is_some() {
        bail!("the login {:?} is already taken", args.login);
    }
    let role = Role::from(args.role);
    let id = AccountId(RecordId::new(identity.site(), random.bytes()).0);
    add_person(&store, id, &args.name, role, (&clock, &random)).await?;
    store
        .add_account(Account {
            id,
            login: args.login.clone(),
            verifier,
        })
        .await?;
    let shown = (!args.password_stdin).then_some(&password);
    if args.json {
        println!(
            "{}",
            json!({"login": args.login, "password": password, "role": role.as_str(), "id": id.to_string()})
        );
    } else {
        println!("{} may sign in as {}", args.login, role.as_str());
        if let Some(password) = shown {
            println!("password, shown once: {password}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The person record's id is the account's.
async fn add_person(
    store: &Store,
    id: AccountId,
    name: &str,
    role: Role,
    (clock, random): (&Clock, &Random),
) -> anyhow::Result<()> {
    let set = |field: &str, text: &str| Edit::Set(field.to_owned(), Value::Text(text.to_owned()));
    let person = RecordEdit {
        record: RecordId(id.0),
        kind: "person",
        edits: vec![set("name", name), set("role", role.as_str())],
    };
    let action = Action {
        action: ActionId(random.bytes()),
        account: SITE_ITSELF,
        terminal: TerminalId::default(),
        wall_ms: clock.now_ms(),
        uptime_ms: clock.uptime_ms(),
        hub_offset_ms: None,
        reads: Vec::new(),
        seed: random.bytes(),
    };
    store
        .commit(action, move |_| Ok::<_, Infallible>(vec![person]))
        .await
        .context("the person could not be recorded")?;
    Ok(())
}

fn read_password() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.chars().count() < password::MIN_LEN || password.len() > password::MAX_LEN {
        bail!(
            "a password has at least {} characters and at most {} bytes",
            password::MIN_LEN,
            password::MAX_LEN
        );
    }
    Ok(password.to_owned())
}

/// 100 random bits in letters and digits that are not mistaken for each other.
fn make_password(random: [u8; 20]) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut password = String::new();
    for (place, byte) in random.iter().enumerate() {
        if place > 0 && place % 5 == 0 {
            password.push('-');
        }
        password.push(char::from(LETTERS[usize::from(byte % 32)]));
    }
    password
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_password_is_long_and_has_no_ambiguous_letters() {
        let password = make_password(std::array::from_fn(|n| n as u8 * 13));
        assert_eq!(password.len(), 23);
        assert!(!password.contains(['0', '1', 'l', 'o']), "{password}");
    }
}
