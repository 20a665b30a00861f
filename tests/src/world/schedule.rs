//! What happens in a world, written out: drawn from a seed before the world begins, so that a
//! step can be left out without changing any other. A step that cannot happen (its site is down,
//! its link is cut) does nothing.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

const DAY_MS: u64 = 24 * 3_600_000;
const YEAR_MS: i64 = 365 * 24 * 3_600_000;
/// How long links may stay as they are in one step.
const LONGEST_SILENCE_MS: u64 = 21 * DAY_MS;

/// One happening.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Happening {
    /// A person acts.
    Act {
        /// At which site.
        site: usize,
    },
    /// Messages that are due arrive and store operations end.
    Deliver {
        /// How many at most.
        count: usize,
    },
    /// Time passes.
    Pass {
        /// How much.
        ms: u64,
    },
    /// Two sites connect.
    Connect {
        /// One.
        a: usize,
        /// The other.
        b: usize,
    },
    /// Their connection is cut.
    Cut {
        /// One.
        a: usize,
        /// The other.
        b: usize,
    },
    /// Some sites cannot reach the others any more.
    Split {
        /// Bit n stands for site n.
        members: u32,
    },
    /// They can again.
    Rejoin,
    /// A site is stopped in good order.
    Stop {
        /// Which.
        site: usize,
    },
    /// A site is killed between transactions.
    Kill {
        /// Which.
        site: usize,
    },
    /// The power of a site fails between transactions.
    LosePower {
        /// Which.
        site: usize,
    },
    /// A site will be killed, or its power will fail, at a write point to come.
    Arm {
        /// Which.
        site: usize,
        /// How many write points it still passes.
        points: i64,
        /// Whether it is the power.
        power: bool,
    },
    /// A site that is down starts.
    Start {
        /// Which.
        site: usize,
    },
    /// A site's wall clock is set.
    SetClock {
        /// Whose.
        site: usize,
        /// How far from the world's.
        off_ms: i64,
    },
    /// A site's disk has little room left.
    FillDisk {
        /// Whose.
        site: usize,
        /// How many pages fit.
        pages: u64,
    },
    /// It has room again.
    FreeDisk {
        /// Whose.
        site: usize,
    },
    /// A copy of a site's disk is taken.
    CopyDisk {
        /// Whose.
        site: usize,
    },
    /// That copy is put in place of the disk.
    PutBack {
        /// Whose.
        site: usize,
        /// Whether the site is told that it was restored.
        told: bool,
    },
    /// A site begins anew with an empty disk and the checker is not told: a broken promise.
    /// Never drawn; tests plant it to see that a world that breaks one is found and made small.
    LoseDisk {
        /// Whose.
        site: usize,
    },
    /// A site's data directory is copied to a second machine and started there.
    Copy {
        /// Whose.
        site: usize,
    },
    /// The second machine is switched off for good.
    EndCopy,
    /// A bit flips on a disk.
    Rot {
        /// Whose.
        site: usize,
    },
    /// A site reads its whole disk and compares with its peers.
    Scrub {
        /// Which.
        site: usize,
    },
    /// Nobody reaches the hub, and campuses link with each other.
    LoseHub,
    /// A site signs what it has seen of others.
    Witness {
        /// Which.
        site: usize,
    },
    /// The institution erases a record.
    Erase,
    /// The institution activates the newest rule set.
    ActivateRules,
    /// A site's program is replaced by the newest one.
    Upgrade {
        /// Whose.
        site: usize,
    },
    /// A file with bundles is written for another site.
    WriteStick {
        /// Where.
        from: usize,
        /// For whom.
        to: usize,
    },
    /// One of the files on the way arrives, or does not.
    StickArrives,
}

/// One step: what happens, and the seed of everything drawn while it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Seed of this step's own draws.
    pub draw: u64,
    /// What happens.
    #[serde(flatten)]
    pub happening: Happening,
}

/// A world written out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The seed it was drawn from, which also seeds its healing.
    pub seed: u64,
    /// How many sites.
    pub sites: usize,
    /// The site that holds a valid key and does what it likes, if one does.
    pub hostile: Option<usize>,
    /// Bit n stands for site n: it begins with an older program.
    pub old: u32,
    /// What happens.
    pub steps: Vec<Step>,
}

impl Schedule {
    /// Draws a world; `sites` fixes how many there are.
    #[must_use]
    pub fn draw(seed: u64, steps: u64, sites: Option<usize>) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let drawn = rng.random_range(2..=6);
        let sites = sites.unwrap_or(drawn);
        let hostile = match rng.random_range(0..4) {
            0 if sites > 2 => Some(rng.random_range(0..sites)),
            _ => None,
        };
        let old = rng.random_range(0..1 << sites);
        let steps = (0..steps)
            .map(|_| Step {
                draw: rng.random(),
                happening: match hostile {
                    Some(site) if rng.random_range(0..5) == 0 => Happening::Act { site },
                    _ => happening(&mut rng, sites),
                },
            })
            .collect();
        Self {
            seed,
            sites,
            hostile,
            old,
            steps,
        }
    }
}

fn happening(rng: &mut StdRng, sites: usize) -> Happening {
    let site = rng.random_range(0..sites);
    let other = (site + rng.random_range(1..sites)) % sites;
    match rng.random_range(0..219) {
        0..44 => Happening::Act { site },
        44..114 => Happening::Deliver {
            count: rng.random_range(1..6 * sites),
        },
        114..134 => Happening::Pass { ms: lapse(rng) },
        134..140 => Happening::Cut { a: site, b: other },
        // The hub's links mostly; now and then campuses link directly.
        140..158 => Happening::Connect { a: 0, b: site },
        158..164 => Happening::Connect { a: site, b: other },
        164 => Happening::Split {
            members: rng.random_range(1..(1 << sites) - 1),
        },
        165..167 => Happening::Rejoin,
        167 => Happening::Stop { site },
        168..170 => Happening::Kill { site },
        170 => Happening::LosePower { site },
        171..176 => Happening::Arm {
            site,
            points: rng.random_range(0..24),
            power: rng.random(),
        },
        176..187 => Happening::Start { site },
        187..190 => Happening::SetClock {
            site,
            off_ms: clock(rng),
        },
        190 => Happening::FillDisk {
            site,
            pages: rng.random_range(0..8),
        },
        191..193 => Happening::FreeDisk { site },
        193..197 => Happening::CopyDisk { site },
        197..200 => Happening::PutBack {
            site,
            told: rng.random(),
        },
        200..202 => Happening::Witness { site },
        202 => Happening::Erase,
        203 => Happening::ActivateRules,
        204 => Happening::Upgrade { site },
        205..208 => Happening::WriteStick {
            from: site,
            to: other,
        },
        208..212 => Happening::StickArrives,
        212 => Happening::Copy { site },
        213 => Happening::EndCopy,
        214 => Happening::Rot { site },
        215..217 => Happening::Scrub { site },
        _ => Happening::LoseHub,
    }
}

/// Until the next message, a little, or as long as a partition may last.
fn lapse(rng: &mut StdRng) -> u64 {
    match rng.random_range(0..10) {
        0 => rng.random_range(0..LONGEST_SILENCE_MS),
        1..=3 => rng.random_range(0..60_000),
        _ => rng.random_range(0..200),
    }
}

/// Up to a day off, or years: a dead battery begins in 1970, a mistyped year is anything.
fn clock(rng: &mut StdRng) -> i64 {
    match rng.random_range(0..5) {
        0 => rng.random_range(-60 * YEAR_MS..60 * YEAR_MS),
        _ => rng.random_range(-86_400_000..86_400_000),
    }
}
