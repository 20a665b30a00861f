//! What people do in the world, drawn from the seed and decided by the real rules.

use super::site::Site;
use anyhow::Result;
use rand::Rng as _;
use rand::rngs::StdRng;
use records::bundle::Head;
use records::field::{Value, Values};
use records::id::{AccountId, ActionId, EntryId, Hash, RecordId};
use records::kinds::{incident::CLASSES, log_item::CATEGORIES};
use records::payload::InstitutionOp;
use rules::{Actor, Refusal, Role, incident, log_item};
use std::collections::BTreeSet;
use std::sync::Arc;
use store::{Filter, Reads, RecordEdit, Store};

/// A decision that the store asks for in its transaction; again when its answer was lost.
pub type Decide = Arc<dyn Fn(&Reads) -> Result<Vec<RecordEdit>, Refusal> + Send + Sync>;

/// What a site answered as saved.
#[derive(Debug, Clone)]
pub struct Saved {
    /// The action.
    pub action: ActionId,
    /// The record.
    pub record: RecordId,
    /// The entry added to it, if the action added one.
    pub entry: Option<(&'static str, EntryId)>,
    /// The bundle it is in.
    pub head: Head,
}

/// Something a person does.
#[derive(Clone)]
pub struct Deed {
    /// Its idempotency key.
    pub action: ActionId,
    /// Who.
    pub account: AccountId,
    /// Records the decision looks at.
    pub reads: Vec<RecordId>,
    /// The record that will be there once it is saved.
    pub record: RecordId,
    /// The entry that will be in it, if the action adds one.
    pub entry: Option<(&'static str, EntryId)>,
    /// The decision.
    pub decide: Decide,
}

const CONTENTS: [&str; 4] = [
    "5 号楼学生晕倒，已通知校医院。",
    "保安报告东门道闸不能落下，后勤处派人检修。",
    "家长来电询问学生返校时间，已转学生处答复。",
    "实验楼烟感报警，值班员到场核实为水汽误报。",
];

/// Draws what somebody does at `site` now.
///
/// # Errors
/// When the store cannot be read.
pub async fn draw(rng: &mut StdRng, site: &Site, store: &Store, now_ms: u64) -> Result<Deed> {
    let actor = Actor {
        account: AccountId(rng.random()),
        role: [Role::Officer, Role::Headquarters][rng.random_range(0..2)],
        site: site.id(),
    };
    let now_ms = site.now(now_ms).wall_ms;
    let known = known(rng, store).await?;
    let deed = match (known, rng.random_range(0..10)) {
        (Some((id, "incident")), 0..=4) => progress(rng, actor, id, now_ms),
        (Some((id, "incident")), _) => state(rng, actor, id, now_ms),
        (Some((id, "log_item")), 0..=2) if store.rules() >= 2 => attachment(rng, actor, id, now_ms),
        (Some((id, "log_item")), 0..=3) => amendment(rng, actor, id, now_ms),
        (_, 0..=6) => item(rng, actor, now_ms),
        (_, _) => new_incident(rng, actor, now_ms),
    };
    Ok(deed)
}

async fn known(rng: &mut StdRng, store: &Store) -> Result<Option<(RecordId, &'static str)>> {
    let filter = Filter {
        kinds: vec!["log_item".to_owned(), "incident".to_owned()],
        limit: 20,
        ..Filter::default()
    };
    let rows = store.list(&filter).await?.rows;
    if rows.is_empty() {
        return Ok(None);
    }
    let row = &rows[rng.random_range(0..rows.len())];
    let kind = if row.kind == "incident" {
        "incident"
    } else {
        "log_item"
    };
    Ok(Some((row.id, kind)))
}

/// The decision to erase some record that `store` shows, if there is any.
///
/// # Errors
/// When the store cannot be read.
pub async fn erasure(rng: &mut StdRng, store: &Store) -> Result<Option<(RecordId, InstitutionOp)>> {
    let Some((record, _)) = known(rng, store).await? else {
        return Ok(None);
    };
    let row = store.row(record).await?;
    let remains = store.remains(record).await?;
    let sections: BTreeSet<_> = remains.sections.iter().map(|found| found.section).collect();
    let op = InstitutionOp::Erase {
        record,
        sections: sections.into_iter().collect(),
        number: row.map(|row| row.number).unwrap_or_default(),
        reason: "retention".to_owned(),
    };
    Ok(Some((record, op)))
}

fn text(rng: &mut StdRng) -> Value {
    Value::Text(CONTENTS[rng.random_range(0..CONTENTS.len())].to_owned())
}

fn choice(rng: &mut StdRng, choices: &[&str]) -> Value {
    Value::Text(choices[rng.random_range(0..choices.len())].to_owned())
}

fn minute(now_ms: i64) -> Value {
    Value::Int(now_ms - now_ms.rem_euclid(60_000))
}

fn values(pairs: impl IntoIterator<Item = (&'static str, Value)>) -> Values {
    let owned = pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    owned.collect()
}

fn create(
    rng: &mut StdRng,
    actor: Actor,
    kind: &'static str,
    decide: impl Fn() -> Result<Vec<records::write::Edit>, Refusal> + Send + Sync + 'static,
) -> Deed {
    let record = RecordId::new(actor.site, rng.random());
    Deed {
        action: ActionId(rng.random()),
        account: actor.account,
        reads: Vec::new(),
        record,
        entry: None,
        decide: Arc::new(move |_| {
            let edits = decide()?;
            Ok(vec![RecordEdit {
                record,
                kind,
                edits,
            }])
        }),
    }
}

fn item(rng: &mut StdRng, actor: Actor, now_ms: i64) -> Deed {
    let item = values([
        ("happened_at", minute(now_ms)),
        ("category", choice(rng, CATEGORIES)),
        ("content", text(rng)),
    ]);
    create(rng, actor, "log_item", move || {
        log_item::create(&actor, item.clone(), now_ms)
    })
}

fn new_incident(rng: &mut StdRng, actor: Actor, now_ms: i64) -> Deed {
    let facts = values([
        ("title", Value::Text("实验楼冒烟".to_owned())),
        ("class", choice(rng, CLASSES)),
    ]);
    create(rng, actor, "incident", move || {
        incident::open(&actor, None, facts.clone(), now_ms)
    })
}

/// An action that adds `entry` to `field` of an existing record.
fn entry(
    rng: &mut StdRng,
    actor: Actor,
    record: RecordId,
    field: &'static str,
    decide: impl Fn(&records::read::Record, EntryId) -> Result<Vec<records::write::Edit>, Refusal>
    + Send
    + Sync
    + 'static,
) -> Deed {
    let entry = EntryId(rng.random());
    Deed {
        action: ActionId(rng.random()),
        account: actor.account,
        reads: vec![record],
        record,
        entry: Some((field, entry)),
        decide: Arc::new(move |reads| {
            // Asked again after the record was erased, or lost with an older copy of the disk.
            let loaded = reads.get(&record).ok_or(Refusal::Invalid(Vec::new()))?;
            let loaded = &loaded.record;
            let edits = decide(loaded, entry)?;
            let kind = loaded.table.kind;
            Ok(vec![RecordEdit {
                record,
                kind,
                edits,
            }])
        }),
    }
}

fn progress(rng: &mut StdRng, actor: Actor, record: RecordId, now_ms: i64) -> Deed {
    let line = values([("text", text(rng))]);
    entry(rng, actor, record, "timeline", move |record, entry| {
        incident::add_progress(&actor, record, entry, line.clone(), now_ms)
    })
}

fn state(rng: &mut StdRng, actor: Actor, record: RecordId, now_ms: i64) -> Deed {
    let pick: usize = rng.random_range(0..5);
    entry(rng, actor, record, "timeline", move |record, entry| {
        let next = incident::next_states(record.text("state"));
        let state = next.get(pick % next.len().max(1)).copied();
        incident::set_state(
            &actor,
            record,
            entry,
            state.unwrap_or("received"),
            None,
            now_ms,
        )
    })
}

/// A photo; its content travels apart from the journals.
fn attachment(rng: &mut StdRng, actor: Actor, record: RecordId, now_ms: i64) -> Deed {
    let photo = values([
        ("name", Value::Text("现场.jpg".to_owned())),
        ("mime", Value::Text("image/jpeg".to_owned())),
        ("size", Value::Int(48_000)),
        ("blob", Value::Blob(Hash(rng.random()))),
    ]);
    entry(rng, actor, record, "attachments", move |record, entry| {
        log_item::attach(&actor, record, entry, photo.clone(), now_ms)
    })
}

fn amendment(rng: &mut StdRng, actor: Actor, record: RecordId, now_ms: i64) -> Deed {
    let kind = choice(rng, &["correction", "late_entry"]);
    let amendment = values([("type", kind), ("text", text(rng))]);
    entry(rng, actor, record, "amendments", move |record, entry| {
        log_item::amend(&actor, record, entry, amendment.clone(), now_ms)
    })
}
