//! What duty rules allow, in sentences.

use records::field::{Value, Values};
use records::id::{AccountId, EntryId, RecordId, SiteId};
use records::kinds;
use records::read::Record;
use records::write::Edit;
use rules::{
    Actor, Fault, Phase, Reason, Refusal, Role, Sequels, consultation, incident, log_item, offers,
};
use std::collections::BTreeMap;

const EAST: SiteId = SiteId([1; 8]);
const HUB: SiteId = SiteId([9; 8]);
const NOW: i64 = 1_795_300_000_000;
const ENTRY: EntryId = EntryId([5; 16]);

fn actor(role: Role, site: SiteId) -> Actor {
    Actor {
        account: AccountId([role as u8; 16]),
        role,
        site,
    }
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn values(pairs: &[(&str, Value)]) -> Values {
    let owned = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    owned.collect()
}

fn record(kind: &str, pairs: &[(&str, Value)]) -> Record {
    Record {
        table: kinds::table(kind).expect("a kind of this version"),
        home: EAST,
        number: None,
        values: values(pairs),
        entries: BTreeMap::new(),
        conflicts: BTreeMap::new(),
        makers: BTreeMap::new(),
        unread: 0,
    }
}

fn item(now: &[(&str, Value)]) -> Values {
    let mut item = values(&[
        ("happened_at", Value::Int(NOW - NOW % 60_000)),
        ("category", text("event")),
        ("content", text("5 号楼学生晕倒")),
    ]);
    item.extend(values(now));
    item
}

fn is_set(edits: &[Edit], field: &str, value: &Value) -> bool {
    edits.contains(&Edit::Set(field.to_owned(), value.clone()))
}

#[test]
fn an_item_with_its_handling_is_finished_at_once_and_one_without_is_open() {
    let officer = actor(Role::Officer, EAST);
    let handled = log_item::create(&officer, item(&[("handling", text("已送医"))]), NOW);
    assert!(is_set(&handled.unwrap(), "finished", &Value::Bool(true)));
    let open = log_item::create(&officer, item(&[]), NOW).unwrap();
    assert!(!is_set(&open, "finished", &Value::Bool(true)));
}

#[test]
fn an_item_of_a_future_time_is_refused_beyond_what_clocks_may_differ() {
    let officer = actor(Role::Officer, EAST);
    let soon = item(&[("happened_at", Value::Int(NOW + 4 * 60_000))]);
    assert!(log_item::create(&officer, soon, NOW).is_ok());
    let later = item(&[("happened_at", Value::Int(NOW + 6 * 60_000))]);
    assert_eq!(
        log_item::create(&officer, later, NOW),
        Err(Refusal::Invalid(vec![(
            "happened_at".to_owned(),
            Fault::InFuture
        )]))
    );
}

#[test]
fn text_with_a_state_secret_marking_is_refused_even_when_spaced_out() {
    let officer = actor(Role::Officer, EAST);
    let marked = item(&[("content", text("转来文件 机 密 ★ 一年"))]);
    assert_eq!(
        log_item::create(&officer, marked, NOW),
        Err(Refusal::Invalid(vec![(
            "content".to_owned(),
            Fault::StateSecretMarking
        )]))
    );
}

#[test]
fn headquarters_and_other_campuses_never_edit_a_campus_log() {
    let item = record("log_item", &[]);
    for other in [actor(Role::Headquarters, HUB), actor(Role::Officer, HUB)] {
        let refused = log_item::finish(&other, &item, Values::new(), NOW);
        assert_eq!(refused, Err(Refusal::Forbidden(Reason::OtherCampus)));
    }
}

#[test]
fn a_finished_item_is_not_finished_again() {
    let item = record("log_item", &[("finished", Value::Bool(true))]);
    let again = log_item::finish(&actor(Role::Officer, EAST), &item, Values::new(), NOW);
    assert_eq!(again, Err(Refusal::Conflict(Reason::AlreadyFinished)));
}

#[test]
fn staff_and_administrators_take_no_part_in_duty() {
    for role in [Role::Staff, Role::Administrator] {
        let person = actor(role, EAST);
        assert!(log_item::create(&person, item(&[]), NOW).is_err());
        assert!(incident::open(&person, None, Values::new(), NOW).is_err());
        let room = record("consultation", &[("state", text("open"))]);
        assert!(
            offers(&person, &room, Sequels::default())
                .iter()
                .all(|offer| offer.refused.is_some())
        );
    }
}

#[test]
fn an_incident_opened_from_an_item_is_received_and_its_clock_starts_now() {
    let source = RecordId([7; 16]);
    let edits = incident::open(
        &actor(Role::Officer, EAST),
        Some(source),
        Values::new(),
        NOW,
    );
    let edits = edits.unwrap();
    assert!(is_set(&edits, "state", &text("received")));
    assert!(is_set(&edits, "source", &Value::Record(source)));
    assert!(is_set(&edits, "known_at", &Value::Int(NOW - NOW % 60_000)));
}

#[test]
fn a_state_follows_only_the_states_before_it_and_every_state_is_reachable() {
    let leader = actor(Role::Leader, HUB);
    let received = record("incident", &[("state", text("received"))]);
    let skipped = incident::set_state(&leader, &received, ENTRY, "archived", None, NOW);
    assert_eq!(skipped, Err(Refusal::Conflict(Reason::StateNotNext)));

    let mut reached = vec!["received"];
    let mut at = 0;
    while at < reached.len() {
        for next in incident::next_states(reached[at]) {
            if !reached.contains(next) {
                reached.push(next);
            }
        }
        at += 1;
    }
    for state in kinds::incident::STATES {
        assert!(reached.contains(state), "{state} is never reached");
    }
}

#[test]
fn only_a_leader_or_headquarters_decides_not_to_report() {
    let assessing = record("incident", &[("state", text("assessing"))]);
    let decide = |role, site| {
        let person = actor(role, site);
        incident::set_state(&person, &assessing, ENTRY, "not_reported", None, NOW)
    };
    assert_eq!(
        decide(Role::Officer, EAST),
        Err(Refusal::Forbidden(Reason::LeaderOnly))
    );
    assert!(decide(Role::Leader, HUB).is_ok());
}

#[test]
fn a_change_of_state_stands_on_the_timeline() {
    let received = record("incident", &[("state", text("received"))]);
    let officer = actor(Role::Officer, EAST);
    let edits = incident::set_state(&officer, &received, ENTRY, "verifying", None, NOW).unwrap();
    assert!(edits.iter().any(|edit| matches!(
        edit,
        Edit::AddEntry { field, values, .. }
            if field == "timeline" && values.get("state") == Some(&text("verifying"))
    )));
}

#[test]
fn an_item_becomes_one_incident_and_an_incident_has_one_consultation_at_a_time() {
    let officer = actor(Role::Officer, EAST);
    let refused = |record: &Record, action: &str, sequels| {
        let offers = offers(&officer, record, sequels);
        let offer = offers.into_iter().find(|offer| offer.action == action);
        offer.expect("the action is offered or refused").refused
    };
    let item = record("log_item", &[]);
    let opened = Sequels {
        incident: true,
        open_consultation: false,
    };
    assert_eq!(refused(&item, "open_incident", Sequels::default()), None);
    let again = refused(&item, "open_incident", opened);
    assert_eq!(again, Some(Reason::AlreadyIncident));

    let incident = record("incident", &[("state", text("received"))]);
    let consulting = Sequels {
        incident: false,
        open_consultation: true,
    };
    let again = refused(&incident, "open_consultation", consulting);
    assert_eq!(again, Some(Reason::ConsultationOpen));
}

#[test]
fn an_archived_incident_takes_no_more_progress() {
    let archived = record("incident", &[("state", text("archived"))]);
    let refused = incident::add_progress(
        &actor(Role::Officer, EAST),
        &archived,
        ENTRY,
        values(&[("text", text("余火复燃"))]),
        NOW,
    );
    assert_eq!(refused, Err(Refusal::Conflict(Reason::IncidentClosed)));
}

/// Applies entry edits, as the store does by way of Automerge.
fn apply(record: &mut Record, edits: Vec<Edit>) {
    for edit in edits {
        match edit {
            Edit::Set(name, value) => drop(record.values.insert(name, value)),
            Edit::AddEntry {
                field,
                entry,
                values,
            } => {
                record
                    .entries
                    .entry(field)
                    .or_default()
                    .insert(entry, values);
            }
        }
    }
}

#[test]
fn who_joined_and_left_when_is_a_fold_over_facts_in_any_order() {
    let mut room = record("consultation", &[("state", text("open"))]);
    let (leader, officer) = (actor(Role::Leader, HUB), actor(Role::Officer, EAST));
    let (first, second) = (RecordId([1; 16]), RecordId([2; 16]));
    let entries: Vec<_> = (10..14).map(|n| EntryId([n; 16])).collect();
    for edits in [
        consultation::join(&leader, &room, entries[3], first, NOW),
        consultation::join(&officer, &room, entries[1], second, NOW + 10),
    ] {
        apply(&mut room, edits.unwrap());
    }
    let left = consultation::leave(&officer, &room, entries[0], second, NOW + 99).unwrap();
    apply(&mut room, left);

    let stays = consultation::participations(&room);
    assert_eq!(stays.len(), 2);
    assert_eq!((stays[0].id, stays[0].left_at), (first, None));
    assert_eq!((stays[1].id, stays[1].left_at), (second, Some(NOW + 99)));
    let twice = consultation::leave(&officer, &room, entries[2], second, NOW + 100);
    assert_eq!(twice, Err(Refusal::Conflict(Reason::NotInRoom)));
    let for_another = consultation::leave(&officer, &room, entries[2], first, NOW + 100);
    assert_eq!(for_another, Err(Refusal::Conflict(Reason::NotInRoom)));
}

#[test]
fn closing_the_room_ends_every_stay() {
    let mut room = record("consultation", &[("state", text("open"))]);
    let (leader, stay) = (actor(Role::Leader, HUB), RecordId([1; 16]));
    let joined = consultation::join(&leader, &room, EntryId([1; 16]), stay, NOW).unwrap();
    apply(&mut room, joined);
    let closed = consultation::close(&leader, &room, EntryId([2; 16]), NOW + 60).unwrap();
    apply(&mut room, closed);
    let stays = consultation::participations(&room);
    assert_eq!(stays[0].left_at, Some(NOW + 60));
}

#[test]
fn the_latest_fact_about_a_camera_decides_whether_it_is_pinned() {
    let mut room = record("consultation", &[("state", text("open"))]);
    let leader = actor(Role::Leader, HUB);
    let camera = RecordId([3; 16]);
    for (n, pin) in [(1, true), (2, false), (3, true)] {
        let at = NOW + i64::from(n);
        let edits =
            consultation::set_pinned(&leader, &room, EntryId([n; 16]), camera, pin, at).unwrap();
        apply(&mut room, edits);
        assert_eq!(consultation::pinned(&room).len(), usize::from(pin));
    }
    let again = consultation::set_pinned(&leader, &room, ENTRY, camera, true, NOW + 9);
    assert_eq!(again, Err(Refusal::Conflict(Reason::Unchanged)));
}

#[test]
fn a_closed_consultation_lets_nobody_in() {
    let room = record("consultation", &[("state", text("closed"))]);
    let refused = consultation::join(
        &actor(Role::Leader, HUB),
        &room,
        ENTRY,
        RecordId([1; 16]),
        NOW,
    );
    assert_eq!(refused, Err(Refusal::Conflict(Reason::ConsultationClosed)));
}

#[test]
fn each_kind_derives_one_common_phase() {
    let phase = |kind, pairs: &[(&str, Value)]| Phase::of_record(&record(kind, pairs));
    assert_eq!(phase("log_item", &[]), Phase::Todo);
    assert_eq!(
        phase("log_item", &[("finished", Value::Bool(true))]),
        Phase::Done
    );
    assert_eq!(
        phase("incident", &[("state", text("handling"))]),
        Phase::Doing
    );
    assert_eq!(
        phase("incident", &[("state", text("handled"))]),
        Phase::Confirm
    );
    assert_eq!(phase("incident", &[("state", text("untrue"))]), Phase::Done);
    assert_eq!(
        phase("consultation", &[("state", text("open"))]),
        Phase::Doing
    );
}
