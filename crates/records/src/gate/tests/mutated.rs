use super::*;
use crate::prescan::tests::repair_checksum;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const TRIES: usize = 2_500;

fn mutate(change: &[u8], rng: &mut StdRng) -> Vec<u8> {
    let mut bytes = change.to_vec();
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(8..bytes.len());
        match rng.random_range(0..4) {
            0 => bytes[at] = rng.random(),
            1 => bytes[at] ^= 1 << rng.random_range(0..8),
            2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][rng.random_range(0..5)],
            _ => bytes[at] = bytes[at].wrapping_add(1),
        }
    }
    repair_checksum(&mut bytes);
    bytes
}

/// What passes must load, and read as the verdict says.
#[track_caller]
fn assert_keepable(admitted: &Admitted) {
    let doc = Automerge::load(&admitted.snapshot).expect("an admitted snapshot loads");
    let again = read(&doc, admitted.record.table, None).unwrap();
    assert_eq!(again, admitted.record);
    let heads: Vec<[u8; 32]> = doc.get_heads().iter().map(|head| head.0).collect();
    assert!(heads.contains(&admitted.changes[0].hash));
    try_edit(doc).unwrap();
}

fn try_all(base: &[u8], site: JournalId, kind: &str, change: &[u8]) -> (usize, usize, usize) {
    let mut rng = StdRng::seed_from_u64(3);
    let (mut accepted, mut refused, mut held) = (0, 0, 0);
    for _ in 0..TRIES {
        let mutated = mutate(change, &mut rng);
        match verdict(Some(base), site, kind, &mutated) {
            Verdict::Accepted(admitted) => {
                accepted += 1;
                assert_keepable(&admitted);
            }
            Verdict::Refused(_) => refused += 1,
            Verdict::Held(_) => held += 1,
        }
    }
    (accepted, refused, held)
}

#[test]
fn no_mutated_change_panics_or_leaves_a_record_that_does_not_load() {
    let base = log_item();
    let first = edit(
        &base,
        EAST,
        "log_item",
        &[set("handling", text("已报119。"))],
    );
    let base = admit(Some(&base), EAST, "log_item", &first).snapshot;
    let edits = [
        set("handling", text("已报119,学生全部疏散。")),
        set("finished", Value::Bool(true)),
        amendment(1, "应为二号楼。"),
    ];
    let change = edit(&base, EAST, "log_item", &edits);
    admit(Some(&base), EAST, "log_item", &change);
    let counts = try_all(&base, EAST, "log_item", &change);
    println!("text and entry: accepted, refused, held: {counts:?}");
}

#[test]
fn no_mutated_concurrent_change_does_either() {
    let base = incident();
    let east = edit(
        &base,
        EAST,
        "incident",
        &[set("level", text("II")), progress(1, "甲")],
    );
    let edits = [
        set("level", text("IV")),
        set("state", text("handled")),
        progress(2, "乙"),
    ];
    let west = edit(&base, WEST, "incident", &edits);
    let base = admit(Some(&base), EAST, "incident", &east).snapshot;
    admit(Some(&base), WEST, "incident", &west);
    let counts = try_all(&base, WEST, "incident", &west);
    println!("concurrent: accepted, refused, held: {counts:?}");
}
