//! Blobs over links: answering what other sites ask for, and fetching what this site wants.

mod fetch;

pub(super) use fetch::run;

use super::Shared;
use super::counters::add;
use crate::blobs::{Ask, RUN};
use crate::status::BlobProgress;
use crate::stream::{StreamError, write_message};
use crate::wire::request::BlobAnswer;
use records::id::{Hash, SiteId};
use records::payload::SiteRole;
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{BlobError, Manifest};
use tokio::sync::{Notify, watch};

/// What the fetching task shares with the rest of the links.
#[derive(Debug, Default)]
pub(super) struct Fetching {
    /// Somebody asked for a blob, or withdrew it.
    pub(super) asked: Notify,
    pub(super) progress: watch::Sender<BTreeMap<Hash, BlobProgress>>,
}

/// Answers one request for a blob. Any site of the institution may have what a record here
/// names: there is one scope, and a blob follows its records.
pub(super) async fn answer(
    shared: &Arc<Shared>,
    mut send: quinn::SendStream,
    hash: Hash,
    ask: Ask,
) -> Result<(), StreamError> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        tracing::error!(blob.hash = %hash, error, "a blob could not be read for another site");
        StreamError::Ended
    };
    let manifest = shared.store.blob_manifest(hash).await;
    let manifest = manifest.map_err(|error| failed(&error))?;
    let mut lacking = manifest.is_none();
    match (ask, manifest) {
        (_, None) => {}
        (Ask::Manifest, Some(manifest)) => {
            let (size, chunks) = (manifest.size(), manifest.to_bytes());
            write_message(&mut send, &BlobAnswer::Manifest { size, chunks }).await?;
        }
        (Ask::Chunks { first, count }, Some(_)) => {
            for index in first..first.saturating_add(count.min(RUN)) {
                let chunk = shared.store.blob_chunk(hash, index as usize).await;
                match chunk.map_err(|error| failed(&error))? {
                    Some(bytes) => write_chunk(shared, &mut send, index, &bytes).await?,
                    None => lacking = true,
                }
            }
        }
    }
    let coming = lacking && relay(shared, hash).await;
    write_message(&mut send, &BlobAnswer::End { coming }).await?;
    let _ = send.finish();
    Ok(())
}

async fn write_chunk(
    shared: &Shared,
    send: &mut quinn::SendStream,
    index: u32,
    bytes: &[u8],
) -> Result<(), StreamError> {
    let len = u32::try_from(bytes.len()).expect("a chunk is short");
    write_message(send, &BlobAnswer::Chunk { index, len }).await?;
    let written = send.write_all(bytes).await;
    written.map_err(|_| StreamError::Ended)?;
    add(&shared.counters.blob_bytes_out, u64::from(len));
    Ok(())
}

/// A campus reaches the other one through the hub, so the hub fetches what it is asked for and
/// gives it on chunk by chunk. Only the hub does: two campuses must not ask each other in circles.
async fn relay(shared: &Shared, hash: Hash) -> bool {
    if shared.identity.role != SiteRole::Hub {
        return false;
    }
    shared.ask_for_blob(hash).await.is_ok()
}

impl Shared {
    /// Fetches a blob as soon as it can be, also after a restart.
    pub(super) async fn ask_for_blob(&self, hash: Hash) -> Result<(), BlobError> {
        if !self.store.is_blob_asked_for(hash).await? {
            self.store.ask_for_blob(hash, self.now().wall_ms).await?;
        }
        self.fetching.asked.notify_one();
        Ok(())
    }
}

/// What one request to one site brought.
#[derive(Debug)]
enum Heard {
    Manifest(SiteId, Hash, Option<Manifest>),
    Chunk {
        peer: SiteId,
        hash: Hash,
        index: u32,
        bytes: Vec<u8>,
    },
    Done(crate::blobs::Job, crate::blobs::Outcome),
}
