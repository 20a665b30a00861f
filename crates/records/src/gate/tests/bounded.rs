//! What one record and one bundle may cost, whoever writes them.

use super::*;

/// A document of the east campus in which `starts` starts of the program each typed a text of
/// 20,000 characters `rounds` times over, knowing nothing of each other.
fn typed_over(starts: u8, rounds: usize) -> Automerge {
    let base = log_item();
    let mut whole = Automerge::load(&base).unwrap();
    for start in 0..starts {
        let mut doc = Automerge::load(&base).unwrap();
        doc.set_actor(actor(EAST, [start; 4]));
        for round in 0..rounds {
            let typed = ["值", "班"][round % 2].repeat(20_000);
            write::edit(
                &mut doc,
                table("log_item"),
                &[set("handling", text(&typed))],
            )
            .unwrap();
        }
        whole.merge(&mut doc).unwrap();
    }
    whole
}

fn ops(doc: &Automerge) -> u64 {
    History::of(doc).ops()
}

#[test]
fn a_full_record_takes_no_more_and_stays_as_it_is() {
    // 20,000 typed, then three times deleted and typed again.
    let base = typed_over(1, 3);
    assert!((100_000..MAX_RECORD_OPS).contains(&ops(&base)));
    let snapshot = base.save();
    let finish = edit(
        &snapshot,
        EAST,
        "log_item",
        &[set("finished", Value::Bool(true))],
    );
    admit(Some(&snapshot), EAST, "log_item", &finish);
    let more = edit(
        &snapshot,
        EAST,
        "log_item",
        &[set("handling", text(&"夜".repeat(20_000)))],
    );
    assert_refused(&snapshot, EAST, "log_item", &more, Refusal::RecordFull);
}

#[test]
fn a_record_that_its_site_grows_on_many_branches_is_held_before_it_is_opened() {
    let base = typed_over(6, 3);
    assert!(ops(&base) > MAX_MERGED_OPS);
    let honest = edit(
        &log_item(),
        WEST,
        "log_item",
        &[amendment(1, "应为二号楼。")],
    );
    let held = verdict(Some(&base.save()), WEST, "log_item", &honest);
    assert_eq!(held, Verdict::Held(Hold::TooLarge));
}

#[test]
fn many_small_changes_of_a_large_record_are_too_much_for_one_bundle() {
    let snapshot = typed_over(1, 3).save();
    let mut doc = Automerge::load(&snapshot).unwrap();
    doc.set_actor(actor(EAST, [0; 4]));
    let mut finish = |yes| {
        let edits = [set("finished", Value::Bool(yes))];
        write::edit(&mut doc, table("log_item"), &edits).unwrap()
    };
    let changes: Vec<_> = (0..12).map(|n| finish(n % 2 == 0)).collect();
    let few = section("log_item", &changes[..3]);
    let Verdict::Accepted(admitted) = judge(Some(&snapshot), &few, EAST, RULES) else {
        panic!("three are no burden");
    };
    assert!((300_000..400_000).contains(&admitted.work));
    let all = section("log_item", &changes);
    let refused = judge(Some(&snapshot), &all, EAST, RULES);
    assert_eq!(refused, Verdict::Refused(Refusal::Work));
}
