//! Well-formed changes that no writer of ours makes.

use super::corpus::Case;
use super::mutate::repair;
use automerge::legacy::{ElementId, Key, ObjectId, Op, OpId, OpType};
use automerge::transaction::{CommitOptions, Transactable as _, Transaction};
use automerge::{
    ActorId, Automerge, Change, ChangeHash, ExpandedChange, ObjId, ObjType, ROOT, ReadDoc as _,
    ScalarValue,
};
use rand::rngs::StdRng;
use rand::{Rng as _, seq::IndexedRandom as _};
use records::id::{EntryId, JournalId, RecordId, SiteId};
use records::payload::RecordChanges;
use records::write::actor;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A hostile section on the case's record. Where Automerge itself cannot build what was drawn,
/// another is drawn.
pub fn section(rng: &mut StdRng, case: &Case) -> RecordChanges {
    loop {
        let built = catch_unwind(AssertUnwindSafe(|| draw(rng, case)));
        if let Ok(Some(section)) = built {
            return section;
        }
    }
}

fn draw(rng: &mut StdRng, case: &Case) -> Option<RecordChanges> {
    let mut section = case.section.clone();
    match rng.random_range(0..10) {
        0 => around(rng, &mut section),
        1..=3 => {
            let honest = Change::from_bytes(section.changes[0].clone()).ok()?;
            let mut inside = honest.decode();
            (0..rng.random_range(1..4)).for_each(|_| rewrite(rng, &mut inside));
            section.changes[0] = Change::from(inside).raw_bytes().to_vec();
        }
        _ => section.changes = vec![written(rng, case)?],
    }
    Some(section)
}

/// Lies in what surrounds honest changes.
fn around(rng: &mut StdRng, section: &mut RecordChanges) {
    let first = section.changes[0].clone();
    match rng.random_range(0..8) {
        0 => section.record = RecordId::new(SiteId(rng.random()), rng.random()),
        1 => section.kind = word(rng).to_owned(),
        2 => section.table_version = rng.random_range(0..4),
        3 => section.changes.push(first),
        4 => section.changes = vec![first; rng.random_range(60..70)],
        5 => section.changes.clear(),
        6 => section.changes.reverse(),
        _ => {
            let mut cut = first;
            cut.truncate(rng.random_range(8..=cut.len()));
            repair(&mut cut);
            section.changes = vec![cut];
        }
    }
}

/// Changes the inside of an honest change.
fn rewrite(rng: &mut StdRng, change: &mut ExpandedChange) {
    let ops = change.operations.len();
    match rng.random_range(0..10) {
        0 => change.actor_id = an_actor(rng),
        1 => change.seq = [0, 1, 2, change.seq + 1, u64::from(u32::MAX)][rng.random_range(0..5)],
        2 => {
            let near = [
                1,
                change.start_op.get() + 1,
                (1 << 31) - 1,
                1 << 31,
                (1 << 32) - 2,
            ];
            let start = near.choose(rng).copied().and_then(NonZeroU64::new);
            change.start_op = start.unwrap_or(change.start_op);
        }
        3 => change.deps.push(ChangeHash(rng.random())),
        4 => change.deps.clear(),
        5 => change.deps.extend(change.deps.clone()),
        6 => change.message = Some(word(rng).to_owned()),
        7 => change.operations.truncate(rng.random_range(0..=ops)),
        _ => {
            let op = change.operations.choose_mut_or(rng);
            if let Some(op) = op {
                twist(rng, op);
            }
        }
    }
}

trait ChooseMut {
    fn choose_mut_or(&mut self, rng: &mut StdRng) -> Option<&mut Op>;
}

impl ChooseMut for Vec<Op> {
    fn choose_mut_or(&mut self, rng: &mut StdRng) -> Option<&mut Op> {
        let len = self.len();
        self.get_mut(rng.random_range(0..len.max(1)))
    }
}

