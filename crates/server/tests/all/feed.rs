//! The feed, by long-poll and by WebSocket against a site that really listens.

use super::site::{Site, request};
use axum::http::{Method, StatusCode};
use futures::StreamExt as _;
use rules::Role;
use server::Door;
use server::api::shapes::Camera;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

fn camera(name: &str) -> Camera {
    Camera {
        id: "00".repeat(16),
        site: "00".repeat(8),
        name: name.to_owned(),
        place: String::new(),
        state: "idle".to_owned(),
        reason: None,
        since: 0,
        viewers: 0,
        codec: None,
        width: None,
        height: None,
        local: true,
    }
}

async fn cursor(site: &Site, cookie: &str) -> String {
    let feed = site.get("/api/v1/feed", Some(cookie)).await.json();
    feed["cursor"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_long_poll_is_answered_by_the_next_change() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    let after = cursor(&site, &cookie).await;
    let path = format!("/api/v1/feed?after={after}&wait=25");
    let (answer, ()) = tokio::join!(site.get(&path, Some(&cookie)), async {
        site.app.live().set_camera(camera("东门"));
    });
    let feed = answer.json();
    assert_eq!(feed["rows"][0]["type"], "camera");
    assert_eq!(feed["rows"][0]["camera"]["name"], "东门");
    let again = format!("/api/v1/feed?after={}", feed["cursor"].as_str().unwrap());
    let quiet = site.get(&again, Some(&cookie)).await.json();
    assert_eq!(quiet["rows"], serde_json::json!([]));
}

#[tokio::test]
async fn a_long_poll_without_a_change_ends_when_its_time_is_up() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    let after = cursor(&site, &cookie).await;
    let path = format!("/api/v1/feed?after={after}&wait=25");
    let (answer, ()) = tokio::join!(site.get(&path, Some(&cookie)), async {
        waiting(&site, Role::Officer).await;
        site.clock.advance(Duration::from_secs(25));
    });
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["rows"], serde_json::json!([]));
}

#[tokio::test]
async fn a_written_record_is_told() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    let after = cursor(&site, &cookie).await;
    let body = serde_json::json!({
        "kind": "log_item",
        "action_id": "01".repeat(16),
        "fields": {"happened_at": super::site::NIGHT_MS, "category": "call", "content": "来电"},
    });
    let written = site
        .post("/api/v1/records", Some(&cookie), &body.to_string())
        .await;
    assert_eq!(written.status, 201, "{written:?}");
    let path = format!("/api/v1/feed?after={after}");
    let feed = site.get(&path, Some(&cookie)).await.json();
    assert_eq!(feed["rows"][0]["type"], "record");
    assert_eq!(feed["rows"][0]["record"]["id"], written.json()["id"]);
}

#[tokio::test]
async fn a_cursor_of_another_numbering_is_told_to_fetch_everything() {
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    let feed = site
        .get("/api/v1/feed?after=999999.00000000.0", Some(&cookie))
        .await;
    assert_eq!(feed.json()["rows"], serde_json::json!([{"type": "resync"}]));
}

#[tokio::test]
async fn after_a_restart_all_states_are_told_again() {
    let site = Site::new().await;
    site.app.live().set_camera(camera("东门"));
    let cookie = site.cookie(Role::Officer).await;
    let now = cursor(&site, &cookie).await;
    let store = now.split('.').next().unwrap();
    let before = format!("/api/v1/feed?after={store}.00000000.77");
    let feed = site.get(&before, Some(&cookie)).await.json();
    assert_eq!(feed["rows"][0]["camera"]["name"], "东门");
}

/// Returns once the person's page waits for the feed.
async fn waiting(site: &Site, role: Role) {
    // The first poll of the test told presence too, which forgets after a while.
    let person = site.account(role);
    site.clock.advance(Duration::from_secs(21));
    while !site.app.presence().is_here(person, site.clock.now_ms()) {
        tokio::task::yield_now().await;
    }
}

struct Running {
    site: Site,
    address: String,
    served: JoinHandle<()>,
}

