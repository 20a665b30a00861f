//! From a store to the bytes of a file: what the receivers lack, as far as is known.

use super::{CarryError, Item, Sealer};
use crate::identity::Identity;
use crate::wire::BATCH_LEN;
use rand::RngCore;
use records::bundle::{Bundle, Head};
use records::id::{Hash, JournalId, SiteId};
use records::trust::Trust;
use std::collections::BTreeMap;
use store::Store;

/// Who a file is for, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receivers {
    /// The sites that can read it, with their seal keys.
    pub sites: Vec<(SiteId, [u8; 32])>,
    /// Whether the file holds everything, whatever the sites are known to hold: for one that has
    /// lost what it once acknowledged.
    pub whole: bool,
}

impl Receivers {
    /// Finds the sites with these codes or ids in the institution journal; `all` is every site
    /// but our own that is not revoked.
    ///
    /// # Errors
    /// [`CarryError::UnknownSite`].
    pub fn find(trust: &Trust, own: SiteId, names: &[String]) -> Result<Self, CarryError> {
        let linked = |site: SiteId| {
            let enrolment = trust.enrolment(site)?;
            let counts = site != own && trust.cut(enrolment.journal).is_none();
            counts.then_some((site, enrolment.seal_key))
        };
        let mut sites = BTreeMap::new();
        for name in names {
            let all = name == "all";
            let named: Vec<_> = trust
                .enrolments()
                .filter(|known| {
                    let id = known.journal.site.to_string();
                    all || known.code.eq_ignore_ascii_case(name) || id == *name
                })
                .filter_map(|known| linked(known.journal.site))
                .collect();
            if named.is_empty() {
                return Err(CarryError::UnknownSite(name.clone()));
            }
            sites.extend(named);
        }
        Ok(Self {
            sites: sites.into_iter().collect(),
            whole: false,
        })
    }
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Journals { institution: bool, place: i64 },
    Evidence,
    Blobs { after: Hash },
    End,
    Done,
}

/// Writes one file, piece by piece.
#[derive(Debug)]
pub struct Exporter {
    store: Store,
    held: BTreeMap<JournalId, u64>,
    frontier: Vec<Head>,
    sealer: Option<Sealer>,
    stage: Stage,
    bundles: u64,
    /// The oldest time in them.
    since: Option<u64>,
}

impl Exporter {
    /// Begins. What every receiver is known to hold is left out; of a receiver nothing is known
    /// of, everything is missing.
    ///
    /// # Errors
    /// [`CarryError`].
    pub async fn new(
        identity: &Identity,
        store: &Store,
        receivers: &Receivers,
        created_ms: i64,
        rng: &mut impl RngCore,
    ) -> Result<Self, CarryError> {
        let sealer = Sealer::new(identity, &receivers.sites, created_ms, rng)?;
        let mut held: Option<BTreeMap<JournalId, u64>> = None;
        let known = receivers.sites.iter().filter(|_| !receivers.whole);
        for (site, _) in known {
            let theirs = store.held_by(*site).await?;
            held = Some(match held {
                None => theirs,
                Some(others) => least(&others, &theirs),
            });
        }
        let held = held.unwrap_or_default();
        let place = store.place_beyond(&held).await?;
        Ok(Self {
            store: store.clone(),
            held,
            frontier: store.frontier(),
            sealer: Some(sealer),
            stage: Stage::Journals {
                institution: true,
                place,
            },
            bundles: 0,
            since: None,
        })
    }

    /// How many bundles were written so far.
    #[must_use]
    pub fn bundles(&self) -> u64 {
        self.bundles
    }

    /// The next bytes of the file; `None` at its end.
    ///
    /// # Errors
    /// [`CarryError`]; what was written so far is of no use.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, CarryError> {
        loop {
            let Some(mut sealer) = self.sealer.take() else {
                return Ok(None);
            };
            match self.stage {
                Stage::Journals { institution, place } => {
                    self.journals(&mut sealer, institution, place).await?;
                }
                Stage::Evidence => {
                    for bundle in self.store.branch_bundles().await? {
                        self.bundles += 1;
                        sealer.put(&Item::Evidence(vec![bundle]));
                    }
                    let after = Hash::default();
                    self.stage = Stage::Blobs { after };
                }
                Stage::Blobs { after } => self.blobs(&mut sealer, after).await?,
                Stage::End => {
                    self.stage = Stage::Done;
                    return Ok(Some(sealer.end(std::mem::take(&mut self.frontier))));
                }
                Stage::Done => return Ok(None),
            }
            let bytes = sealer.take();
            self.sealer = Some(sealer);
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
    }

    async fn journals(
        &mut self,
        sealer: &mut Sealer,
        institution: bool,
        place: i64,
    ) -> Result<(), CarryError> {
        let stored = self
            .store
            .bundles_judged_after(place, institution, &self.held, BATCH_LEN)
            .await?;
        let Some(last) = stored.last().map(|stored| stored.place) else {
            self.stage = match institution {
                true => Stage::Journals {
                    institution: false,
                    place: self.store.place_beyond(&self.held).await?,
                },
                false => Stage::Evidence,
            };
            return Ok(());
        };
        self.stage = Stage::Journals {
            institution,
            place: last,
        };
        let bundles: Vec<Bundle> = stored.into_iter().map(|stored| stored.bundle).collect();
        self.bundles += bundles.len() as u64;
        let headers = bundles
            .iter()
            .filter_map(|bundle| bundle.decode_header().ok());
        let times = headers.map(|header| header.hlc);
        self.since = times.chain(self.since).min();
        sealer.put(&Item::Bundles(bundles));
        Ok(())
    }

    /// The next blob that the bundles in the file may be the first to name.
    async fn blobs(&mut self, sealer: &mut Sealer, after: Hash) -> Result<(), CarryError> {
        let since = self.since.unwrap_or(u64::MAX);
        let next = self.store.small_blobs_since(since, after, 1).await?;
        let Some(hash) = next.first().copied() else {
            self.stage = Stage::End;
            return Ok(());
        };
        if let Some(content) = self.store.small_blob(hash).await? {
            sealer.put(&Item::Blob { hash, content });
        }
        self.stage = Stage::Blobs { after: hash };
        Ok(())
    }
}

/// What all of them hold.
fn least(
    one: &BTreeMap<JournalId, u64>,
    other: &BTreeMap<JournalId, u64>,
) -> BTreeMap<JournalId, u64> {
    let both = |(journal, seq): (&JournalId, &u64)| {
        let least = other.get(journal).map(|theirs| *seq.min(theirs));
        least.map(|seq| (*journal, seq))
    };
    one.iter().filter_map(both).collect()
}
