//! `GET /api/v1/blobs/{hash}`: a file, for those who may see a record that names it.

use crate::app::App;
use crate::auth::person::Person;
use crate::blobs::range::{Wanted, wanted};
use crate::blobs::{ContentType, content, state};
use crate::error::{ApiError, Code, ErrorEnvelope};
use crate::json::Query;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use records::field::Value;
use rules::attachment::clean_name;
use serde::Deserialize;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use store::BlobRef;

/// Bytes read from disk at a time.
const PIECE: u64 = 64 * 1024;

/// Which attachment's name the file is to have.
#[derive(Debug, Deserialize)]
pub struct Named {
    /// An entry that names it; else the newest.
    entry: Option<String>,
}

/// Sends a file, or one range of it. What it is was found by looking at it; all but pictures is
/// for saving.
#[utoipa::path(
    get,
    path = "/api/v1/blobs/{hash}",
    operation_id = "show_blob",
    tag = "blobs",
    params(
        ("hash" = String, Path, description = "Hash of the file"),
        ("entry" = Option<String>, Query, description = "The attachment whose name it is to have"),
        ("range" = Option<String>, Header, description = "One range of bytes"),
    ),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "Not here: ask for it first"),
        (status = 416, body = ErrorEnvelope),
    )
)]
pub async fn show_blob(
    State(app): State<App>,
    person: Person,
    Path(hash): Path<String>,
    Query(named): Query<Named>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let hash = super::hash(&hash)?;
    let refs = state::visible(&app, &person, hash).await?;
    let open = app.store().open_blob(hash, app.clock().now_ms()).await?;
    let open = open.ok_or_else(|| ApiError::new(Code::NotFetched, "the file is not here yet"))?;
    let (file, size) = (open.file, open.size);
    let (file, found) = looked_at(file, size).await?;
    let name = name(&app, &refs, named.entry.as_deref()).await?;
    let range = headers
        .get(header::RANGE)
        .and_then(|range| range.to_str().ok());
    let (status, first, len) = match wanted(range, size) {
        Wanted::Whole => (StatusCode::OK, 0, size),
        Wanted::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Wanted::Outside => {
            return Err(ApiError::new(
                Code::RangeOutside,
                "the file is shorter than that",
            ));
        }
    };
    let mut response = (status, Body::from_stream(pieces(file, first, len))).into_response();
    let sent = response.headers_mut();
    describe(sent, found, &name);
    sent.insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{size}", first + len - 1);
        let range = HeaderValue::from_str(&range).expect("digits are a header value");
        sent.insert(header::CONTENT_RANGE, range);
    }
    Ok(response)
}

async fn looked_at(
    file: File,
    size: u64,
) -> Result<(File, Option<&'static ContentType>), ApiError> {
    let looked = tokio::task::spawn_blocking(move || {
        let found = content::of_file(&file, size)?;
        Ok::<_, io::Error>((file, found))
    });
    let looked = looked.await.map_err(ApiError::internal)?;
    looked.map_err(ApiError::internal)
}

/// The name an attachment gives the file. Another site has written it: it is cleaned again.
async fn name(app: &App, refs: &[BlobRef], entry: Option<&str>) -> Result<String, ApiError> {
    let entry = entry.and_then(|entry| entry.parse().ok());
    let named = refs.iter().find(|named| Some(named.entry) == entry);
    let named = named.unwrap_or(&refs[0]);
    let stored = app.store().record(named.record).await?;
    let name = stored.as_ref().and_then(|stored| {
        let entries = stored.record.entries.get(&named.field)?;
        entries
            .get(&named.entry)?
            .get("name")
            .and_then(Value::as_text)
    });
    Ok(clean_name(name.unwrap_or_default()))
}

/// Nothing in a file may run, load or be taken for something else.
fn describe(headers: &mut HeaderMap, found: Option<&ContentType>, name: &str) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::ACCEPT_RANGES, "bytes");
    set(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; sandbox; frame-ancestors 'none'",
    );
    set(
        header::CONTENT_TYPE,
        found.map_or("application/octet-stream", |found| found.mime),
    );
    let shown = match found {
        Some(found) if found.inline => "inline",
        _ => "attachment",
    };
    let disposition = format!("{shown}; filename*=UTF-8''{}", percent(name));
    let disposition = HeaderValue::from_str(&disposition).expect("all else is escaped");
    headers.insert(header::CONTENT_DISPOSITION, disposition);
}

/// RFC 8187: letters, digits and a few signs stand for themselves.
fn percent(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

fn pieces(
    file: File,
    first: u64,
    len: u64,
) -> impl futures::Stream<Item = io::Result<Bytes>> + Send {
    let file = Arc::new(file);
    futures::stream::try_unfold((file, first, len), |(file, at, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let now = left.min(PIECE);
        let reading = file.clone();
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = vec![0; usize::try_from(now).expect("a piece is short")];
            reading.read_exact_at(&mut bytes, at).map(|()| bytes)
        });
        let bytes = read.await.map_err(io::Error::other)??;
        Ok(Some((Bytes::from(bytes), (file, at + now, left - now))))
    })
}
