//! `GET /api/v1/records`: lists records of all campuses.

use crate::api::shapes::{RecordRow, Verified};
use crate::app::App;
use crate::auth::person::Person;
use crate::duty::row;
use crate::error::{ApiError, Code, ErrorEnvelope, FieldCode, FieldError};
use crate::json::Json;
use axum::extract::{Query, State};
use chrono::{Datelike as _, NaiveDate};
use serde::Serialize;
use store::{Filter, StoreError};
use utoipa::ToSchema;

/// One page of records.
#[derive(Debug, Serialize, ToSchema)]
pub struct Records {
    /// Newest first, by when it happened.
    items: Vec<RecordRow>,
    /// Pass as `after` for the next page.
    next: Option<String>,
    /// When the list was read, ms.
    as_of: i64,
    /// How far the replay is while some items may not be proved yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<Verified>,
}

/// Lists records, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/records",
    operation_id = "list_records",
    tag = "records",
    params(
        ("kind" = Option<Vec<String>>, Query, description = "Kinds; may repeat", explode),
        ("site" = Option<String>, Query, description = "Home site"),
        ("category" = Option<String>, Query, description = "Category or class"),
        ("day" = Option<String>, Query, description = "Day in Asia/Shanghai, YYYY-MM-DD"),
        ("q" = Option<String>, Query, description = "Words that all must occur"),
        ("open" = Option<bool>, Query, description = "Only what is, or is not, open"),
        ("after" = Option<String>, Query, description = "Cursor of the previous page"),
        ("limit" = Option<u32>, Query, description = "Rows, at most 200"),
    ),
    responses((status = 200, body = Records), (status = 422, body = ErrorEnvelope))
)]
pub async fn list_records(
    State(app): State<App>,
    person: Person,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Json<Records>, ApiError> {
    let filter = filter(&query)?;
    let as_of = app.clock().now_ms();
    let page = match app.store().list_shown(&filter).await {
        Err(StoreError::BadCursor) => {
            return Err(ApiError::field("after", FieldCode::NotAChoice));
        }
        page => page?,
    };
    let rows = page.rows.into_iter();
    Ok(Json(Records {
        items: rows.map(|row| row::for_role(row, person.role)).collect(),
        next: page.next,
        as_of,
        verified: app.store().verified().map(Verified::from),
    }))
}

/// Longest search text in code points.
const MAX_QUERY: usize = 200;

fn filter(query: &[(String, String)]) -> Result<Filter, ApiError> {
    let mut filter = Filter {
        // Persons and cameras have pages of their own.
        kinds: Vec::new(),
        ..Filter::default()
    };
    let mut faults = Vec::new();
    for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
        let fault = read(&mut filter, name, value).err();
        faults.extend(fault.map(|code| FieldError::new(name.as_str(), code)));
    }
    if !faults.is_empty() {
        return Err(ApiError::fields(faults));
    }
    if filter.kinds.is_empty() {
        filter.kinds = LISTED.iter().map(|&kind| kind.to_owned()).collect();
    }
    if filter
        .kinds
        .iter()
        .any(|kind| !LISTED.contains(&kind.as_str()))
    {
        return Err(ApiError::new(Code::UnknownKind, "no such kind is listed"));
    }
    Ok(filter)
}

/// Kinds that this list shows; cameras and persons have their own.
const LISTED: [&str; 3] = ["log_item", "incident", "consultation"];

fn read(filter: &mut Filter, name: &str, value: &str) -> Result<(), FieldCode> {
    match name {
        "kind" => filter.kinds.push(value.to_owned()),
        "site" => filter.site = Some(value.parse().map_err(|_| FieldCode::WrongType)?),
        "category" => filter.category = Some(value.to_owned()),
        "day" => filter.day = Some(days_since_epoch(value).ok_or(FieldCode::NotATime)?),
        "q" if value.chars().count() > MAX_QUERY => return Err(FieldCode::TooLong),
        "q" => filter.query = Some(value.to_owned()),
        "open" => filter.open = Some(value.parse().map_err(|_| FieldCode::WrongType)?),
        "after" => filter.after = Some(value.to_owned()),
        "limit" => filter.limit = value.parse().map_err(|_| FieldCode::WrongType)?,
        _ => return Err(FieldCode::UnknownField),
    }
    Ok(())
}

fn days_since_epoch(day: &str) -> Option<i64> {
    let date = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    (1970..2200)
        .contains(&date.year())
        .then(|| date.signed_duration_since(epoch).num_days())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_query(pairs: &[(&str, &str)]) -> Result<Filter, ApiError> {
        let owned: Vec<_> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        filter(&owned)
    }

    #[test]
    fn kinds_repeat_and_empty_values_count_as_absent() {
        let filter = read_query(&[("kind", "incident"), ("kind", "log_item"), ("q", "")]).unwrap();
        assert_eq!(filter.kinds, ["incident", "log_item"]);
        assert_eq!(filter.query, None);
    }

    #[test]
    fn a_day_is_counted_from_the_epoch() {
        let day = read_query(&[("day", "1970-01-03")]).unwrap().day;
        assert_eq!(day, Some(2));
        assert!(read_query(&[("day", "2026-13-01")]).is_err());
    }

    #[test]
    fn persons_and_cameras_are_not_listed_here() {
        let error = read_query(&[("kind", "person")]).unwrap_err();
        assert_eq!(error.code, Code::UnknownKind);
    }
}