fn twist(rng: &mut StdRng, op: &mut Op) {
    let id = |rng: &mut StdRng| OpId::new(rng.random_range(1..60), &an_actor(rng));
    match rng.random_range(0..6) {
        0 => op.insert = !op.insert,
        1 => {
            op.obj = match rng.random_range(0..2) {
                0 => ObjectId::Root,
                _ => ObjectId::Id(id(rng)),
            }
        }
        2 => {
            op.key = match rng.random_range(0..3) {
                0 => Key::Map(word(rng).into()),
                1 => Key::Seq(ElementId::Head),
                _ => Key::Seq(ElementId::Id(id(rng))),
            }
        }
        3 => {
            op.pred = (0..rng.random_range(0..4))
                .map(|_| id(rng))
                .collect::<Vec<_>>()
                .into();
        }
        4 => op.action = OpType::Put(scalar(rng)),
        _ => {
            op.action = match rng.random_range(0..6) {
                0 => OpType::Delete,
                1 => OpType::Increment(rng.random()),
                2 => OpType::Make(ObjType::Map),
                3 => OpType::Make(ObjType::Text),
                4 => OpType::MarkEnd(rng.random()),
                _ => OpType::Make(ObjType::List),
            }
        }
    }
}

/// A change written past our writer, under the signer's actor mostly.
fn written(rng: &mut StdRng, case: &Case) -> Option<Vec<u8>> {
    let mut doc = match &case.base {
        Some(base) => Automerge::load(base).ok()?,
        None => Automerge::new(),
    };
    let slot = [rng.random_range(0..3); 4];
    doc.set_actor(match rng.random_range(0..20) {
        0 => an_actor(rng),
        _ => actor(case.signer, slot),
    });
    let mut tx = doc.transaction();
    for _ in 0..rng.random_range(1..4) {
        // What Automerge itself does not let be written is simply not in the change.
        let _ = deed(rng, &mut tx);
    }
    let message = rng.random_bool(0.02).then(|| "消息".to_owned());
    tx.commit_with(CommitOptions {
        message,
        ..CommitOptions::default()
    });
    Some(doc.get_last_local_change()?.raw_bytes().to_vec())
}

fn deed(rng: &mut StdRng, tx: &mut Transaction<'_>) -> Result<(), automerge::AutomergeError> {
    let object = an_object(rng, tx);
    let key = a_key(rng, tx, &object);
    match rng.random_range(0..14) {
        0 | 1 => tx.put(&object, key, scalar(rng)),
        2 => tx.delete(&object, key),
        3 => tx.put_object(&object, key, kind_of_object(rng)).map(drop),
        4 => tx.increment(&object, key, rng.random()),
        5 => deep(rng, tx, object),
        6 => {
            let length = tx.length(&object);
            let at = rng.random_range(0..=length);
            tx.splice_text(&object, at, 0, &odd_text(rng))
        }
        7 => {
            let length = tx.length(&object);
            let at = rng.random_range(0..=length);
            let gone = rng.random_range(0..=(length - at)).min(40);
            tx.splice_text(&object, at, isize::try_from(gone).unwrap_or(0), word(rng))
        }
        8 => {
            let mark = automerge::marks::Mark::new(word(rng).into(), scalar(rng), 0, 3);
            tx.mark(&object, mark, automerge::marks::ExpandMark::Both)
        }
        9 => tx.insert(&object, 0, scalar(rng)),
        10 => {
            let values = [scalar(rng), scalar(rng)];
            values
                .into_iter()
                .try_for_each(|value| tx.put(&object, key.as_str(), value))
        }
        11 => an_entry(rng, tx),
        12 => tx.insert_object(&object, 0, kind_of_object(rng)).map(drop),
        _ => tx.put(
            ROOT,
            ["kind", "home", "number"][rng.random_range(0..3)],
            scalar(rng),
        ),
    }
}

/// An entry of some field of some kind, whole or not.
fn an_entry(rng: &mut StdRng, tx: &mut Transaction<'_>) -> Result<(), automerge::AutomergeError> {
    let field = [
        "timeline",
        "amendments",
        "presence",
        "attachments",
        "cameras",
    ];
    let field = field[rng.random_range(0..field.len())];
    let map = match tx.get(ROOT, field)? {
        Some((value, map)) if value.is_object() => map,
        _ => tx.put_object(ROOT, field, ObjType::Map)?,
    };
    let id = EntryId([rng.random_range(0..3); 16]).to_string();
    let id = if rng.random_bool(0.1) {
        id.to_uppercase()
    } else {
        id
    };
    let entry = tx.put_object(&map, id, ObjType::Map)?;
    for name in ["type", "text", "at", "person"] {
        if rng.random_bool(0.7) {
            tx.put(&entry, name, scalar(rng))?;
        }
    }
    Ok(())
}

