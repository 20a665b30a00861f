//! Whatever the order of arrival, the same journals give the same heads and rows.

use super::support::{
    EAST, HUB, MORNING, Site, WEST, amendment, creation, forge, institution_journal, journal,
    log_item, person, quick, record, rows, section, set, shared_rows, text,
};
use proptest::prelude::*;
use records::bundle::{Bundle, Head};
use records::write;
use store::{EntryOrigin, Moment, Quarantined, RecordEdit, RecordRow, Store};

/// Everything a store derives from its journals.
#[derive(Debug, PartialEq)]
pub(crate) struct Derived {
    frontier: Vec<Head>,
    rows: Vec<RecordRow>,
    entries: Vec<Vec<EntryOrigin>>,
    documents: Vec<records::read::Record>,
    pub(crate) quarantine: Vec<Quarantined>,
}

pub(crate) async fn derived(store: &Store) -> Derived {
    let (mut entries, mut documents) = (Vec::new(), Vec::new());
    for row in rows(store).await {
        let stored = store.record(row.id).await.unwrap().unwrap();
        entries.push(stored.entries);
        documents.push(stored.record);
    }
    let mut quarantine = store.quarantine().await.unwrap();
    quarantine.sort_by_key(|item| item.head);
    Derived {
        frontier: store.frontier(),
        rows: shared_rows(store).await,
        entries,
        documents,
        quarantine,
    }
}

/// One step of a history: a site writes or two sites exchange all they hold.
#[derive(Debug, Clone, Copy)]
enum Step {
    Log { site: usize },
    Amend { site: usize, of: usize },
    Exchange { from: usize, to: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..2usize).prop_map(|site| Step::Log { site }),
        3 => (0..2usize, 0..2usize).prop_map(|(site, of)| Step::Amend { site, of }),
        2 => (0..2usize, 0..2usize).prop_map(|(from, to)| Step::Exchange { from, to }),
    ]
}

/// Plays a history at two campuses; on top comes a hostile bundle of the hub, which creates a
/// record under an id that a campus uses.
async fn play(steps: &[Step]) -> Vec<Bundle> {
    let sites = [Site::open(EAST).await, Site::open(WEST).await];
    for site in &sites {
        site.log(1, "交接班").await;
    }
    for (number, step) in (2u8..).zip(steps) {
        match *step {
            Step::Log { site } => {
                sites[site].log(number, "来电").await;
            }
            Step::Amend { site, of } => {
                let target = record(sites[of].campus, 1);
                if sites[site].store.row(target).await.unwrap().is_some() {
                    let entry = number + 100 * u8::try_from(site).unwrap();
                    sites[site]
                        .act(number, vec![amendment(target, entry, "补充")])
                        .await;
                }
            }
            Step::Exchange { from, to } => sites[from].send_to(&sites[to]).await,
        }
    }
    let mut bundles = sites[0].own().await;
    bundles.extend(sites[1].own().await);
    let usurped = creation(HUB, record(EAST, 1), "log_item");
    bundles.push(forge(HUB, sites[0].store.frontier()[0], &[usurped]));
    bundles
}

