//! One file on its way in: its bytes to disk, its kind by its first ones.

use super::Sniff;
use crate::app::App;
use crate::error::{ApiError, Code, FieldCode, FieldError};
use axum::body::BodyDataStream;
use futures::StreamExt as _;
use serde::Serialize;
use std::time::Duration;
use store::{BlobError, Upload};
use utoipa::ToSchema;

/// A sender that is silent for so long has gone.
const QUIET: Duration = Duration::from_secs(60);

/// A file that is here.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Blob {
    /// The BLAKE3 hash of its content, 64 hex digits: its name from now on.
    hash: String,
    /// Its length, bytes.
    size: u64,
    /// What it is, by its content.
    mime: &'static str,
}

/// Why a body was not taken to its end.
#[derive(Debug)]
pub enum Stopped {
    /// The sender is gone; what came before is kept.
    Line,
    /// The file is not taken at all.
    Refused(ApiError),
}

impl From<Stopped> for ApiError {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Line => Self::new(Code::BadRequest, "the upload was cut off"),
            Stopped::Refused(error) => error,
        }
    }
}

/// A file on its way in. Dropped before [`Intake::finish`], it leaves nothing behind.
pub struct Intake {
    upload: Upload,
    sniff: Sniff,
    here: u64,
    max: u64,
}

impl Intake {
    /// Begins to take a file of at most `max` bytes; `expected` is what the sender announces.
    ///
    /// # Errors
    /// `body_too_large`, `attachment_quota`, `storage_full`.
    pub async fn begin(app: &App, expected: Option<u64>, max: u64) -> Result<Self, ApiError> {
        let begun = app.store().begin_upload(expected, max).await;
        Ok(Self {
            upload: begun.map_err(|error| refused(error, max))?,
            sniff: Sniff::default(),
            here: 0,
            max,
        })
    }

    /// How much has come, bytes.
    #[must_use]
    pub fn here(&self) -> u64 {
        self.here
    }

    /// Takes what a body brings, until it ends or `until` resolves. Must not be dropped half-way:
    /// the file would be incomplete then.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn pour(
        &mut self,
        body: &mut BodyDataStream,
        until: impl Future<Output = ()>,
    ) -> Result<(), Stopped> {
        let mut until = std::pin::pin!(until);
        loop {
            let next = tokio::select! {
                next = tokio::time::timeout(QUIET, body.next()) => next,
                () = &mut until => return Err(Stopped::Line),
            };
            let bytes = match next {
                Ok(Some(Ok(bytes))) => bytes,
                Ok(None) => return Ok(()),
                Ok(Some(Err(_))) | Err(_) => return Err(Stopped::Line),
            };
            self.sniff.see(&bytes);
            if self.sniff.is_hopeless() {
                return Err(Stopped::Refused(unsupported()));
            }
            let written = self.upload.write(&bytes).await;
            written.map_err(|error| Stopped::Refused(refused(error, self.max)))?;
            self.here += bytes.len() as u64;
        }
    }

    /// The file is whole: it is on disk when this returns.
    ///
    /// # Errors
    /// `unsupported_type`, `invalid_fields` for an empty one, or the store failed.
    pub async fn finish(self, app: &App) -> Result<Blob, ApiError> {
        let content = self.sniff.content_type().ok_or_else(unsupported)?;
        let kept = self.upload.finish(app.clock().now_ms()).await;
        let kept = kept.map_err(|error| refused(error, self.max))?;
        app.metrics().uploads.inc();
        Ok(Blob {
            hash: kept.hash.to_string(),
            size: kept.size,
            mime: content.mime,
        })
    }
}

fn unsupported() -> ApiError {
    ApiError::new(Code::UnsupportedType, "files of this type are not taken")
}

/// What is said of a file longer than `max` bytes.
#[must_use]
pub fn too_long(max: u64) -> ApiError {
    let limit = usize::try_from(max).ok();
    let body = FieldError::new("body", FieldCode::TooLong);
    let error = ApiError::new(Code::BodyTooLarge, "the file is too long");
    error.with_fields(vec![FieldError { limit, ..body }])
}

fn refused(error: BlobError, max: u64) -> ApiError {
    match error {
        BlobError::TooLong => too_long(max),
        error => error.into(),
    }
}
