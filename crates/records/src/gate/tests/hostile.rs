use super::*;
use std::slice;

fn field(name: &str) -> String {
    name.to_owned()
}

/// The object under a key of the record.
fn object(base: &[u8], key: &str) -> automerge::ObjId {
    let doc = Automerge::load(base).unwrap();
    doc.get(ROOT, key).unwrap().unwrap().1
}

#[test]
fn a_change_under_another_sites_actor_is_refused() {
    let base = log_item();
    let change = edit(&base, EAST, "log_item", &[amendment(1, "冒名")]);
    assert_refused(&base, WEST, "log_item", &change, Refusal::ForeignActor);
    let other = JournalId {
        incarnation: 2,
        ..EAST
    };
    assert_refused(&base, other, "log_item", &change, Refusal::ForeignActor);
}

#[test]
fn an_actor_of_another_form_is_refused() {
    let base = log_item();
    let mut doc = Automerge::load(&base).unwrap();
    doc.set_actor(ActorId::from([1u8; 8]));
    let edits = [amendment(1, "冒名")];
    let change = write::edit(&mut doc, table("log_item"), &edits).unwrap();
    assert_refused(&base, EAST, "log_item", &change, Refusal::ForeignActor);
}

#[test]
fn a_field_of_the_home_site_is_closed_to_other_sites() {
    let base = log_item();
    let change = edit(
        &base,
        WEST,
        "log_item",
        &[set("finished", Value::Bool(true))],
    );
    let refusal = Refusal::NotHome(field("finished"));
    assert_refused(&base, WEST, "log_item", &change, refusal);
    let change = edit(&base, WEST, "log_item", &[set("handling", text("已处理"))]);
    let refusal = Refusal::NotHome(field("handling"));
    assert_refused(&base, WEST, "log_item", &change, refusal);
}

#[test]
fn a_field_written_once_is_closed_to_everyone() {
    let base = log_item();
    let change = edit(&base, EAST, "log_item", &[set("category", text("theft"))]);
    let refusal = Refusal::Once(field("category"));
    assert_refused(&base, EAST, "log_item", &change, refusal);
    let change = edit(&base, EAST, "log_item", &[set("content", text("无事。"))]);
    let refusal = Refusal::Once(field("content"));
    assert_refused(&base, EAST, "log_item", &change, refusal);
    // Nor may a field be filled in that was left empty when the record was made.
    let change = edit(&base, EAST, "log_item", &[set("caller", text("李四"))]);
    let refusal = Refusal::Once(field("caller"));
    assert_refused(&base, EAST, "log_item", &change, refusal);
}

#[test]
fn nothing_is_ever_deleted() {
    let base = incident();
    for key in ["level", "state"] {
        let base = {
            let change = edit(&base, WEST, "incident", &[set("level", text("I"))]);
            admit(Some(&base), WEST, "incident", &change).snapshot
        };
        let change = forge(&base, WEST, |tx| tx.delete(ROOT, key).unwrap());
        let refusal = Refusal::Operation(field(key));
        assert_refused(&base, WEST, "incident", &change, refusal);
    }
    let change = forge(&base, WEST, |tx| tx.delete(ROOT, "timeline").unwrap());
    let refusal = Refusal::EntryChanged(field("timeline"));
    assert_refused(&base, WEST, "incident", &change, refusal);
}

