//! Sites with their stores and links; waits on conditions, never on time.

use bytes::Bytes;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use records::field::Value;
use records::id::{AccountId, ActionId, RecordId, SiteId, TerminalId};
use records::write::Edit;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use store::{Action, RecordEdit, Store, Writer};
use sync::enrol::{Invitation, found, invite, join};
use sync::identity::{HubNames, Identity};
use sync::links::{LinkConfig, Links, Transport};
use sync::status::{PeerState, PeerStatus};
use tempfile::TempDir;
use tokio::net::UdpSocket;

pub(crate) const NOW: i64 = 1_800_000_000_000;
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A deterministic source that never repeats within a test binary.
pub(crate) fn rng() -> StdRng {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    StdRng::seed_from_u64(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// An action of somebody at some terminal.
pub(crate) fn action() -> Action {
    Action {
        action: ActionId(bytes()),
        account: AccountId([7; 16]),
        terminal: TerminalId([8; 16]),
        wall_ms: NOW,
        uptime_ms: 1,
        hub_offset_ms: None,
        reads: vec![],
        seed: *blake3::hash(&bytes::<16>()).as_bytes(),
    }
}

pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    use rand::RngCore as _;
    let mut bytes = [0; N];
    rng().fill_bytes(&mut bytes);
    bytes
}

pub(crate) struct Site {
    pub(crate) dir: TempDir,
    pub(crate) identity: Arc<Identity>,
    pub(crate) store: Store,
    pub(crate) links: Links,
    pub(crate) started: tokio::time::Instant,
}

pub(crate) async fn founded(institution: &str) -> (TempDir, Identity) {
    let dir = tempfile::tempdir().unwrap();
    let names = HubNames {
        institution: institution.to_owned(),
        site: "总值班室".to_owned(),
        code: "Z".to_owned(),
    };
    let identity = found(dir.path(), &names, NOW, &mut rng()).await.unwrap();
    (dir, identity)
}

pub(crate) async fn hub() -> Site {
    let (dir, identity) = founded("学院").await;
    start(dir, identity, vec![]).await
}

pub(crate) async fn start(dir: TempDir, identity: Identity, dial: Vec<SocketAddr>) -> Site {
    start_at(dir, identity, ([127, 0, 0, 1], 0).into(), dial).await
}

pub(crate) async fn start_at(
    dir: TempDir,
    identity: Identity,
    listen: SocketAddr,
    dial: Vec<SocketAddr>,
) -> Site {
    let store = Store::open(dir.path()).await.unwrap();
    start_with(dir, identity, store, listen, dial).await
}

pub(crate) async fn start_with(
    dir: TempDir,
    identity: Identity,
    store: Store,
    listen: SocketAddr,
    dial: Vec<SocketAddr>,
) -> Site {
    let writer = Writer {
        institution: identity.institution,
        journal: identity.journal,
        code: identity.code.clone(),
        key: identity.sign.clone(),
        slot: [1; 4],
    };
    store.start_writer(writer).await.unwrap();
    let identity = Arc::new(identity);
    let config = LinkConfig {
        identity: identity.clone(),
        listen,
        dial: dial.iter().map(ToString::to_string).collect(),
        advertise: None,
        direct: vec![],
        transport: Transport::default(),
        wall: Arc::new(|| NOW),
    };
    let started = tokio::time::Instant::now();
    let links = Links::start(config, store.clone()).await.unwrap();
    Site {
        dir,
        identity,
        store,
        links,
        started,
    }
}

impl Site {
    pub(crate) fn id(&self) -> SiteId {
        self.identity.site()
    }

    pub(crate) fn url(&self) -> String {
        format!("quic://{}", self.links.local_addr())
    }

    pub(crate) async fn invite(&self, name: &str, code: &str, valid_ms: i64) -> String {
        let invitation = Invitation {
            site_name: name.to_owned(),
            site_code: code.to_owned(),
            valid_ms,
        };
        invite(&self.store, &self.identity, &invitation, NOW, &mut rng())
            .await
            .unwrap()
    }

    /// A campus that has joined and is not yet running.
    pub(crate) async fn joined(&self, name: &str, code: &str) -> (TempDir, Identity) {
        let dir = tempfile::tempdir().unwrap();
        let typed = self.invite(name, code, 60_000).await;
        let identity = join(&self.url(), &typed, dir.path(), NOW, &mut rng())
            .await
            .unwrap();
        (dir, identity)
    }

    pub(crate) async fn campus(&self, name: &str, code: &str) -> Site {
        let (dir, identity) = self.joined(name, code).await;
        start(dir, identity, vec![self.links.local_addr()]).await
    }

    /// Ends links without a word and gives back what is needed to start again.
    pub(crate) async fn stop(self) -> (TempDir, Identity, SocketAddr) {
        let address = self.links.local_addr();
        self.links.shutdown().await;
        (self.dir, Arc::unwrap_or_clone(self.identity), address)
    }

    pub(crate) async fn write(&self, count: usize) {
        for _ in 0..count {
            let record = RecordId::new(self.identity.site(), bytes());
            let set = |field: &str, value| Edit::Set(field.to_owned(), value);
            let edits = vec![
                set("happened_at", Value::Int(NOW)),
                set("category", Value::Text("call".to_owned())),
                set(
                    "content",
                    Value::Text("三号楼发现火情,值班员已到场处置。".to_owned()),
                ),
            ];
            let edit = RecordEdit {
                record,
                kind: "log_item",
                edits,
            };
            self.store
                .commit(action(), move |_| Ok::<_, ()>(vec![edit]))
                .await
                .unwrap();
        }
    }

    pub(crate) async fn until_peer(&self, site: SiteId, what: impl Fn(&PeerStatus) -> bool) {
        let mut peers = self.links.peers();
        let found = peers.wait_for(|peers| peers.iter().any(|p| p.site == site && what(p)));
        if tokio::time::timeout(PATIENCE, found).await.is_err() {
            panic!(
                "{site} is not as awaited: {:?}",
                *self.links.peers().borrow()
            );
        }
    }

    pub(crate) async fn until_up(&self, site: SiteId) {
        self.until_peer(site, |peer| peer.state == PeerState::Up)
            .await;
    }

    pub(crate) async fn until_down(&self, site: SiteId) {
        self.until_peer(site, |peer| peer.state == PeerState::Down)
            .await;
    }

    /// Waits until the store is as asked, looking again after each commit.
    pub(crate) async fn until_store(&self, what: &str, done: impl Fn(&Store) -> bool) {
        let mut changed = self.store.changed();
        let wait = async {
            while !done(&self.store) {
                changed.changed().await.unwrap();
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            panic!("{what}: {:?}", self.store.frontier());
        }
    }

    /// Waits until this site holds everything that `other` holds now.
    pub(crate) async fn until_holds(&self, other: &Site) {
        let wanted = other.store.frontier();
        let what = format!("{} lacks something of {}", self.id(), other.id());
        self.until_store(&what, |store| {
            let held = store.frontier();
            wanted.iter().all(|head| {
                let same = |held: &&records::bundle::Head| held.journal == head.journal;
                held.iter()
                    .find(same)
                    .is_some_and(|held| held.seq >= head.seq)
            })
        })
        .await;
    }
}

/// A UDP line between one dialling site and another, which can go dead without a word.
pub(crate) struct Line {
    pub(crate) address: SocketAddr,
    swallow: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Line {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let near = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let far = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = near.local_addr().unwrap();
        let swallow = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(carry(near, far, target, swallow.clone()));
        Self {
            address,
            swallow,
            task,
        }
    }

    pub(crate) fn swallow(&self, swallow: bool) {
        self.swallow.store(swallow, Ordering::Relaxed);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(near: UdpSocket, far: UdpSocket, target: SocketAddr, swallow: Arc<AtomicBool>) {
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    let mut dialler = None;
    loop {
        let (socket, bytes, to) = tokio::select! {
            received = near.recv_from(&mut up) => {
                let (len, from) = received.unwrap();
                dialler = Some(from);
                (&far, &up[..len], Some(target))
            }
            received = far.recv_from(&mut down) => {
                let (len, _) = received.unwrap();
                (&near, &down[..len], dialler)
            }
        };
        if let Some(to) = to
            && !swallow.load(Ordering::Relaxed)
        {
            socket.send_to(bytes, to).await.unwrap();
        }
    }
}

pub(crate) async fn next<T>(what: &str, receiver: &mut tokio::sync::mpsc::Receiver<T>) -> T {
    let next = tokio::time::timeout(PATIENCE, receiver.recv()).await;
    next.unwrap_or_else(|_| panic!("no {what} came")).unwrap()
}

pub(crate) fn text(bytes: &'static str) -> Bytes {
    Bytes::from_static(bytes.as_bytes())
}
