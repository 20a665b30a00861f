//! From the bytes of a file to a store: every bundle through the gate, acknowledgements at the
//! end.

use super::open::Reader;
use super::{CarryError, Item, Opener};
use crate::identity::Identity;
use crate::session::MAX_STRANGERS;
use records::bundle::Bundle;
use records::id::{Hash, JournalId, SiteId};
use store::{Admission, BlobError, Store};

/// Bytes of the file looked at together.
const SLICE: usize = 256 * 1024;

/// What an import has come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The site that wrote the file.
    pub from: SiteId,
    /// When it was written, ms since the epoch.
    pub created_ms: i64,
    /// Bytes read.
    pub bytes: u64,
    /// Bundles read.
    pub bundles: u64,
    /// New here.
    pub new: u64,
    /// Here already.
    pub known: u64,
    /// New here, but their changes do not count.
    pub quarantined: u64,
    /// Put back where this disk had lost them.
    pub mended: u64,
    /// Attachments new here.
    pub blobs: u64,
    /// Attachments for which there is no room here; they come over a link once there is.
    pub blobs_without_room: u64,
    /// New evidence of forks.
    pub forks: u64,
    /// Waiting for bundles that the file does not hold.
    pub waiting: u64,
    /// Signed by no known site, not kept.
    pub strangers: u64,
}

/// Reads one file into a store, piece by piece.
#[derive(Debug)]
pub struct Importer {
    store: Store,
    opener: Opener,
    now_ms: i64,
    summary: Summary,
}

impl Importer {
    /// Begins.
    #[must_use]
    pub fn new(identity: &Identity, store: &Store, now_ms: i64) -> Self {
        let reader = Reader {
            institution: identity.institution,
            site: identity.site(),
            seal: identity.seal.clone(),
        };
        Self {
            store: store.clone(),
            opener: Opener::new(reader),
            now_ms,
            summary: Summary::default(),
        }
    }

    /// What was done so far; it stays done whatever follows.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// [`CarryError`]; the rest of the file is of no use.
    pub async fn take(&mut self, bytes: &[u8]) -> Result<(), CarryError> {
        for slice in bytes.chunks(SLICE) {
            self.summary.bytes += slice.len() as u64;
            self.opener.push(slice);
            while let Some(item) = self.opener.next_item()? {
                match item {
                    Item::Bundles(bundles) | Item::Evidence(bundles) => {
                        self.admit(bundles).await?;
                    }
                    Item::Blob { hash, content } => self.take_blob(hash, &content).await?,
                    Item::End { .. } => {}
                }
            }
        }
        Ok(())
    }

    /// Ends: records what the writing site holds, if it signed the file; a restored hub may decide
    /// again if that site holds no more of the institution journal.
    ///
    /// # Errors
    /// [`CarryError`]; every bundle taken before stays.
    pub async fn finish(mut self) -> Result<Summary, CarryError> {
        let from = self.opener.header().map(|header| {
            self.summary.from = header.from.site;
            self.summary.created_ms = header.created_ms;
            header.from
        });
        self.store.judge_released().await?;
        let trust = self.store.trust();
        // A site whose key was revoked says nothing any more of what it holds.
        let key = from.filter(|from| trust.cut(*from).is_none());
        let key = key.and_then(|from| trust.sign_key(from));
        let frontier = self.opener.finish(key.as_ref())?;
        self.store.record_ack(self.summary.from, &frontier).await?;
        let decided = frontier
            .iter()
            .find(|head| head.journal == JournalId::INSTITUTION);
        if let Some(decided) = decided {
            let written_ms = self.summary.created_ms;
            self.store.confirm_by_file(*decided, written_ms).await?;
        }
        Ok(self.summary)
    }

    async fn take_blob(&mut self, hash: Hash, content: &[u8]) -> Result<(), CarryError> {
        let taken = self.store.take_small_blob(hash, content, self.now_ms).await;
        match taken {
            Ok(new) => self.summary.blobs += u64::from(new),
            Err(BlobError::Quota | BlobError::DiskFull) => self.summary.blobs_without_room += 1,
            // Named by nothing that counts here, or not what it is called: nobody misses it.
            Err(
                BlobError::Unnamed
                | BlobError::Unasked
                | BlobError::WrongManifest
                | BlobError::Empty,
            ) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn admit(&mut self, bundles: Vec<Bundle>) -> Result<(), CarryError> {
        let summary = &mut self.summary;
        summary.bundles += bundles.len() as u64;
        for admission in self.store.admit(bundles, self.now_ms).await? {
            match admission {
                Admission::Admitted { .. } => summary.new += 1,
                Admission::Refused { .. } | Admission::Held { .. } => {
                    summary.new += 1;
                    summary.quarantined += 1;
                }
                Admission::Mended { .. } => summary.mended += 1,
                Admission::Duplicate => summary.known += 1,
                Admission::Waiting { .. } => summary.waiting += 1,
                Admission::Fork { .. } => summary.forks += 1,
                Admission::NotOurs { .. } => summary.strangers += 1,
            }
        }
        if summary.strangers > u64::from(MAX_STRANGERS) {
            return Err(CarryError::Strangers);
        }
        Ok(())
    }
}