#[test]
fn an_entry_is_neither_changed_nor_removed_nor_replaced() {
    let base = incident();
    let change = edit(&base, WEST, "incident", &[progress(1, "消防车已到。")]);
    let base = admit(Some(&base), WEST, "incident", &change).snapshot;
    let timeline = object(&base, "timeline");
    let key = EntryId([1; 16]).to_string();
    let doc = Automerge::load(&base).unwrap();
    let entry = doc.get(&timeline, &key).unwrap().unwrap().1;
    let said = doc.get(&entry, "text").unwrap().unwrap().1;
    let forgeries = [
        forge(&base, WEST, |tx| {
            tx.put(&entry, "state", "handled").unwrap();
        }),
        forge(&base, WEST, |tx| tx.delete(&entry, "text").unwrap()),
        forge(&base, WEST, |tx| {
            tx.splice_text(&said, 0, 3, "救护").unwrap();
        }),
        forge(&base, WEST, |tx| tx.delete(&timeline, &key).unwrap()),
        forge(&base, WEST, |tx| {
            tx.put_object(&timeline, &key, ObjType::Map).unwrap();
        }),
        forge(&base, WEST, |tx| {
            tx.put_object(ROOT, "timeline", ObjType::Map).unwrap();
        }),
    ];
    for change in forgeries {
        let refusal = Refusal::EntryChanged(field("timeline"));
        assert_refused(&base, WEST, "incident", &change, refusal);
    }
}

#[test]
fn an_entry_under_another_spelling_of_an_id_is_refused() {
    let base = incident();
    let timeline = object(&base, "timeline");
    let change = forge(&base, WEST, |tx| {
        let key = "AB".repeat(16);
        tx.put_object(&timeline, key, ObjType::Map).unwrap();
    });
    let refusal = Refusal::Operation(field("timeline"));
    assert_refused(&base, WEST, "incident", &change, refusal);
}

#[test]
fn an_entry_without_what_it_needs_is_refused() {
    let base = incident();
    let timeline = object(&base, "timeline");
    let change = forge(&base, WEST, |tx| {
        let key = EntryId([1; 16]).to_string();
        let entry = tx.put_object(&timeline, key, ObjType::Map).unwrap();
        tx.put(&entry, "type", "progress").unwrap();
    });
    let refusal = Refusal::Value(field("at"), FieldFault::Required);
    assert_refused(&base, WEST, "incident", &change, refusal);
}

#[test]
fn values_that_do_not_fit_the_table_are_refused() {
    let base = incident();
    for (key, value, fault) in [
        (
            "level",
            ScalarValue::Str("V".into()),
            FieldFault::NotAChoice,
        ),
        ("level", ScalarValue::Int(1), FieldFault::WrongType),
        ("state", ScalarValue::Null, FieldFault::WrongType),
        ("state", ScalarValue::counter(1), FieldFault::WrongType),
    ] {
        let change = forge(&base, WEST, |tx| tx.put(ROOT, key, value).unwrap());
        let refusal = Refusal::Value(field(key), fault);
        assert_refused(&base, WEST, "incident", &change, refusal);
    }
    let item = log_item();
    let change = forge(&item, EAST, |tx| {
        let text = tx.put_object(ROOT, "handling", ObjType::Text).unwrap();
        tx.splice_text(&text, 0, 0, &"值".repeat(20_001)).unwrap();
    });
    let refusal = Refusal::Value(field("handling"), FieldFault::TooLong(20_000));
    assert_refused(&item, EAST, "log_item", &change, refusal);
}

#[test]
fn objects_counters_and_marks_that_no_writer_makes_are_refused() {
    let base = log_item();
    let handled = edit(&base, EAST, "log_item", &[set("handling", text("已报119"))]);
    let base = admit(Some(&base), EAST, "log_item", &handled).snapshot;
    let handling = object(&base, "handling");
    let mark = automerge::marks::Mark::new("bold".into(), true, 0, 2);
    let forgeries = [
        forge(&base, EAST, |tx| {
            tx.put_object(ROOT, "handling", ObjType::Text).unwrap();
        }),
        forge(&base, EAST, |tx| {
            tx.put_object(ROOT, "finished", ObjType::Map).unwrap();
        }),
        forge(&base, EAST, |tx| {
            tx.mark(&handling, mark, automerge::marks::ExpandMark::None)
                .unwrap();
        }),
        forge(&base, EAST, |tx| tx.insert(&handling, 0, 5).unwrap()),
        forge(&base, EAST, |tx| tx.put(&handling, 0, "换").unwrap()),
    ];
    for change in forgeries {
        let verdict = verdict(Some(&base), EAST, "log_item", &change);
        let refused = matches!(&verdict, Verdict::Refused(Refusal::Operation(_)));
        assert!(refused, "{verdict:?}");
    }
}

