//! Digest access (RFC 2617 as RFC 2326 uses it), the way cameras ask for a password. Pure.

use super::request::Request;
use md5::{Digest as _, Md5};

const REALM: &str = "camera-sim";

/// What a client must know.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
}

fn md5_hex(text: &str) -> String {
    Md5::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl Credentials {
    /// The header that asks for credentials.
    pub(super) fn challenge(nonce: &str) -> String {
        format!("WWW-Authenticate: Digest realm=\"{REALM}\", nonce=\"{nonce}\"")
    }

    /// Whether the request carries the right answer to `nonce`.
    pub(super) fn admit(&self, request: &Request, nonce: &str) -> bool {
        let Some(given) = request
            .header("Authorization")
            .and_then(|h| h.strip_prefix("Digest "))
        else {
            return false;
        };
        let part = |name: &str| {
            given.split(',').find_map(|part| {
                let (key, value) = part.trim().split_once('=')?;
                (key == name).then(|| value.trim_matches('"'))
            })
        };
        let (Some(user), Some(uri), Some(response)) =
            (part("username"), part("uri"), part("response"))
        else {
            return false;
        };
        let secret = md5_hex(&format!("{}:{REALM}:{}", self.user, self.password));
        let what = md5_hex(&format!("{}:{uri}", request.method));
        user == self.user
            && part("nonce") == Some(nonce)
            && uri == request.uri
            && response == md5_hex(&format!("{secret}:{nonce}:{what}"))
    }
}
