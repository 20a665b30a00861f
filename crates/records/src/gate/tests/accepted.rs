use super::*;

#[test]
fn a_new_record_passes_with_its_number_and_all_its_fields() {
    let item = log_item();
    let record = read(&Automerge::load(&item).unwrap(), table("log_item"), None).unwrap();
    assert_eq!(record.home, EAST.site);
    assert_eq!(record.number.as_deref(), Some("E2026-000012"));
    assert_eq!(record.text("content"), "三号楼二层发现火情,值班员已到场。");
    assert_eq!(record.unread, 0);
}

#[test]
fn every_kind_passes_when_our_writer_writes_it() {
    let record = Value::Record(RecordId([7; 16]));
    let consultation = [
        set("title", text("三号楼火情会商")),
        set("incident", record.clone()),
        set("opened_at", Value::Int(1_790_000_000_123)),
        set("state", text("open")),
        entry(
            "presence",
            1,
            &[
                ("type", text("joined")),
                ("at", Value::Int(1_790_000_000_200)),
                ("participation", record.clone()),
                ("person", Value::Account(crate::id::AccountId([3; 16]))),
            ],
        ),
    ];
    let person = [set("name", text("王芳")), set("role", text("officer"))];
    let camera = [
        set("name", text("东门")),
        set("retired", Value::Bool(false)),
    ];
    for (kind, number, edits) in [
        ("consultation", Some("EH2026-000001"), &consultation[..]),
        ("person", None, &person),
        ("camera", None, &camera),
    ] {
        let change = create(EAST, kind, number, edits);
        let admitted = admit(None, EAST, kind, &change);
        assert_eq!(admitted.before, None);
        assert_eq!(admitted.record.unread, 0);
        assert_eq!(admitted.excess, []);
    }
}

#[test]
fn chinese_text_is_edited_by_code_points() {
    let base = admit(
        Some(&log_item()),
        EAST,
        "log_item",
        &edit(
            &log_item(),
            EAST,
            "log_item",
            &[set("handling", text("已报119🚒,学生疏散。"))],
        ),
    )
    .snapshot;
    let again = [set("handling", text("已报119🚒,三号楼学生全部疏散。"))];
    let change = edit(&base, EAST, "log_item", &again);
    let admitted = admit(Some(&base), EAST, "log_item", &change);
    assert_eq!(
        admitted.record.text("handling"),
        "已报119🚒,三号楼学生全部疏散。"
    );
    let ops = prescan(&change).unwrap().ops;
    assert_eq!(ops, 5, "only the inserted characters are written");
}

#[test]
fn another_site_amends_a_log_item_and_reports_progress() {
    let (item, incident) = (log_item(), incident());
    let change = edit(&item, WEST, "log_item", &[amendment(1, "应为二号楼。")]);
    let admitted = admit(Some(&item), WEST, "log_item", &change);
    assert_eq!(admitted.record.entries("amendments").count(), 1);
    assert_eq!(admitted.before.unwrap().entries("amendments").count(), 0);
    let edits = [
        set("state", text("handling")),
        set("level", text("III")),
        progress(1, "消防车已到。"),
    ];
    let change = edit(&incident, WEST, "incident", &edits);
    let admitted = admit(Some(&incident), WEST, "incident", &change);
    assert_eq!(admitted.record.text("state"), "handling");
}

#[test]
fn the_longest_texts_of_a_table_pass_in_one_action() {
    let long = "值".repeat(20_000);
    let edits = [
        set("happened_at", Value::Int(0)),
        set("category", text("other")),
        set("content", text(&long)),
        set("handling", text(&long)),
    ];
    let change = create(EAST, "log_item", None, &edits);
    let admitted = admit(None, EAST, "log_item", &change);
    assert_eq!(admitted.record.text("content").chars().count(), 20_000);
}

