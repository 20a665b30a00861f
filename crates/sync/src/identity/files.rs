//! An identity on disk: written whole or not at all, readable by its owner alone, never replaced.

use super::{Authority, Identity, IdentityError, site_of_certificate};
use ed25519_dalek::SigningKey;
use rcgen::KeyPair;
use records::id::{InstitutionId, JournalId, SiteId};
use records::payload::SiteRole;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use x25519_dalek::StaticSecret;

const DIRECTORY: &str = "identity";
const SITE: &str = "site.cbor";
const SIGN_KEY: &str = "sign.key";
const SEAL_KEY: &str = "seal.key";
const TLS_KEY: &str = "tls.key";
const TLS_CERT: &str = "tls.crt";
const CA_CERT: &str = "ca.crt";
const CA_KEY: &str = "ca.key";
const ROOT_KEY: &str = "root.key";
const MAX_FILE_LEN: u64 = 64 * 1024;

#[derive(minicbor::Encode, minicbor::Decode)]
#[cbor(map)]
struct SiteFile {
    #[n(0)]
    institution: InstitutionId,
    #[n(1)]
    institution_name: String,
    #[n(2)]
    journal: JournalId,
    #[n(3)]
    name: String,
    #[n(4)]
    code: String,
    #[n(5)]
    role: SiteRole,
    #[n(6)]
    hub: SiteId,
}

impl Identity {
    /// Reads the identity under `data`.
    ///
    /// # Errors
    /// [`IdentityError`]: missing, damaged, or readable by others.
    pub fn load(data: &Path) -> Result<Self, IdentityError> {
        let dir = data.join(DIRECTORY);
        if !dir.exists() {
            return Err(IdentityError::Missing(dir));
        }
        let path = dir.join(SITE);
        let site: SiteFile =
            minicbor::decode(&read(&path)?).map_err(|_| IdentityError::Damaged(path.clone()))?;
        let authority = if site.role == SiteRole::Hub {
            Some(Authority {
                root: SigningKey::from_bytes(&read_key(&dir.join(ROOT_KEY))?),
                ca_key: read(&dir.join(CA_KEY))?,
            })
        } else {
            None
        };
        let identity = Self {
            institution: site.institution,
            institution_name: site.institution_name,
            journal: site.journal,
            name: site.name,
            code: site.code,
            role: site.role,
            hub: site.hub,
            sign: SigningKey::from_bytes(&read_key(&dir.join(SIGN_KEY))?),
            seal: StaticSecret::from(read_key(&dir.join(SEAL_KEY))?),
            certificate: read(&dir.join(TLS_CERT))?.into(),
            tls_key: read(&dir.join(TLS_KEY))?,
            ca: read(&dir.join(CA_CERT))?.into(),
            authority,
        };
        identity.check(&dir)?;
        Ok(identity)
    }

    /// Whether the parts fit together, so that damage is named at start and not at a handshake.
    fn check(&self, dir: &Path) -> Result<(), IdentityError> {
        let damaged = |file: &str| IdentityError::Damaged(dir.join(file));
        if site_of_certificate(&self.certificate) != Some(self.site()) {
            return Err(damaged(TLS_CERT));
        }
        webpki::EndEntityCert::try_from(&self.ca).map_err(|_| damaged(CA_CERT))?;
        KeyPair::try_from(self.tls_key.as_slice()).map_err(|_| damaged(TLS_KEY))?;
        if let Some(authority) = &self.authority {
            let root = authority.root.verifying_key().to_bytes();
            if InstitutionId::of_root_key(&root) != self.institution {
                return Err(damaged(ROOT_KEY));
            }
            KeyPair::try_from(authority.ca_key.as_slice()).map_err(|_| damaged(CA_KEY))?;
        }
        Ok(())
    }

