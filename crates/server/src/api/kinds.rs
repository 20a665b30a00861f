//! `GET /api/v1/kinds`: the field tables that forms are made from.

use crate::app::App;
use crate::json::Json;
use axum::extract::State;
use records::field::{Field, FieldType};
use records::kinds;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's endpoints.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_kinds))
}

/// Every record kind of the active rule set.
#[derive(Debug, Serialize, ToSchema)]
pub struct KindList {
    /// The kinds.
    pub kinds: Vec<Kind>,
}

/// A record kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct Kind {
    /// Its name.
    pub kind: &'static str,
    /// Its fields.
    pub fields: Vec<KindField>,
}

/// A field of a kind or of an entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct KindField {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: KindFieldType,
    /// Whether a new record must have it.
    pub required: bool,
    /// Longest value, code points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_len: Option<usize>,
    /// The words to choose from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choices: Option<&'static [&'static str]>,
    /// The fields of each entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub entry_fields: Option<Vec<KindField>>,
}

/// The type of a field on the wire.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KindFieldType {
    /// Text of several lines.
    Text,
    /// One line.
    String,
    /// Milliseconds since the epoch.
    Time,
    /// One of the choices.
    Enum,
    /// Yes or no.
    Bool,
    /// A site's id.
    Site,
    /// A record's id.
    Record,
    /// A person's account id.
    Account,
    /// The hash of a blob's content, 64 hex digits.
    Blob,
    /// A whole number.
    Int,
    /// An append-only list.
    Entries,
}

/// The field tables.
#[utoipa::path(
    get,
    path = "/api/v1/kinds",
    tag = "kinds",
    responses((status = 200, body = KindList))
)]
pub async fn list_kinds(State(app): State<App>) -> Json<KindList> {
    let rules = app.store().rules();
    let active = kinds::ALL
        .iter()
        .filter(|table| u32::from(table.since) <= rules);
    let kinds = active.map(|table| Kind {
        kind: table.kind,
        fields: fields(table.fields, rules),
    });
    Json(KindList {
        kinds: kinds.collect(),
    })
}

/// The fields that rule set `rules` has: what is not active yet is not offered.
fn fields(fields: &'static [Field], rules: u32) -> Vec<KindField> {
    let active = fields
        .iter()
        .filter(|field| u32::from(field.since) <= rules);
    active.map(|field| field_of(field, rules)).collect()
}

fn field_of(field: &'static Field, rules: u32) -> KindField {
    let plain = |ty| KindField {
        name: field.name,
        ty,
        required: field.required,
        max_len: None,
        choices: None,
        entry_fields: None,
    };
    let limited = |ty, max| KindField {
        max_len: Some(max),
        ..plain(ty)
    };
    match field.ty {
        FieldType::Text { max } => limited(KindFieldType::Text, max),
        FieldType::String { max } => limited(KindFieldType::String, max),
        FieldType::Time | FieldType::Minute => plain(KindFieldType::Time),
        FieldType::Int => plain(KindFieldType::Int),
        FieldType::Bool => plain(KindFieldType::Bool),
        FieldType::Site => plain(KindFieldType::Site),
        FieldType::Record => plain(KindFieldType::Record),
        FieldType::Account => plain(KindFieldType::Account),
        FieldType::Blob => plain(KindFieldType::Blob),
        FieldType::Choice(choices) => KindField {
            choices: Some(choices),
            ..plain(KindFieldType::Enum)
        },
        FieldType::Entries(entry) => KindField {
            entry_fields: Some(fields(entry, rules)),
            ..plain(KindFieldType::Entries)
        },
    }
}