fn deep(
    rng: &mut StdRng,
    tx: &mut Transaction<'_>,
    mut object: ObjId,
) -> Result<(), automerge::AutomergeError> {
    for _ in 0..rng.random_range(1..300) {
        object = tx.put_object(&object, "a", ObjType::Map)?;
    }
    Ok(())
}

fn an_object(rng: &mut StdRng, tx: &Transaction<'_>) -> ObjId {
    let mut object = ROOT;
    for _ in 0..rng.random_range(0..4) {
        let inner: Vec<ObjId> = tx
            .map_range(&object, ..)
            .filter_map(|item| {
                let (value, id) = tx.get(&object, item.key.as_ref()).ok()??;
                value.is_object().then_some(id)
            })
            .collect();
        match inner.choose(rng) {
            Some(found) => object = found.clone(),
            None => break,
        }
    }
    object
}

fn a_key(rng: &mut StdRng, tx: &Transaction<'_>, object: &ObjId) -> String {
    let keys: Vec<String> = tx.keys(object).collect();
    match keys.choose(rng) {
        Some(key) if rng.random_bool(0.6) => key.clone(),
        _ => word(rng).to_owned(),
    }
}

fn kind_of_object(rng: &mut StdRng) -> ObjType {
    [ObjType::Map, ObjType::List, ObjType::Text, ObjType::Table][rng.random_range(0..4)]
}

fn an_actor(rng: &mut StdRng) -> ActorId {
    let journal = |site: u8| JournalId {
        site: SiteId([site; 8]),
        incarnation: 1,
    };
    match rng.random_range(0..6) {
        0 => ActorId::from(&[][..]),
        1 => ActorId::from(&[rng.random::<u8>(); 8][..]),
        2 => ActorId::from(&[0xff; 64][..]),
        3 => ActorId::from(rng.random::<[u8; 16]>()),
        _ => actor(journal(rng.random_range(1..4)), [1; 4]),
    }
}

fn word(rng: &mut StdRng) -> &'static str {
    const WORDS: [&str; 24] = [
        "",
        "a",
        "\u{0}",
        "kind",
        "home",
        "number",
        "content",
        "handling",
        "finished",
        "state",
        "level",
        "timeline",
        "amendments",
        "text",
        "type",
        "at",
        "title",
        "incident",
        "log_item",
        "person",
        "weather",
        "值班",
        "👩‍👩‍👧‍👦",
        "e\u{301}",
    ];
    WORDS[rng.random_range(0..WORDS.len())]
}

fn odd_text(rng: &mut StdRng) -> String {
    let word = ["值", "a", "👩‍👩‍👧‍👦", "\u{0}", "\u{202e}", "e\u{301}"][rng.random_range(0..6)];
    let times = [0, 1, 7, 300, 20_001];
    // The longest seldom: most of them would be refused for the same reason.
    let longest = if rng.random_bool(0.02) { 5 } else { 4 };
    word.repeat(times[rng.random_range(0..longest)])
}

fn scalar(rng: &mut StdRng) -> ScalarValue {
    match rng.random_range(0..13) {
        0 => ScalarValue::Null,
        1 => ScalarValue::Boolean(rng.random()),
        2 => ScalarValue::Int(rng.random()),
        3 => ScalarValue::Int(rng.random_range(0..100) * 60_000),
        4 => ScalarValue::Uint(rng.random()),
        5 => ScalarValue::F64([0.0, f64::NAN, f64::INFINITY, -0.0][rng.random_range(0..4)]),
        6 => ScalarValue::Timestamp(rng.random()),
        7 => ScalarValue::counter(rng.random_range(-5..5)),
        8 => ScalarValue::Bytes(vec![
            rng.random();
            [0, 8, 16, 32, 300][rng.random_range(0..5)]
        ]),
        9 if rng.random_bool(0.02) => ScalarValue::Bytes(vec![7; 300_000]),
        10 => ScalarValue::Str(odd_text(rng).into()),
        11 => ScalarValue::Unknown {
            type_code: rng.random_range(10..16),
            bytes: vec![1, 2, 3],
        },
        _ => ScalarValue::Str(word(rng).into()),
    }
}
