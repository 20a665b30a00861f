//! The one task that fetches blobs: it carries out what the [`Plan`] says.

use super::Heard;
use crate::blobs::{Ask, Job, Outcome, Plan, RUN, Want};
use crate::links::Shared;
use crate::links::counters::add;
use crate::links::request;
use crate::status::{BlobFetch, BlobProgress};
use crate::stream::{StreamError, read_message};
use crate::wire::request::{BlobAnswer, Request};
use crate::wire::{MAX_MESSAGE_LEN, Reached};
use records::id::{Hash, SiteId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use store::{BlobError, CHUNK_LEN, Incoming, Manifest, Progress};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Blobs named by one site that are looked at together; the rest waits its turn.
const WANTED: u32 = 32;
/// Chunks read ahead of the disk.
const CHUNKS_AHEAD: usize = 4;
/// A site that sends nothing for so long has failed.
const QUIET: Duration = Duration::from_secs(30);
/// One that has not sent a megabyte in this time has failed, too, whatever it still sends.
const LONGEST: Duration = Duration::from_secs(300);
/// New records are looked at for blobs so long after they came: once for a burst of them.
const LOOK_AFTER: Duration = Duration::from_millis(50);

/// Fetches until the links stop, and keeps what is half here.
pub(in crate::links) async fn run(shared: Arc<Shared>) {
    let (heard, mut hearing) = mpsc::channel(CHUNKS_AHEAD);
    let mut fetcher = Fetcher::new(shared.clone(), heard);
    let mut changed = shared.store.changed();
    let mut reach = shared.reach.subscribe();
    fetcher.reach(&reach.borrow_and_update().clone());
    let mut look_at = Some(Instant::now());
    loop {
        fetcher.start();
        fetcher.publish();
        let wake = fetcher.wake_at();
        tokio::select! {
            () = shared.stopped() => break,
            () = shared.fetching.asked.notified() => {
                fetcher.asked = true;
                look_at = Some(Instant::now());
            }
            Ok(()) = changed.changed() => {
                look_at = look_at.or(Some(Instant::now() + LOOK_AFTER));
            }
            () = until(look_at), if look_at.is_some() => {
                look_at = None;
                fetcher.look().await;
            }
            Ok(()) = reach.changed() => {
                let peers = reach.borrow_and_update().clone();
                fetcher.reach(&peers);
            }
            Some(heard) = hearing.recv() => {
                // The next one has its turn when one has come or is not to be had.
                if fetcher.hear(heard).await {
                    look_at = look_at.or(Some(Instant::now() + LOOK_AFTER));
                }
            }
            Some(_) = fetcher.jobs.join_next() => {}
            () = until(wake), if wake.is_some() => {}
        }
    }
    fetcher.stop().await;
}

async fn until(at: Option<Instant>) {
    if let Some(at) = at {
        tokio::time::sleep_until(at).await;
    }
}

struct Fetcher {
    shared: Arc<Shared>,
    plan: Plan,
    incoming: BTreeMap<Hash, Incoming>,
    /// Sizes of what is wanted, by the records.
    sizes: BTreeMap<Hash, u64>,
    /// Somebody has asked since the last look.
    asked: bool,
    heard: mpsc::Sender<Heard>,
    jobs: JoinSet<()>,
}

impl Fetcher {
    fn new(shared: Arc<Shared>, heard: mpsc::Sender<Heard>) -> Self {
        Self {
            shared,
            plan: Plan::default(),
            incoming: BTreeMap::new(),
            sizes: BTreeMap::new(),
            asked: false,
            heard,
            jobs: JoinSet::new(),
        }
    }

    fn now(&self) -> u64 {
        self.shared.now().mono_ms
    }

    fn wake_at(&self) -> Option<Instant> {
        let at = self.plan.wake_at(self.now())?;
        Some(self.shared.started + Duration::from_millis(at))
    }

    fn reach(&mut self, reached: &[Reached]) {
        let peers = reached.iter().map(|reached| reached.site).collect();
        self.plan.reach(peers, self.now());
    }

    /// Reads what is wanted now.
    async fn look(&mut self) {
        let wanted = match self.shared.store.wanted_blobs(WANTED).await {
            Ok(wanted) => wanted,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "wanted blobs");
                return;
            }
        };
        self.sizes = wanted.iter().map(|want| (want.hash, want.size)).collect();
        let wants = wanted.iter().map(|want| Want {
            hash: want.hash,
            sites: want.sites.clone(),
        });
        for gone in self.plan.want(wants.collect()) {
            self.close(gone).await;
        }
        let (asked, now) = (std::mem::take(&mut self.asked), self.now());
        for want in wanted {
            if asked && want.asked {
                self.plan.try_again(want.hash);
            }
            if !self.plan.has_begun(want.hash) && !self.plan.lacks_room(want.hash, now) {
                self.resume(want.hash).await;
            }
        }
    }

    /// Goes on with what an earlier process or an earlier asking has left.
    async fn resume(&mut self, hash: Hash) {
        match self.shared.store.resume_fetch(hash).await {
            Ok(Some(incoming)) => self.begin(incoming),
            Ok(None) => {}
            Err(error) => self.failed(hash, &error),
        }
    }

    fn begin(&mut self, incoming: Incoming) {
        let missing = incoming.missing().map(index);
        self.plan
            .begin(incoming.hash(), missing.collect::<Vec<_>>());
        self.incoming.insert(incoming.hash(), incoming);
    }

    /// Makes the requests that the plan has now.
    fn start(&mut self) {
        while let Some(job) = self.plan.next(self.now()) {
            let connection = self
                .shared
                .board()
                .get(job.peer)
                .map(|up| up.connection.clone());
            let Some(connection) = connection else {
                self.plan.done(job, Outcome::Failed, self.now());
                continue;
            };
            let heard = self.heard.clone();
            self.jobs.spawn(async move {
                let outcome = carry_out(&connection, job, &heard).await;
                // Nobody hears it once the links stop.
                let _ = heard.send(Heard::Done(job, outcome)).await;
            });
        }
    }

    /// Takes what was heard; says whether there is room for others now.
    async fn hear(&mut self, heard: Heard) -> bool {
        match heard {
            Heard::Manifest(peer, hash, manifest) => {
                self.hear_manifest(peer, hash, manifest).await;
                false
            }
            Heard::Chunk {
                peer,
                hash,
                index,
                bytes,
            } => self.hear_chunk(peer, hash, index, bytes).await,
            Heard::Done(job, outcome) => {
                let now = self.now();
                self.plan.done(job, outcome, now);
                let missed = self.plan.missed();
                !missed.is_empty() && self.note_missed(missed).await
            }
        }
    }

    async fn note_missed(&self, missed: Vec<Hash>) -> bool {
        let wall_ms = self.shared.now().wall_ms;
        let noted = self.shared.store.note_missed_blobs(missed, wall_ms).await;
        if let Err(error) = &noted {
            tracing::warn!(error = error as &dyn std::error::Error, "missed blobs");
        }
        noted.is_ok()
    }

    async fn hear_manifest(&mut self, peer: SiteId, hash: Hash, manifest: Option<Manifest>) {
        let now = self.shared.now();
        if self.incoming.contains_key(&hash) || !self.sizes.contains_key(&hash) {
            return;
        }
        let Some(manifest) = manifest else {
            return self.lied(peer, hash);
        };
        let begun = self
            .shared
            .store
            .begin_fetch(hash, manifest, now.wall_ms)
            .await;
        match begun {
            Ok(incoming) => self.begin(incoming),
            Err(BlobError::WrongManifest) => self.lied(peer, hash),
            // A record made it look small: what its site gives is true, but nobody wants it.
            Err(BlobError::Unasked) => {
                self.plan.forget(hash);
                self.sizes.remove(&hash);
            }
            Err(error) => self.failed(hash, &error),
        }
    }

    /// Whether it was the blob's last.
    async fn hear_chunk(&mut self, peer: SiteId, hash: Hash, at: u32, bytes: Vec<u8>) -> bool {
        let wall_ms = self.shared.now().wall_ms;
        let Some(incoming) = self.incoming.get_mut(&hash) else {
            return false;
        };
        let len = bytes.len() as u64;
        match incoming.put(at as usize, bytes, wall_ms).await {
            Ok(progress) => {
                add(&self.shared.counters.blob_bytes_in, len);
                self.plan.got(hash, at);
                if progress == Progress::Whole {
                    add(&self.shared.counters.blobs_fetched, 1);
                    tracing::debug!(blob.hash = %hash, "a blob is here");
                    self.incoming.remove(&hash);
                    self.plan.forget(hash);
                    self.sizes.remove(&hash);
                }
                return progress == Progress::Whole;
            }
            Err(BlobError::WrongChunk) => self.lied(peer, hash),
            Err(error) => self.failed(hash, &error),
        }
        false
    }

    fn lied(&mut self, peer: SiteId, hash: Hash) {
        add(&self.shared.counters.blob_lies, 1);
        tracing::warn!(peer.site = %peer, blob.hash = %hash, "a site gave other bytes than a blob's");
        let now = self.now();
        self.plan.lied(hash, peer, now);
    }

    /// Our own side failed: full, or broken. The blob waits; duty does not.
    fn failed(&mut self, hash: Hash, error: &BlobError) {
        let error = error as &dyn std::error::Error;
        tracing::warn!(blob.hash = %hash, error, "a blob cannot be kept at present");
        self.incoming.remove(&hash);
        let now = self.now();
        self.plan.no_room(hash, now);
    }

    async fn close(&mut self, hash: Hash) {
        if let Some(mut incoming) = self.incoming.remove(&hash)
            && let Err(error) = incoming.save().await
        {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(blob.hash = %hash, error, "what is here of a blob could not be kept");
        }
    }

    async fn stop(mut self) {
        self.jobs.shutdown().await;
        let open: Vec<_> = self.incoming.keys().copied().collect();
        for hash in open {
            self.close(hash).await;
        }
    }

    fn publish(&self) {
        let now = self.now();
        let of = |(hash, size): (&Hash, &u64)| {
            let incoming = self.incoming.get(hash);
            let state = if self.plan.lacks_room(*hash, now) {
                BlobFetch::NoRoom
            } else if self.plan.is_busy(*hash) {
                BlobFetch::Going
            } else {
                BlobFetch::Waiting
            };
            let progress = BlobProgress {
                state,
                size: *size,
                here: incoming.map_or(0, Incoming::bytes_here),
            };
            (*hash, progress)
        };
        let progress: BTreeMap<_, _> = self.sizes.iter().map(of).collect();
        let known = &self.shared.fetching.progress;
        known.send_if_modified(|known| crate::links::replace(known, progress));
    }
}

