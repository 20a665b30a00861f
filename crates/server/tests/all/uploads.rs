//! Files that come in pieces: a line that breaks costs nothing that had come.

use super::site::{Answer, HOST, Site, request};
use axum::body::{Body, Bytes};
use axum::http::{Method, Request};
use rules::Role;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::io;
use std::time::Duration;
use store::BlobLimits;
use tokio::sync::mpsc;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01 a film of the east gate";

async fn begin(site: &Site, cookie: &str, size: usize) -> Answer {
    let body = json!({"size": size}).to_string();
    site.post("/api/v1/uploads", Some(cookie), &body).await
}

async fn begun(site: &Site, cookie: &str, size: usize) -> String {
    let answer = begin(site, cookie, size).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    format!("/api/v1/uploads/{}", answer.json()["id"].as_str().unwrap())
}

fn piece(cookie: &str, path: &str, offset: usize, body: Body) -> Request<Body> {
    Request::builder()
        .method(Method::PATCH)
        .uri(format!("{path}?offset={offset}"))
        .header("host", HOST)
        .header("cookie", cookie)
        .body(body)
        .unwrap()
}

async fn send(site: &Site, cookie: &str, path: &str, offset: usize, bytes: &[u8]) -> Answer {
    let body = Body::from(bytes.to_vec());
    site.send(piece(cookie, path, offset, body)).await
}

async fn state(site: &Site, cookie: &str, path: &str) -> Value {
    site.get(path, Some(cookie)).await.json()
}

#[tokio::test]
async fn a_file_sent_in_pieces_is_the_same_file() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    let path = begun(&site, &cookie, JPEG.len()).await;
    let first = send(&site, &cookie, &path, 0, &JPEG[..7]).await.json();
    assert_eq!(
        (&first["offset"], &first["blob"]),
        (&json!(7), &Value::Null)
    );
    let last = send(&site, &cookie, &path, 7, &JPEG[7..]).await.json();
    assert_eq!(last["blob"]["hash"], blake3::hash(JPEG).to_hex().as_str());
    assert_eq!(last["blob"]["mime"], "image/jpeg");
    // Whoever lost that answer asks again, or sends the end once more.
    assert_eq!(state(&site, &cookie, &path).await, last);
    let again = send(&site, &cookie, &path, 7, &JPEG[7..]).await.json();
    assert_eq!(again, last);
}

#[tokio::test]
async fn what_came_before_the_line_broke_is_kept_and_gone_on_from() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    let path = begun(&site, &cookie, JPEG.len()).await;
    let lost = Err(io::Error::from(io::ErrorKind::ConnectionReset));
    let cut = futures::stream::iter([Ok(Bytes::from_static(&JPEG[..20])), lost]);
    let answer = site.send(piece(&cookie, &path, 0, Body::from_stream(cut)));
    assert_eq!(answer.await.code(), "bad_request");
    assert_eq!(state(&site, &cookie, &path).await["offset"], 20);
    let wrong = send(&site, &cookie, &path, 0, JPEG).await;
    assert_eq!(wrong.code(), "conflict_state");
    let last = send(&site, &cookie, &path, 20, &JPEG[20..]).await.json();
    assert_eq!(last["blob"]["hash"], blake3::hash(JPEG).to_hex().as_str());
}

#[tokio::test]
async fn whoever_comes_again_takes_over_from_a_connection_that_is_dead_unnoticed() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    let path = begun(&site, &cookie, JPEG.len()).await;
    let (bytes, dead) = mpsc::channel::<Result<Bytes, Infallible>>(1);
    bytes
        .send(Ok(Bytes::from_static(&JPEG[..5])))
        .await
        .unwrap();
    let dead = tokio_stream(dead);
    let hangs = site.send(piece(&cookie, &path, 0, Body::from_stream(dead)));
    let goes_on = async {
        // Until the piece was taken.
        while bytes.capacity() == 0 {
            tokio::task::yield_now().await;
        }
        while state(&site, &cookie, &path).await["offset"] != 5 {
            tokio::task::yield_now().await;
        }
        drop(bytes);
        send(&site, &cookie, &path, 5, &JPEG[5..]).await
    };
    let (hung, done) = tokio::join!(hangs, goes_on);
    assert_eq!(hung.code(), "bad_request");
    assert_eq!(done.json()["blob"]["size"], JPEG.len());
}

fn tokio_stream<T: Send + 'static>(
    from: mpsc::Receiver<T>,
) -> impl futures::Stream<Item = T> + Send {
    futures::stream::unfold(from, |mut from| async move {
        let next = from.recv().await?;
        Some((next, from))
    })
}

#[tokio::test]
async fn another_person_neither_sees_nor_ends_an_upload() {
    let site = Site::new().await;
    let officer = site.cookie(Role::Officer).await;
    let leader = site.cookie(Role::Leader).await;
    let path = begun(&site, &officer, JPEG.len()).await;
    assert_eq!(site.get(&path, Some(&leader)).await.status, 404);
    assert_eq!(send(&site, &leader, &path, 0, JPEG).await.status, 404);
    let end = |cookie: String| site.send(request(Method::DELETE, &path, Some(&cookie), None));
    assert_eq!(end(leader).await.status, 404);
    assert_eq!(end(officer.clone()).await.status, 204);
    assert_eq!(site.get(&path, Some(&officer)).await.status, 404);
}

#[tokio::test]
async fn a_file_too_long_of_another_kind_or_longer_than_announced_is_refused_at_once() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    let most = usize::try_from(site.app.settings().max_upload).unwrap();
    let long = begin(&site, &cookie, most + 1).await;
    assert_eq!(long.code(), "body_too_large");
    assert_eq!(long.json()["error"]["fields"][0]["limit"], most);
    assert_eq!(begin(&site, &cookie, 0).await.code(), "invalid_fields");
    let page = b"<!DOCTYPE html><script>";
    let path = begun(&site, &cookie, page.len()).await;
    let page = send(&site, &cookie, &path, 0, page).await;
    assert_eq!(page.code(), "unsupported_type");
    assert_eq!(site.get(&path, Some(&cookie)).await.status, 404);
    let path = begun(&site, &cookie, 10).await;
    let more = send(&site, &cookie, &path, 0, JPEG).await;
    assert_eq!(more.code(), "body_too_large");
    assert_eq!(site.app.store().blob_counts().await.unwrap().bytes, 0);
}

#[tokio::test]
async fn unfinished_files_have_their_room_few_at_a_time_and_only_for_a_day() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    let limits = BlobLimits {
        quota: 1_000,
        min_free: 0,
    };
    site.app.store().set_blob_limits(limits);
    let first = begun(&site, &cookie, 600).await;
    let full = begin(&site, &cookie, 600).await;
    assert_eq!(full.code(), "attachment_quota");
    site.clock.advance(Duration::from_secs(24 * 3600));
    site.app.unfinished().sweep(site.clock.now_ms());
    assert_eq!(
        site.get(&first, Some(&site.cookie(Role::Officer).await))
            .await
            .status,
        404
    );
    let cookie = site.cookie(Role::Officer).await;
    let mut paths = Vec::new();
    for _ in 0..9 {
        paths.push(begun(&site, &cookie, 100).await);
        site.clock.advance(Duration::from_secs(1));
    }
    // The one that was idle for longest has made way for the ninth.
    assert_eq!(site.get(&paths[0], Some(&cookie)).await.status, 404);
    assert_eq!(site.get(&paths[1], Some(&cookie)).await.status, 200);
}
