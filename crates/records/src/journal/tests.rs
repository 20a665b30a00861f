use super::*;
use crate::bundle::tests::header;
use crate::id::JournalId;
use proptest::prelude::*;

const OURS: Hash = Hash([1; 32]);
const OTHER: Hash = Hash([2; 32]);

fn head(seq: u64) -> Head {
    Head {
        journal: JournalId::INSTITUTION,
        seq,
        hash: OURS,
    }
}

fn at(seq: u64, prev: Hash) -> Header {
    Header {
        seq,
        prev,
        ..header()
    }
}

#[test]
fn a_journal_begins_with_the_first_bundle_after_nothing() {
    let first = at(1, Hash::default());
    assert_eq!(place(None, None, &first, OURS), Place::Next);
    assert_eq!(place(None, None, &at(1, OTHER), OURS), Place::Fork);
    assert_eq!(place(None, None, &at(2, OTHER), OURS), Place::Gap);
    assert_eq!(
        place(None, None, &at(0, Hash::default()), OURS),
        Place::Fork
    );
}

#[test]
fn a_bundle_follows_the_head_it_names() {
    assert_eq!(
        place(Some(&head(7)), None, &at(8, OURS), OTHER),
        Place::Next
    );
    assert_eq!(
        place(Some(&head(7)), None, &at(8, OTHER), OTHER),
        Place::Fork
    );
    assert_eq!(
        place(Some(&head(7)), None, &at(9, OTHER), OTHER),
        Place::Gap
    );
}

#[test]
fn a_bundle_we_hold_is_a_duplicate_and_another_in_its_place_a_fork() {
    let held = head(7);
    assert_eq!(
        place(Some(&held), None, &at(7, OTHER), OURS),
        Place::Duplicate
    );
    assert_eq!(place(Some(&held), None, &at(7, OTHER), OTHER), Place::Fork);
    let stored = Some(OTHER);
    assert_eq!(
        place(Some(&held), stored, &at(3, OTHER), OTHER),
        Place::Duplicate
    );
    assert_eq!(place(Some(&held), stored, &at(3, OTHER), OURS), Place::Fork);
}

#[test]
fn a_clock_set_back_never_sets_the_journal_back() {
    let now = 1_790_000_000_000;
    let first = next_hlc(0, now);
    assert_eq!(first, 1_790_000_000_000 << 16);
    let second = next_hlc(first, now - 3_600_000);
    assert_eq!(second, first + 1);
    assert_eq!(hlc_excess_ms(second, now - 3_600_000), 3_540_000);
    assert_eq!(hlc_excess_ms(second, now - 60_000), 0);
}

#[test]
fn a_foreign_clock_pulls_ours_at_most_a_minute_ahead() {
    let now = 1_790_000_000_000;
    let year_ahead = next_hlc(0, now + 31_536_000_000);
    let ours = observe_hlc(0, year_ahead, now);
    assert_eq!(hlc_excess_ms(ours, now), 0);
    assert_eq!(ours, next_hlc(0, now + MAX_AHEAD_MS));
    let behind = next_hlc(0, now - 1);
    assert_eq!(observe_hlc(ours, behind, now), ours);
}

proptest! {
    #[test]
    fn the_clock_only_ever_grows(last in 0..u64::MAX, wall: i64) {
        prop_assert!(next_hlc(last, wall) > last);
        let _ = hlc_excess_ms(last, wall);
        prop_assert!(observe_hlc(last, u64::MAX, wall) >= last);
    }
}
