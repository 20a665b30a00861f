//! Whether a site's certificate holds at a given time.

use super::Identity;
use rustls::pki_types::UnixTime;
use std::time::Duration;
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

/// Why other sites would refuse this one's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// It is not valid yet.
    #[error("the certificate is not valid yet at this machine's time")]
    Early,
    /// It is not valid any more.
    #[error("the certificate is not valid any more at this machine's time")]
    Expired,
    /// The institution's authority did not issue it, or not for links.
    #[error("the certificate is not one of this institution's authority")]
    Foreign,
}

impl Identity {
    /// Whether the own certificate is one that other sites take at `now_ms` (ms since the epoch).
    ///
    /// # Errors
    /// [`CertificateFault`].
    pub fn check_certificate(&self, now_ms: i64) -> Result<(), CertificateFault> {
        let foreign = |_| CertificateFault::Foreign;
        let now = Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
        let own = EndEntityCert::try_from(&self.certificate).map_err(foreign)?;
        let anchors = [anchor_from_trusted_cert(&self.ca).map_err(foreign)?];
        let provider = rustls::crypto::ring::default_provider();
        let verified = own.verify_for_usage(
            provider.signature_verification_algorithms.all,
            &anchors,
            &[],
            UnixTime::since_unix_epoch(now),
            KeyUsage::client_auth(),
            None,
            None,
        );
        match verified {
            Ok(_) => Ok(()),
            Err(Error::CertNotValidYet { .. }) => Err(CertificateFault::Early),
            Err(Error::CertExpired { .. }) => Err(CertificateFault::Expired),
            Err(_) => Err(CertificateFault::Foreign),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::identity::HubNames;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    pub(crate) fn hub(seed: u64) -> Identity {
        let names = HubNames {
            institution: "学院".to_owned(),
            site: "总值班室".to_owned(),
            code: "Z".to_owned(),
        };
        Identity::new_hub(&names, &mut StdRng::seed_from_u64(seed)).unwrap()
    }

    #[test]
    fn a_certificate_holds_today_and_not_before_its_time_or_after_it() {
        let hub = hub(1);
        assert_eq!(hub.check_certificate(1_790_000_000_000), Ok(()));
        let early = hub.check_certificate(0);
        assert_eq!(early, Err(CertificateFault::Early));
        let late = hub.check_certificate(5_000_000_000_000);
        assert_eq!(late, Err(CertificateFault::Expired));
    }

    #[test]
    fn another_authoritys_certificate_is_foreign() {
        let mut hub = hub(1);
        hub.certificate = self::hub(2).certificate;
        let foreign = hub.check_certificate(1_790_000_000_000);
        assert_eq!(foreign, Err(CertificateFault::Foreign));
    }
}
