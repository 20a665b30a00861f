//! Forked journals between real sites.

use super::world::{NOW, Site, hub, start};
use records::bundle::Head;
use records::id::JournalId;
use records::payload::InstitutionOp;
use std::path::Path;
use store::verify::verify;
use sync::identity::Identity;
use tempfile::TempDir;

/// Copies the data directory of a site that is stopped.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn ends(site: &Site) -> Vec<Head> {
    let mut ends = site.store.branches();
    ends.sort();
    ends
}

async fn until_ends(site: &Site, wanted: &[Head]) {
    let what = format!("{} lacks a branch: {wanted:?}", site.id());
    site.until_store(&what, |store| {
        let mut ends = store.branches();
        ends.sort();
        ends == wanted
    })
    .await;
}

/// A campus whose disk was put back unnoticed and which wrote on, and the other end of its journal.
pub(super) async fn put_back(hub: &Site) -> (TempDir, Identity, Head) {
    let east = hub.campus("东校区值班室", "E").await;
    east.until_up(hub.id()).await;
    east.write(4).await;
    hub.until_holds(&east).await;
    let (dir, identity, _) = east.stop().await;
    let old = tempfile::tempdir().unwrap();
    copy(dir.path(), old.path());
    let east = start(dir, identity, vec![hub.links.local_addr()]).await;
    east.until_up(hub.id()).await;
    east.write(3).await;
    hub.until_holds(&east).await;
    let (_, identity, _) = east.stop().await;
    let alone = start(old, identity, vec![]).await;
    alone.write(5).await;
    let head = head(&alone, alone.identity.journal);
    let (dir, identity, _) = alone.stop().await;
    (dir, identity, head)
}

pub(super) fn head(site: &Site, journal: JournalId) -> Head {
    let frontier = site.store.frontier();
    *frontier
        .iter()
        .find(|head| head.journal == journal)
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_of_a_fork_reach_every_site_over_links_and_a_closure_settles_them() {
    let hub = hub().await;
    let west = hub.campus("西校区值班室", "W").await;
    west.until_up(hub.id()).await;
    let (dir, identity, branch) = put_back(&hub).await;
    west.until_holds(&hub).await;
    let journal = identity.journal;
    let mut both = [head(&hub, journal), branch];
    both.sort();
    let east = start(dir, identity, vec![hub.links.local_addr()]).await;
    // West has it from the hub alone.
    for site in [&hub, &west, &east] {
        until_ends(site, &both).await;
    }
    // East has met its own bundles, so it goes on in a journal of its own.
    east.write(2).await;
    let own = east.store.own_journal().unwrap();
    assert!(own > journal && own.site == journal.site);
    let later = head(&east, own);
    let arrived = |store: &store::Store| store.frontier().contains(&later);
    hub.until_store("east's new journal did not come", arrived)
        .await;
    let root = &hub.identity.authority.as_ref().unwrap().root;
    let op = InstitutionOp::Close {
        journal,
        heads: vec![branch, both.into_iter().find(|end| *end != branch).unwrap()],
    };
    let institution = hub.identity.institution;
    hub.store
        .commit_institution(op, root, institution, NOW)
        .await
        .unwrap();
    for site in [&hub, &west, &east] {
        let settled = |store: &store::Store| store.frontier().contains(&branch);
        site.until_store("the closure is not carried out", settled)
            .await;
    }
    west.until_holds(&hub).await;
    assert_eq!(ends(&hub), ends(&west));
    for site in [&hub, &west, &east] {
        let counts = site.store.counts().await.unwrap();
        assert_eq!(
            (counts.records, counts.forks, counts.quarantined),
            (14, 0, 0)
        );
        let report = verify(site.dir.path(), |_| ()).await.unwrap();
        assert_eq!(report.first_bad, None);
    }
    // The sessions follow without being dialled anew.
    let level = |peer: &sync::status::PeerStatus| {
        let progress = peer.progress.unwrap_or_default();
        progress.incoming.missing == 0 && progress.outgoing.missing == 0
    };
    for site in [&west, &east] {
        site.until_peer(hub.id(), level).await;
        hub.until_peer(site.id(), level).await;
    }
}
