//! Two real sessions over two real stores in one process: what crosses between them, in bytes of
//! the sync streams, without QUIC around it.

use anyhow::{Result, bail};
use records::bundle::{Bundle, Head};
use records::id::{AccountId, ActionId, Hash, JournalId, TerminalId};
use records::payload;
use sqlx::{Connection as _, SqliteConnection};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use store::{Admission, Options, Store, Synchronous};
use sync::session::{Effect, Event, Now, Outcome, Position, Session};
use sync::wire::{self, Hello, Streams};
use tests::history::{self, BEGIN_MS};

/// Bundles carry so many changes in the big stores.
pub(crate) const CHANGES_A_BUNDLE: usize = 4;
/// Records to changes as in a year of two campuses.
pub(crate) const RECORDS_A_CHANGE: f64 = 0.11;
const WRITERS: [usize; 3] = [0, 1, 2];

/// What crossed.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Crossed {
    /// Bytes in both directions, length prefixes included.
    pub(crate) bytes: u64,
    /// Bundles sent.
    pub(crate) bundles: u64,
}

/// A store for reading and admitting; durability is not what is measured.
pub(crate) async fn open(dir: &Path) -> Result<Store> {
    let options = Options {
        synchronous: Synchronous::Off,
        ..Options::default()
    };
    Ok(Store::open_with(dir, options).await?)
}

/// A store with the institution journal and nothing else.
pub(crate) async fn founded(dir: &Path) -> Result<Store> {
    let store = open(dir).await?;
    store.admit(history::founding(), BEGIN_MS).await?;
    Ok(store)
}

/// Fills a directory with as many really signed and chained bundles as `changes` need. They are
/// written straight into the bundle table and their payloads are empty: a session that has
/// nothing to send looks at journals alone.
pub(crate) async fn fill(dir: &Path, changes: usize) -> Result<()> {
    let place = founded(dir)
        .await?
        .frontier()
        .iter()
        .map(|head| head.seq)
        .sum::<u64>();
    let path = dir.join("dutyroom.db");
    let mut conn = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await?;
    let mut tx = conn.begin().await?;
    let mut heads: BTreeMap<JournalId, Head> = BTreeMap::new();
    let template = history::founding()[0].decode_header()?;
    for number in 0..changes / CHANGES_A_BUNDLE {
        let site = WRITERS[number % WRITERS.len()];
        let journal = history::journal(site);
        let before = heads.get(&journal);
        let payload = payload::encode(&[]);
        let wall_ms = BEGIN_MS + i64::try_from(number)?;
        let mut header = template.clone();
        header.site = journal.site;
        header.incarnation = journal.incarnation;
        header.seq = before.map_or(1, |head| head.seq + 1);
        header.prev = before.map_or(Hash::default(), |head| head.hash);
        header.hlc = wall_ms.unsigned_abs() << 16;
        header.wall_ms = wall_ms;
        header.account = AccountId([3; 16]);
        header.terminal = TerminalId([4; 16]);
        header.action = ActionId(u128::try_from(number)?.to_be_bytes());
        header.payload_root = payload::root(&[]);
        header.payload_len = u32::try_from(payload.len())?;
        let bundle = Bundle::sign(&header, payload, &history::key(site));
        let head = Head {
            journal,
            seq: header.seq,
            hash: bundle.hash(),
        };
        heads.insert(journal, head);
        let past: BTreeMap<JournalId, u64> = [(journal, header.seq)].into();
        sqlx::query(
            "insert into bundle(site, incarnation, seq, hash, header, payload, signature,
                 action, past, place, received_ms)
             values($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(journal.site.0.to_vec())
        .bind(i64::from(journal.incarnation))
        .bind(i64::try_from(header.seq)?)
        .bind(head.hash.0.to_vec())
        .bind(bundle.header)
        .bind(bundle.payload)
        .bind(bundle.signature.to_vec())
        .bind(header.action.0.to_vec())
        .bind(minicbor::to_vec(past)?)
        .bind(i64::try_from(place)? + 1 + i64::try_from(number)?)
        .bind(wall_ms)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    conn.close().await?;
    Ok(())
}

/// Connects two stores until nothing moves any more.
pub(crate) async fn connect(stores: [&Store; 2]) -> Result<Crossed> {
    let now = Now {
        mono_ms: 1,
        wall_ms: BEGIN_MS,
    };
    let site = |at: usize| history::journal(at);
    let mut crossed = Crossed::default();
    let mut queue: VecDeque<(usize, Effect)> = VecDeque::new();
    let mut streams = [Streams::default(), Streams::default()];
    let mut sessions = Vec::new();
    for (at, store) in stores.iter().enumerate() {
        let peer = site(1 - at).site;
        let (session, effects) = Session::new(hello(site(at)), peer, &store.frontier(), now);
        sessions.push(session);
        queue.extend(effects.into_iter().map(|effect| (at, effect)));
    }
    while let Some((at, effect)) = queue.pop_front() {
        let (to, event) = match effect {
            Effect::Send(frame) => {
                let bytes = streams[at].encode(&frame)?;
                crossed.bytes += bytes.len() as u64;
                if let wire::Frame::Bundles { runs, .. } = &frame {
                    crossed.bundles += runs.iter().map(|run| run.bundles.len() as u64).sum::<u64>();
                }
                let frame = streams[1 - at].decode(frame.lane(), &bytes[4..])?;
                (1 - at, Event::Received(frame))
            }
            Effect::Read { from, max_bytes } => {
                let mut read = Vec::new();
                for Position { journal, after } in from {
                    read.push(stores[at].bundles_after(journal, after, max_bytes).await?);
                }
                (at, Event::Bundles(read))
            }
            Effect::Admit { lane, bundles, .. } => {
                let outcome = admit(stores[at], bundles).await?;
                (at, Event::Admitted(lane, outcome))
            }
            Effect::Close(reason) => bail!("a session ended: {reason}"),
            _ => continue,
        };
        let effects = sessions[to].handle(event, now);
        queue.extend(effects.into_iter().map(|effect| (to, effect)));
    }
    Ok(crossed)
}

async fn admit(store: &Store, bundles: Vec<Bundle>) -> Result<Outcome> {
    let admissions = store.admit(bundles, BEGIN_MS).await?;
    // One may come before what it stands on, which another journal's frame brings.
    let fits = |answer: &&Admission| {
        matches!(
            answer,
            Admission::Admitted { .. } | Admission::Waiting { kept: true, .. }
        )
    };
    if let Some(odd) = admissions.iter().find(|answer| !fits(answer)) {
        bail!("a bundle of the history was not taken: {odd:?}");
    }
    store.judge_released().await?;
    Ok(Outcome {
        heads: store.frontier(),
        ..Outcome::default()
    })
}

fn hello(journal: JournalId) -> Hello {
    Hello {
        versions: vec![wire::PROTOCOL],
        institution: history::institution(),
        site: journal.site,
        incarnation: journal.incarnation,
        rules: records::gate::RULES,
        boot_number: 1,
        boot: [1; 4],
    }
}
