//! The institution every world begins with: its root key, its enrolled sites, and the data
//! directory they begin with, founded once and copied for each site of each world.

use super::HUB;
use super::disk::Image;
use anyhow::{Context as _, Result};
use ed25519_dalek::SigningKey;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use records::id::{InstitutionId, JournalId, SiteId};
use records::payload::{InstitutionOp, SiteRole};
use std::path::Path;
use store::Store;
use sync::identity::{HubNames, Identity};

/// Wall time at which every world begins, ms since the epoch.
pub const FOUNDED_MS: i64 = 1_790_000_000_000;

/// The rule set every world begins with.
pub const FIRST_RULES: u32 = 1;

/// The founded institution.
pub struct Founding {
    /// The data directory every site begins with.
    pub image: Image,
    /// The institution.
    pub institution: InstitutionId,
    /// The institution's key.
    pub root: SigningKey,
    /// What each site knows about itself.
    pub identities: Vec<Identity>,
}

impl Founding {
    /// Founds the institution with so many sites.
    ///
    /// # Errors
    /// When a store cannot be made or refuses the founding.
    pub async fn new(sites: usize) -> Result<Self> {
        let root = SigningKey::from_bytes(&[42; 32]);
        let institution = InstitutionId::of_root_key(root.verifying_key().as_bytes());
        let identities = (0..sites).map(|site| identity(institution, site));
        let mut founding = Self {
            image: Image::default(),
            institution,
            identities: identities.collect::<Result<_>>()?,
            root,
        };
        let folder = scratch()?;
        let store = Store::open(folder.path()).await?;
        for op in founding.decisions() {
            store
                .commit_institution(op, &founding.root, founding.institution, FOUNDED_MS)
                .await?;
        }
        drop(store);
        founding.image = Image::of(folder.path())?;
        Ok(founding)
    }

    fn decisions(&self) -> Vec<InstitutionOp> {
        let mut ops = vec![InstitutionOp::Found {
            name: "测试学院".to_owned(),
            root_key: self.root.verifying_key().to_bytes(),
        }];
        let enrolments = self.identities.iter().map(Identity::enrolment);
        ops.extend(enrolments.map(InstitutionOp::Enrol));
        ops.push(InstitutionOp::ActivateRules(FIRST_RULES));
        ops
    }
}

/// In memory where the system has such a file system: a sync costs nothing there, and faults of the
/// disk are injected above it.
///
/// # Errors
/// When there is no room for it.
pub fn scratch() -> Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    folder.context("a folder for the world")
}

fn identity(institution: InstitutionId, site: usize) -> Result<Identity> {
    let names = HubNames {
        institution: "测试学院".to_owned(),
        site: format!("第{site}值班室"),
        code: code(site),
    };
    let mut rng = StdRng::seed_from_u64(site as u64);
    Ok(Identity {
        institution,
        journal: journal(site),
        role: match site {
            HUB => SiteRole::Hub,
            _ => SiteRole::Campus,
        },
        hub: site_id(HUB),
        sign: key(site),
        authority: None,
        ..Identity::new_hub(&names, &mut rng)?
    })
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
    format!("S{site}")
}
