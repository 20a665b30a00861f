//! Sites whose programs are of different versions.

use super::order::derived;
use super::support::{
    Campus, EAST, HUB, MORNING, Site, WEST, action, amendment, creation, decree, forge,
    institution_journal, quick, record, shared_rows, text,
};
use proptest::prelude::*;
use records::field::Value;
use records::id::{EntryId, Hash, RecordId, SiteId};
use records::payload::InstitutionOp;
use records::write::Edit;
use std::collections::BTreeMap;
use std::convert::Infallible;
use store::{Admission, LATER_VERSION, Options, Program, QuarantineVerdict, RecordEdit, Rejudged};

/// A program that knows rule sets up to this one.
fn knowing(rules: u32) -> Options {
    Options {
        knows_rules: Some(rules),
        ..quick()
    }
}

/// A site of an institution that has not activated rule set 2 yet.
async fn before_upgrades(campus: Campus, options: Options) -> Site {
    let site = Site::bare(campus, options).await;
    let mut founding = institution_journal().await;
    founding.pop();
    site.store.admit(founding, MORNING).await.unwrap();
    // The same bytes at every site.
    decree(&site.store, InstitutionOp::ActivateRules(1)).await;
    site.store.start_writer(campus.writer()).await.unwrap();
    site
}

async fn verdicts(site: &Site) -> Vec<(QuarantineVerdict, String)> {
    let quarantine = site.store.quarantine().await.unwrap();
    let verdicts = quarantine.into_iter();
    verdicts.map(|item| (item.verdict, item.code)).collect()
}

#[tokio::test]
async fn an_old_program_goes_on_writing_after_a_rule_set_that_it_does_not_know() {
    let hub = before_upgrades(HUB, quick()).await;
    let old = before_upgrades(EAST, knowing(1)).await;
    decree(&hub.store, InstitutionOp::ActivateRules(2)).await;
    hub.log(1, "新规则下的一条").await;
    hub.send_to(&old).await;
    assert_eq!((old.store.rules(), hub.store.rules()), (1, 2));
    old.log(1, "旧程序的一条").await;
    old.send_to(&hub).await;
    assert_eq!(shared_rows(&old.store).await, shared_rows(&hub.store).await);
    assert_eq!(old.rows().await.len(), 2);
    assert_eq!(verdicts(&hub).await, []);
}

#[tokio::test]
async fn what_an_old_program_would_refuse_under_new_rules_it_holds_until_its_upgrade() {
    let hub = before_upgrades(HUB, quick()).await;
    let old = before_upgrades(EAST, knowing(1)).await;
    let active = decree(&hub.store, InstitutionOp::ActivateRules(2)).await;
    hub.send_to(&old).await;
    let hostile = forge(WEST, active, &[creation(WEST, record(EAST, 9), "log_item")]);
    let held = old
        .store
        .admit(vec![hostile.clone()], MORNING)
        .await
        .unwrap();
    assert!(matches!(held[..], [Admission::Held { .. }]), "{held:?}");
    let refused = hub.store.admit(vec![hostile], MORNING).await.unwrap();
    assert!(matches!(refused[..], [Admission::Refused { .. }]));
    // Asking again changes nothing while the program is the same.
    let again = old.store.rejudge().await.unwrap();
    let still = Rejudged {
        held: 1,
        ..Rejudged::default()
    };
    assert_eq!(again, still);
    let new = old.reopen(quick()).await;
    assert_eq!(verdicts(&new).await, verdicts(&hub).await);
    assert_eq!(verdicts(&new).await[0].0, QuarantineVerdict::Refused);
    assert_eq!(new.store.rejudge().await.unwrap(), Rejudged::default());
}

#[tokio::test]
async fn a_header_of_a_later_version_stops_its_journal_and_nothing_else() {
    let (east, hub) = (Site::open(EAST).await, Site::open(HUB).await);
    east.log(1, "一").await;
    let mut later = east.own().await.remove(0);
    // The version is the first element of the header's array.
    let at = later.header.iter().position(|byte| *byte == 1).unwrap();
    later.header[at] = 2;
    let before = hub.store.frontier();
    let answer = hub.store.admit(vec![later], MORNING).await.unwrap();
    let code = LATER_VERSION;
    assert_eq!(answer, [Admission::NotOurs { code }]);
    assert_eq!(hub.store.frontier(), before);
    assert_eq!(hub.store.counts().await.unwrap().waiting, 0);
    east.send_to(&hub).await;
    assert_eq!(hub.rows().await.len(), 1);
}

#[tokio::test]
async fn two_sites_that_choose_one_entry_id_keep_each_their_own_entry_in_any_order() {
    let east = Site::open(EAST).await;
    east.log(1, "来电").await;
    let west = Site::open(WEST).await;
    east.send_to(&west).await;
    east.act(2, vec![amendment(record(EAST, 1), 7, "东校区的更正")])
        .await;
    west.act(3, vec![amendment(record(EAST, 1), 7, "西校区的更正")])
        .await;
    east.send_to(&west).await;
    west.send_to(&east).await;
    let said = async |site: &Site| -> BTreeMap<String, SiteId> {
        let stored = site.store.record(record(EAST, 1)).await.unwrap().unwrap();
        let entries = stored.entries.iter().map(|origin| {
            let values = &stored.record.entries["amendments"][&origin.entry];
            (values["text"].as_text().unwrap().to_owned(), origin.site)
        });
        entries.collect()
    };
    let expected = BTreeMap::from([
        ("东校区的更正".to_owned(), EAST.site()),
        ("西校区的更正".to_owned(), WEST.site()),
    ]);
    assert_eq!(said(&east).await, expected);
    assert_eq!(said(&west).await, expected);
}

