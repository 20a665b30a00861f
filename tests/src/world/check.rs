//! The promises of DESIGN.md section 3 over a world that has come to rest. Each check carries the
//! number of its invariant.

mod limits;

pub(super) use limits::i11_a_frame_is_bounded;

use super::actions::Saved;
use super::disk::{Image, empty_log};
use super::founding::scratch;
use super::site::Site;
use anyhow::{Context as _, Result, ensure};
use records::bundle::{Bundle, Head};
use records::id::{JournalId, RecordId, SiteId};
use std::collections::{BTreeMap, BTreeSet};
use store::{Filter, Quarantined, RecordRow, Store, StoredRecord};

/// Everything a site shows and holds.
struct Seen {
    records: BTreeMap<RecordId, Shown>,
    bundles: BTreeMap<JournalId, Vec<Bundle>>,
    quarantine: Vec<Quarantined>,
    /// Erased records and their numbers.
    erased: BTreeMap<RecordId, String>,
    /// Bundles held for want of a chain that is not here whole, and comes no more if the only disks
    /// that held it are gone.
    bereft: BTreeSet<Head>,
}

/// What the honest sites must come to.
pub struct Expected<'a> {
    /// The site that is not honest.
    pub hostile: Option<SiteId>,
    /// What was answered as saved.
    pub acknowledged: &'a [Saved],
    /// Records that were erased, or about to be.
    pub erased: &'a BTreeSet<RecordId>,
    /// Sites that may have written two chains of one journal; both must count in the end.
    pub forked: &'a BTreeSet<SiteId>,
    /// Sites of which a second machine was switched off for good: what only it held is gone, and
    /// what others heard of it may stand on that.
    pub lost: &'a BTreeSet<SiteId>,
}

/// Checks every promise of the honest sites; `draw` picks the one that is looked at most closely.
///
/// # Errors
/// The first broken one.
pub async fn promises(sites: &[&Site], expected: &Expected<'_>, draw: u64) -> Result<()> {
    let chosen = usize::try_from(draw % sites.len() as u64)?;
    let mut first: Option<Seen> = None;
    for (index, site) in sites.iter().enumerate() {
        let store = site.store().context("a healed site is up")?;
        let seen = seen(store, expected).await?;
        limits::i11_what_waits_is_bounded(store).await?;
        limits::i11_branches_are_bounded(store).await?;
        limits::i3_nothing_is_lost_on_a_disk(store)?;
        let checked = async {
            i1_what_was_saved_is_there(&seen, expected)?;
            i3_nothing_is_held_only_here(store)?;
            i7_what_was_erased_is_gone(&seen)?;
            i4_nothing_honest_is_quarantined(store, expected, &seen).await?;
            numbers_are_unique_and_without_gaps(&seen, expected)?;
            if index == chosen {
                i2_caches_are_only_caches(store, expected, &seen).await?;
                i3_every_bundle_verifies(site, expected).await?;
                i3_no_altered_bundle_goes_unnoticed(site, &seen, draw).await?;
            }
            if let Some(first) = &first {
                i3_all_sites_hold_the_same_bytes(first, &seen)?;
                i4_all_sites_judge_and_show_the_same(first, &seen)?;
            }
            anyhow::Ok(())
        };
        checked.await.with_context(|| format!("at site {index}"))?;
        first.get_or_insert(seen);
    }
    Ok(())
}

/// Invariant 3, while the world runs: a site never counts a bundle as held elsewhere that no
/// other site's disk holds. `held` is how far each site holds each journal.
///
/// # Errors
/// When one does.
pub fn held_only_here_is_never_too_low(
    sites: &[Site],
    held: &[BTreeMap<JournalId, u64>],
) -> Result<()> {
    for (index, site) in sites.iter().enumerate() {
        let Some(store) = site.store() else {
            continue;
        };
        let own = store.frontier().into_iter();
        let own = own.filter(|head| head.journal.site == site.id());
        let alone: u64 = own
            .map(|head| {
                let others = held.iter().enumerate();
                let others = others.filter(|(other, _)| *other != index);
                let most = others.filter_map(|(_, held)| held.get(&head.journal));
                head.seq.saturating_sub(most.copied().max().unwrap_or(0))
            })
            .sum();
        let said = store.held_only_here();
        ensure!(
            said >= alone,
            "site {index} says that it alone holds {said} bundles, and it is {alone}"
        );
    }
    Ok(())
}

/// A record as any site must show it: what depends on the site that shows it is left out.
#[derive(Debug, PartialEq)]
struct Shown {
    row: RecordRow,
    record: records::read::Record,
    entries: Vec<store::EntryOrigin>,
}

