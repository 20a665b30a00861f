//! Whether a site's data directory runs twice. Pure.
//!
//! Each start of a site's process on its directory has a number and a random id, which its Hello
//! names. Directories that part from one copy go on counting for themselves, so two ids with one
//! number, or an older start that comes back, prove that the directory was copied and both copies
//! were started. A site that was restored says so by a higher incarnation and is no copy.

use crate::status::{CopiedSite, SeenStart};
use records::id::SiteId;
use std::collections::BTreeMap;
use std::net::IpAddr;
use store::{Boot, Program};

/// Starts named of one site.
const MAX_STARTS: usize = 4;
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
