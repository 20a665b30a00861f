//! What an endpoint answers when it cannot do what was asked.
//!
//! An [`ApiError`] names one [`Code`] of a closed list that the web app translates. It becomes
//! the envelope `{"error":{…}}` in one place, [`crate::http::envelope`], which also knows the
//! request id and logs the chain of causes once.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use records::field::FieldFault;
use rules::{Fault, Refusal};
use serde::Serialize;
use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use store::{BlobError, CommitError, StoreError};
use utoipa::ToSchema;

/// Stable error codes. The status says what the caller can do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Sign in first.
    NotSignedIn,
    /// Login or password is wrong, or the person was dismissed; never said which.
    SignInFailed,
    /// Too many wrong passwords; wait.
    SignInThrottled,
    /// The person's role does not allow it.
    Forbidden,
    /// A state-changing request came from another site's page.
    BadOrigin,
    /// No such thing, or no right to know of it.
    NotFound,
    /// The institution erased the record.
    RecordErased,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// Values do not fit; see `fields`.
    InvalidFields,
    /// The body is longer than the endpoint takes.
    BodyTooLarge,
    /// Files of this type are not taken.
    UnsupportedType,
    /// The file is not at this site: ask for it first.
    NotFetched,
    /// The range begins behind the end of the file.
    RangeOutside,
    /// This site's room for attachments is used up: nothing was saved.
    AttachmentQuota,
    /// Too many files are being uploaded; try again.
    UploadsBusy,
    /// The record is in a state that does not allow this now; refetch.
    ConflictState,
    /// The hub was restored and must be linked with a campus before it decides anything.
    HubRestored,
    /// The institution revoked this site's key: nothing that is written here counts.
    SiteRevoked,
    /// This site was restored or copied too often: the hub has to enrol it again.
    SiteUsedUp,
    /// The institution's decisions are damaged on this site's disk; another site mends them.
    SiteDamaged,
    /// This version has no such record kind.
    UnknownKind,
    /// The camera cannot be watched now.
    CameraUnavailable,
    /// As many viewers as admitted are watching.
    ViewerLimit,
    /// Browser and source have no codec in common.
    CodecUnsupported,
    /// The owner site cannot be reached.
    SiteUnreachable,
    /// The disk is full: nothing was saved.
    StorageFull,
    /// Our fault; the log has the request id.
    Internal,
    /// The request is not understood.
    BadRequest,
}

impl Code {
    /// Its HTTP status.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::NotSignedIn | Self::SignInFailed => StatusCode::UNAUTHORIZED,
            Self::SignInThrottled => StatusCode::TOO_MANY_REQUESTS,
            Self::Forbidden | Self::BadOrigin => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::RecordErased => StatusCode::GONE,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::InvalidFields | Self::UnknownKind | Self::CodecUnsupported => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RangeOutside => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::ConflictState
            | Self::NotFetched
            | Self::HubRestored
            | Self::SiteRevoked
            | Self::SiteUsedUp
            | Self::SiteDamaged => StatusCode::CONFLICT,
            Self::CameraUnavailable
            | Self::ViewerLimit
            | Self::SiteUnreachable
            | Self::UploadsBusy => StatusCode::SERVICE_UNAVAILABLE,
            Self::StorageFull | Self::AttachmentQuota => StatusCode::INSUFFICIENT_STORAGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::BadRequest => StatusCode::BAD_REQUEST,
        }
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldCode {
    /// Missing or empty.
    Required,
    /// More than `limit` code points.
    TooLong,
    /// Fewer than `limit` code points.
    TooShort,
    /// Not one of the choices.
    NotAChoice,
    /// Later than now.
    InFuture,
    /// Not a time, or not a whole minute.
    NotATime,
    /// A value of another type.
    WrongType,
    /// No such field.
    UnknownField,
    /// Carries a state-secret marking, which must never enter this system.
    StateSecretMarking,
}

/// One faulty field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Name of the field in the request.
    pub field: String,
    /// What is wrong.
    pub code: FieldCode,
    /// The bound that was missed, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

impl FieldError {
    /// A fault without a bound.
    #[must_use]
    pub fn new(field: impl Into<String>, code: FieldCode) -> Self {
        Self {
            field: field.into(),
            code,
            limit: None,
        }
    }
}

impl From<(String, FieldFault)> for FieldError {
    fn from((field, fault): (String, FieldFault)) -> Self {
        let (code, limit) = match fault {
            FieldFault::Required => (FieldCode::Required, None),
            FieldFault::TooLong(limit) => (FieldCode::TooLong, Some(limit)),
            FieldFault::NotAChoice => (FieldCode::NotAChoice, None),
            FieldFault::NotATime => (FieldCode::NotATime, None),
            FieldFault::WrongType => (FieldCode::WrongType, None),
            FieldFault::UnknownField => (FieldCode::UnknownField, None),
        };
        Self { field, code, limit }
    }
}

