//! Who works in the demo, and what is drawn by lot: ids and passwords. The people are invented;
//! their names say what they do.

use rand::Rng as _;
use serde::{Deserialize, Serialize};

/// A sign-in of the demo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) login: String,
    pub(super) password: String,
    pub(super) role: String,
    pub(super) name: String,
}

/// Login, role, name, and the key of the site where the account lives.
const PEOPLE: [(&str, &str, &str, &str); 5] = [
    ("leader", "leader", "周领航", "hub"),
    ("hq", "headquarters", "吴总务", "hub"),
    ("admin", "administrator", "郑管理", "hub"),
    ("east", "officer", "陈晓东", "east"),
    ("west", "officer", "李向西", "west"),
];

/// The accounts of one site, with fresh passwords.
pub(super) fn of_site(key: &str) -> Vec<Account> {
    let here = PEOPLE.iter().filter(|(.., site)| *site == key);
    here.map(|(login, role, name, _)| Account {
        login: (*login).to_owned(),
        password: password(),
        role: (*role).to_owned(),
        name: (*name).to_owned(),
    })
    .collect()
}

/// Three groups of four that are easy to type: no letter that looks like a digit. 58 bits.
#[expect(clippy::disallowed_methods, reason = "fresh passwords at each start")]
fn password() -> String {
    const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let mut rng = rand::rng();
    let mut group = || -> String {
        (0..4)
            .map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())]))
            .collect()
    };
    [group(), group(), group()].join("-")
}

/// A fresh id of 16 bytes in hex, as actions want it.
#[expect(clippy::disallowed_methods, reason = "ids of the demo's own actions")]
pub(super) fn hex_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}