impl Running {
    async fn start() -> Self {
        let site = Site::new().await;
        let door = Door::open("127.0.0.1:0".parse().unwrap(), None)
            .await
            .unwrap();
        let address = door.url().replace("http://", "");
        let app = site.app.clone();
        let served = tokio::spawn(async move {
            let stop = app.clone();
            let shutdown = async move { stop.stopped().await };
            server::serve(app, door, shutdown).await.unwrap();
        });
        Self {
            site,
            address,
            served,
        }
    }

    async fn connect(&self, cookie: &str, origin: &str) -> Result<Socket, Error> {
        let mut request = format!("ws://{}/api/v1/feed", self.address)
            .into_client_request()
            .unwrap();
        let headers = request.headers_mut();
        headers.insert("cookie", cookie.parse().unwrap());
        headers.insert("origin", origin.parse().unwrap());
        tokio_tungstenite::connect_async(request)
            .await
            .map(|(socket, _)| socket)
    }

    async fn open(&self, cookie: &str) -> Socket {
        let mut socket = self
            .connect(cookie, &format!("http://{}", self.address))
            .await
            .unwrap();
        // The greeting says that the socket listens from here on.
        assert!(next(&mut socket).await["cursor"].is_string());
        socket
    }
}

async fn next(socket: &mut Socket) -> serde_json::Value {
    match socket.next().await.unwrap().unwrap() {
        Message::Text(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

async fn close_code(socket: &mut Socket) -> CloseCode {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Close(frame) => return frame.unwrap().code,
            Message::Text(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Skips messages about links, which the site may send at any time.
async fn next_camera(socket: &mut Socket) -> String {
    loop {
        for row in next(socket).await["rows"].as_array().unwrap() {
            if row["type"] == "camera" {
                return row["camera"]["name"].as_str().unwrap().to_owned();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_is_told_changes_and_gets_a_heartbeat() {
    let running = Running::start().await;
    let cookie = running.site.cookie(Role::Leader).await;
    let mut socket = running.open(&cookie).await;
    running.site.app.live().set_camera(camera("西门"));
    assert_eq!(next_camera(&mut socket).await, "西门");
    running.site.clock.advance(Duration::from_secs(15));
    let mut beat = next(&mut socket).await;
    while beat["rows"] != serde_json::json!([]) {
        beat = next(&mut socket).await;
    }
    assert_eq!(beat["now"], running.site.clock.now_ms());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_sites_page_cannot_open_the_feed() {
    let running = Running::start().await;
    let cookie = running.site.cookie(Role::Leader).await;
    let refused = running.connect(&cookie, "http://evil.example").await;
    assert!(matches!(refused, Err(Error::Http(answer)) if answer.status() == 403));
    let stranger = running
        .connect("x=1", &format!("http://{}", running.address))
        .await;
    assert!(matches!(stranger, Err(Error::Http(answer)) if answer.status() == 401));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_ends_with_its_session_and_no_other() {
    let running = Running::start().await;
    let (mine, other) = (
        running.site.cookie(Role::Leader).await,
        running.site.cookie(Role::Leader).await,
    );
    let (mut socket, mut stays) = (running.open(&mine).await, running.open(&other).await);
    let out = request(Method::DELETE, "/api/v1/session", Some(&mine), None);
    assert_eq!(running.site.send(out).await.status, 204);
    assert_eq!(close_code(&mut socket).await, CloseCode::Policy);
    running.site.app.live().set_camera(camera("南门"));
    assert_eq!(next_camera(&mut stays).await, "南门");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_does_not_outlive_an_expired_session() {
    let running = Running::start().await;
    let cookie = running.site.cookie(Role::Leader).await;
    let mut socket = running.open(&cookie).await;
    running.site.clock.advance(Duration::from_millis(
        server::auth::session::IDLE_MS.unsigned_abs(),
    ));
    assert_eq!(close_code(&mut socket).await, CloseCode::Policy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_site_closes_its_feeds_and_ends() {
    let running = Running::start().await;
    let cookie = running.site.cookie(Role::Leader).await;
    let mut socket = running.open(&cookie).await;
    running.site.app.stop();
    assert_eq!(close_code(&mut socket).await, CloseCode::Away);
    drop(socket);
    running.served.await.unwrap();
}
