//! Strict extractors: what does not parse is a coded error, never axum's plain text.
//!
//! Messages here never quote the request, since messages are logged and requests hold passwords.

use crate::error::{ApiError, Code, FieldCode, FieldError};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::value::StringDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Longest request body unless an endpoint says otherwise, bytes.
pub const MAX_BODY: usize = 256 * 1024;

/// A JSON object, in and out.
///
/// Requests must carry `Content-Type: application/json`: a form of another site's page cannot.
/// A value of the wrong shape is `invalid_fields` naming it; no JSON at all is `bad_request`.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let content_type = request.headers().get(CONTENT_TYPE);
        if !content_type.is_some_and(|value| is_type(value.as_bytes(), "application/json")) {
            return Err(bad_request("the body must be application/json"));
        }
        let Body(bytes) = Body::from_request(request, state).await?;
        let object: Map<String, Value> = serde_json::from_slice(&bytes)
            .map_err(|_| bad_request("the body is no JSON object"))?;
        from_object(object).map(Self)
    }
}

/// The raw body, bounded.
#[derive(Debug)]
pub struct Body(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(rejection) => Err(body_error(&rejection)),
        }
    }
}

fn body_error(rejection: &BytesRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::new(Code::BodyTooLarge, "the body is too long")
    } else {
        bad_request("the body could not be read")
    }
}

/// Parameters of the query string.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|query| Self(query.0))
            .map_err(|_| bad_request("the query string is not understood"))
    }
}

/// Parameters of the path. What does not parse names nothing, so it is `not_found`.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|path| Self(path.0))
            .map_err(|_| ApiError::not_found())
    }
}

/// Whether a Content-Type value is `wanted`, parameters aside.
#[must_use]
pub fn is_type(value: &[u8], wanted: &str) -> bool {
    let essence = value.split(|byte| *byte == b';').next().unwrap_or(value);
    essence.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes())
}

fn bad_request(message: &'static str) -> ApiError {
    ApiError::new(Code::BadRequest, message)
}

/// Reads `T` from an object; for parts of a body that are objects themselves.
///
/// # Errors
/// `invalid_fields` naming the first value that does not fit.
pub fn from_object<T: DeserializeOwned>(object: Map<String, Value>) -> Result<T, ApiError> {
    T::deserialize(Object(object)).map_err(|Misfit(fault)| ApiError::fields(vec![fault]))
}

/// An object as serde sees it, with errors that keep the field's name.
struct Object(Map<String, Value>);

#[derive(Debug)]
struct Misfit(FieldError);

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value does not fit")
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self(FieldError::new("", FieldCode::WrongType))
    }

    fn missing_field(field: &'static str) -> Self {
        Self(FieldError::new(field, FieldCode::Required))
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self(FieldError::new(field, FieldCode::UnknownField))
    }
}

impl<'de> Deserializer<'de> for Object {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_map(Members {
            rest: self.0.into_iter(),
            value: None,
        })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        option unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

struct Members {
    rest: serde_json::map::IntoIter,
    value: Option<(String, Value)>,
}

impl<'de> MapAccess<'de> for Members {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Misfit> {
        self.value = self.rest.next();
        let Some((name, _)) = &self.value else {
            return Ok(None);
        };
        seed.deserialize(StringDeserializer::new(name.clone()))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let (name, value) = self
            .value
            .take()
            .expect("serde asks for a value only after its key");
        seed.deserialize(value)
            .map_err(|_| Misfit(FieldError::new(name, FieldCode::WrongType)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Call {
        #[expect(dead_code, reason = "only its presence is tested")]
        content: String,
        #[expect(dead_code, reason = "only its type is tested")]
        at: Option<i64>,
    }

    fn fault(body: Value) -> FieldError {
        let Value::Object(object) = body else {
            panic!("the test's body is an object");
        };
        let error = from_object::<Call>(object).expect_err("the body is faulty");
        assert_eq!(error.code, Code::InvalidFields);
        error.fields[0].clone()
    }

    #[test]
    fn a_faulty_value_is_named() {
        assert_eq!(
            fault(json!({})),
            FieldError::new("content", FieldCode::Required)
        );
        assert_eq!(
            fault(json!({"content": "x", "at": "noon"})),
            FieldError::new("at", FieldCode::WrongType)
        );
        assert_eq!(
            fault(json!({"content": "x", "colour": 1})),
            FieldError::new("colour", FieldCode::UnknownField)
        );
    }

    #[test]
    fn parameters_of_a_content_type_do_not_matter() {
        assert!(is_type(
            b"Application/JSON; charset=utf-8",
            "application/json"
        ));
        assert!(!is_type(b"text/plain", "application/json"));
    }
}