async fn deliver(bundles: &[Bundle], order: &[prop::sample::Index], batch: usize) -> Site {
    let site = Site::bare(HUB, quick()).await;
    let journal = institution_journal().await;
    site.store.admit(journal, MORNING).await.unwrap();
    let mut left: Vec<Bundle> = bundles.to_vec();
    let mut shuffled = Vec::new();
    for index in order.iter().cycle() {
        if left.is_empty() {
            break;
        }
        shuffled.push(left.swap_remove(index.index(left.len())));
    }
    for part in shuffled.chunks(batch) {
        site.store.admit(part.to_vec(), MORNING).await.unwrap();
    }
    site
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn bundles_admitted_in_any_order_give_equal_heads_and_rows(
        steps in prop::collection::vec(step(), 1..24),
        orders in prop::array::uniform2(prop::collection::vec(any::<prop::sample::Index>(), 32)),
        batch in 1..6usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bundles = play(&steps).await;
            let one = deliver(&bundles, &orders[0], batch).await;
            let two = deliver(&bundles, &orders[1], 1).await;
            let (first, second) = (derived(&one.store).await, derived(&two.store).await);
            prop_assert_eq!(&first, &second);
            // The institution's journal, and every bundle of the three sites.
            let held: u64 = first.frontier[1..].iter().map(|head| head.seq).sum();
            prop_assert_eq!(held, bundles.len() as u64);
            prop_assert_eq!(first.quarantine.len(), 1);
            one.store.rebuild().await.unwrap();
            prop_assert_eq!(&derived(&one.store).await, &first);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_hostile_sites_claim_to_what_is_another_sites_is_refused_in_any_order_of_arrival() {
    let east = Site::open(EAST).await;
    east.log(1, "来电").await;
    let id = record(EAST, 1);
    // An edit of a record of its own, passed off as one of East's of another kind.
    let passed_off = section(WEST, id, "person", |doc, table| {
        let person = person(WEST, "冒名").edits;
        write::create(doc, table, WEST.site(), None, &person).unwrap();
        vec![write::edit(doc, table, &[set("role", text("leader"))]).unwrap()]
    });
    let own = record(WEST, 1);
    let numbered = |number: &'static str| {
        section(WEST, own, "log_item", |doc, table| {
            let edits = log_item(own, "冒用编号").edits;
            vec![write::create(doc, table, WEST.site(), Some(number), &edits).unwrap()]
        })
    };
    for (hostile, id, code) in [
        (creation(WEST, id, "log_item"), id, "foreign_record_id"),
        (creation(WEST, id, "person"), id, "foreign_record_id"),
        (passed_off, id, "missing_dep"),
        (numbered("E2026-000001"), own, "foreign_number"),
        (numbered("W2026b-000001"), own, "foreign_number"),
    ] {
        let hostile = forge(WEST, east.store.frontier()[0], &[hostile]);
        let mut bundles = [east.own().await, vec![hostile]].concat();
        let mut found = Vec::new();
        for _ in 0..2 {
            for batch in [1, 2] {
                let hub = Site::bare(HUB, quick()).await;
                let institution = institution_journal().await;
                hub.store.admit(institution, MORNING).await.unwrap();
                for part in bundles.chunks(batch) {
                    hub.store.admit(part.to_vec(), MORNING).await.unwrap();
                }
                found.push(derived(&hub.store).await);
            }
            bundles.reverse();
        }
        assert!(found.iter().all(|other| *other == found[0]), "{found:#?}");
        let [refused] = &found[0].quarantine[..] else {
            panic!("{:?}", found[0].quarantine);
        };
        assert_eq!((refused.code.as_str(), refused.record), (code, Some(id)));
        assert_eq!(found[0].rows, shared_rows(&east.store).await);
    }
}

#[tokio::test]
async fn two_journals_of_a_site_that_create_one_record_at_once_come_to_the_same_in_any_order() {
    for (first_kind, second_kind) in [
        ("log_item", "log_item"),
        ("log_item", "person"),
        ("person", "log_item"),
    ] {
        let id = record(EAST, 1);
        let edit = |kind, content| RecordEdit {
            record: id,
            kind,
            edits: match kind {
                "person" => person(EAST, "王芳").edits,
                _ => log_item(id, content).edits,
            },
        };
        let (first, second) = (Site::open(EAST).await, Site::open(EAST).await);
        first.act(1, vec![edit(first_kind, "一")]).await;
        let now = Moment {
            wall_ms: MORNING,
            uptime_ms: 1,
        };
        let left = second.store.leave_journal(EAST.journal(), now).await;
        let opened = left.unwrap().unwrap().journal;
        second.act(2, vec![edit(second_kind, "二")]).await;
        let (one, two) = (first.own().await, journal(&second.store, opened).await);
        let (hub, west) = (Site::open(HUB).await, Site::open(WEST).await);
        for (site, parts) in [(&hub, [&one, &two]), (&west, [&two, &one])] {
            for part in parts {
                site.store.admit(part.clone(), MORNING).await.unwrap();
            }
        }
        let found = derived(&hub.store).await;
        assert_eq!(found, derived(&west.store).await);
        assert_eq!(found.quarantine, []);
        // Its operation has the higher counter, for there are more before it.
        assert_eq!(found.rows[0].kind, "log_item");
        // Whoever was first is the author, whichever came first.
        assert_eq!(found.rows[0].recorded_at, MORNING + 60_000);
        if first_kind == second_kind {
            west.act(3, vec![amendment(id, 1, "以此为准")]).await;
            west.send_to(&hub).await;
        }
        let found = derived(&hub.store).await;
        assert_eq!(found, derived(&west.store).await);
        assert_eq!(found.quarantine, []);
        for site in [&hub, &west] {
            site.store.rebuild().await.unwrap();
            assert_eq!(found, derived(&site.store).await);
        }
    }
}

#[tokio::test]
async fn a_rebuild_gives_the_same_heads_and_rows_and_never_a_number_twice() {
    let east = Site::open(EAST).await;
    for number in 1..=5 {
        east.log(number, "来电").await;
    }
    east.act(6, vec![amendment(record(EAST, 2), 1, "更正")])
        .await;
    let before = (derived(&east.store).await, rows(&east.store).await);
    let cursor = *east.store.changed().borrow();
    east.store.rebuild().await.unwrap();
    assert_eq!(
        (derived(&east.store).await, rows(&east.store).await),
        before
    );
    // Every row is new to the feed, so that nobody keeps an old one.
    let fed = east.store.feed(cursor, 200).await.unwrap();
    assert_eq!(fed.rows.len(), 5);
    east.log(7, "来电").await;
    let row = east.store.row(record(EAST, 7)).await.unwrap().unwrap();
    assert_eq!(row.number, "E2026-000006");
}