#[test]
fn a_conflict_made_on_purpose_is_refused() {
    let base = incident();
    let honest = edit(&base, WEST, "incident", &[set("state", text("handled"))]);
    let change = rewrite(&honest, |change| {
        change.operations[0].pred = Vec::new().into();
    });
    let refusal = Refusal::Operation(field("state"));
    assert_refused(&base, WEST, "incident", &change, refusal);
}

#[test]
fn kind_home_and_number_are_never_rewritten() {
    let base = log_item();
    let home = ScalarValue::Bytes(WEST.site.0.to_vec());
    for (key, value) in [
        ("number", ScalarValue::Str("E2026-000001".into())),
        ("kind", ScalarValue::Str("incident".into())),
        ("home", home),
    ] {
        let change = forge(&base, EAST, |tx| tx.put(ROOT, key, value).unwrap());
        assert_refused(&base, EAST, "log_item", &change, Refusal::Identity);
    }
}

#[test]
fn a_record_created_in_another_sites_name_is_refused() {
    let mut doc = Automerge::new().with_actor(actor(WEST, [0; 4]));
    let edits = [set("name", text("王芳")), set("role", text("leader"))];
    let change = write::create(&mut doc, table("person"), EAST.site, None, &edits).unwrap();
    let section = RecordChanges {
        record: RecordId::new(WEST.site, [9; 8]),
        ..section("person", &[change])
    };
    let verdict = judge(None, &section, WEST, RULES);
    assert_eq!(verdict, Verdict::Refused(Refusal::Identity));
}

#[test]
fn a_record_created_under_another_sites_id_is_refused_whether_that_record_is_here_or_not() {
    let edits = [set("name", text("王芳")), set("role", text("leader"))];
    let usurped = create(WEST, "person", None, &edits);
    let honest = admit(None, EAST, "person", &create(EAST, "person", None, &edits));
    let refused = Verdict::Refused(Refusal::ForeignRecordId);
    for base in [None, Some(&honest.snapshot[..]), Some(&log_item())] {
        assert_eq!(verdict(base, WEST, "person", &usurped), refused);
        let edit = edit(&log_item(), WEST, "log_item", &[amendment(1, "冒名")]);
        let hidden = section("person", &[edit, usurped.clone()]);
        assert_eq!(judge(base, &hidden, WEST, RULES), refused);
    }
}

#[test]
fn a_change_for_another_kind_is_refused_alike_whether_that_record_is_here_or_not() {
    let edits = [set("name", text("王芳")), set("role", text("leader"))];
    let person = admit(None, EAST, "person", &create(EAST, "person", None, &edits));
    let change = edit(
        &person.snapshot,
        WEST,
        "person",
        &[set("role", text("staff"))],
    );
    let refused = Verdict::Refused(Refusal::MissingDep);
    assert_eq!(verdict(None, WEST, "person", &change), refused);
    assert_refused(&log_item(), WEST, "person", &change, Refusal::MissingDep);
    let amended = edit(
        &log_item(),
        WEST,
        "log_item",
        &[amendment(1, "应为二号楼。")],
    );
    assert_refused(&log_item(), WEST, "person", &amended, Refusal::OtherKind);
}

