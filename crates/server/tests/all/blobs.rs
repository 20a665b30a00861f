//! Attachments: uploading, attaching, reading, and everything that is refused.

use super::site::{Answer, HOST, NIGHT_MS, Site, request};
use axum::body::Body;
use axum::http::{Method, Request};
use rules::Role;
use serde_json::json;
use server::Settings;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use store::BlobLimits;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01 a picture of the east gate";

async fn upload(site: &Site, cookie: &str, bytes: &[u8]) -> Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri("/api/v1/blobs")
        .header("host", HOST)
        .header("cookie", cookie)
        .header("content-length", bytes.len())
        // What a browser says of a file is not believed.
        .header("content-type", "text/html")
        .body(Body::from(bytes.to_vec()))
        .unwrap();
    site.send(request).await
}

async fn uploaded(site: &Site, cookie: &str, bytes: &[u8]) -> String {
    let answer = upload(site, cookie, bytes).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["hash"].as_str().unwrap().to_owned()
}

/// A log item with these attachments, as the site answers.
async fn create(site: &Site, cookie: &str, more: serde_json::Value) -> Answer {
    let mut body = json!({
        "kind": "log_item",
        "fields": {"happened_at": NIGHT_MS, "category": "fire", "content": "东门起火"},
        "action_id": "00000000000000000000000000000001",
    });
    for (name, value) in more.as_object().unwrap() {
        match name.as_str() {
            "sensitive" => body["fields"]["sensitive"] = value.clone(),
            _ => body[name] = value.clone(),
        }
    }
    site.post("/api/v1/records", Some(cookie), &body.to_string())
        .await
}

async fn attached(site: &Site, cookie: &str, bytes: &[u8], name: &str) -> serde_json::Value {
    let blob = uploaded(site, cookie, bytes).await;
    let more = json!({"attachments": [{"name": name, "blob": blob, "caption": "东门"}]});
    let answer = create(site, cookie, more).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

fn path(record: &serde_json::Value) -> String {
    let blob = record["attachments"][0]["blob"].as_str().unwrap();
    format!("/api/v1/blobs/{blob}")
}

#[tokio::test]
async fn a_new_item_takes_its_photo_along_and_the_photo_reads_the_same() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    let record = attached(&site, &cookie, JPEG, "现场 1.jpg").await;
    let attachment = &record["attachments"][0];
    assert_eq!(attachment["name"], "现场 1.jpg");
    assert_eq!(attachment["mime"], "image/jpeg");
    assert_eq!(attachment["caption"], "东门");
    assert_eq!(attachment["state"]["place"], "here");
    assert_eq!(attachment["state"]["size"], JPEG.len());
    assert_eq!(record["attachments"].as_array().unwrap().len(), 1);
    let list = site.get("/api/v1/records", Some(&cookie)).await.json();
    assert_eq!(list["items"][0]["attached"], 1);
    let answer = site.get(&path(&record), Some(&cookie)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.bytes.as_slice()),
        (200, JPEG)
    );
    assert_eq!(answer.header("content-type"), "image/jpeg");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.header("content-security-policy").contains("sandbox"));
    assert_eq!(
        answer.header("content-disposition"),
        "inline; filename*=UTF-8''%E7%8E%B0%E5%9C%BA%201.jpg"
    );
    assert_eq!(answer.header("content-length"), JPEG.len().to_string());
}