impl From<(String, Fault)> for FieldError {
    fn from((field, fault): (String, Fault)) -> Self {
        match fault {
            Fault::Field(fault) => (field, fault).into(),
            Fault::InFuture => Self::new(field, FieldCode::InFuture),
            Fault::StateSecretMarking => Self::new(field, FieldCode::StateSecretMarking),
        }
    }
}

/// The body of every answer that is not a success.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorEnvelope {
    /// The error.
    pub error: ErrorBody,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// Stable code.
    pub code: Code,
    /// English, for developers.
    pub message: Cow<'static, str>,
    /// Finds the request in the site's log.
    pub request_id: String,
    /// Faulty fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub fields: Vec<FieldError>,
    /// Worth another try after so many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
}

/// An endpoint's refusal or failure.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// Stable code.
    pub code: Code,
    /// English, for developers; holds no personal data, since it is logged.
    pub message: Cow<'static, str>,
    /// Faulty fields.
    pub fields: Vec<FieldError>,
    /// Worth another try after so many seconds.
    pub retry_after_s: Option<u64>,
    #[source]
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// An error with a message for developers.
    #[must_use]
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            fields: Vec::new(),
            retry_after_s: None,
            cause: None,
        }
    }

    /// [`Code::InvalidFields`] with its fields.
    #[must_use]
    pub fn fields(fields: Vec<FieldError>) -> Self {
        Self {
            fields,
            ..Self::new(Code::InvalidFields, "some values do not fit")
        }
    }

    /// [`Code::InvalidFields`] for one field.
    #[must_use]
    pub fn field(field: impl Into<String>, code: FieldCode) -> Self {
        Self::fields(vec![FieldError::new(field, code)])
    }

    /// [`Code::NotFound`].
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "there is no such thing here")
    }

    /// [`Code::Internal`] with what caused it; the cause is logged and not sent.
    #[must_use]
    pub fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::new(Code::Internal, "the site failed to do this").caused_by(cause)
    }

    /// The same error with its cause, for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    /// The same error with other faulty fields.
    #[must_use]
    pub fn with_fields(mut self, fields: Vec<FieldError>) -> Self {
        self.fields = fields;
        self
    }

    /// The same error with a hint when to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The envelope as sent.
    #[must_use]
    pub fn envelope(&self, request_id: &str) -> ErrorEnvelope {
        ErrorEnvelope {
            error: ErrorBody {
                code: self.code,
                message: self.message.clone(),
                request_id: request_id.to_owned(),
                fields: self.fields.clone(),
                retry_after_s: self.retry_after_s,
            },
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let refused = match error {
            StoreError::Full => Self::new(Code::StorageFull, "the disk is full: nothing was saved"),
            StoreError::BadCursor => Self::new(Code::BadRequest, "the cursor is not valid"),
            StoreError::TooLarge => Self::new(Code::BodyTooLarge, "too much for one action"),
            StoreError::Unconfirmed => Self::new(
                Code::HubRestored,
                "this hub was restored: link it with a campus first",
            ),
            StoreError::Revoked => Self::new(
                Code::SiteRevoked,
                "this site's key was revoked: nothing was saved",
            ),
            StoreError::Restored => Self::new(
                Code::SiteUsedUp,
                "this site used up its incarnations: nothing was saved",
            ),
            StoreError::InstitutionDamaged => Self::new(
                Code::SiteDamaged,
                "the institution's decisions are damaged on this disk: nothing was saved",
            ),
            error => return Self::internal(error),
        };
        refused.caused_by(error)
    }
}

impl From<BlobError> for ApiError {
    fn from(error: BlobError) -> Self {
        let refused = match error {
            BlobError::Store(error) => return error.into(),
            BlobError::Unnamed => return Self::not_found(),
            BlobError::Quota => Self::new(
                Code::AttachmentQuota,
                "the room for attachments is used up: nothing was saved",
            ),
            BlobError::DiskFull => {
                Self::new(Code::StorageFull, "the disk is full: nothing was saved")
            }
            BlobError::TooLong => Self::new(Code::BodyTooLarge, "the file is too long"),
            BlobError::Empty => Self::field("body", FieldCode::Required),
            error => return Self::internal(error),
        };
        refused.caused_by(error)
    }
}

impl<R: Into<ApiError>> From<CommitError<R>> for ApiError {
    fn from(error: CommitError<R>) -> Self {
        match error {
            CommitError::Decided(refusal) => refusal.into(),
            CommitError::Invalid(faults) => {
                Self::fields(faults.into_iter().map(Into::into).collect())
            }
            CommitError::Store(error) => error.into(),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Forbidden(reason) => Self::new(Code::Forbidden, reason.code()),
            Refusal::Conflict(reason) => Self::new(Code::ConflictState, reason.code()),
            Refusal::Invalid(faults) => Self::fields(faults.into_iter().map(Into::into).collect()),
        }
    }
}

/// The error travels beside an empty body until [`crate::http::envelope`] writes the envelope.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
