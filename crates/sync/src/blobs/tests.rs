use super::*;

const EAST: SiteId = SiteId([1; 8]);
const HUB: SiteId = SiteId([2; 8]);
const WEST: SiteId = SiteId([3; 8]);
const PHOTO: Hash = Hash([10; 32]);
const VIDEO: Hash = Hash([11; 32]);

fn plan(wants: &[(Hash, &[SiteId])], peers: &[SiteId]) -> Plan {
    let mut plan = Plan::default();
    let wants = wants.iter().map(|(hash, sites)| Want {
        hash: *hash,
        sites: sites.to_vec(),
    });
    plan.want(wants.collect());
    plan.reach(peers.iter().copied().collect(), 0);
    plan
}

fn asks(plan: &mut Plan, now_ms: u64) -> Vec<Job> {
    std::iter::from_fn(|| plan.next(now_ms)).collect()
}

fn chunks(hash: Hash, peer: SiteId, first: u32, count: u32) -> Job {
    let ask = Ask::Chunks { first, count };
    Job { hash, peer, ask }
}

fn manifest(hash: Hash, peer: SiteId) -> Job {
    let ask = Ask::Manifest;
    Job { hash, peer, ask }
}

#[test]
fn the_site_that_added_a_blob_is_asked_first_and_only_it() {
    let mut plan = plan(&[(PHOTO, &[WEST])], &[EAST, HUB, WEST]);
    assert_eq!(asks(&mut plan, 0), [manifest(PHOTO, WEST)]);
}

#[test]
fn several_sites_give_different_chunks_of_one_blob() {
    let mut plan = plan(&[(VIDEO, &[WEST])], &[EAST, WEST]);
    plan.begin(VIDEO, 0..10);
    let first = asks(&mut plan, 0);
    assert_eq!(
        first,
        [chunks(VIDEO, WEST, 0, 4), chunks(VIDEO, EAST, 4, 4)]
    );
    for index in 0..4 {
        plan.got(VIDEO, index);
    }
    plan.done(first[0], Outcome::Answered, 1);
    assert_eq!(asks(&mut plan, 1), [chunks(VIDEO, WEST, 8, 2)]);
}

#[test]
fn a_resumed_fetch_asks_only_for_what_is_missing() {
    let mut plan = plan(&[(VIDEO, &[EAST])], &[EAST]);
    plan.begin(VIDEO, [3, 4, 9]);
    let first = asks(&mut plan, 0);
    assert_eq!(first, [chunks(VIDEO, EAST, 3, 2)]);
    plan.got(VIDEO, 3);
    // The site left one out; the other may have it, and so may this one later.
    plan.done(first[0], Outcome::Coming, 0);
    assert_eq!(asks(&mut plan, 0), []);
    assert_eq!(asks(&mut plan, COMING_MS), [chunks(VIDEO, EAST, 4, 1)]);
}

#[test]
fn the_most_urgent_goes_first_and_the_next_one_to_whoever_is_idle() {
    let mut plan = plan(&[(VIDEO, &[EAST]), (PHOTO, &[HUB])], &[EAST, HUB]);
    let first = asks(&mut plan, 0);
    assert_eq!(first, [manifest(VIDEO, EAST), manifest(PHOTO, HUB)]);
}

#[test]
fn a_liar_is_left_alone_and_another_site_is_asked() {
    let mut plan = plan(&[(PHOTO, &[EAST])], &[EAST, HUB]);
    plan.begin(PHOTO, [0]);
    let first = asks(&mut plan, 0);
    assert_eq!(first, [chunks(PHOTO, EAST, 0, 1)]);
    plan.lied(PHOTO, EAST, 5);
    plan.done(first[0], Outcome::Answered, 5);
    assert_eq!(asks(&mut plan, 5), [chunks(PHOTO, HUB, 0, 1)]);
    // A new link is no new trust.
    plan.reach([HUB].into(), 6);
    plan.reach([EAST, HUB].into(), 7);
    plan.done(chunks(PHOTO, HUB, 0, 1), Outcome::Failed, 7);
    assert_eq!(asks(&mut plan, 8), []);
    assert_eq!(
        asks(&mut plan, 7 + RETRY_FIRST_MS),
        [chunks(PHOTO, HUB, 0, 1)]
    );
}