#[test]
fn a_record_without_home_number_rights_or_required_fields_is_refused() {
    let empty = Automerge::new().save();
    let nobody = forge(&empty, EAST, |tx| tx.put(ROOT, "kind", "person").unwrap());
    let refused = Verdict::Refused(Refusal::Identity);
    assert_eq!(verdict(None, EAST, "person", &nobody), refused);
    let numbered = create(
        EAST,
        "person",
        Some("E2026-000001"),
        &[set("name", text("王芳")), set("role", text("leader"))],
    );
    assert_eq!(verdict(None, EAST, "person", &numbered), refused);
    let nameless = forge(&empty, EAST, |tx| {
        tx.put(ROOT, "kind", "person").unwrap();
        tx.put(ROOT, "home", EAST.site.0.to_vec()).unwrap();
        tx.put(ROOT, "role", "administrator").unwrap();
    });
    let refusal = Refusal::Value(field("name"), FieldFault::Required);
    assert_eq!(
        verdict(None, EAST, "person", &nameless),
        Verdict::Refused(refusal)
    );
}

#[test]
fn a_record_is_not_created_twice_by_its_own_site() {
    let edits = [set("name", text("王芳")), set("role", text("leader"))];
    let again = create(EAST, "person", None, &edits);
    let person = admit(None, EAST, "person", &again);
    for base in [log_item(), person.snapshot] {
        assert_refused(&base, EAST, "person", &again, Refusal::CreatedTwice);
    }
}

/// The east campus after its disk was put back, or a copy of it.
const AGAIN: JournalId = JournalId {
    incarnation: 2,
    ..EAST
};

/// The east campus once it knows of both.
const LATER: JournalId = JournalId {
    incarnation: 3,
    ..EAST
};

#[test]
fn two_journals_of_a_site_that_create_one_record_unseen_are_judged_alike_in_any_order() {
    let fire = [
        set("happened_at", Value::Int(1_790_000_040_000)),
        set("category", text("fire")),
        set("content", text("三号楼")),
    ];
    let person = [set("name", text("王芳")), set("role", text("leader"))];
    let item = |journal, number| create(journal, "log_item", Some(number), &fire);
    let named = |journal| create(journal, "person", None, &person);
    let first = ("log_item", EAST, item(EAST, "E2026-000001"));
    let other = ("person", EAST, named(EAST));
    for (first, second) in [
        (&first, ("log_item", AGAIN, item(AGAIN, "E2026b-000001"))),
        (&first, ("person", AGAIN, named(AGAIN))),
        (&other, ("log_item", AGAIN, item(AGAIN, "E2026b-000001"))),
    ] {
        let after = |base: Option<&[u8]>, (kind, journal, change): &(&str, _, Vec<u8>)| {
            let section = section(kind, slice::from_ref(change));
            match judge_in_past(base, &section, *journal, RULES, &|_| false) {
                Verdict::Accepted(admitted) => *admitted,
                other => panic!("{kind}: {other:?}"),
            }
        };
        let one = after(Some(&after(None, first).snapshot), &second);
        let two = after(Some(&after(None, &second).snapshot), first);
        assert_eq!(one.record, two.record);
        let given = (first.0 == "log_item").then_some("E2026-000001");
        assert_eq!(two.given.as_deref(), given);
        // A site that has seen both edits what won, and not the other.
        let won = one.record.table.kind;
        let words = |kind| match kind {
            "log_item" => amendment(1, "以此为准"),
            _ => set("role", text("officer")),
        };
        let edit_of = |base: &[u8], kind| edit(base, LATER, kind, &[words(kind)]);
        admit(
            Some(&two.snapshot),
            LATER,
            won,
            &edit_of(&one.snapshot, won),
        );
        for lost in [first.0, second.0].into_iter().filter(|kind| *kind != won) {
            let edit = edit_of(&one.snapshot, lost);
            assert_refused(&two.snapshot, LATER, lost, &edit, Refusal::OtherKind);
        }
        // One that has seen the first alone goes on with that.
        let unseen = edit_of(&after(None, first).snapshot, first.0);
        let admitted = admit(Some(&two.snapshot), LATER, first.0, &unseen);
        assert_eq!(admitted.record.table.kind, won);
    }
}

