//! Signing in and out.

use super::site::{HOST, PASSWORD, Site, request};
use axum::http::Method;
use rules::Role;
use server::auth::session::{ABSOLUTE_MS, IDLE_MS};
use std::time::Duration;

fn cookie_of(answer: &super::site::Answer) -> String {
    let set = answer.header("set-cookie");
    set.split(';').next().unwrap().to_owned()
}

fn ms(ms: i64) -> Duration {
    Duration::from_millis(ms.unsigned_abs())
}

#[tokio::test]
async fn who_signs_in_is_known_until_signing_out() {
    let site = Site::new().await;
    let answer = site.sign_in("Officer", PASSWORD).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let session = answer.json();
    assert_eq!(session["user"]["login"], "officer");
    assert_eq!(session["user"]["role"], "officer");
    assert_eq!(session["site"]["role"], "hub");
    let set = answer.header("set-cookie");
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && set.contains("Path=/"));
    let cookie = cookie_of(&answer);
    assert_eq!(
        site.get("/api/v1/session", Some(&cookie)).await.json(),
        session
    );
    let out = request(Method::DELETE, "/api/v1/session", Some(&cookie), None);
    let out = site.send(out).await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(site.get("/api/v1/session", Some(&cookie)).await.status, 401);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_login_get_the_same_answer() {
    let site = Site::new().await;
    for (login, password) in [("officer", "wrong password"), ("nobody", PASSWORD)] {
        let answer = site.sign_in(login, password).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (401, "sign_in_failed".to_owned())
        );
        assert_eq!(answer.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn the_eleventh_guess_within_an_hour_is_told_to_wait() {
    let site = Site::new().await;
    for _ in 0..10 {
        assert_eq!(
            site.sign_in("leader", "guess").await.code(),
            "sign_in_failed"
        );
    }
    let refused = site.sign_in("leader", PASSWORD).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code()),
        (429, "sign_in_throttled".to_owned())
    );
    assert_eq!(refused.json()["error"]["retry_after_s"], 3600);
    assert_eq!(refused.header("retry-after"), "3600");
    assert_eq!(site.sign_in("officer", PASSWORD).await.status, 200);
    site.clock.advance(Duration::from_secs(3600));
    assert_eq!(site.sign_in("leader", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn an_idle_session_ends_after_twelve_hours_and_a_used_one_after_a_day() {
    let site = Site::new().await;
    let (idle, used) = (
        site.cookie(Role::Officer).await,
        site.cookie(Role::Officer).await,
    );
    site.clock.advance(ms(IDLE_MS - 1));
    assert_eq!(site.get("/api/v1/session", Some(&used)).await.status, 200);
    site.clock.advance(ms(1));
    assert_eq!(site.get("/api/v1/session", Some(&idle)).await.status, 401);
    assert_eq!(site.get("/api/v1/session", Some(&used)).await.status, 200);
    site.clock.advance(ms(ABSOLUTE_MS - IDLE_MS));
    assert_eq!(site.get("/api/v1/session", Some(&used)).await.status, 401);
}

#[tokio::test]
async fn another_sites_page_cannot_sign_anybody_in_or_out() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    for (name, value, status) in [
        ("origin", "http://127.0.0.1:8081", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "cross-site", 403),
        ("origin", &format!("http://{HOST}"), 204),
    ] {
        let mut out = request(Method::DELETE, "/api/v1/session", Some(&cookie), None);
        let name: axum::http::HeaderName = name.parse().unwrap();
        out.headers_mut().insert(name, value.parse().unwrap());
        let answer = site.send(out).await;
        assert_eq!(answer.status.as_u16(), status, "{value}");
        if status == 403 {
            assert_eq!(answer.code(), "bad_origin");
        }
    }
}

#[tokio::test]
async fn a_made_up_cookie_is_no_session() {
    let site = Site::new().await;
    let real = site.cookie(Role::Officer).await;
    let (name, token) = real.split_once('=').unwrap();
    for made_up in ["", "0", &"0".repeat(64), &token[..63], &format!("{token}0")] {
        let cookie = format!("{name}={made_up}");
        assert_eq!(site.get("/api/v1/session", Some(&cookie)).await.status, 401);
    }
}