#[test]
fn two_cut_off_sites_are_judged_where_each_stood_and_both_values_stay() {
    let base = incident();
    let east = edit(&base, EAST, "incident", &[set("level", text("II"))]);
    let west = edit(&base, WEST, "incident", &[set("level", text("IV"))]);
    let at_east = admit(Some(&base), EAST, "incident", &east).snapshot;
    let at_west = admit(Some(&base), WEST, "incident", &west).snapshot;
    let met = admit(Some(&at_east), WEST, "incident", &west);
    let met_too = admit(Some(&at_west), EAST, "incident", &east);
    assert_eq!(met.record, met_too.record);
    assert_eq!(met.record.conflicts["level"].len(), 2);
    // Whoever sees both settles it.
    let settled = edit(
        &met.snapshot,
        WEST,
        "incident",
        &[set("level", text("III"))],
    );
    let settled = admit(Some(&met.snapshot), WEST, "incident", &settled);
    assert_eq!(settled.record.text("level"), "III");
    assert!(settled.record.conflicts.is_empty());
}

#[test]
fn a_limit_that_only_merging_exceeds_warns_and_can_be_mended() {
    let near = |start: &str| format!("{start}{}", "值".repeat(19_990));
    let base = log_item();
    let first = edit(&base, EAST, "log_item", &[set("handling", text("始"))]);
    let base = admit(Some(&base), EAST, "log_item", &first).snapshot;
    let restarted = JournalId {
        incarnation: 2,
        ..EAST
    };
    let one = edit(
        &base,
        EAST,
        "log_item",
        &[set("handling", text(&near("始甲")))],
    );
    let two = edit(
        &base,
        restarted,
        "log_item",
        &[set("handling", text(&near("始乙")))],
    );
    let first = admit(Some(&base), EAST, "log_item", &one).snapshot;
    let merged = admit(Some(&first), restarted, "log_item", &two);
    let fault = FieldFault::TooLong(20_000);
    assert_eq!(merged.excess, [("handling".to_owned(), fault)]);
    // Whichever arrives first, the verdict and the record are the same.
    let second = admit(Some(&base), restarted, "log_item", &two).snapshot;
    let other = admit(Some(&second), EAST, "log_item", &one);
    assert_eq!(
        (other.excess, other.record),
        (merged.excess.clone(), merged.record.clone())
    );
    let mend = edit(
        &merged.snapshot,
        EAST,
        "log_item",
        &[set("handling", text("短"))],
    );
    let mended = admit(Some(&merged.snapshot), EAST, "log_item", &mend);
    assert_eq!(mended.excess, []);
}

#[test]
fn a_section_of_several_changes_stands_in_order_only() {
    let first = create(
        EAST,
        "person",
        None,
        &[set("name", text("王芳")), set("role", text("staff"))],
    );
    let base = admit(None, EAST, "person", &first).snapshot;
    let second = edit(&base, EAST, "person", &[set("role", text("leader"))]);
    let forth = section("person", &[first.clone(), second.clone()]);
    let Verdict::Accepted(admitted) = judge(None, &forth, EAST, RULES) else {
        panic!("in order");
    };
    let seqs: Vec<u64> = admitted.changes.iter().map(|change| change.seq).collect();
    assert_eq!(seqs, [1, 2]);
    let back = section("person", &[second, first]);
    let verdict = judge(None, &back, EAST, RULES);
    assert_eq!(verdict, Verdict::Refused(Refusal::MissingDep));
}

#[test]
fn an_edit_that_changes_nothing_makes_no_change() {
    let mut doc = Automerge::load(&log_item()).unwrap();
    doc.set_actor(actor(EAST, [0; 4]));
    let same = [set("finished", Value::Bool(true))];
    write::edit(&mut doc, table("log_item"), &same).unwrap();
    let again = write::edit(&mut doc, table("log_item"), &same);
    assert!(matches!(again, Err(write::WriteError::Unchanged)));
}

#[test]
fn two_entries_of_one_id_are_both_read_at_every_site() {
    let base = incident();
    let east = edit(&base, EAST, "incident", &[progress(1, "甲")]);
    let west = edit(&base, WEST, "incident", &[progress(1, "乙")]);
    let one = admit(Some(&base), EAST, "incident", &east).snapshot;
    let one = admit(Some(&one), WEST, "incident", &west).record;
    let two = admit(Some(&base), WEST, "incident", &west).snapshot;
    let two = admit(Some(&two), EAST, "incident", &east).record;
    assert_eq!(one.entries("timeline").count(), 2);
    assert_eq!(one, two);
}
