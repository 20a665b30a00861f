//! Forked journals: both sides are kept whole, and a closure settles them alike at every site.

use super::support::{
    EAST, HUB, MORNING, Site, WEST, amendment, decree, journal, quick, record, shared_rows,
};
use records::bundle::{Bundle, Head};
use records::id::{Hash, JournalId};
use records::payload::InstitutionOp;
use store::{Admission, Missing, Moment, Store};

/// East's journal as it went on at two places after the second bundle: what the hub knows, and
/// the site whose disk was put back and who wrote on.
pub(super) struct Fork {
    pub(super) hub: Site,
    east: Site,
    main: Head,
    branch: Head,
}

fn head(store: &Store, journal: JournalId) -> Head {
    let frontier = store.frontier();
    *frontier
        .iter()
        .find(|head| head.journal == journal)
        .unwrap()
}

async fn fork() -> Fork {
    let (before, hub) = (Site::open(EAST).await, Site::open(HUB).await);
    before.log(1, "一").await;
    before.log(2, "二").await;
    let east = Site::open(EAST).await;
    east.log(1, "一").await;
    east.log(2, "二").await;
    assert_eq!(east.store.frontier(), before.store.frontier());
    for number in 3..=5 {
        before.log(number, "备份之后").await;
    }
    before.send_to(&hub).await;
    east.log(6, "恢复之后").await;
    east.act(7, vec![amendment(record(EAST, 6), 1, "更正")])
        .await;
    Fork {
        main: head(&hub.store, EAST.journal()),
        branch: head(&east.store, EAST.journal()),
        hub,
        east,
    }
}

fn ends(store: &Store) -> Vec<Head> {
    let mut ends = store.branches();
    ends.sort();
    ends
}

/// Fetches every end that `to` lacks from `from`, as a session does, a bundle at a time. How many
/// that were.
pub(super) async fn exchange(from: &Store, to: &Store) -> usize {
    let mut steps = 0;
    let mut ends = from.branches();
    ends.extend(from.frontier());
    for tip in ends {
        let mut met = None;
        while let Some(Missing { tip, have }) = to.missing(&[tip], met).await.unwrap().pop() {
            let chain = from.chain_after(tip, &have, 1).await.unwrap();
            let [bundle] = &chain[..] else {
                panic!("{} bundles", chain.len());
            };
            met = Some(Head {
                seq: bundle.decode_header().unwrap().seq,
                hash: bundle.hash(),
                ..tip
            });
            to.admit(chain, MORNING).await.unwrap();
            steps += 1;
        }
    }
    steps
}

fn close(heads: &[Head]) -> InstitutionOp {
    InstitutionOp::Close {
        journal: EAST.journal(),
        heads: heads.to_vec(),
    }
}

async fn pass_decrees(from: &Site, to: &Site) {
    let decrees = journal(&from.store, JournalId::INSTITUTION).await;
    to.store.admit(decrees, MORNING).await.unwrap();
}

async fn same(a: &Site, b: &Site) {
    assert_eq!(a.store.frontier(), b.store.frontier());
    assert_eq!(shared_rows(&a.store).await, shared_rows(&b.store).await);
}

/// The fork after East and the hub have met, and West, which has heard of it only from the hub.
pub(super) async fn fork_that_west_hears_of() -> (Fork, Site) {
    let fork = fork().await;
    let west = Site::open(WEST).await;
    fork.hub.send_to(&west).await;
    exchange(&fork.east.store, &fork.hub.store).await;
    exchange(&fork.hub.store, &fork.east.store).await;
    (fork, west)
}

#[tokio::test]
async fn both_sides_of_a_fork_are_kept_whole_at_every_site() {
    let (
        Fork {
            hub,
            east,
            main,
            branch,
        },
        west,
    ) = fork_that_west_hears_of().await;
    // West has it from the hub alone.
    exchange(&hub.store, &west.store).await;
    for site in [&hub, &west, &east] {
        let ends = ends(&site.store);
        let mut both = [main, branch];
        both.sort();
        assert_eq!(ends, both);
        let forks = site.store.forks().await.unwrap();
        assert_eq!(forks.len(), 1);
        assert_eq!((forks[0].journal, forks[0].seq), (EAST.journal(), 3));
    }
    assert_eq!(head(&west.store, EAST.journal()), main);
    assert_eq!(head(&east.store, EAST.journal()), branch);
    let whole = west
        .store
        .chain_after(branch, &[], usize::MAX)
        .await
        .unwrap();
    let hashes: Vec<Hash> = whole.iter().map(Bundle::hash).collect();
    let own: Vec<Hash> = east.own().await.iter().map(Bundle::hash).collect();
    assert_eq!(hashes, own);
    // Kept over a restart too.
    let west = west.reopen(quick()).await;
    assert_eq!(west.store.branches().len(), 2);
}

