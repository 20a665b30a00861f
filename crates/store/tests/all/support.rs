//! An institution with a hub and two campuses, each with a store in its own directory.

use automerge::Automerge;
use ed25519_dalek::SigningKey;
use records::bundle::{Bundle, Head, Header};
use records::field::KindTable;
use records::field::Value;
use records::gate::RULES;
use records::id::{
    AccountId, ActionId, EntryId, Hash, InstitutionId, JournalId, RecordId, ScopeId, SiteId,
    TerminalId,
};
use records::kinds;
use records::payload::{self, Body, Enrolment, InstitutionOp, RecordChanges, Section, SiteRole};
use records::write::{self, Edit};
use sqlx::{ConnectOptions as _, SqliteConnection, sqlite::SqliteConnectOptions};
use std::convert::Infallible;
use std::path::Path;
use store::{Action, Committed, Options, RecordEdit, RecordRow, Store, Synchronous, Writer};
use tempfile::TempDir;

/// 2026-11-22 08:00 in Asia/Shanghai.
pub(crate) const MORNING: i64 = 1_795_305_600_000;

pub(crate) fn root() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

pub(crate) fn institution() -> InstitutionId {
    InstitutionId::of_root_key(root().verifying_key().as_bytes())
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Campus {
    pub(crate) number: u8,
    pub(crate) code: &'static str,
}

pub(crate) const HUB: Campus = Campus {
    number: 1,
    code: "Z",
};
pub(crate) const EAST: Campus = Campus {
    number: 2,
    code: "E",
};
pub(crate) const WEST: Campus = Campus {
    number: 3,
    code: "W",
};

impl Campus {
    pub(crate) fn site(self) -> SiteId {
        SiteId([self.number; 8])
    }

    pub(crate) fn journal(self) -> JournalId {
        JournalId {
            site: self.site(),
            incarnation: 1,
        }
    }

    pub(crate) fn key(self) -> SigningKey {
        SigningKey::from_bytes(&[self.number + 100; 32])
    }

    pub(crate) fn writer(self) -> Writer {
        Writer {
            institution: institution(),
            journal: self.journal(),
            code: self.code.to_owned(),
            key: self.key(),
            slot: [self.number; 4],
        }
    }

    fn enrolment(self) -> Enrolment {
        Enrolment {
            journal: self.journal(),
            name: format!("{}校区值班室", self.code),
            code: self.code.to_owned(),
            role: match self.number {
                1 => SiteRole::Hub,
                _ => SiteRole::Campus,
            },
            sign_key: self.key().verifying_key().to_bytes(),
            seal_key: [self.number; 32],
        }
    }
}

pub(crate) fn quick() -> Options {
    Options {
        synchronous: Synchronous::Off,
        ..Options::default()
    }
}

/// A store with its directory.
pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) dir: TempDir,
    pub(crate) campus: Campus,
}

impl Site {
    /// A site that holds the institution journal and may write.
    pub(crate) async fn open(campus: Campus) -> Site {
        Self::open_with(campus, quick()).await
    }

    pub(crate) async fn open_with(campus: Campus, options: Options) -> Site {
        let site = Self::bare(campus, options).await;
        let bundles = institution_journal().await;
        site.store.admit(bundles, MORNING).await.expect("admit");
        site.store
            .start_writer(campus.writer())
            .await
            .expect("start");
        site
    }