#[tokio::test]
async fn anybody_on_duty_attaches_to_an_item_that_is_there() {
    let site = Site::new().await;
    let officer = site.cookie(Role::Officer).await;
    let record = create(&site, &officer, json!({})).await.json();
    let leader = site.cookie(Role::Leader).await;
    let blob = uploaded(&site, &leader, b"%PDF-1.7 report").await;
    let path = format!(
        "/api/v1/records/{}/actions/attach",
        record["id"].as_str().unwrap()
    );
    let body = json!({
        "fields": {"name": "情况报告", "blob": blob},
        "action_id": "00000000000000000000000000000002",
    });
    for _ in 0..2 {
        // The same request again is the same attachment.
        let answer = site.post(&path, Some(&leader), &body.to_string()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let attachments = answer.json()["attachments"].clone();
        assert_eq!(attachments.as_array().unwrap().len(), 1);
        assert_eq!(attachments[0]["name"], "情况报告.pdf");
    }
    let file = format!("/api/v1/blobs/{blob}");
    let answer = site.get(&file, Some(&leader)).await;
    assert!(
        answer
            .header("content-disposition")
            .starts_with("attachment;")
    );
    let staff = site.cookie(Role::Staff).await;
    assert_eq!(site.get(&file, Some(&staff)).await.status, 403);
    assert_eq!(site.get(&file, None).await.status, 401);
}

const PIECES: usize = 40;

/// Sends something long that is no file that is taken; how much of it was read.
async fn send_long(site: &Site, method: Method, path: &str, cookie: &str) -> (Answer, usize) {
    let read = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&read);
    let pieces = futures::stream::iter((0..PIECES).map(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok::<_, Infallible>(vec![b'<'; 64 * 1024])
    }));
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", HOST)
        .header("cookie", cookie)
        .body(Body::from_stream(pieces))
        .unwrap();
    let answer = site.send(request).await;
    (answer, read.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_long_file_that_is_refused_at_its_first_bytes_is_read_to_its_end() {
    // A browser that still sends would take the early answer for a broken line.
    let site = Site::new().await;
    for (path, role, status) in [
        ("/api/v1/blobs", Role::Officer, 415),
        ("/api/v1/admin/import", Role::Administrator, 200),
    ] {
        let cookie = site.cookie(role).await;
        let (answer, read) = send_long(&site, Method::POST, path, &cookie).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert_eq!(read, PIECES, "{path}");
    }
}

#[tokio::test]
async fn whoever_sends_a_piece_after_the_session_ended_is_told_to_sign_in() {
    let site = Site::new().await;
    for (method, path) in [
        (Method::POST, "/api/v1/blobs"),
        (Method::PATCH, "/api/v1/uploads/00?offset=0"),
    ] {
        let (answer, read) = send_long(&site, method, path, "ended=1").await;
        assert_eq!(answer.code(), "not_signed_in", "{path}");
        assert_eq!(read, PIECES, "{path}");
    }
}

#[tokio::test]
async fn a_part_of_a_file_can_be_asked_for() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    let record = attached(&site, &cookie, JPEG, "a.jpg").await;
    let ranged = |range: &str| {
        let mut request = request(Method::GET, &path(&record), Some(&cookie), None);
        request
            .headers_mut()
            .insert("range", range.parse().unwrap());
        site.send(request)
    };
    let answer = ranged("bytes=6-9").await;
    assert_eq!(
        (answer.status.as_u16(), answer.bytes.as_slice()),
        (206, b"JFIF".as_slice())
    );
    let range = format!("bytes 6-9/{}", JPEG.len());
    assert_eq!(answer.header("content-range"), range);
    assert_eq!(ranged("bytes=9999-").await.status, 416);
}

#[tokio::test]
async fn what_a_browser_would_run_is_refused_whatever_it_says_it_is() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    let page = b"<!DOCTYPE html><script>alert(1)</script>".as_slice();
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>".as_slice();
    let mut program = b"MZ\x90\0\x03\0\0\0".to_vec();
    program.extend([0; 20_000]);
    for bytes in [page, svg, &program] {
        let answer = upload(&site, &cookie, bytes).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (415, "unsupported_type")
        );
    }
    assert_eq!(site.app.store().blob_counts().await.unwrap().bytes, 0);
}

#[tokio::test]
async fn a_long_file_a_full_quota_and_a_full_disk_are_told_apart() {
    let site = Site::with(Settings {
        max_upload: 1_000,
        ..Settings::default()
    })
    .await;
    let cookie = site.cookie(Role::Officer).await;
    let mut long = JPEG.to_vec();
    long.resize(1_001, 7);
    let answer = upload(&site, &cookie, &long).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (413, "body_too_large")
    );
    assert_eq!(answer.json()["error"]["fields"][0]["limit"], 1_000);
    let limits = |quota, min_free| {
        site.app
            .store()
            .set_blob_limits(BlobLimits { quota, min_free });
    };
    limits(10, 0);
    let answer = upload(&site, &cookie, JPEG).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (507, "attachment_quota")
    );
    limits(1 << 30, u64::MAX);
    let answer = upload(&site, &cookie, JPEG).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (507, "storage_full")
    );
    limits(1 << 30, 0);
    assert_eq!(upload(&site, &cookie, b"").await.code(), "unsupported_type");
    let told = site.get("/api/v1/blobs", Some(&cookie)).await.json();
    assert_eq!(
        (told["max_upload"].as_u64(), told["used"].as_u64()),
        (Some(1_000), Some(0))
    );
}