#[tokio::test]
async fn a_site_that_sees_its_own_journal_forked_writes_on_in_a_new_one() {
    let Fork { hub, east, .. } = fork().await;
    exchange(&hub.store, &east.store).await;
    let own = east.store.own_journal().unwrap();
    assert!(own.incarnation > EAST.journal().incarnation, "{own:?}");
    east.log(8, "继续").await;
    let later = journal(&east.store, own).await;
    hub.store.admit(later, MORNING).await.unwrap();
    exchange(&east.store, &hub.store).await;
    assert!(hub.store.row(record(EAST, 8)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_bundle_that_does_not_chain_to_the_journal_proves_the_fork_and_the_rest_is_fetched() {
    let Fork {
        hub, east, branch, ..
    } = fork().await;
    let last = east.own().await.pop().unwrap();
    let answers = hub.store.admit(vec![last], MORNING).await.unwrap();
    assert!(matches!(answers[..], [Admission::Fork { .. }]));
    assert_eq!(hub.store.forks().await.unwrap().len(), 1);
    // Nobody can have it from the hub before the hub has it whole.
    assert_eq!(ends(&hub.store), [head(&hub.store, EAST.journal())]);
    let missing = hub.store.missing(&[branch], None).await.unwrap();
    assert_eq!(missing.len(), 1);
    exchange(&east.store, &hub.store).await;
    assert!(hub.store.missing(&[branch], None).await.unwrap().is_empty());
    assert!(ends(&hub.store).contains(&branch));
}

#[tokio::test]
async fn a_chain_that_parts_far_from_every_place_named_is_found_in_few_steps() {
    let (before, hub) = (Site::open(EAST).await, Site::open(HUB).await);
    let east = Site::open(EAST).await;
    for number in 1..=40 {
        before.log(number, "共同").await;
        east.log(number, "共同").await;
    }
    for number in 41..=65 {
        before.log(number, "备份之后").await;
        east.log(number, "恢复之后").await;
    }
    before.send_to(&hub).await;
    // Named are the places 64, 63, 61, 57, 49, 33 and 1: it parts after 40.
    let steps = exchange(&east.store, &hub.store).await;
    assert!(steps <= 25 + 3, "{steps}");
}

#[tokio::test]
async fn a_branch_is_fetched_whole_even_if_pieces_of_its_middle_came_first() {
    let Fork {
        hub, east, branch, ..
    } = fork().await;
    let own = east.own().await;
    assert_eq!(own.len(), 4);
    east.log(8, "又一").await;
    let longer = head(&east.store, EAST.journal());
    // As a scrub or a cut-off file leaves it: the end of the branch, then what is before it.
    hub.store
        .admit(vec![own[3].clone()], MORNING)
        .await
        .unwrap();
    exchange(&east.store, &hub.store).await;
    assert!(
        hub.store
            .missing(&[branch, longer], None)
            .await
            .unwrap()
            .is_empty()
    );
    let mut both = [head(&hub.store, EAST.journal()), longer];
    both.sort();
    assert_eq!(ends(&hub.store), both);
}

#[tokio::test]
async fn a_branch_that_came_backwards_has_one_end() {
    let Fork {
        hub, east, branch, ..
    } = fork().await;
    for bundle in east.own().await.into_iter().rev() {
        hub.store.admit(vec![bundle], MORNING).await.unwrap();
    }
    let mut both = [head(&hub.store, EAST.journal()), branch];
    both.sort();
    assert_eq!(ends(&hub.store), both);
    let hub = hub.reopen(quick()).await;
    assert_eq!(ends(&hub.store), both);
}

#[tokio::test]
async fn a_closure_makes_all_sites_equal_whichever_side_they_had() {
    for main_first in [true, false] {
        let (
            Fork {
                hub,
                east,
                main,
                branch,
            },
            west,
        ) = fork_that_west_hears_of().await;
        let heads = if main_first {
            [main, branch]
        } else {
            [branch, main]
        };
        decree(&hub.store, close(&heads)).await;
        pass_decrees(&hub, &east).await;
        // West hears of the closure before it has the other side.
        pass_decrees(&hub, &west).await;
        exchange(&hub.store, &west.store).await;
        east.send_to(&hub).await;
        hub.send_to(&west).await;
        hub.send_to(&east).await;
        for site in [&hub, &east, &west] {
            assert_eq!(head(&site.store, EAST.journal()), heads[0]);
            same(site, &hub).await;
            assert!(site.store.forks().await.unwrap().is_empty());
            assert!(site.store.quarantine().await.unwrap().is_empty());
            let rows = shared_rows(&site.store).await;
            assert_eq!(rows.len(), 6);
            site.store.rebuild().await.unwrap();
            assert_eq!(shared_rows(&site.store).await, rows);
            let report = store::verify::verify(site.path(), |_| ()).await.unwrap();
            assert_eq!(report.first_bad, None);
        }
        let amended = hub.store.record(record(EAST, 6)).await.unwrap().unwrap();
        assert_eq!(amended.entries.len(), 1);
        assert_eq!(amended.changes[0].head.journal, EAST.journal());
    }
}

#[tokio::test]
async fn what_depends_on_an_adopted_branch_counts_and_can_be_written_on() {
    let Fork {
        hub,
        east,
        main,
        branch,
    } = fork().await;
    let west = Site::open(WEST).await;
    // West has East's other side, and writes on top of it.
    east.send_to(&west).await;
    west.act(1, vec![amendment(record(EAST, 6), 9, "西校区补充")])
        .await;
    west.send_to(&hub).await;
    let held = hub.store.quarantine().await.unwrap();
    assert!(held.iter().all(|held| held.code == "dep_on_branch"));
    assert_eq!(held.len(), 1);
    exchange(&east.store, &hub.store).await;
    decree(&hub.store, close(&[main, branch])).await;
    assert!(hub.store.quarantine().await.unwrap().is_empty());
    let stored = hub.store.record(record(EAST, 6)).await.unwrap().unwrap();
    assert_eq!(stored.entries.len(), 2);
    // The hub itself edits what the adopted branch wrote, and West takes it.
    hub.act(1, vec![amendment(record(EAST, 6), 12, "总值班室更正")])
        .await;
    exchange(&hub.store, &west.store).await;
    hub.send_to(&west).await;
    same(&hub, &west).await;
    let stored = west.store.record(record(EAST, 6)).await.unwrap().unwrap();
    assert_eq!(stored.entries.len(), 3);
}

#[tokio::test]
async fn an_adopted_branch_of_a_revoked_journal_vouches_for_nobody() {
    let Fork {
        hub, east, main, ..
    } = fork().await;
    let west = Site::open(WEST).await;
    west.log(1, "西校区来电").await;
    west.send_to(&east).await;
    // East's other side signs that it has seen it.
    east.log(8, "收悉").await;
    let branch = head(&east.store, EAST.journal());
    west.send_to(&hub).await;
    exchange(&east.store, &hub.store).await;
    decree(&hub.store, close(&[main, branch])).await;
    let revoke = |journal, cut_seq, cut_hash| InstitutionOp::Revoke {
        journal,
        cut_seq,
        cut_hash,
    };
    let shown = async || hub.store.row(record(WEST, 1)).await.unwrap();
    decree(&hub.store, revoke(WEST.journal(), 0, Hash::default())).await;
    assert!(shown().await.is_some_and(|row| row.disputed));
    decree(&hub.store, revoke(EAST.journal(), main.seq, main.hash)).await;
    assert!(shown().await.is_none());
}

#[tokio::test]
async fn what_waits_for_a_bundle_that_waited_itself_is_taken_when_that_turns_out_a_branch() {
    let (before, hub) = (Site::open(EAST).await, Site::open(HUB).await);
    let east = Site::open(EAST).await;
    for site in [&before, &east] {
        site.log(1, "一").await;
        site.log(2, "二").await;
    }
    before.send_to(&hub).await;
    before.log(3, "备份之后").await;
    east.log(6, "恢复之后").await;
    east.log(7, "又一").await;
    let now = Moment {
        wall_ms: MORNING,
        uptime_ms: 1,
    };
    let opened = east.store.leave_journal(EAST.journal(), now).await.unwrap();
    let opened = opened.unwrap().journal;
    let last = east.own().await.pop().unwrap();
    let opening = journal(&east.store, opened).await;
    for bundles in [vec![last], opening] {
        let answers = hub.store.admit(bundles, MORNING).await.unwrap();
        assert!(matches!(
            answers[..],
            [Admission::Waiting { kept: true, .. }]
        ));
    }
    before.send_to(&hub).await;
    assert_eq!(head(&hub.store, EAST.journal()).seq, 3);
    exchange(&east.store, &hub.store).await;
    hub.store.judge_released().await.unwrap();
    assert_eq!(head(&hub.store, opened).seq, 1);
}

#[tokio::test]
async fn what_stands_on_a_lost_bundle_is_taken_alike_before_and_after_a_closure() {
    let Fork {
        hub,
        east,
        main,
        branch,
    } = fork().await;
    exchange(&east.store, &hub.store).await;
    exchange(&hub.store, &east.store).await;
    // A third machine ran as East; what it wrote reached West alone, and is gone with both.
    let lost = Site::open(EAST).await;
    for (number, text) in [(1, "一"), (2, "二"), (8, "三"), (9, "四"), (10, "五")] {
        lost.log(number, text).await;
    }
    let west = Site::open(WEST).await;
    lost.send_to(&west).await;
    west.log(1, "西校区").await;
    let own = west.own().await;
    hub.store.admit(own.clone(), MORNING).await.unwrap();
    // The longer chain is adopted beside the shorter one.
    decree(&hub.store, close(&[branch, main])).await;
    pass_decrees(&hub, &east).await;
    east.store.admit(own, MORNING).await.unwrap();
    assert_eq!(head(&hub.store, WEST.journal()).seq, 1);
    // East has opened a new incarnation meanwhile.
    east.send_to(&hub).await;
    same(&hub, &east).await;
}

#[tokio::test]
async fn nothing_signed_beyond_a_closure_counts_until_a_later_one_adopts_it() {
    let (east, hub) = (Site::open(EAST).await, Site::open(HUB).await);
    east.log(1, "一").await;
    east.send_to(&hub).await;
    let last = head(&hub.store, EAST.journal());
    decree(&hub.store, close(&[last])).await;
    // East has not heard of it.
    east.log(2, "二").await;
    east.send_to(&hub).await;
    assert_eq!(head(&hub.store, EAST.journal()), last);
    assert!(hub.store.row(record(EAST, 2)).await.unwrap().is_none());
    assert_eq!(hub.store.forks().await.unwrap().len(), 1);
    pass_decrees(&hub, &east).await;
    assert_eq!(head(&east.store, EAST.journal()), last);
    // What it wrote is kept, and its next word goes into a new incarnation.
    east.log(3, "三").await;
    assert_eq!(east.store.own_journal().unwrap().incarnation, 2);
    let beyond = hub.store.branches();
    let beyond = *beyond.iter().find(|end| end.seq == 2).unwrap();
    decree(&hub.store, close(&[last, beyond])).await;
    pass_decrees(&hub, &east).await;
    east.send_to(&hub).await;
    same(&hub, &east).await;
    assert_eq!(hub.rows().await.len(), 3);
}

#[tokio::test]
async fn a_closed_incarnation_stays_closed_for_its_own_site() {
    let (east, hub) = (Site::open(EAST).await, Site::open(HUB).await);
    east.log(1, "一").await;
    let now = Moment {
        wall_ms: MORNING,
        uptime_ms: 1,
    };
    east.store.leave_journal(EAST.journal(), now).await.unwrap();
    east.log(2, "二").await;
    east.send_to(&hub).await;
    decree(&hub.store, close(&[head(&hub.store, EAST.journal())])).await;
    pass_decrees(&hub, &east).await;
    same(&hub, &east).await;
    assert_eq!(east.store.leave_if_due(now).await.unwrap(), None);
}
