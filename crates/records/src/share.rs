//! What certain changes have written of a record, as it stands now.

use crate::id::{EntryId, Hash};
use crate::read::{KIND_KEY, Record};
use automerge::{ActorId, Automerge, ChangeHash, ObjId, PatchAction, Prop, ROOT, ReadDoc};
use std::collections::BTreeSet;

/// The part of a record that certain changes wrote.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Share {
    /// They created it.
    pub created: bool,
    /// Fields whose present value is theirs; of a long text, any part of it.
    pub fields: BTreeSet<String>,
    /// Entries they added.
    pub entries: BTreeSet<(String, EntryId)>,
}

/// The share of `changes` in `record`, which is read from `doc`. Changes that the document does
/// not hold have none.
#[must_use]
pub fn share(doc: &Automerge, record: &Record, changes: &BTreeSet<Hash>) -> Share {
    let theirs = |made: &ObjId| {
        let hash = doc.hash_for_opid(made);
        hash.is_some_and(|hash| changes.contains(&Hash(hash.0)))
    };
    let winner = |key: &str| doc.get(ROOT, key).ok().flatten();
    let touched = touched(doc, changes);
    let fields = record.values.keys().filter(|field| {
        winner(field).is_some_and(|(value, made)| match value.is_object() {
            true => touched.contains(field.as_str()),
            false => theirs(&made),
        })
    });
    let entries = record.makers.iter().filter(|(_, maker)| {
        let actor = ActorId::from(maker.actor.as_slice());
        theirs(&ObjId::Id(maker.counter, actor, 0))
    });
    Share {
        created: winner(KIND_KEY).is_some_and(|(_, made)| theirs(&made)),
        fields: fields.cloned().collect(),
        entries: entries.map(|(key, _)| key.clone()).collect(),
    }
}

/// The document's keys below which the changes wrote anything, even if it is gone again.
fn touched(doc: &Automerge, changes: &BTreeSet<Hash>) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for hash in changes {
        let hash = ChangeHash(hash.0);
        let Some(change) = doc.get_change_by_hash(&hash) else {
            continue;
        };
        for patch in doc.diff(change.deps(), &[hash]) {
            let key = match (patch.path.first(), &patch.action) {
                (Some((_, Prop::Map(key))), _)
                | (None, PatchAction::PutMap { key, .. } | PatchAction::DeleteMap { key }) => {
                    key.clone()
                }
                _ => continue,
            };
            keys.insert(key);
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Value;
    use crate::id::{JournalId, SiteId};
    use crate::kinds;
    use crate::read::read;
    use crate::write::{Edit, actor, create, edit};

    const TABLE: &str = "incident";

    fn as_site(doc: &Automerge, site: u8) -> Automerge {
        let journal = JournalId {
            site: SiteId([site; 8]),
            incarnation: 1,
        };
        doc.clone().with_actor(actor(journal, [site; 4]))
    }

    fn set(name: &str, text: &str) -> Edit {
        Edit::Set(name.to_owned(), Value::Text(text.to_owned()))
    }

    fn progress(number: u8, text: &str) -> Edit {
        Edit::AddEntry {
            field: "timeline".to_owned(),
            entry: EntryId([number; 16]),
            values: [
                ("type".to_owned(), Value::Text("progress".to_owned())),
                ("at".to_owned(), Value::Int(60_000)),
                ("text".to_owned(), Value::Text(text.to_owned())),
            ]
            .into(),
        }
    }

    fn incident() -> Automerge {
        let mut doc = as_site(&Automerge::new(), 1);
        let mut edits = vec![set("title", "火情"), set("class", "fire")];
        edits.push(set("state", "received"));
        for time in ["happened_at", "known_at"] {
            edits.push(Edit::Set(time.to_owned(), Value::Int(60_000)));
        }
        let table = kinds::table(TABLE).unwrap();
        create(
            &mut doc,
            table,
            SiteId([1; 8]),
            Some("EJ2026-000001"),
            &edits,
        )
        .unwrap();
        doc
    }

    /// Edits and the hash of the change they made.
    fn edited(doc: &mut Automerge, edits: &[Edit]) -> BTreeSet<Hash> {
        edit(doc, kinds::table(TABLE).unwrap(), edits).unwrap();
        doc.get_heads().iter().map(|head| Hash(head.0)).collect()
    }

    fn of(doc: &Automerge, changes: &BTreeSet<Hash>) -> Share {
        let record = read(doc, kinds::table(TABLE).unwrap(), None).unwrap();
        share(doc, &record, changes)
    }

    #[test]
    fn what_a_change_added_and_what_of_it_still_stands_is_its_share() {
        let mut west = as_site(&incident(), 2);
        let edits = [
            set("level", "II"),
            set("state", "verifying"),
            progress(7, "到场"),
        ];
        let theirs = edited(&mut west, &edits);
        let mut east = as_site(&west, 1);
        edited(&mut east, &[set("state", "handling"), progress(8, "控制")]);
        let share = of(&east, &theirs);
        assert_eq!(share.fields, ["level".to_owned()].into());
        let entry = ("timeline".to_owned(), EntryId([7; 16]));
        assert_eq!(share.entries, [entry].into());
        assert!(!share.created);
    }

    #[test]
    fn whoever_created_a_record_has_a_share_in_all_nobody_else_wrote_since() {
        let doc = incident();
        let creation = doc.get_heads().iter().map(|head| Hash(head.0)).collect();
        let mut west = as_site(&doc, 2);
        edited(&mut west, &[set("state", "verifying")]);
        let share = of(&west, &creation);
        assert!(share.created && share.fields.contains("title"));
        assert!(!share.fields.contains("state"));
    }

    #[test]
    fn words_put_into_or_taken_out_of_a_long_text_count_even_after_others_went_on() {
        let table = kinds::table("log_item").unwrap();
        let mut doc = as_site(&Automerge::new(), 1);
        let mut edits = vec![set("category", "call"), set("content", "来电")];
        edits.push(set("handling", "已转告后勤处"));
        edits.push(Edit::Set("happened_at".to_owned(), Value::Int(60_000)));
        create(
            &mut doc,
            table,
            SiteId([1; 8]),
            Some("E2026-000001"),
            &edits,
        )
        .unwrap();
        edit(&mut doc, table, &[set("handling", "已转告")]).unwrap();
        let theirs = doc.get_heads().iter().map(|head| Hash(head.0)).collect();
        edit(&mut doc, table, &[set("handling", "已转告，完成")]).unwrap();
        let record = read(&doc, table, None).unwrap();
        assert_eq!(
            share(&doc, &record, &theirs).fields,
            ["handling".to_owned()].into()
        );
        let none = share(&doc, &record, &[Hash([9; 32])].into());
        assert_eq!(none, Share::default());
    }
}
