//! A run of true bundles: a record is created and edited.

use automerge::Automerge;
use ed25519_dalek::SigningKey;
use records::bundle::{Bundle, Head, Header};
use records::field::Value;
use records::id::{AccountId, Hash, InstitutionId, JournalId, RecordId, SiteId, TerminalId};
use records::kinds;
use records::payload::{Body, RecordChanges, Section, encode, root};
use records::write::{Edit, actor, create, edit, table_version};

/// The journal they are of.
pub const JOURNAL: JournalId = JournalId {
    site: SiteId([7; 8]),
    incarnation: 1,
};

/// The bundles from the journal's beginning.
///
/// # Panics
/// Never.
#[must_use]
pub fn bundles() -> Vec<Bundle> {
    let table = kinds::table("log_item").expect("a kind of this version");
    let set = |field: &str, value| Edit::Set(field.to_owned(), value);
    let text = |text: &str| Value::Text(text.to_owned());
    let mut doc = Automerge::new().with_actor(actor(JOURNAL, [0; 4]));
    let created = vec![
        set("happened_at", Value::Int(1_790_000_040_000)),
        set("category", text("fire")),
        set("content", text("三号楼二层发现火情。")),
    ];
    let number = Some("E2026-000012");
    let first = create(&mut doc, table, JOURNAL.site, number, &created).expect("valid");
    let mut changes = vec![(first, table_version(table, &created))];
    for words in ["已报119。", "已报119,学生疏散。", "已扑灭。"] {
        let edits = [set("handling", text(words))];
        let change = edit(&mut doc, table, &edits).expect("valid");
        changes.push((change, table_version(table, &edits)));
    }
    let mut bundles: Vec<Bundle> = Vec::new();
    for (seq, (change, table_version)) in (1..).zip(changes) {
        let prev = bundles.last().map_or(Hash::default(), Bundle::hash);
        bundles.push(bundle(seq, prev, change, table_version));
    }
    bundles
}

fn bundle(seq: u64, prev: Hash, change: Vec<u8>, table_version: u16) -> Bundle {
    let body = Body::Record(RecordChanges {
        record: RecordId::new(JOURNAL.site, [9; 8]),
        kind: "log_item".to_owned(),
        table_version,
        changes: vec![change],
    });
    let salt = [u8::try_from(seq).unwrap_or(0); 16];
    let sections = [Section::Present {
        salt,
        body: body.encode(),
    }];
    let payload = encode(&sections);
    let wall_ms = 1_790_000_000_000 + i64::try_from(seq).unwrap_or(0) * 7_000;
    let dep = Head {
        journal: JournalId::INSTITUTION,
        seq,
        hash: Hash([seq as u8; 32]),
    };
    let header = Header {
        institution: InstitutionId([1; 16]),
        prev,
        deps: vec![dep],
        hlc: wall_ms.cast_unsigned() << 16,
        wall_ms,
        account: AccountId([4; 16]),
        terminal: TerminalId([5; 16]),
        payload_root: root(&sections),
        payload_len: u32::try_from(payload.len()).unwrap_or(0),
        ..Header::blank(JOURNAL, seq)
    };
    Bundle::sign(&header, payload, &SigningKey::from_bytes(&[7; 32]))
}
