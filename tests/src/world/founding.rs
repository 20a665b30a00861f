//! The institution every world begins with: its root key, three enrolled sites, and their data
//! directories, founded once and copied for each seed.

use super::{HUB, SITES};
use anyhow::{Context as _, Result, ensure};
use ed25519_dalek::SigningKey;
use records::id::{InstitutionId, JournalId, SiteId};
use records::payload::{Enrolment, InstitutionOp, SiteRole};
use std::path::{Path, PathBuf};
use store::{Admission, Store};

/// Wall time at which every world begins, ms since the epoch.
pub const FOUNDED_MS: i64 = 1_790_000_000_000;

/// The founded institution.
pub struct Founding {
    folder: tempfile::TempDir,
    /// The institution.
    pub institution: InstitutionId,
    /// Signing keys by site.
    pub keys: Vec<SigningKey>,
}

impl Founding {
    /// Founds the institution.
    ///
    /// # Errors
    /// When a store cannot be made or refuses the founding.
    pub async fn new() -> Result<Self> {
        let root = SigningKey::from_bytes(&[42; 32]);
        let founding = Self {
            folder: scratch()?,
            institution: InstitutionId::of_root_key(root.verifying_key().as_bytes()),
            keys: (0..SITES).map(key).collect(),
        };
        let hub = Store::open(&founding.data(HUB)).await?;
        for op in founding.decisions(&root) {
            hub.commit_institution(op, &root, founding.institution, FOUNDED_MS)
                .await?;
        }
        let journal = hub
            .bundles_after(JournalId::INSTITUTION, 0, usize::MAX)
            .await?;
        for site in (0..SITES).filter(|site| *site != HUB) {
            let store = Store::open(&founding.data(site)).await?;
            store.set_institution(founding.institution).await?;
            let admitted = store.admit(journal.clone(), FOUNDED_MS).await?;
            let all = admitted
                .iter()
                .all(|admission| matches!(admission, Admission::Admitted { .. }));
            ensure!(
                all,
                "the institution journal was not admitted: {admitted:?}"
            );
        }
        Ok(founding)
    }

    fn decisions(&self, root: &SigningKey) -> Vec<InstitutionOp> {
        let mut ops = vec![InstitutionOp::Found {
            name: "测试学院".to_owned(),
            root_key: root.verifying_key().to_bytes(),
        }];
        ops.extend((0..SITES).map(|site| {
            InstitutionOp::Enrol(Enrolment {
                journal: journal(site),
                name: format!("第{site}值班室"),
                code: code(site),
                role: if site == HUB {
                    SiteRole::Hub
                } else {
                    SiteRole::Campus
                },
                sign_key: self.keys[site].verifying_key().to_bytes(),
                seal_key: [0; 32],
            })
        }));
        ops.push(InstitutionOp::ActivateRules(records::gate::RULES));
        ops
    }

    fn data(&self, site: usize) -> PathBuf {
        self.folder.path().join(site.to_string())
    }

    /// A copy of a site's data directory as it was founded.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn copy(&self, site: usize) -> Result<tempfile::TempDir> {
        let copy = scratch()?;
        for entry in std::fs::read_dir(self.data(site))? {
            let entry = entry?;
            std::fs::copy(entry.path(), copy.path().join(entry.file_name()))?;
        }
        Ok(copy)
    }
}

/// In memory where the system has such a file system: worlds do not test the disk.
fn scratch() -> Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    folder.context("a folder for the world")
}

fn key(site: usize) -> SigningKey {
    SigningKey::from_bytes(&[u8::try_from(site + 1).expect("few sites"); 32])
}

/// A site's id.
#[must_use]
pub fn site_id(site: usize) -> SiteId {
    SiteId([u8::try_from(site + 1).expect("few sites"); 8])
}

/// A site's journal.
#[must_use]
pub fn journal(site: usize) -> JournalId {
    JournalId {
        site: site_id(site),
        incarnation: 1,
    }
}

/// A site's code in record numbers.
#[must_use]
pub fn code(site: usize) -> String {
    ["Z", "E", "W"][site].to_owned()
}
