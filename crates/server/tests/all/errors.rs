//! Every answer that is no success carries the envelope.

use super::site::{Site, request};
use axum::http::Method;
use records::bundle::Head;
use records::payload::InstitutionOp;
use rules::Role;
use serde_json::{Value, json};

#[tokio::test]
async fn an_error_tells_its_code_and_its_request() {
    let site = Site::new().await;
    let answer = site.get("/api/v1/session", None).await;
    assert_eq!(answer.status, 401);
    let error = &answer.json()["error"];
    assert_eq!(error["code"], "not_signed_in");
    assert_eq!(error["request_id"], answer.header("x-request-id"));
    assert!(error["message"].is_string());
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test]
async fn what_is_not_there_is_told_in_the_same_words() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Administrator).await;
    for (method, path, status, code) in [
        (Method::GET, "/api/v1/nothing", 404, "not_found"),
        (Method::PUT, "/api/v1/sites", 405, "method_not_allowed"),
        (Method::POST, "/desk", 405, "method_not_allowed"),
        (Method::GET, "/assets/gone.js", 404, "not_found"),
        (Method::GET, "/api/v1/feed?after=x", 400, "bad_request"),
        (Method::GET, "/api/v1/feed?colour=red", 400, "bad_request"),
    ] {
        let answer = site.send(request(method, path, Some(&cookie), None)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (status, code.to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_faulty_body_is_told_by_field() {
    let site = Site::new().await;
    let answer = site.post("/api/v1/session", None, r#"{"login":"x"}"#).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.code(), "invalid_fields");
    let fields = &answer.json()["error"]["fields"];
    assert_eq!(fields[0]["field"], "password");
    assert_eq!(fields[0]["code"], "required");
    let answer = site.post("/api/v1/session", None, "{").await;
    assert_eq!(answer.code(), "bad_request");
}

/// The record of an accepted action.
async fn accepted(site: &Site, cookie: &str, path: &str, number: u8, fields: Value) -> String {
    let mut body = json!({"fields": fields, "action_id": format!("{number:032x}")});
    if path == "/api/v1/records" {
        body["kind"] = json!("incident");
    }
    let answer = site.post(path, Some(cookie), &body.to_string()).await;
    assert!(answer.status.is_success(), "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn only_a_camera_can_be_pinned() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Leader).await;
    let fields = json!({"title": "火情", "class": "fire"});
    let incident = accepted(&site, &cookie, "/api/v1/records", 1, fields).await;
    let path = format!("/api/v1/records/{incident}/actions/open_consultation");
    let room = accepted(&site, &cookie, &path, 2, json!({})).await;
    for (number, id) in [(3, "0".repeat(32)), (4, incident)] {
        let body = json!({"fields": {"camera": id}, "action_id": format!("{number:032x}")});
        let path = format!("/api/v1/records/{room}/actions/pin_camera");
        let answer = site.post(&path, Some(&cookie), &body.to_string()).await;
        assert_eq!(answer.status, 422, "{answer:?}");
        let fault = json!({"field": "camera", "code": "not_a_choice"});
        assert_eq!(answer.json()["error"]["fields"][0], fault);
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let site = Site::new().await;
    let long = "x".repeat(server::json::MAX_BODY);
    let answer = site.sign_in("officer", &long).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (413, "body_too_large".to_owned())
    );
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let site = Site::new().await;
    for path in ["/healthz", "/", "/api/v1/session", "/api/v1/nothing"] {
        let answer = site.get(path, None).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert!(
            answer
                .header("content-security-policy")
                .contains("frame-ancestors 'none'")
        );
        assert!(
            answer
                .header("permissions-policy")
                .contains("camera=(self)")
        );
        assert_eq!(
            answer.header("strict-transport-security"),
            "",
            "plain HTTP: {path}"
        );
    }
}

#[tokio::test]
async fn a_revoked_site_says_so_and_saves_nothing() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Leader).await;
    let (store, identity) = (site.app.store(), site.app.identity());
    let of_site = |head: &Head| head.journal == identity.journal;
    let head = store.frontier().into_iter().find(of_site).unwrap();
    let op = InstitutionOp::Revoke {
        journal: head.journal,
        cut_seq: head.seq,
        cut_hash: head.hash,
    };
    let root = &identity.authority.as_ref().unwrap().root;
    let now = site.clock.now_ms();
    let decided = store.commit_institution(op, root, identity.institution, now);
    decided.await.unwrap();
    let fields = json!({"title": "火情", "class": "fire"});
    let body = json!({"kind": "incident", "fields": fields, "action_id": "1".repeat(32)});
    let answer = site
        .post("/api/v1/records", Some(&cookie), &body.to_string())
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (409, "site_revoked".to_owned())
    );
    assert!(store.frontier().contains(&head));
}