    /// Writes the identity under `data`, whole or not at all. An existing one is never replaced.
    ///
    /// # Errors
    /// [`IdentityError::Exists`] or [`IdentityError::Io`].
    pub fn save(&self, data: &Path) -> Result<(), IdentityError> {
        let dir = data.join(DIRECTORY);
        ensure_absent(data)?;
        let staging = data.join(format!("{DIRECTORY}.new"));
        match std::fs::remove_dir_all(&staging) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(&staging)(error)),
            _ => {}
        }
        let mut private = std::fs::DirBuilder::new();
        private.recursive(true).mode(0o700);
        private.create(data).map_err(io(data))?;
        private.create(&staging).map_err(io(&staging))?;
        for (name, bytes) in self.files() {
            write_private(&staging.join(name), &bytes)?;
        }
        sync_dir(&staging)?;
        std::fs::rename(&staging, &dir).map_err(io(&dir))?;
        sync_dir(data)
    }

    fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        let site = SiteFile {
            institution: self.institution,
            institution_name: self.institution_name.clone(),
            journal: self.journal,
            name: self.name.clone(),
            code: self.code.clone(),
            role: self.role,
            hub: self.hub,
        };
        let site = minicbor::to_vec(site).expect("encoding into a Vec cannot fail");
        let mut files = vec![
            (SITE, site),
            (SIGN_KEY, self.sign.to_bytes().to_vec()),
            (SEAL_KEY, self.seal.to_bytes().to_vec()),
            (TLS_KEY, self.tls_key.clone()),
            (TLS_CERT, self.certificate.to_vec()),
            (CA_CERT, self.ca.to_vec()),
        ];
        if let Some(authority) = &self.authority {
            files.push((ROOT_KEY, authority.root.to_bytes().to_vec()));
            files.push((CA_KEY, authority.ca_key.clone()));
        }
        files
    }
}

/// Refuses a data directory that has an identity.
pub(crate) fn ensure_absent(data: &Path) -> Result<(), IdentityError> {
    let dir = data.join(DIRECTORY);
    if dir.exists() {
        return Err(IdentityError::Exists(dir));
    }
    Ok(())
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> IdentityError + use<> {
    let path = path.to_owned();
    move |source| IdentityError::Io { path, source }
}

fn read(path: &Path) -> Result<Vec<u8>, IdentityError> {
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => IdentityError::Damaged(path.to_owned()),
        _ => io(path)(error),
    })?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(IdentityError::Permissions(path.to_owned()));
    }
    if metadata.len() > MAX_FILE_LEN {
        return Err(IdentityError::Damaged(path.to_owned()));
    }
    std::fs::read(path).map_err(io(path))
}

fn read_key(path: &Path) -> Result<[u8; 32], IdentityError> {
    read(path)?
        .try_into()
        .map_err(|_| IdentityError::Damaged(path.to_owned()))
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<(), IdentityError> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(io(path))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(io(path))
}

fn sync_dir(path: &Path) -> Result<(), IdentityError> {
    std::fs::File::open(path)
        .and_then(|dir| dir.sync_all())
        .map_err(io(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::HubNames;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    fn hub() -> Identity {
        let names = HubNames {
            institution: "学院".to_owned(),
            site: "总值班室".to_owned(),
            code: "Z".to_owned(),
        };
        Identity::new_hub(&names, &mut StdRng::seed_from_u64(1)).unwrap()
    }

    #[test]
    fn an_identity_survives_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let hub = hub();
        hub.save(dir.path()).unwrap();
        let back = Identity::load(dir.path()).unwrap();
        assert_eq!(back.enrolment(), hub.enrolment());
        assert_eq!(back.institution, hub.institution);
        assert!(back.authority.is_some());
        assert_eq!(site_of_certificate(&back.certificate), Some(hub.site()));
    }

    #[test]
    fn an_identity_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        hub().save(dir.path()).unwrap();
        let again = hub().save(dir.path());
        assert!(matches!(again, Err(IdentityError::Exists(_))));
    }

    #[test]
    fn a_missing_identity_a_damaged_file_and_an_open_file_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let missing = Identity::load(dir.path());
        assert!(matches!(missing, Err(IdentityError::Missing(_))));
        hub().save(dir.path()).unwrap();
        let key = dir.path().join(DIRECTORY).join(SIGN_KEY);
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        let open = Identity::load(dir.path());
        assert!(matches!(open, Err(IdentityError::Permissions(path)) if path == key));
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&key, b"short").unwrap();
        let damaged = Identity::load(dir.path());
        assert!(matches!(damaged, Err(IdentityError::Damaged(path)) if path == key));
    }

    #[test]
    fn another_institutions_root_key_is_damage() {
        let dir = tempfile::tempdir().unwrap();
        hub().save(dir.path()).unwrap();
        let root = dir.path().join(DIRECTORY).join(ROOT_KEY);
        std::fs::write(&root, [9; 32]).unwrap();
        let damaged = Identity::load(dir.path());
        assert!(matches!(damaged, Err(IdentityError::Damaged(path)) if path == root));
    }

    #[test]
    fn every_file_is_private() {
        let dir = tempfile::tempdir().unwrap();
        hub().save(dir.path()).unwrap();
        for file in std::fs::read_dir(dir.path().join(DIRECTORY)).unwrap() {
            let mode = file.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