fn index(index: usize) -> u32 {
    u32::try_from(index).expect("a blob has fewer than 2^13 chunks")
}

async fn carry_out(
    connection: &quinn::Connection,
    job: Job,
    heard: &mpsc::Sender<Heard>,
) -> Outcome {
    match tokio::time::timeout(LONGEST, hear_answer(connection, job, heard)).await {
        Ok(Ok(outcome)) => outcome,
        Err(_) | Ok(Err(StreamError::Ended)) => Outcome::Failed,
        Ok(Err(StreamError::Wire(_))) => Outcome::Lied,
    }
}

async fn hear_answer(
    connection: &quinn::Connection,
    job: Job,
    heard: &mpsc::Sender<Heard>,
) -> Result<Outcome, StreamError> {
    let Job { hash, peer, ask } = job;
    let asked = request::ask(connection, &Request::Blob { hash, ask }).await?;
    let Some(mut stream) = asked else {
        return Ok(Outcome::NotHere);
    };
    let (first, mut left) = match ask {
        Ask::Manifest => (0, 1),
        Ask::Chunks { first, count } => (first, count.min(RUN)),
    };
    loop {
        let answer = read_message(&mut stream, MAX_MESSAGE_LEN);
        let answer = tokio::time::timeout(QUIET, answer).await;
        let told = match answer.map_err(|_| StreamError::Ended)?? {
            BlobAnswer::Manifest { size, chunks } if ask == Ask::Manifest && left > 0 => {
                Heard::Manifest(peer, hash, Manifest::from_bytes(hash, size, &chunks))
            }
            BlobAnswer::Chunk { index, len }
                if ask != Ask::Manifest && left > 0 && index >= first && index - first < RUN =>
            {
                let bytes = read_chunk(&mut stream, len).await?;
                Heard::Chunk {
                    peer,
                    hash,
                    index,
                    bytes,
                }
            }
            BlobAnswer::End { coming } => {
                return Ok(match (left, coming) {
                    (0, _) => Outcome::Answered,
                    (_, true) => Outcome::Coming,
                    (_, false) => Outcome::NotHere,
                });
            }
            BlobAnswer::Manifest { .. } | BlobAnswer::Chunk { .. } => return Ok(Outcome::Lied),
        };
        left -= 1;
        heard.send(told).await.map_err(|_| StreamError::Ended)?;
    }
}

/// The raw bytes after a frame; no length a peer declares is allocated beyond a chunk's.
async fn read_chunk(stream: &mut quinn::RecvStream, len: u32) -> Result<Vec<u8>, StreamError> {
    let len = len as usize;
    if len == 0 || len > CHUNK_LEN {
        return Err(crate::wire::WireError::TooLong.into());
    }
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        let read = stream.read_chunk(len - bytes.len(), true);
        let read = tokio::time::timeout(QUIET, read).await;
        let chunk = read.ok().and_then(Result::ok).flatten();
        bytes.extend_from_slice(&chunk.ok_or(StreamError::Ended)?.bytes);
    }
    Ok(bytes)
}
