//! Opens a site's data directory for writing.

use anyhow::Context as _;
use server::clock::Clock;
use server::random::Random;
use std::path::Path;
use std::sync::Arc;
use store::{Moment, Store, StoreError, Writer};
use sync::identity::Identity;

/// Identity and store of the site in `data`, ready for local actions. A directory that was
/// restored opens its new incarnation here, linked or not.
///
/// # Errors
/// When the directory was not initialized, is in use, or is damaged.
pub(crate) async fn open(data: &Path, random: &Random) -> anyhow::Result<(Arc<Identity>, Store)> {
    let identity = Identity::load(data)?;
    let store = Store::open(data)
        .await
        .with_context(|| format!("cannot open the site in {}", data.display()))?;
    store
        .start_writer(Writer {
            institution: identity.institution,
            journal: identity.journal,
            code: identity.code.clone(),
            key: identity.sign.clone(),
            slot: random.bytes(),
        })
        .await?;
    let clock = Clock::system();
    let now = Moment {
        wall_ms: clock.now_ms(),
        uptime_ms: clock.uptime_ms(),
    };
    match store.leave_if_due(now).await {
        Ok(_) => {}
        // What is here can still be read and is still linked; whoever writes is told.
        Err(error @ (StoreError::Restored | StoreError::Revoked)) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "nothing can be written"
            );
        }
        Err(error) => return Err(error.into()),
    }
    Ok((Arc::new(identity), store))
}
