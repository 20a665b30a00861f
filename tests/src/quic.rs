//! Real sites in this process: real stores, real links over QUIC, each line a [`NetSim`] whose
//! faults the test sets. What is awaited is awaited as a condition, with a patience that only a
//! failing test uses up.

use crate::netsim::{NetSim, Options, Shape};
use anyhow::{Context as _, Result};
use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};
use records::bundle::Head;
use records::field::Value;
use records::id::{AccountId, ActionId, EntryId, RecordId, SiteId, TerminalId};
use records::write::Edit;
use std::convert::Infallible;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use store::{Action, RecordEdit, Store, Writer};
use sync::enrol::{Invitation, found, invite, join};
use sync::identity::{HubNames, Identity};
use sync::links::{LinkConfig, Links, Transport};
use sync::status::PeerStatus;
use tempfile::TempDir;

/// The wall time of all these sites, ms since the epoch.
pub const NOW: i64 = 1_800_000_000_000;
const PATIENCE: Duration = Duration::from_secs(120);

/// A site that may be started.
pub struct Prepared {
    /// Its data directory.
    pub folder: TempDir,
    /// Who it is.
    pub identity: Identity,
}

/// A running site.
pub struct QuicSite {
    /// Its data directory, kept as long as it runs.
    pub folder: TempDir,
    /// Who it is.
    pub identity: Arc<Identity>,
    /// What it holds.
    pub store: Store,
    /// Its links.
    pub links: Links,
}

/// How a site is linked.
#[derive(Default)]
pub struct Linking {
    /// Where it listens; a free port of loopback by default.
    pub listen: Option<SocketAddr>,
    /// Whom it dials.
    pub dial: Vec<SocketAddr>,
    /// Where other campuses may dial it.
    pub advertise: Option<SocketAddr>,
    /// How its connections behave.
    pub transport: Transport,
}

fn random<const N: usize>(rng: &mut StdRng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// A port of loopback that was free a moment ago: an address has to be advertised before it is
/// listened on.
///
/// # Errors
/// When there is none.
pub fn free_port() -> Result<SocketAddr> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?)
}

/// A line on loopback to `to`, alike in both directions.
///
/// # Errors
/// When `words` are no [`Shape`] or the line cannot be started.
pub fn line(to: SocketAddr, words: &str) -> Result<NetSim> {
    let shape: Shape = words.parse()?;
    Ok(NetSim::start(Options::to(to, shape))?)
}

/// Founds an institution; the hub is not running yet.
///
/// # Errors
/// When its files cannot be written.
pub async fn founded(folder: TempDir, rng: &mut StdRng) -> Result<Prepared> {
    let names = HubNames {
        institution: "学院".to_owned(),
        site: "总值班室".to_owned(),
        code: "Z".to_owned(),
    };
    let identity = found(folder.path(), &names, NOW, rng).await?;
    Ok(Prepared { folder, identity })
}

impl Prepared {
    /// Opens the store and starts the links.
    ///
    /// # Errors
    /// When either fails.
    pub async fn start(self, linking: Linking) -> Result<QuicSite> {
        let Self { folder, identity } = self;
        let store = Store::open(folder.path()).await?;
        let writer = Writer {
            institution: identity.institution,
            journal: identity.journal,
            code: identity.code.clone(),
            key: identity.sign.clone(),
            slot: [1; 4],
        };
        store.start_writer(writer).await?;
        let identity = Arc::new(identity);
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let config = LinkConfig {
            identity: identity.clone(),
            listen: linking.listen.unwrap_or(anywhere),
            dial: linking.dial.iter().map(ToString::to_string).collect(),
            advertise: linking.advertise.map(|address| address.to_string()),
            direct: vec![],
            transport: linking.transport,
            wall: Arc::new(|| NOW),
        };
        let links = Links::start(config, store.clone()).await?;
        Ok(QuicSite {
            folder,
            identity,
            store,
            links,
        })
    }
}

impl QuicSite {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> SiteId {
        self.identity.site()
    }

