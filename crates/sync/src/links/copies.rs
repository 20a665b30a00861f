//! Whether a site's data directory runs twice. Pure.
//!
//! Each start of a site's process on its directory has a number and a random id, which its Hello
//! names. Directories that part from one copy go on counting for themselves, so two ids with one
//! number, or an older start that comes back, prove that the directory was copied and both copies
//! were started. A site that was restored says so by a higher incarnation and is no copy. The two
//! never meet each other, so whoever meets both tells them.

use crate::status::{CopiedSite, SeenStart};
use crate::wire::{Frame, MAX_STARTS, Start};
use records::id::SiteId;
use std::collections::BTreeMap;
use std::net::IpAddr;
use store::{Boot, Program};

/// A start that was not seen for so long is taken to have been stopped, ms.
const FORGOTTEN_MS: i64 = 24 * 3_600_000;

/// What is known of every site's starts.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// The newest start of each site.
    latest: BTreeMap<SiteId, SeenStart>,
    found: BTreeMap<SiteId, CopiedSite>,
}

fn seen(program: &Program, address: Option<IpAddr>) -> SeenStart {
    SeenStart {
        incarnation: program.incarnation,
        boot: program.boot,
        address,
        seen_ms: program.seen_ms,
    }
}

impl Copies {
    /// As the store remembers the sites.
    pub(super) fn new(programs: &BTreeMap<SiteId, Program>) -> Self {
        let known = programs.iter().filter(|(_, p)| p.boot != Boot::default());
        Self {
            latest: known.map(|(site, p)| (*site, seen(p, None))).collect(),
            found: BTreeMap::new(),
        }
    }

    /// A site has introduced itself. Whether its directory is now known to run twice and was not
    /// before.
    pub(super) fn met(&mut self, site: SiteId, program: &Program, address: IpAddr) -> bool {
        if program.boot == Boot::default() {
            return false;
        }
        let now = seen(program, Some(address));
        let before = self.latest.get(&site).copied();
        let proof = before.filter(|before| {
            now.incarnation <= before.incarnation
                && now.boot != before.boot
                && now.boot.number <= before.boot.number
        });
        if proof.is_none() {
            self.latest.insert(site, now);
        }
        if let Some(found) = self.found.get_mut(&site) {
            found.note(now);
            return false;
        }
        let Some(before) = proof else {
            return false;
        };
        self.found.insert(
            site,
            CopiedSite {
                site,
                since_ms: before.seen_ms,
                starts: vec![before, now],
            },
        );
        true
    }

    /// A peer that met both says that our own directory runs twice, and tells it at once: its
    /// latest meeting is of `now_ms`, whatever its clock says. Whether that is news.
    pub(super) fn told(
        &mut self,
        own: SiteId,
        since_ms: i64,
        starts: &[Start],
        now_ms: i64,
    ) -> bool {
        let Some(latest) = starts.iter().map(|start| start.seen_ms).max() else {
            return false;
        };
        let ours = |theirs: i64| now_ms.saturating_sub(latest.saturating_sub(theirs));
        let starts = starts.iter().map(|start| SeenStart {
            incarnation: start.incarnation,
            boot: Boot {
                number: start.boot_number,
                id: start.boot,
            },
            address: start.address,
            seen_ms: ours(start.seen_ms),
        });
        let copied = CopiedSite {
            site: own,
            since_ms: ours(since_ms),
            starts: starts.collect(),
        };
        self.found.insert(own, copied).is_none()
    }

    /// What a site whose directory runs twice is to be told.
    pub(super) fn news_for(&self, site: SiteId, now_ms: i64) -> Option<Frame> {
        let found = self.found(now_ms);
        let copied = found.into_iter().find(|copied| copied.site == site)?;
        let starts = copied.starts.iter().map(|start| Start {
            incarnation: start.incarnation,
            boot_number: start.boot.number,
            boot: start.boot.id,
            address: start.address,
            seen_ms: start.seen_ms,
        });
        Some(Frame::Copied {
            since_ms: copied.since_ms,
            starts: starts.collect(),
        })
    }

    /// The sites whose directory runs twice, as far as can be told at `now_ms`.
    pub(super) fn found(&self, now_ms: i64) -> Vec<CopiedSite> {
        let recent = |start: &&SeenStart| now_ms.saturating_sub(start.seen_ms) < FORGOTTEN_MS;
        let twice = |found: &&CopiedSite| found.starts.iter().filter(recent).count() > 1;
        self.found.values().filter(twice).cloned().collect()
    }
}