    /// A site with an empty store.
    pub(crate) async fn bare(campus: Campus, options: Options) -> Site {
        let dir = tempfile::tempdir().expect("tempdir");
        let store = Store::open_with(dir.path(), options).await.expect("open");
        Site { store, dir, campus }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Closes the store and opens the directory again.
    pub(crate) async fn reopen(self, options: Options) -> Site {
        let Site { store, dir, campus } = self;
        drop(store);
        let store = Store::open_with(dir.path(), options).await.expect("open");
        store.start_writer(campus.writer()).await.expect("start");
        Site { store, dir, campus }
    }

    /// Writes a log item and says what was committed.
    pub(crate) async fn log(&self, number: u8, content: &str) -> Committed {
        let edit = log_item(record(self.campus, number), content);
        self.act(number, vec![edit]).await
    }

    pub(crate) async fn act(&self, number: u8, edits: Vec<RecordEdit>) -> Committed {
        self.store
            .commit(action(self.campus, number), move |_| {
                Ok::<_, Infallible>(edits)
            })
            .await
            .expect("commit")
    }

    pub(crate) async fn rows(&self) -> Vec<RecordRow> {
        rows(&self.store).await
    }

    /// Everything this site holds, in journal order.
    pub(crate) async fn bundles(&self) -> Vec<Bundle> {
        let mut bundles = Vec::new();
        for head in self.store.frontier() {
            bundles.extend(journal(&self.store, head.journal).await);
        }
        bundles
    }

    pub(crate) async fn own(&self) -> Vec<Bundle> {
        journal(&self.store, self.campus.journal()).await
    }

    /// Sends everything held here that `other` lacks.
    pub(crate) async fn send_to(&self, other: &Site) {
        let bundles = self.bundles().await;
        other.store.admit(bundles, MORNING).await.expect("admit");
    }
}

pub(crate) async fn journal(store: &Store, journal: JournalId) -> Vec<Bundle> {
    store
        .bundles_after(journal, 0, usize::MAX)
        .await
        .expect("bundles")
}

/// Every row, in list order.
pub(crate) async fn rows(store: &Store) -> Vec<RecordRow> {
    let filter = store::Filter {
        limit: 200,
        ..store::Filter::default()
    };
    store.list(&filter).await.expect("list").rows
}

/// Rows without what each site sees its own way: whether it holds its own changes alone.
pub(crate) async fn shared_rows(store: &Store) -> Vec<RecordRow> {
    let mut rows = rows(store).await;
    for row in &mut rows {
        row.acked = true;
    }
    rows
}

/// The same bytes every time: Ed25519 signs deterministically.
pub(crate) async fn institution_journal() -> Vec<Bundle> {
    static JOURNAL: tokio::sync::OnceCell<Vec<Bundle>> = tokio::sync::OnceCell::const_new();
    JOURNAL.get_or_init(found).await.clone()
}

async fn found() -> Vec<Bundle> {
    let dir = tempfile::tempdir().expect("tempdir");
    let store = Store::open_with(dir.path(), quick()).await.expect("open");
    let mut ops = vec![InstitutionOp::Found {
        name: "学院".to_owned(),
        root_key: root().verifying_key().to_bytes(),
    }];
    ops.extend([HUB, EAST, WEST].map(|campus| InstitutionOp::Enrol(campus.enrolment())));
    ops.push(InstitutionOp::ActivateRules(RULES));
    for op in ops {
        store
            .commit_institution(op, &root(), institution(), MORNING)
            .await
            .expect("commit");
    }
    journal(&store, JournalId::INSTITUTION).await
}

pub(crate) fn record(campus: Campus, number: u8) -> RecordId {
    RecordId::new(campus.site(), [0, 0, 0, 0, 0, 0, 0, number])
}

/// The officer on duty; the id is that of the person record.
pub(crate) fn officer(campus: Campus) -> AccountId {
    AccountId(RecordId::new(campus.site(), [50; 8]).0)
}

pub(crate) fn action(campus: Campus, number: u8) -> Action {
    let mut id = [campus.number + 20; 16];
    id[15] = number;
    Action {
        action: ActionId(id),
        account: officer(campus),
        terminal: TerminalId([7; 16]),
        wall_ms: MORNING + i64::from(number) * 60_000,
        uptime_ms: 1_000,
        hub_offset_ms: Some(-250),
        reads: Vec::new(),
        seed: [number; 32],
    }
}

pub(crate) fn set(name: &str, value: Value) -> Edit {
    Edit::Set(name.to_owned(), value)
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub(crate) fn log_item(record: RecordId, content: &str) -> RecordEdit {
    RecordEdit {
        record,
        kind: "log_item",
        edits: vec![
            set(
                "happened_at",
                Value::Int(MORNING + i64::from(record.0[15]) * 60_000),
            ),
            set("category", text("call")),
            set("content", text(content)),
        ],
    }
}

pub(crate) fn amendment(record: RecordId, entry: u8, words: &str) -> RecordEdit {
    RecordEdit {
        record,
        kind: "log_item",
        edits: vec![Edit::AddEntry {
            field: "amendments".to_owned(),
            entry: EntryId([entry; 16]),
            values: [
                ("type".to_owned(), text("correction")),
                ("text".to_owned(), text(words)),
            ]
            .into(),
        }],
    }
}

pub(crate) fn person(campus: Campus, name: &str) -> RecordEdit {
    RecordEdit {
        record: RecordId(officer(campus).0),
        kind: "person",
        edits: vec![set("name", text(name)), set("role", text("officer"))],
    }
}

/// A section that `campus` writes under its own actor for whatever record it names.
pub(crate) fn section(
    campus: Campus,
    record: RecordId,
    kind: &'static str,
    changes: impl FnOnce(&mut Automerge, &'static KindTable) -> Vec<Vec<u8>>,
) -> Section {
    let actor = write::actor(campus.journal(), [campus.number; 4]);
    let table = kinds::table(kind).expect("a kind");
    let changes = changes(&mut Automerge::new().with_actor(actor), table);
    let body = Body::Record(RecordChanges {
        record,
        kind: kind.to_owned(),
        table_version: table.version,
        changes,
    });
    Section::Present {
        salt: [campus.number; 16],
        body: body.encode(),
    }
}

/// A section that creates `record` in the name of `campus`.
pub(crate) fn creation(campus: Campus, record: RecordId, kind: &'static str) -> Section {
    let edits = match kind {
        "person" => person(campus, "冒名").edits,
        _ => log_item(record, "冒名").edits,
    };
    section(campus, record, kind, |doc, table| {
        let prefix = table.number_prefix;
        let number = prefix.map(|prefix| format!("{}{prefix}2026-000001", campus.code));
        vec![write::create(doc, table, campus.site(), number.as_deref(), &edits).expect("valid")]
    })
}

/// The record sections of a bundle.
pub(crate) fn sections(bundle: &Bundle) -> Vec<Section> {
    payload::decode(&bundle.payload).expect("payload")
}

/// A first bundle of `campus` with these sections, as a hostile site would sign it.
pub(crate) fn forge(campus: Campus, institution_head: Head, sections: &[Section]) -> Bundle {
    let payload = payload::encode(sections);
    let header = Header {
        version: 1,
        suite: 1,
        institution: institution(),
        site: campus.site(),
        incarnation: 1,
        seq: 1,
        prev: Hash::default(),
        deps: vec![institution_head],
        hlc: 1,
        wall_ms: MORNING,
        uptime_ms: 1,
        hub_offset_ms: None,
        account: officer(campus),
        terminal: TerminalId([7; 16]),
        assurance: Vec::new(),
        action: ActionId([99; 16]),
        part: 1,
        parts: 1,
        scope: ScopeId::default(),
        key_id: 0,
        payload_root: payload::root(sections),
        payload_len: u32::try_from(payload.len()).expect("small"),
    };
    Bundle::sign(&header, payload, &campus.key())
}

/// Decides something in the institution's name at `store`.
pub(crate) async fn decree(store: &Store, op: InstitutionOp) -> Head {
    store
        .commit_institution(op, &root(), institution(), MORNING)
        .await
        .expect("decree")
}

/// The database in a data directory, beside any store that has it open: to damage or look into.
pub(crate) async fn raw(dir: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(dir.join("dutyroom.db"))
        .create_if_missing(true)
        .connect()
        .await
        .expect("the database opens")
}