#[test]
fn a_site_without_the_blob_is_asked_ever_more_rarely_until_its_link_is_new() {
    let mut plan = plan(&[(PHOTO, &[EAST])], &[HUB]);
    let (mut now, mut waits) = (0, Vec::new());
    for _ in 0..9 {
        assert_eq!(asks(&mut plan, now), [manifest(PHOTO, HUB)]);
        plan.done(manifest(PHOTO, HUB), Outcome::NotHere, now);
        let next = plan.wake_at(now).unwrap();
        waits.push(next - now);
        now = next;
    }
    assert_eq!(waits[..3], [1_000, 2_000, 4_000]);
    assert_eq!(waits[8], RETRY_LAST_MS);
    assert_eq!(asks(&mut plan, now - 1), []);
    plan.reach([].into(), now - 1);
    plan.reach([HUB].into(), now - 1);
    assert_eq!(asks(&mut plan, now - 1), [manifest(PHOTO, HUB)]);
}

fn is_not_to_be_had(plan: &mut Plan, now_ms: u64) {
    let job = asks(plan, now_ms)[0];
    plan.done(job, Outcome::NotHere, now_ms);
}

#[test]
fn a_blob_that_nobody_has_gives_way_once_until_another_site_is_linked() {
    let mut plan = plan(&[(PHOTO, &[EAST])], &[HUB]);
    let mut now = 0;
    for _ in 1..MISSES {
        is_not_to_be_had(&mut plan, now);
        assert_eq!(plan.missed(), []);
        now = plan.wake_at(now).unwrap();
    }
    is_not_to_be_had(&mut plan, now);
    assert_eq!(plan.missed(), [PHOTO]);
    assert_eq!(plan.missed(), []);
    plan.reach([HUB, EAST].into(), now);
    assert_eq!(plan.missed(), []);
    for _ in 0..MISSES {
        is_not_to_be_had(&mut plan, now);
        now += RETRY_LAST_MS;
    }
    assert_eq!(plan.missed(), [PHOTO]);
}

#[test]
fn without_room_a_blob_waits_and_the_others_go_on() {
    let mut plan = plan(&[(VIDEO, &[EAST]), (PHOTO, &[EAST])], &[EAST]);
    plan.no_room(VIDEO, 0);
    assert_eq!(asks(&mut plan, 0), [manifest(PHOTO, EAST)]);
    plan.forget(PHOTO);
    plan.done(manifest(PHOTO, EAST), Outcome::Answered, 0);
    assert_eq!(plan.wake_at(0), Some(NO_ROOM_MS));
    assert_eq!(asks(&mut plan, NO_ROOM_MS), [manifest(VIDEO, EAST)]);
}

#[test]
fn a_blob_the_disk_failed_to_take_begins_anew() {
    let mut plan = plan(&[(VIDEO, &[EAST])], &[EAST]);
    plan.begin(VIDEO, 0..9);
    let first = asks(&mut plan, 0);
    assert_eq!(first, [chunks(VIDEO, EAST, 0, 4)]);
    plan.no_room(VIDEO, 1);
    plan.done(first[0], Outcome::Answered, 1);
    assert!(!plan.has_begun(VIDEO));
    assert_eq!(asks(&mut plan, NO_ROOM_MS), []);
    assert_eq!(asks(&mut plan, NO_ROOM_MS + 1), [manifest(VIDEO, EAST)]);
}

#[test]
fn what_is_not_wanted_any_more_is_not_asked_for() {
    let mut plan = plan(&[(VIDEO, &[EAST]), (PHOTO, &[EAST])], &[EAST]);
    let gone = plan.want(vec![Want {
        hash: PHOTO,
        sites: vec![EAST],
    }]);
    assert_eq!(gone, [VIDEO]);
    assert_eq!(asks(&mut plan, 0), [manifest(PHOTO, EAST)]);
}