impl CopiedSite {
    fn note(&mut self, now: SeenStart) {
        self.starts.retain(|start| start.boot != now.boot);
        if self.starts.len() == MAX_STARTS {
            self.starts.remove(0);
        }
        self.starts.push(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EAST: SiteId = SiteId([1; 8]);

    /// Whether meeting these starts one after another, a minute apart, proves a copy each time.
    fn meet(starts: &[(u32, u64, u8)]) -> Vec<bool> {
        let mut copies = Copies::default();
        let mut at = 0;
        let met = starts.iter().map(|(incarnation, number, id)| {
            at += 60_000;
            let program = Program {
                rules: 1,
                seen_ms: at,
                incarnation: *incarnation,
                boot: Boot {
                    number: *number,
                    id: [*id; 4],
                },
            };
            copies.met(EAST, &program, [10, 0, 0, *id].into());
            !copies.found(at).is_empty()
        });
        met.collect()
    }

    #[test]
    fn a_site_that_is_started_again_and_again_is_no_copy() {
        let starts = [(1, 4, 1), (1, 4, 1), (1, 5, 2), (1, 9, 3), (2, 10, 4)];
        assert_eq!(meet(&starts), [false; 5]);
    }

    #[test]
    fn a_restored_site_is_no_copy() {
        assert_eq!(meet(&[(1, 9, 1), (2, 4, 2), (2, 5, 3)]), [false; 3]);
    }

    #[test]
    fn two_directories_that_part_from_one_copy_are_noticed() {
        assert_eq!(meet(&[(1, 5, 1), (1, 5, 2)]), [false, true]);
        // One was started more often.
        assert_eq!(
            meet(&[(1, 5, 1), (1, 7, 2), (1, 5, 1)]),
            [false, false, true]
        );
        // The alarm stays when one goes on in a new incarnation.
        let left = meet(&[(1, 5, 1), (1, 5, 2), (2, 5, 2)]);
        assert_eq!(left, [false, true, true]);
    }

    #[test]
    fn a_site_is_told_of_its_copy_in_its_own_time_by_whoever_met_both() {
        let (mut hub, mut east) = (Copies::default(), Copies::default());
        let program = |id, seen_ms| Program {
            rules: 1,
            seen_ms,
            incarnation: 1,
            boot: Boot { number: 5, id },
        };
        hub.met(EAST, &program([1; 4], 70_000), [10, 0, 0, 1].into());
        assert_eq!(hub.news_for(EAST, 70_000), None);
        hub.met(EAST, &program([2; 4], 80_000), [10, 0, 0, 2].into());
        assert_eq!(hub.news_for(SiteId([9; 8]), 80_000), None);
        let Some(Frame::Copied { since_ms, starts }) = hub.news_for(EAST, 80_000) else {
            panic!("the hub has met both");
        };
        // The hub's clock is far behind.
        let now = 1_800_000_000_000;
        assert!(east.told(EAST, since_ms, &starts, now));
        assert!(!east.told(EAST, since_ms, &starts, now), "no news");
        let found = &east.found(now)[0];
        let seen: Vec<i64> = found.starts.iter().map(|start| start.seen_ms).collect();
        assert_eq!(
            (found.since_ms, seen),
            (now - 10_000, vec![now - 10_000, now])
        );
        assert_eq!(found.starts[1].address, Some([10, 0, 0, 2].into()));
        assert_eq!(east.found(now + FORGOTTEN_MS), []);
        assert!(!east.told(EAST, since_ms, &[], now), "that says nothing");
    }

    #[test]
    fn the_alarm_ends_a_day_after_one_of_them_was_stopped() {
        let mut copies = Copies::default();
        let program = |id, seen_ms| Program {
            rules: 1,
            seen_ms,
            incarnation: 1,
            boot: Boot { number: 5, id },
        };
        let address = IpAddr::from([10, 0, 0, 1]);
        assert!(!copies.met(EAST, &program([1; 4], 0), address));
        assert!(copies.met(EAST, &program([2; 4], 10), address));
        assert!(!copies.met(EAST, &program([1; 4], 20), address));
        assert_eq!(copies.found(20)[0].starts.len(), 2);
        assert!(!copies.met(EAST, &program([1; 4], FORGOTTEN_MS), address));
        assert_eq!(copies.found(FORGOTTEN_MS + 10), []);
    }
}