impl From<StoredRecord> for Shown {
    fn from(stored: StoredRecord) -> Self {
        let mut entries = stored.entries;
        entries.sort_by_key(|origin| (origin.hlc, origin.entry));
        Self {
            row: RecordRow {
                acked: true,
                rev: 0,
                ..stored.row
            },
            record: stored.record,
            entries,
        }
    }
}

async fn seen(store: &Store, expected: &Expected<'_>) -> Result<Seen> {
    let mut bundles = BTreeMap::new();
    for head in store.frontier() {
        let journal = store.bundles_after(head.journal, 0, usize::MAX).await?;
        bundles.insert(head.journal, journal);
    }
    let mut quarantine = store.quarantine().await?;
    quarantine.sort_by_key(|row| row.head);
    for row in &mut quarantine {
        row.received_ms = 0;
    }
    let trust = store.trust();
    let erased = expected.erased.iter().filter_map(|record| {
        let erasure = trust.erasures().record(*record)?;
        Some((*record, erasure.number.clone()))
    });
    Ok(Seen {
        erased: erased.collect(),
        records: shown(store).await?,
        bereft: bereft(store, &quarantine).await?,
        bundles,
        quarantine,
    })
}

async fn bereft(store: &Store, quarantine: &[Quarantined]) -> Result<BTreeSet<Head>> {
    let mut bereft = BTreeSet::new();
    for row in quarantine.iter().filter(|row| row.code == "dep_on_branch") {
        // It may stand on an adopted chain.
        let bundle = store.bundles_of(&[row.head.hash], 1).await?.pop();
        let bundle = bundle.context("a quarantined bundle is held")?;
        for dep in bundle.decode_header()?.deps {
            if !store.missing(&[dep], None).await?.is_empty() {
                bereft.insert(row.head);
            }
        }
    }
    Ok(bereft)
}

async fn shown(store: &Store) -> Result<BTreeMap<RecordId, Shown>> {
    let mut filter = Filter {
        limit: 200,
        ..Filter::default()
    };
    let mut records = BTreeMap::new();
    loop {
        let page = store.list(&filter).await?;
        for row in page.rows {
            let stored = store.record(row.id).await?;
            let stored = stored.context("a listed record can be read")?;
            records.insert(row.id, Shown::from(stored));
        }
        match page.next {
            Some(next) => filter.after = Some(next),
            None => return Ok(records),
        }
    }
}

/// What a site answered as saved is in its journal as it was signed, once, and shown.
fn i1_what_was_saved_is_there(seen: &Seen, expected: &Expected<'_>) -> Result<()> {
    for saved in expected.acknowledged {
        let head = saved.head;
        let place = usize::try_from(head.seq)?.checked_sub(1);
        let journal = seen.bundles.get(&head.journal);
        let bundle = journal.zip(place).and_then(|(all, place)| all.get(place));
        let same = bundle.is_some_and(|bundle| bundle.hash() == head.hash);
        // An adopted chain stands beside its journal; what it says is shown.
        let forked = expected.forked.contains(&head.journal.site);
        ensure!(same || forked, "saved bundle {head:?} is lost");
        if seen.erased.contains_key(&saved.record) || seen.bereft.contains(&head) {
            continue;
        }
        let shown = seen.records.get(&saved.record);
        let shown = shown.with_context(|| format!("saved {:?} is not shown", saved.record))?;
        if let Some((field, entry)) = saved.entry {
            let kept = shown.record.entries.get(field);
            let kept = kept.is_some_and(|entries| entries.contains_key(&entry));
            ensure!(kept, "saved {entry:?} of {:?} is not shown", saved.record);
        }
    }
    let mut actions = BTreeSet::new();
    for bundle in seen.bundles.values().flatten() {
        let header = bundle.decode_header()?;
        let once = Some(header.site) == expected.hostile
            || header.action == records::id::ActionId::default()
            || actions.insert((header.action, header.part));
        ensure!(once, "action {:?} was carried out twice", header.action);
    }
    Ok(())
}

/// Dropping every cache and replaying gives the same journals, heads and rows.
async fn i2_caches_are_only_caches(
    store: &Store,
    expected: &Expected<'_>,
    before: &Seen,
) -> Result<()> {
    store.rebuild().await?;
    let after = seen(store, expected).await?;
    ensure!(after.bundles == before.bundles, "rebuilding moved a head");
    ensure!(
        after.records == before.records,
        "rebuilding changed what is shown"
    );
    ensure!(
        after.quarantine == before.quarantine,
        "rebuilding changed a verdict"
    );
    Ok(())
}

fn i3_nothing_is_held_only_here(store: &Store) -> Result<()> {
    let alone = store.held_only_here();
    ensure!(alone == 0, "it thinks that it alone holds {alone} bundles");
    Ok(())
}