#[tokio::test]
async fn the_hub_remembers_what_each_sites_program_last_said_it_knows() {
    let hub = Site::open(HUB).await;
    let program = |rules, seen_ms| Program {
        rules,
        seen_ms,
        ..Program::default()
    };
    for (campus, rules) in [(EAST, 1), (WEST, 2), (EAST, 2)] {
        let said = program(rules, MORNING);
        hub.store.note_program(campus.site(), said).await.unwrap();
    }
    let hub = hub.reopen(quick()).await;
    let known = hub.store.programs().await.unwrap();
    assert_eq!(known[&EAST.site()], program(2, MORNING));
    assert_eq!(known.len(), 2);
}

/// A step of an institution whose sites are upgraded one by one.
#[derive(Debug, Clone, Copy)]
enum Step {
    Log(usize),
    Amend(usize, usize),
    Attach(usize, usize),
    Exchange(usize, usize),
    Upgrade(usize),
    Activate,
}

fn step() -> impl Strategy<Value = Step> {
    let pair = || (0..3usize, 0..3usize);
    prop_oneof![
        2 => (0..3usize).prop_map(Step::Log),
        3 => pair().prop_map(|(site, of)| Step::Amend(site, of)),
        4 => pair().prop_map(|(site, of)| Step::Attach(site, of)),
        5 => pair().prop_map(|(from, to)| Step::Exchange(from, to)),
        1 => (0..3usize).prop_map(Step::Upgrade),
        1 => Just(Step::Activate),
    ]
}

/// What rule set 2 added: a picture of the item.
fn picture(of: RecordId, entry: [u8; 2]) -> RecordEdit {
    let mut id = [9; 16];
    id[..2].copy_from_slice(&entry);
    RecordEdit {
        record: of,
        kind: "log_item",
        edits: vec![Edit::AddEntry {
            field: "attachments".to_owned(),
            entry: EntryId(id),
            values: [
                ("name".to_owned(), text("现场.jpg")),
                ("mime".to_owned(), text("image/jpeg")),
                ("size".to_owned(), Value::Int(3_000_000)),
                ("blob".to_owned(), Value::Blob(Hash([entry[0]; 32]))),
            ]
            .into(),
        }],
    }
}

const SITES: [Campus; 3] = [HUB, EAST, WEST];

struct Institution {
    sites: Vec<Option<Site>>,
}

impl Institution {
    async fn begin(hub_knows: u32, others_know: u32) -> Self {
        let mut sites = Vec::new();
        for campus in SITES {
            let knows = if campus.number == HUB.number {
                hub_knows
            } else {
                others_know
            };
            let site = before_upgrades(campus, knowing(knows)).await;
            site.log(1, "交接班").await;
            sites.push(Some(site));
        }
        Self { sites }
    }

    fn site(&self, index: usize) -> &Site {
        self.sites[index].as_ref().unwrap()
    }

    async fn upgrade(&mut self, index: usize) {
        let site = self.sites[index].take().unwrap();
        self.sites[index] = Some(site.reopen(knowing(2)).await);
    }

    async fn live(&mut self, number: u8, step: Step) {
        match step {
            Step::Log(site) => drop(self.site(site).log(number, "来电").await),
            Step::Amend(site, of) if self.has(site, of).await => {
                let edit = amendment(record(SITES[of], 1), number, "补充");
                self.site(site).act(number, vec![edit]).await;
            }
            Step::Attach(site, of) if self.has(site, of).await => {
                let edit = picture(record(SITES[of], 1), [number, SITES[site].number]);
                let active = self.site(site).store.rules() >= 2;
                let done = self
                    .site(site)
                    .store
                    .commit(action(SITES[site], number), move |_| {
                        Ok::<_, Infallible>(vec![edit])
                    });
                assert_eq!(done.await.is_ok(), active, "written only once it is active");
            }
            Step::Exchange(from, to) => self.site(from).send_to(self.site(to)).await,
            Step::Upgrade(site) => self.upgrade(site).await,
            Step::Activate if self.site(0).store.trust().rules_at(u64::MAX) < 2 => {
                decree(&self.site(0).store, InstitutionOp::ActivateRules(2)).await;
            }
            Step::Amend(..) | Step::Attach(..) | Step::Activate => {}
        }
    }

    async fn has(&self, site: usize, of: usize) -> bool {
        let target = record(SITES[of], 1);
        self.site(site).store.row(target).await.unwrap().is_some()
    }

    async fn end(&mut self) -> Vec<super::order::Derived> {
        for index in 0..SITES.len() {
            self.upgrade(index).await;
        }
        for (from, to) in [(1, 0), (2, 0), (0, 1), (0, 2)] {
            self.site(from).send_to(self.site(to)).await;
        }
        let mut ends = Vec::new();
        for index in 0..SITES.len() {
            ends.push(derived(&self.site(index).store).await);
        }
        ends
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn sites_upgraded_in_any_order_end_with_equal_records_and_nothing_in_quarantine(
        hub_knows in 1..=2u32,
        others_know in 1..=2u32,
        steps in prop::collection::vec(step(), 4..24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut institution = Institution::begin(hub_knows, others_know).await;
            for (number, step) in (2u8..).zip(steps) {
                institution.live(number, step).await;
            }
            let ends = institution.end().await;
            prop_assert_eq!(&ends[0].quarantine, &vec![]);
            prop_assert_eq!(&ends[1], &ends[0]);
            prop_assert_eq!(&ends[2], &ends[0]);
            institution.site(0).store.rebuild().await.unwrap();
            prop_assert_eq!(&derived(&institution.site(0).store).await, &ends[0]);
            Ok(())
        })?;
    }
}