#[test]
fn a_repeated_sequence_number_is_refused() {
    let base = incident();
    let one = edit(&base, WEST, "incident", &[progress(1, "甲")]);
    let two = edit(&base, WEST, "incident", &[progress(2, "乙")]);
    let base = admit(Some(&base), WEST, "incident", &one).snapshot;
    assert_refused(&base, WEST, "incident", &two, Refusal::DuplicateSeq);
    assert_refused(&base, WEST, "incident", &one, Refusal::DuplicateSeq);
}

#[test]
fn a_skipped_sequence_number_is_refused() {
    let base = incident();
    let change = edit(&base, WEST, "incident", &[progress(1, "甲")]);
    let change = rewrite(&change, |change| change.seq = 3);
    assert_refused(&base, WEST, "incident", &change, Refusal::SeqGap);
}

#[test]
fn operation_counters_follow_exactly_and_never_run_out() {
    let base = incident();
    let honest = edit(&base, WEST, "incident", &[set("state", text("handled"))]);
    let next = prescan(&honest).unwrap().start_op;
    for start in [1, next - 1, next + 1, 1 << 31, (1 << 32) - 2] {
        let change = rewrite(&honest, |change| {
            change.start_op = start.try_into().unwrap();
        });
        assert_refused(&base, WEST, "incident", &change, Refusal::StartOp);
    }
}

#[test]
fn a_dependency_we_do_not_have_or_that_is_not_in_the_past_is_refused() {
    let base = incident();
    let east = edit(&base, EAST, "incident", &[set("level", text("II"))]);
    let later = admit(Some(&base), EAST, "incident", &east).snapshot;
    let west = edit(&later, WEST, "incident", &[set("level", text("IV"))]);
    assert_refused(&base, WEST, "incident", &west, Refusal::MissingDep);
    let hidden = prescan(&east).unwrap().hash;
    let section = section("incident", &[west]);
    let in_past = |hash: &Hash| *hash != hidden;
    let verdict = judge_in_past(Some(&later), &section, WEST, RULES, &in_past);
    assert_eq!(verdict, Verdict::Refused(Refusal::MissingDep));
}

#[test]
fn an_actor_named_without_having_written_is_refused() {
    let base = incident();
    let honest = edit(&base, WEST, "incident", &[set("state", text("handled"))]);
    let change = rewrite(&honest, |change| {
        let stranger = actor(journal(3), [0; 4]);
        let pred = vec![automerge::legacy::OpId::new(1, &stranger)];
        change.operations[0].pred = pred.into();
    });
    assert_refused(&base, WEST, "incident", &change, Refusal::UnknownActor);
}

#[test]
fn an_object_that_is_not_there_is_refused() {
    let base = incident();
    let honest = edit(&base, WEST, "incident", &[set("state", text("handled"))]);
    let change = rewrite(&honest, |change| {
        let nowhere = automerge::legacy::OpId::new(2, &actor(EAST, [0; 4]));
        let put: &mut Op = &mut change.operations[0];
        put.obj = automerge::legacy::ObjectId::Id(nowhere);
        assert!(matches!(put.action, OpType::Put(_)));
    });
    let refusal = Refusal::Operation(field("unknown object"));
    assert_refused(&base, WEST, "incident", &change, refusal);
}

#[test]
fn a_snapshot_of_ours_that_does_not_load_is_our_fault_and_held() {
    let base = incident();
    let honest = edit(&base, WEST, "incident", &[progress(1, "甲")]);
    let known = section("incident", &[honest]);
    let damaged = judge(Some(&base[..base.len() / 2]), &known, WEST, RULES);
    assert_eq!(damaged, Verdict::Held(Hold::Snapshot));
}

#[test]
fn a_section_of_no_or_too_many_changes_is_refused() {
    let base = incident();
    let change = edit(&base, WEST, "incident", &[progress(1, "甲")]);
    for count in [0, MAX_CHANGES + 1] {
        let section = section("incident", &vec![change.clone(); count]);
        let verdict = judge(Some(&base), &section, WEST, RULES);
        assert_eq!(verdict, Verdict::Refused(Refusal::Count));
    }
}
