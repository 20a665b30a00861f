//! The session cookie.
//!
//! Under HTTPS its name begins with `__Host-`, so that no other host and no plain-HTTP page can
//! set it. The site's id is in the name because cookies ignore ports, and the demo runs three
//! sites on one host.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use records::id::SiteId;

/// The cookie's name at `site`.
#[must_use]
pub fn name(site: SiteId, secure: bool) -> String {
    let prefix = if secure { "__Host-" } else { "" };
    format!("{prefix}dutyroom-{site}")
}

/// The `Set-Cookie` value that stores `token` until the browser closes or the session ends.
#[must_use]
pub fn set(site: SiteId, secure: bool, token: &str) -> HeaderValue {
    value(&format!("{}={token}", name(site, secure)), secure, "")
}

/// The `Set-Cookie` value that removes the cookie.
#[must_use]
pub fn clear(site: SiteId, secure: bool) -> HeaderValue {
    value(&format!("{}=", name(site, secure)), secure, "; Max-Age=0")
}

fn value(pair: &str, secure: bool, more: &str) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    HeaderValue::from_str(&format!(
        "{pair}; Path=/; HttpOnly; SameSite=Strict{secure}{more}"
    ))
    .expect("names and tokens are hexadecimal digits")
}

/// The token in the request's cookies; `None` also when it appears twice.
#[must_use]
pub fn read(headers: &HeaderMap, site: SiteId, secure: bool) -> Option<&str> {
    let name = name(site, secure);
    let mut found = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, token)| token);
    let token = found.next()?;
    found.next().is_none().then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: SiteId = SiteId([0xab; 8]);

    #[test]
    fn the_cookie_names_its_site_and_is_bound_to_the_host_under_https() {
        assert_eq!(
            set(SITE, true, "00"),
            "__Host-dutyroom-abababababababab=00; Path=/; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            clear(SITE, false),
            "dutyroom-abababababababab=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
        );
    }

    #[test]
    fn another_sites_cookie_on_the_same_host_is_not_ours() {
        let mut headers = HeaderMap::new();
        headers.insert(
            COOKIE,
            HeaderValue::from_static("dutyroom-cdcdcdcdcdcdcdcd=1; dutyroom-abababababababab=2"),
        );
        assert_eq!(read(&headers, SITE, false), Some("2"));
        assert_eq!(read(&headers, SITE, true), None);
    }

    #[test]
    fn a_cookie_sent_twice_is_no_cookie() {
        let mut headers = HeaderMap::new();
        let twice = "dutyroom-abababababababab=1; dutyroom-abababababababab=2";
        headers.insert(COOKIE, HeaderValue::from_static(twice));
        assert_eq!(read(&headers, SITE, false), None);
    }
}
