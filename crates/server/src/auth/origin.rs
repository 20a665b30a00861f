//! Refuses state-changing requests that another site's page sent.
//!
//! Browsers name the page's origin in `Origin`, and newer ones its relation in `Sec-Fetch-Site`.
//! A request with neither comes from a program, which sends no cookie it was not given.

use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method};
use std::net::IpAddr;

/// How this site is reached.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// Whether the listener itself speaks TLS.
    pub tls: bool,
    /// Further origins that mean this site, such as `https://duty.example.edu.cn`.
    pub public: Vec<String>,
}

impl Addresses {
    /// Whether the browser came by HTTPS, to this listener or to a proxy before it.
    #[must_use]
    pub fn is_secure(&self, headers: &HeaderMap) -> bool {
        self.tls || host(headers).is_some_and(|host| self.is_public(&format!("https://{host}")))
    }

    /// Whether a request that changes something, or opens a WebSocket, is from our own pages.
    #[must_use]
    pub fn is_own_origin(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(ORIGIN) else {
            return match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
                None | Some(b"same-origin" | b"none") => true,
                Some(_) => false,
            };
        };
        let Some(origin) = origin.to_str().ok() else {
            return false;
        };
        self.is_public(origin) || host(headers).is_some_and(|host| self.is_host(origin, host))
    }

    fn is_public(&self, origin: &str) -> bool {
        let origin = origin.trim_end_matches('/');
        self.public
            .iter()
            .any(|own| own.trim_end_matches('/').eq_ignore_ascii_case(origin))
    }

    /// On plain HTTP the host must also be a loopback name, or a page that points its own name
    /// at 127.0.0.1 would count as ours.
    fn is_host(&self, origin: &str, host: &str) -> bool {
        let scheme = if self.tls { "https" } else { "http" };
        origin.eq_ignore_ascii_case(&format!("{scheme}://{host}"))
            && (self.tls || is_loopback_name(host))
    }
}

/// Whether a request with this method changes nothing.
#[must_use]
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST)?.to_str().ok()
}

fn is_loopback_name(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host().trim_matches(['[', ']']);
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name = name.parse().expect("a header name");
                (name, HeaderValue::from_static(value))
            })
            .collect()
    }

    fn plain() -> Addresses {
        Addresses {
            tls: false,
            public: vec!["https://duty.example.edu.cn".into()],
        }
    }

    #[test]
    fn our_own_page_is_ours() {
        let ours = headers(&[
            ("host", "127.0.0.1:8080"),
            ("origin", "http://127.0.0.1:8080"),
        ]);
        assert!(plain().is_own_origin(&ours));
        let proxied = headers(&[
            ("host", "duty.example.edu.cn"),
            ("origin", "https://duty.example.edu.cn"),
        ]);
        assert!(plain().is_own_origin(&proxied));
        assert!(plain().is_secure(&proxied));
        assert!(!plain().is_secure(&ours));
    }

    #[test]
    fn other_pages_are_not() {
        for pairs in [
            [
                ("host", "127.0.0.1:8080"),
                ("origin", "http://127.0.0.1:8081"),
            ],
            [
                ("host", "127.0.0.1:8080"),
                ("origin", "https://127.0.0.1:8080"),
            ],
            [("host", "127.0.0.1:8080"), ("origin", "null")],
            [
                ("host", "evil.example:8080"),
                ("origin", "http://evil.example:8080"),
            ],
            [("host", "127.0.0.1:8080"), ("sec-fetch-site", "cross-site")],
            [("host", "127.0.0.1:8080"), ("sec-fetch-site", "same-site")],
        ] {
            assert!(!plain().is_own_origin(&headers(&pairs)), "{pairs:?}");
        }
    }

    #[test]
    fn a_program_without_either_header_is_let_through() {
        assert!(plain().is_own_origin(&headers(&[("host", "127.0.0.1:8080")])));
        assert!(plain().is_own_origin(&headers(&[("sec-fetch-site", "same-origin")])));
    }
}
