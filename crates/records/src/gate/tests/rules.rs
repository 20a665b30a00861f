use super::*;

/// A program of rule set `known`, judging a bundle that has `active` in its past.
fn rules(known: u32, active: u32) -> Rules {
    Rules { active, known }
}

fn probe(edits: &[Edit]) -> RecordChanges {
    let change = create(EAST, "probe", None, edits);
    RecordChanges {
        table_version: write::table_version(table("probe"), edits),
        ..section("probe", &[change])
    }
}

/// What rule set 1 knows.
fn plain() -> RecordChanges {
    probe(&[set("title", text("甲"))])
}

/// What rule set 2 added: a field, an entries field, and a field of an entry.
fn widened() -> [RecordChanges; 3] {
    let noted = |mood: &[(&str, Value)]| {
        let values = [&[("text", text("乙"))], mood].concat();
        entry("notes", 1, &values)
    };
    [
        probe(&[set("title", text("甲")), set("weather", text("雨"))]),
        probe(&[
            set("title", text("甲")),
            entry("photos", 1, &[("text", text("乙"))]),
        ]),
        probe(&[set("title", text("甲")), noted(&[("mood", text("急"))])]),
    ]
}

fn later_kind() -> RecordChanges {
    let edits = [set("title", text("甲"))];
    RecordChanges {
        table_version: 2,
        ..section("later_probe", &[create(EAST, "later_probe", None, &edits)])
    }
}

#[track_caller]
fn assert_accepted(section: &RecordChanges, rules: Rules) -> Box<Admitted> {
    match judge(None, section, EAST, rules) {
        Verdict::Accepted(admitted) => admitted,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_active_rule_set_has_passes() {
    for rules in [rules(1, 1), rules(2, 1), rules(2, 2)] {
        assert_accepted(&plain(), rules);
    }
    for section in widened() {
        assert_accepted(&section, rules(2, 2));
    }
    assert_accepted(&later_kind(), rules(2, 2));
}

#[test]
fn a_known_field_or_kind_that_was_never_active_is_refused() {
    for section in widened().into_iter().chain([later_kind()]) {
        let verdict = judge(None, &section, EAST, rules(2, 1));
        assert_eq!(verdict, Verdict::Refused(Refusal::NotActive));
    }
}

#[test]
fn a_field_that_the_named_table_version_does_not_have_is_refused_by_old_and_new_programs() {
    for section in widened() {
        let lying = RecordChanges {
            table_version: 1,
            ..section
        };
        for rules in [rules(1, 1), rules(2, 1), rules(2, 2)] {
            let verdict = judge(None, &lying, EAST, rules);
            let refused = matches!(verdict, Verdict::Refused(Refusal::UnknownField(_)));
            assert!(refused, "{rules:?}: {verdict:?}");
        }
    }
}

#[test]
fn what_an_old_program_does_not_know_it_holds_whatever_is_active() {
    for active in [1, 2, Rules::UNREADABLE] {
        for section in widened() {
            let held = judge(None, &section, EAST, rules(1, active));
            assert_eq!(held, Verdict::Held(Hold::TableVersion));
        }
        let held = judge(None, &later_kind(), EAST, rules(1, active));
        assert_eq!(held, Verdict::Held(Hold::Kind));
    }
    let later = RecordChanges {
        table_version: 3,
        ..plain()
    };
    for known in [1, 2] {
        let held = judge(None, &later, EAST, rules(known, 3));
        assert_eq!(held, Verdict::Held(Hold::TableVersion));
    }
}

#[test]
fn an_old_program_accepts_under_a_newer_rule_set_but_never_refuses() {
    for active in [2, 3, Rules::UNREADABLE] {
        assert_accepted(&plain(), rules(1, active));
    }
    let bad = probe(&[set("title", text("甲"))]);
    let bad = RecordChanges {
        changes: vec![bad.changes[0][..40].to_vec()],
        ..bad
    };
    let verdict = judge(None, &bad, EAST, rules(1, 2));
    assert_eq!(verdict, Verdict::Held(Hold::Rules));
    for known in [1, 2] {
        let verdict = judge(None, &bad, EAST, rules(known, known));
        assert!(matches!(verdict, Verdict::Refused(_)), "{verdict:?}");
    }
}

#[test]
fn nothing_passes_before_a_rule_set_is_active() {
    for known in [1, 2] {
        let verdict = judge(None, &plain(), EAST, rules(known, 0));
        assert_eq!(verdict, Verdict::Refused(Refusal::NoRules));
    }
    let never = RecordChanges {
        table_version: 0,
        ..plain()
    };
    let verdict = judge(None, &never, EAST, RULES);
    assert_eq!(verdict, Verdict::Refused(Refusal::NotActive));
}

#[test]
fn a_writer_names_the_oldest_table_version_that_has_its_fields() {
    let table = table("probe");
    let old = [
        set("title", text("甲")),
        entry("notes", 1, &[("text", text("乙"))]),
    ];
    let mood = entry("notes", 1, &[("mood", text("急"))]);
    assert_eq!(write::table_version(table, &old), 1);
    assert_eq!(write::table_version(table, std::slice::from_ref(&mood)), 2);
    assert_eq!(write::inactive(table, &old, 1), []);
    let unknown = |name: &str| (name.to_owned(), FieldFault::UnknownField);
    assert_eq!(
        write::inactive(table, std::slice::from_ref(&mood), 1),
        [unknown("mood")]
    );
    assert_eq!(write::inactive(table, &[mood], 2), []);
}

#[test]
fn two_first_entries_of_a_later_field_are_both_read() {
    let base = assert_accepted(&plain(), rules(2, 2)).snapshot;
    let photo = |id| [entry("photos", id, &[("text", text("图"))])];
    let east = edit(&base, EAST, "probe", &photo(1));
    let west = edit(&base, WEST, "probe", &photo(2));
    let judged = |base: &[u8], site: JournalId, change: &[u8]| {
        let section = RecordChanges {
            table_version: 2,
            ..section("probe", &[change.to_vec()])
        };
        match judge(Some(base), &section, site, RULES) {
            Verdict::Accepted(admitted) => *admitted,
            other => panic!("{other:?}"),
        }
    };
    let one = judged(&base, EAST, &east);
    let one = judged(&one.snapshot, WEST, &west).record;
    let two = judged(&base, WEST, &west);
    let two = judged(&two.snapshot, EAST, &east).record;
    assert_eq!(one.entries("photos").count(), 2);
    assert_eq!(one, two);
}