    /// A campus that has joined this hub and is not running yet.
    ///
    /// # Errors
    /// When it cannot join.
    pub async fn joined(
        &self,
        folder: TempDir,
        name: &str,
        code: &str,
        rng: &mut StdRng,
    ) -> Result<Prepared> {
        let invitation = Invitation {
            site_name: name.to_owned(),
            site_code: code.to_owned(),
            valid_ms: 600_000,
        };
        let typed = invite(&self.store, &self.identity, &invitation, NOW, rng).await?;
        let url = format!("quic://{}", self.links.local_addr());
        let identity = join(&url, &typed, folder.path(), NOW, rng).await?;
        Ok(Prepared { folder, identity })
    }

    /// Stops and starts again with other links.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restarted(self, linking: Linking) -> Result<Self> {
        let Self {
            folder,
            identity,
            store,
            links,
        } = self;
        links.shutdown().await;
        drop(store);
        let identity = Arc::try_unwrap(identity).unwrap_or_else(|shared| (*shared).clone());
        Prepared { folder, identity }.start(linking).await
    }

    /// Writes a new log item and returns the journal's head.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn write(&self, rng: &mut StdRng) -> Result<Head> {
        self.write_story(1, rng).await
    }

    /// Writes a new log item and adds to it until it has this many bundles; returns the journal's
    /// head.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn write_story(&self, bundles: usize, rng: &mut StdRng) -> Result<Head> {
        let text = |text: &str| Value::Text(text.to_owned());
        let record = RecordId::new(self.id(), random(rng));
        let content =
            "三号楼值班室来电，报告电梯困人，已通知维保单位与保卫处到场处置，家长来访一并登记。";
        let mut edits = vec![
            Edit::Set("happened_at".to_owned(), Value::Int(NOW)),
            Edit::Set("category".to_owned(), text("call")),
            Edit::Set("content".to_owned(), text(content)),
        ];
        let mut head = self.commit(record, edits, rng).await?;
        for _ in 1..bundles {
            edits = vec![Edit::AddEntry {
                field: "amendments".to_owned(),
                entry: EntryId(random(rng)),
                values: [
                    ("type".to_owned(), text("late_entry")),
                    ("text".to_owned(), text("维保单位已到场，人员平安。")),
                ]
                .into(),
            }];
            head = self.commit(record, edits, rng).await?;
        }
        Ok(head)
    }

    async fn commit(&self, record: RecordId, edits: Vec<Edit>, rng: &mut StdRng) -> Result<Head> {
        let edit = RecordEdit {
            record,
            kind: "log_item",
            edits,
        };
        let action = Action {
            action: ActionId(random(rng)),
            account: AccountId([7; 16]),
            terminal: TerminalId([8; 16]),
            wall_ms: NOW,
            uptime_ms: 1,
            hub_offset_ms: None,
            reads: vec![],
            seed: random(rng),
        };
        let committed = self
            .store
            .commit(action, move |_| Ok::<_, Infallible>(vec![edit]))
            .await?;
        Ok(committed.head)
    }

    /// Waits until a peer is as asked.
    ///
    /// # Errors
    /// How the peers are instead.
    pub async fn until_peer(&self, site: SiteId, what: impl Fn(&PeerStatus) -> bool) -> Result<()> {
        let mut peers = self.links.peers();
        let found = peers.wait_for(|peers| peers.iter().any(|p| p.site == site && what(p)));
        let waited = tokio::time::timeout(PATIENCE, found).await.map(drop);
        waited.with_context(|| format!("{site} is not so: {:?}", *self.links.peers().borrow()))
    }

    /// Waits until this site holds these heads, or more.
    ///
    /// # Errors
    /// What it holds instead.
    pub async fn until_holds(&self, wanted: &[Head]) -> Result<()> {
        let mut changed = self.store.changed();
        let holds = |head: &Head| {
            let held = self.store.frontier();
            let same = |held: &&Head| held.journal == head.journal;
            held.iter()
                .find(same)
                .is_some_and(|held| held.seq >= head.seq)
        };
        let wait = async {
            while !wanted.iter().all(holds) {
                changed.changed().await?;
            }
            anyhow::Ok(())
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        waited.with_context(|| format!("{} holds {:?}", self.id(), self.store.frontier()))?
    }
}

/// A seeded source.
#[must_use]
pub fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}
