//! The few lines of HTTP the demo needs to seed its sites as their users would.

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Time one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Someone signed in at one site.
pub(super) struct Client {
    authority: String,
    cookie: String,
}

struct Answer {
    status: u16,
    head: String,
    body: Value,
}

impl Client {
    /// Signs in at `url` (`http://127.0.0.1:PORT`).
    pub(super) fn sign_in(url: &str, login: &str, password: &str) -> anyhow::Result<Self> {
        let authority = url
            .strip_prefix("http://")
            .context("the demo speaks plain HTTP")?;
        let mut client = Self {
            authority: authority.trim_end_matches('/').to_owned(),
            cookie: String::new(),
        };
        let body = serde_json::json!({ "login": login, "password": password });
        let answer = client.ask("POST", "/api/v1/session", Some(&body))?;
        ensure!(
            answer.status == 200,
            "{login} cannot sign in at {url}: {}",
            answer.body
        );
        let cookie = answer.head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_cookie = name.eq_ignore_ascii_case("set-cookie");
            is_cookie.then(|| value.trim().split(';').next().unwrap_or("").to_owned())
        });
        client.cookie = cookie.context("signing in gave no cookie")?;
        Ok(client)
    }

    /// GET; anything but 200 is an error.
    pub(super) fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.expect("GET", path, None)
    }

    /// POST with a fresh action id; anything but 200 or 201 is an error.
    pub(super) fn act(&self, path: &str, mut body: Value) -> anyhow::Result<Value> {
        body["action_id"] = Value::String(super::accounts::hex_id());
        self.expect("POST", path, Some(&body))
    }

    fn expect(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let answer = self.ask(method, path, body)?;
        if !matches!(answer.status, 200 | 201) {
            bail!(
                "{method} http://{}{path}: {} {}",
                self.authority,
                answer.status,
                answer.body
            );
        }
        Ok(answer.body)
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAccept: application/json\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nCookie: {}\r\n\r\n{body}",
            self.authority,
            body.len(),
            self.cookie,
        );
        let what = || format!("{method} http://{}{path}", self.authority);
        let mut socket = TcpStream::connect(&self.authority).with_context(what)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.write_all(request.as_bytes()).with_context(what)?;
        let mut bytes = Vec::new();
        socket.read_to_end(&mut bytes).with_context(what)?;
        parse(&bytes).with_context(what)
    }
}

fn parse(bytes: &[u8]) -> anyhow::Result<Answer> {
    let end = bytes
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .context("no whole answer")?;
    let head = std::str::from_utf8(&bytes[..end])?.to_owned();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|s| s.parse().ok())
        .context("no status")?;
    let chunked = head
        .to_ascii_lowercase()
        .contains("\r\ntransfer-encoding: chunked");
    let rest = &bytes[end + 4..];
    let body = if chunked {
        dechunk(rest)?
    } else {
        rest.to_vec()
    };
    let body = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&body)?
    };
    Ok(Answer { status, head, body })
}

fn dechunk(mut rest: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest
            .windows(2)
            .position(|w| w == b"\r\n")
            .context("a chunk without size")?;
        let size = std::str::from_utf8(&rest[..end])?
            .split(';')
            .next()
            .unwrap_or("");
        let size = usize::from_str_radix(size.trim(), 16).context("a chunk size is no number")?;
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(
            rest.get(end + 2..end + 2 + size)
                .context("a chunk is cut off")?,
        );
        rest = rest.get(end + 4 + size..).context("a chunk is cut off")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_chunks_is_put_together() {
        let bytes = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n5;x\r\n\": 1}\r\n0\r\n\r\n";
        let answer = parse(bytes).expect("well formed");
        assert_eq!(answer.status, 201);
        assert_eq!(answer.body["a"], 1);
    }

    #[test]
    fn an_answer_without_body_is_null() {
        let answer = parse(b"HTTP/1.1 204 No Content\r\n\r\n").expect("well formed");
        assert_eq!(answer.body, Value::Null);
    }
}
