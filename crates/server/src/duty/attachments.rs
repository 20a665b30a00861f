//! Attachments of a record: from a request into the record, and from there to the page.

use crate::api::shapes::PersonRef;
use crate::app::App;
use crate::blobs::content;
use crate::blobs::state::{self, BlobState};
use crate::error::{ApiError, FieldCode, FieldError};
use records::field::{Value, Values};
use records::id::Hash;
use rules::attachment::clean_name;
use serde::{Deserialize, Serialize};
use store::StoredRecord;
use utoipa::ToSchema;

/// The rule set that added attachments; before it is active nobody is offered them.
pub const RULES: u32 = 2;

/// A file that was uploaded here, to be put to a new record.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAttachment {
    /// What it is called; made harmless before it is written.
    pub name: String,
    /// Its hash, as the upload answered.
    pub blob: String,
    /// A line about it.
    pub caption: Option<String>,
}

/// An attachment as a record's page shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Attachment {
    /// The entry's id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it is, as the site that added it found.
    pub mime: String,
    /// Its hash, by which it is read.
    pub blob: String,
    /// A line about it.
    pub caption: String,
    /// Who added it.
    pub author: PersonRef,
    /// At which site.
    pub site: String,
    /// When, ms.
    pub at: i64,
    /// 存疑: signed with a revoked key beyond its cut.
    pub disputed: bool,
    /// Whether it is here.
    pub state: BlobState,
}

impl NewAttachment {
    /// The attachment's values, once the file is known to be here.
    ///
    /// # Errors
    /// `invalid_fields` naming what is wrong.
    pub async fn values(self, app: &App) -> Result<Values, ApiError> {
        let wrong = || ApiError::field("blob", FieldCode::WrongType);
        let hash: Hash = self.blob.parse().map_err(|_| wrong())?;
        let caption = self.caption.filter(|caption| !caption.trim().is_empty());
        let mut values = Values::from([
            ("name".to_owned(), Value::Text(self.name)),
            ("blob".to_owned(), Value::Blob(hash)),
        ]);
        values.extend(caption.map(|caption| ("caption".to_owned(), Value::Text(caption))));
        complete(app, &mut values).await?;
        Ok(values)
    }
}

/// Completes name and blob by what this site finds out itself: type and size. Marks the blob as
/// used, so that it is not removed before the record is written.
///
/// # Errors
/// `invalid_fields`: the file is not here, or its name says that it is something else.
pub async fn complete(app: &App, values: &mut Values) -> Result<(), ApiError> {
    let not_here = || ApiError::field("blob", FieldCode::NotAChoice);
    let hash = values
        .get("blob")
        .and_then(Value::as_blob)
        .ok_or_else(not_here)?;
    let now = app.clock().now_ms();
    if !app.store().use_blob(hash, now).await? {
        return Err(not_here());
    }
    let open = app
        .store()
        .open_blob(hash, now)
        .await?
        .ok_or_else(not_here)?;
    let size = open.size;
    let found = tokio::task::spawn_blocking(move || content::of_file(&open.file, size)).await;
    let found = found
        .map_err(ApiError::internal)?
        .map_err(ApiError::internal)?;
    let found = found.ok_or_else(not_here)?;
    let name = values
        .get("name")
        .and_then(Value::as_text)
        .unwrap_or_default();
    let name = found.fit_name(&clean_name(name));
    let name = name.ok_or_else(|| ApiError::field("name", FieldCode::NotAChoice))?;
    let size = i64::try_from(size).map_err(ApiError::internal)?;
    values.insert("name".to_owned(), Value::Text(name));
    values.insert("mime".to_owned(), Value::Text(found.mime.to_owned()));
    values.insert("size".to_owned(), Value::Int(size));
    Ok(())
}

/// The values of all, each fault under its place in the list.
///
/// # Errors
/// `invalid_fields`, such as `attachments.0.blob`.
pub async fn values(app: &App, new: Vec<NewAttachment>) -> Result<Vec<Values>, ApiError> {
    let mut all = Vec::with_capacity(new.len());
    for (index, attachment) in new.into_iter().enumerate() {
        let values = attachment.values(app).await.map_err(|error| {
            let named = error.fields.iter().map(|fault| FieldError {
                field: format!("attachments.{index}.{}", fault.field),
                ..fault.clone()
            });
            let named = named.collect();
            error.with_fields(named)
        })?;
        all.push(values);
    }
    Ok(all)
}

/// The attachments of a record, oldest first.
///
/// # Errors
/// `internal` when the store fails.
pub async fn of(app: &App, stored: &StoredRecord) -> Result<Vec<Attachment>, ApiError> {
    let mut attachments = Vec::new();
    let entries = stored.record.entries.get("attachments");
    for origin in stored
        .entries
        .iter()
        .filter(|origin| origin.field == "attachments")
    {
        let Some(entry) = entries.and_then(|entries| entries.get(&origin.entry)) else {
            continue;
        };
        let text = |name| entry.get(name).and_then(Value::as_text).unwrap_or_default();
        let Some(hash) = entry.get("blob").and_then(Value::as_blob) else {
            continue;
        };
        let size = entry.get("size").and_then(Value::as_int).unwrap_or(0);
        attachments.push(Attachment {
            id: origin.entry.to_string(),
            name: clean_name(text("name")),
            mime: text("mime").to_owned(),
            blob: hash.to_string(),
            caption: text("caption").to_owned(),
            author: PersonRef::new(origin.author, origin.author_name.as_str()),
            site: origin.site.to_string(),
            at: origin.wall_ms,
            disputed: stored.is_disputed(origin),
            state: state::state(app, hash, u64::try_from(size).unwrap_or(0)).await?,
        });
    }
    Ok(attachments)
}