fn i3_all_sites_hold_the_same_bytes(first: &Seen, seen: &Seen) -> Result<()> {
    for (journal, bundles) in &first.bundles {
        ensure!(
            seen.bundles.get(journal) == Some(bundles),
            "it holds other bundles of {journal}"
        );
    }
    ensure!(first.bundles.len() == seen.bundles.len(), "more journals");
    Ok(())
}

async fn i3_every_bundle_verifies(site: &Site, expected: &Expected<'_>) -> Result<()> {
    let hostile = expected.hostile;
    let report = store::verify::verify(&site.folder(), |_| ()).await?;
    let honest = report.first_bad.as_ref();
    let honest = honest.filter(|bad| Some(bad.name.journal.site) != hostile);
    ensure!(honest.is_none(), "verify finds {honest:?}");
    // Nobody can keep a hostile site from saying that it saw another bundle than there is.
    // Of a journal that went on at two machines somebody may have seen an end that is gone.
    let mut words = report.disputed.iter();
    let honest = words.find(|word| {
        let (witness, place) = (word.witness.journal.site, word.place.journal.site);
        Some(witness) != hostile && !expected.forked.contains(&place)
    });
    ensure!(honest.is_none(), "an honest site disputes: {honest:?}");
    Ok(())
}

/// One flipped bit in a stored bundle is found and named.
async fn i3_no_altered_bundle_goes_unnoticed(site: &Site, seen: &Seen, draw: u64) -> Result<()> {
    let bundles: Vec<&Bundle> = seen.bundles.values().flatten().collect();
    let bundle = bundles[usize::try_from(draw % bundles.len() as u64)?];
    let bit = usize::try_from(draw % 512)?;
    let folder = scratch()?;
    Image::of(&site.folder())?.write(folder.path())?;
    // A frame that rots in the log ends it there.
    empty_log(folder.path()).await?;
    let mut image = Image::of(folder.path())?;
    // A signature that goes over two pages cannot be found in the file in one piece.
    if image.rot(&bundle.signature, bit) == 0 {
        return Ok(());
    }
    image.write(folder.path())?;
    let report = store::verify::verify(folder.path(), |_| ()).await?;
    let header = bundle.decode_header()?;
    ensure!(
        report.first_bad.is_some(),
        "a flipped bit in bundle {} of {} went unnoticed",
        header.seq,
        header.journal()
    );
    Ok(())
}

async fn i4_nothing_honest_is_quarantined(
    store: &Store,
    expected: &Expected<'_>,
    seen: &Seen,
) -> Result<()> {
    let hostile = expected.hostile;
    for row in &seen.quarantine {
        // A hostile site has more branches than a closure adopts, and others may have built on them.
        let on_branch = hostile.is_some() && row.code == "dep_on_branch";
        let bereft = !expected.lost.is_empty() && seen.bereft.contains(&row.head);
        let honest = Some(row.head.journal.site) != hostile && row.code != "record_erased";
        ensure!(
            !honest || on_branch || bereft,
            "an honest bundle is quarantined: {row:?}"
        );
    }
    for fork in store.forks().await? {
        let site = fork.journal.site;
        let honest = Some(site) != hostile && !expected.forked.contains(&site);
        ensure!(!honest, "an honest journal is forked: {fork:?}");
    }
    Ok(())
}

/// No site shows a record that the institution has erased.
fn i7_what_was_erased_is_gone(seen: &Seen) -> Result<()> {
    for record in seen.erased.keys() {
        ensure!(
            !seen.records.contains_key(record),
            "erased {record:?} is shown"
        );
    }
    Ok(())
}

fn i4_all_sites_judge_and_show_the_same(first: &Seen, seen: &Seen) -> Result<()> {
    ensure!(first.quarantine == seen.quarantine, "it judges otherwise");
    ensure!(first.records == seen.records, "it shows other records");
    Ok(())
}

/// Numbers on forms: none twice, and within a series of an incarnation none left out.
fn numbers_are_unique_and_without_gaps(seen: &Seen, expected: &Expected<'_>) -> Result<()> {
    let counts = |site| Some(site) != expected.hostile && !expected.forked.contains(&site);
    let mut series: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    let shown = seen.records.values();
    let shown = shown.filter(|shown| counts(shown.row.site));
    let shown = shown.map(|shown| shown.row.number.as_str());
    let erased = seen.erased.iter();
    let erased = erased.filter(|(record, _)| counts(record.home()));
    let erased = erased.map(|(_, number)| number.as_str());
    for number in shown.chain(erased).filter(|number| !number.is_empty()) {
        let (name, count) = number.rsplit_once('-').context("a number has a counter")?;
        let fresh = series.entry(name).or_default().insert(count.parse()?);
        ensure!(fresh, "number {number} is there twice");
    }
    for (name, counts) in series {
        let last = counts.last().copied().unwrap_or(0);
        ensure!(
            last == counts.len() as u64,
            "series {name} has gaps: {counts:?}"
        );
    }
    Ok(())
}
