//! A real site in a temporary directory: store, media engine, accounts of every role.

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, Response, StatusCode};
use media::{Engine, EngineConfig};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use records::field::Value;
use records::gate::RULES;
use records::id::{AccountId, ActionId, RecordId, TerminalId};
use records::payload::InstitutionOp;
use records::write::Edit;
use rules::Role;
use server::auth::{cookie, password, session};
use server::cameras::register::SITE_ITSELF;
use server::clock::Clock;
use server::http::Peer;
use server::random::Random;
use server::{App, Parts, Settings};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use store::{Account, Action, RecordEdit, Store, Writer};
use sync::identity::{HubNames, Identity};
use tempfile::TempDir;
use tower::ServiceExt as _;

/// 2026-11-22 03:00 in Shanghai.
pub(crate) const NIGHT_MS: i64 = 1_795_287_600_000;
pub(crate) const PASSWORD: &str = "three in the morning";
pub(crate) const HOST: &str = "127.0.0.1:8080";

pub(crate) struct Site {
    pub(crate) app: App,
    pub(crate) clock: Clock,
    people: HashMap<Role, AccountId>,
    data: TempDir,
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (clock, random) = (Clock::manual(NIGHT_MS), Random::seeded(1));
        let names = HubNames {
            institution: "示范学院".to_owned(),
            site: "总值班室".to_owned(),
            code: "Z".to_owned(),
        };
        let identity = Identity::new_hub(&names, &mut StdRng::seed_from_u64(1)).unwrap();
        let store = open(&data, &identity).await;
        let engine = Engine::start(EngineConfig::loopback(identity.site().0)).unwrap();
        let mut people = HashMap::new();
        for role in Role::ALL {
            let id = RecordId::new(identity.site(), random.bytes());
            people.insert(role, add_person(&store, id, role, &random).await);
        }
        let app = App::new(Parts {
            store,
            engine,
            links: None,
            identity: Arc::new(identity),
            clock: clock.clone(),
            random,
            settings,
        })
        .unwrap();
        Self {
            app,
            clock,
            people,
            data,
        }
    }

    pub(crate) fn data(&self) -> &std::path::Path {
        self.data.path()
    }

    pub(crate) fn account(&self, role: Role) -> AccountId {
        self.people[&role]
    }

    /// A fresh session of the person with this role, as a `Cookie` header.
    pub(crate) async fn cookie(&self, role: Role) -> String {
        let token = session::token(self.app.random().bytes());
        let hash = session::hash(&token).unwrap();
        let begun = session::begin(hash, self.account(role), self.clock.now_ms());
        self.app.store().add_session(begun).await.unwrap();
        format!("{}={token}", cookie::name(self.app.site().id, false))
    }

    /// Sends a request as the site's router gets it from a browser elsewhere on campus.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let mut request = request;
        let peer = Peer("10.0.0.8:50000".parse().unwrap());
        request.extensions_mut().insert(ConnectInfo(peer));
        let router = server::router::router(self.app.clone());
        Answer::of(router.oneshot(request).await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str, cookie: Option<&str>) -> Answer {
        self.send(request(Method::GET, path, cookie, None)).await
    }

    pub(crate) async fn post(&self, path: &str, cookie: Option<&str>, body: &str) -> Answer {
        self.send(request(Method::POST, path, cookie, Some(body)))
            .await
    }

    pub(crate) async fn sign_in(&self, login: &str, password: &str) -> Answer {
        let body = serde_json::json!({"login": login, "password": password}).to_string();
        self.post("/api/v1/session", None, &body).await
    }
}

pub(crate) fn request(
    method: Method,
    path: &str,
    cookie: Option<&str>,
    body: Option<&str>,
) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", HOST);
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    request
        .body(Body::from(body.unwrap_or("").to_owned()))
        .unwrap()
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 4 << 20).await.unwrap();
        Self {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
            bytes: bytes.to_vec(),
        }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn code(&self) -> String {
        let json = self.json();
        json["error"]["code"].as_str().unwrap_or("").to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

async fn open(data: &TempDir, identity: &Identity) -> Store {
    let store = Store::open(data.path()).await.unwrap();
    let root = &identity.authority.as_ref().unwrap().root;
    let found = InstitutionOp::Found {
        name: identity.institution_name.clone(),
        root_key: root.verifying_key().to_bytes(),
    };
    let enrol = InstitutionOp::Enrol(identity.enrolment());
    for op in [found, enrol, InstitutionOp::ActivateRules(RULES)] {
        store
            .commit_institution(op, root, identity.institution, NIGHT_MS)
            .await
            .unwrap();
    }
    store
        .start_writer(Writer {
            institution: identity.institution,
            journal: identity.journal,
            code: identity.code.clone(),
            key: identity.sign.clone(),
            slot: [1; 4],
        })
        .await
        .unwrap();
    store
}

async fn add_person(store: &Store, record: RecordId, role: Role, random: &Random) -> AccountId {
    let set = |field: &str, text: &str| Edit::Set(field.to_owned(), Value::Text(text.to_owned()));
    let person = RecordEdit {
        record,
        kind: "person",
        edits: vec![set("name", "李老师"), set("role", role.as_str())],
    };
    edit(store, person, random).await;
    let id = AccountId(record.0);
    let account = Account {
        id,
        login: role.as_str().to_owned(),
        verifier: password::verifier(PASSWORD, random.bytes()).unwrap(),
    };
    store.add_account(account).await.unwrap();
    id
}

/// Commits one edit in the name of the site itself.
pub(crate) async fn edit(store: &Store, edit: RecordEdit, random: &Random) {
    let action = Action {
        action: ActionId(random.bytes()),
        account: SITE_ITSELF,
        terminal: TerminalId::default(),
        wall_ms: NIGHT_MS,
        uptime_ms: 0,
        hub_offset_ms: None,
        reads: vec![edit.record],
        seed: random.bytes(),
    };
    store
        .commit(action, move |_| Ok::<_, Infallible>(vec![edit]))
        .await
        .unwrap();
}