#[tokio::test]
async fn a_name_with_folders_or_hidden_signs_is_made_harmless() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    let name = "../../照片\u{202e}gpj\r\n.exe";
    let record = attached(&site, &cookie, JPEG, name).await;
    assert_eq!(record["attachments"][0]["name"], "照片gpj  .exe.jpg");
    let answer = site.get(&path(&record), Some(&cookie)).await;
    assert!(
        answer
            .header("content-disposition")
            .ends_with("gpj%20%20.exe.jpg")
    );
}

#[tokio::test]
async fn what_was_not_uploaded_here_cannot_be_attached() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    let here = uploaded(&site, &cookie, JPEG).await;
    let more = json!({"attachments": [
        {"name": "a.jpg", "blob": here},
        {"name": "b.jpg", "blob": "11".repeat(32)},
    ]});
    let answer = create(&site, &cookie, more).await;
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.json()["error"]["fields"][0]["field"],
        "attachments.1.blob"
    );
    // Uploaded, but named by no record: nobody reads it by its hash.
    let answer = site
        .get(&format!("/api/v1/blobs/{here}"), Some(&cookie))
        .await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn a_marking_of_state_secrets_is_refused_in_names_and_captions_too() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    let blob = uploaded(&site, &cookie, JPEG).await;
    let more = json!({"attachments": [{"name": "机密★一年.jpg", "blob": blob}]});
    let answer = create(&site, &cookie, more).await;
    assert_eq!(
        answer.json()["error"]["fields"][0]["code"],
        "state_secret_marking"
    );
}

#[tokio::test]
async fn an_administrator_sees_no_attachment_of_a_sensitive_item() {
    let site = Site::new().await;
    let officer = site.cookie(Role::Officer).await;
    let blob = uploaded(&site, &officer, JPEG).await;
    let more = json!({"sensitive": true, "attachments": [{"name": "a.jpg", "blob": blob}]});
    let record = create(&site, &officer, more).await.json();
    let administrator = site.cookie(Role::Administrator).await;
    let shown = format!("/api/v1/records/{}", record["id"].as_str().unwrap());
    let shown = site.get(&shown, Some(&administrator)).await.json();
    assert_eq!(shown["attachments"], json!([]));
    for path in [path(&record), format!("{}/state", path(&record))] {
        assert_eq!(site.get(&path, Some(&administrator)).await.status, 404);
        assert_eq!(site.get(&path, Some(&officer)).await.status, 200);
    }
}

#[tokio::test]
async fn a_file_that_is_not_here_says_so_and_a_site_without_links_cannot_fetch_it() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    let record = attached(&site, &cookie, JPEG, "a.jpg").await;
    let path = path(&record);
    let blob = path.rsplit('/').next().unwrap();
    let file = site.data().join("blobs").join(&blob[..2]).join(&blob[2..]);
    std::fs::remove_file(file).unwrap();
    let answer = site.get(&path, Some(&cookie)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (409, "not_fetched")
    );
    let state = site
        .get(&format!("{path}/state"), Some(&cookie))
        .await
        .json();
    assert_eq!(state["place"], "unreachable");
    let answer = site
        .post(&format!("{path}/fetch"), Some(&cookie), "{}")
        .await;
    assert_eq!(answer.code(), "site_unreachable");
}

#[tokio::test]
async fn a_record_has_no_more_than_so_many_attachments() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    let blob = uploaded(&site, &cookie, JPEG).await;
    let one = json!({"name": "a.jpg", "blob": blob});
    let more = json!({"attachments": vec![one; rules::attachment::MAX_ATTACHMENTS + 1]});
    let answer = create(&site, &cookie, more).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (409, "conflict_state")
    );
}
