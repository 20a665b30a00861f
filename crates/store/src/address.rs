//! Where the sites of the institution may be dialled: site-local, since lines are no duty matter.

use crate::error::StoreError;
use crate::store::Store;
use records::id::SiteId;
use std::collections::BTreeMap;

/// In `meta`.
const ADDRESSES: &str = "link_addresses";

impl Store {
    /// The addresses kept last, `host:port` by site.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn link_addresses(&self) -> Result<BTreeMap<SiteId, String>, StoreError> {
        let kept: Option<Vec<u8>> = sqlx::query_scalar("select value from meta where name = $1")
            .bind(ADDRESSES)
            .fetch_optional(&self.inner.readers)
            .await?;
        let kept = kept.map(|bytes| minicbor::decode(&bytes)).transpose();
        let kept = kept.map_err(|_| StoreError::Damaged("the kept addresses of sites"))?;
        Ok(kept.unwrap_or_default())
    }

    /// Keeps addresses in place of those kept before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_link_addresses(
        &self,
        addresses: BTreeMap<SiteId, String>,
    ) -> Result<(), StoreError> {
        let bytes = minicbor::to_vec(addresses).expect("encoding into a Vec cannot fail");
        self.write(async move |conn| {
            sqlx::query(
                "insert into meta(name, value) values($1, $2)
                 on conflict(name) do update set value = excluded.value",
            )
            .bind(ADDRESSES)
            .bind(bytes)
            .execute(conn)
            .await
            .map(drop)
        })
        .await
    }
}
