//! RTSP requests (RFC 2326) as they stand in a connection's bytes, and the answers. Pure.

use bytes::{Buf, BytesMut};
use std::fmt::Write as _;

/// Longest request head read; a longer one ends the connection.
const MAX_HEAD: usize = 16_384;

/// One request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) uri: String,
    headers: Vec<(String, String)>,
}

/// Why a connection's bytes are no RTSP.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotRtsp;

impl Request {
    /// Takes the next whole request off `buffer`, if there is one; packets the client sends
    /// inside the connection (its receiver reports) are skipped.
    pub(super) fn take(buffer: &mut BytesMut) -> Result<Option<Self>, NotRtsp> {
        while buffer.first() == Some(&b'$') {
            if buffer.len() < 4 {
                return Ok(None);
            }
            let length = 4 + usize::from(u16::from_be_bytes([buffer[2], buffer[3]]));
            if buffer.len() < length {
                return Ok(None);
            }
            buffer.advance(length);
        }
        let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") else {
            return if buffer.len() > MAX_HEAD {
                Err(NotRtsp)
            } else {
                Ok(None)
            };
        };
        let request = Self::parse(&buffer[..end]).ok_or(NotRtsp)?;
        let body = request
            .header("Content-Length")
            .map_or(Ok(0), str::parse::<usize>);
        let body = body.ok().filter(|b| *b <= MAX_HEAD).ok_or(NotRtsp)?;
        if buffer.len() < end + 4 + body {
            return Ok(None);
        }
        buffer.advance(end + 4 + body);
        Ok(Some(request))
    }

    fn parse(head: &[u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let (method, uri) = (first.next()?.to_owned(), first.next()?.to_owned());
        first.next()?;
        let headers = lines
            .map(|line| {
                line.split_once(':')
                    .map(|(n, v)| (n.to_owned(), v.trim().to_owned()))
            })
            .collect::<Option<_>>()?;
        Some(Self {
            method,
            uri,
            headers,
        })
    }

    /// The value of a header, by its name in any case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The path a request speaks of: without host, query, and the track that SETUP names.
    pub(super) fn path(&self) -> &str {
        let rest = self
            .uri
            .strip_prefix("rtsp://")
            .map_or(self.uri.as_str(), |rest| {
                rest.find('/').map_or("", |slash| &rest[slash..])
            });
        let path = rest.split('?').next().unwrap_or("");
        let path = path.strip_suffix("/track0").unwrap_or(path);
        path.strip_suffix('/').unwrap_or(path)
    }

    /// An answer to this request; `headers` are whole lines without their ends.
    pub(super) fn answer(&self, status: &str, headers: &[String], body: &str) -> String {
        let mut out = format!(
            "RTSP/1.0 {status}\r\nCSeq: {}\r\n",
            self.header("CSeq").unwrap_or("0")
        );
        for header in headers {
            out.push_str(header);
            out.push_str("\r\n");
        }
        if !body.is_empty() {
            write!(out, "Content-Length: {}\r\n", body.len()).expect("writing to a String");
        }
        out.push_str("\r\n");
        out.push_str(body);
        out
    }
}

/// The channel for RTP that a Transport header asks for, if it asks for RTP inside the connection.
pub(super) fn interleaved_channel(transport: &str) -> Option<u8> {
    transport.split(',').find_map(|choice| {
        let mut parts = choice.trim().split(';');
        if !parts.next()?.eq_ignore_ascii_case("RTP/AVP/TCP") {
            return None;
        }
        let channels = parts.find_map(|part| part.trim().strip_prefix("interleaved="));
        channels.map_or(Some(0), |c| c.split('-').next()?.parse().ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_whole_and_receiver_reports_are_skipped() {
        let mut bytes = BytesMut::from(&b"$\x01\x00\x02xyGET_PARAMETER rtsp://h:1/a/b RTSP/1.0\r\nCSeq: 7\r\nContent-Length: 3\r\n\r\nab"[..]);
        assert_eq!(
            Request::take(&mut bytes),
            Ok(None),
            "the body is not there yet"
        );
        bytes.extend_from_slice(b"cOPTIONS");
        let request = Request::take(&mut bytes)
            .expect("well formed")
            .expect("whole");
        assert_eq!(
            (request.method.as_str(), request.path()),
            ("GET_PARAMETER", "/a/b")
        );
        assert_eq!(request.header("cseq"), Some("7"));
        assert_eq!(&bytes[..], b"OPTIONS");
    }

    #[test]
    fn the_track_and_the_query_do_not_belong_to_the_path() {
        for uri in [
            "rtsp://h/west-yard/sub/track0",
            "rtsp://h/west-yard/sub/",
            "/west-yard/sub?x=1",
        ] {
            let mut bytes = BytesMut::from(format!("SETUP {uri} RTSP/1.0\r\n\r\n").as_bytes());
            let request = Request::take(&mut bytes)
                .expect("well formed")
                .expect("whole");
            assert_eq!(request.path(), "/west-yard/sub", "{uri}");
        }
    }

    #[test]
    fn bytes_without_an_end_are_refused_at_a_bound() {
        let mut bytes = BytesMut::from(&vec![b'x'; MAX_HEAD + 1][..]);
        assert_eq!(Request::take(&mut bytes), Err(NotRtsp));
    }

    #[test]
    fn only_rtp_inside_the_connection_is_offered() {
        assert_eq!(interleaved_channel("RTP/AVP;unicast;client_port=1-2"), None);
        assert_eq!(
            interleaved_channel("RTP/AVP/TCP;unicast;interleaved=4-5"),
            Some(4)
        );
        assert_eq!(
            interleaved_channel("RTP/AVP;unicast,RTP/AVP/TCP;unicast"),
            Some(0)
        );
    }
}
