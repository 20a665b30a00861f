//! JSON values of the API to and from the typed values of a field table.

use crate::error::{ApiError, FieldCode, FieldError};
use records::field::{Field, FieldType, Value, Values, find};
use records::id::{AccountId, Hash, RecordId, SiteId};
use serde_json::{Map, Value as Json};

/// Reads an object by a field table. `null` counts as absent.
///
/// # Errors
/// `invalid_fields` naming every unknown field and every value of another type; limits are the
/// table's and are checked when the record is written.
pub fn from_json(fields: &'static [Field], object: &Map<String, Json>) -> Result<Values, ApiError> {
    let mut values = Values::new();
    let mut faults = Vec::new();
    for (name, json) in object.iter().filter(|(_, json)| !json.is_null()) {
        match find(fields, name).map(|field| read(field.ty, json)) {
            Some(Some(value)) => {
                values.insert(name.clone(), value);
            }
            Some(None) => faults.push(FieldError::new(name.as_str(), FieldCode::WrongType)),
            None => faults.push(FieldError::new(name.as_str(), FieldCode::UnknownField)),
        }
    }
    if faults.is_empty() {
        Ok(values)
    } else {
        Err(ApiError::fields(faults))
    }
}

fn read(ty: FieldType, json: &Json) -> Option<Value> {
    match ty {
        FieldType::Text { .. } | FieldType::String { .. } | FieldType::Choice(_) => {
            json.as_str().map(|text| Value::Text(text.to_owned()))
        }
        FieldType::Time | FieldType::Minute | FieldType::Int => json.as_i64().map(Value::Int),
        FieldType::Bool => json.as_bool().map(Value::Bool),
        FieldType::Site => Some(Value::Site(json.as_str()?.parse::<SiteId>().ok()?)),
        FieldType::Record => Some(Value::Record(json.as_str()?.parse::<RecordId>().ok()?)),
        FieldType::Account => Some(Value::Account(json.as_str()?.parse::<AccountId>().ok()?)),
        FieldType::Blob => Some(Value::Blob(json.as_str()?.parse::<Hash>().ok()?)),
        FieldType::Entries(_) => None,
    }
}

/// One value as the API shows it; ids are hex.
#[must_use]
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Text(text) => Json::from(text.as_str()),
        Value::Int(int) => Json::from(*int),
        Value::Bool(yes) => Json::from(*yes),
        Value::Site(id) => Json::from(id.to_string()),
        Value::Record(id) => Json::from(id.to_string()),
        Value::Account(id) => Json::from(id.to_string()),
        Value::Blob(hash) => Json::from(hash.to_string()),
    }
}

/// All values as a JSON object.
#[must_use]
pub fn object(values: &Values) -> Map<String, Json> {
    values
        .iter()
        .map(|(name, value)| (name.clone(), to_json(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use records::kinds::log_item::TABLE;
    use serde_json::json;

    fn read_item(json: &Json) -> Result<Values, ApiError> {
        from_json(TABLE.fields, json.as_object().expect("tests pass objects"))
    }

    #[test]
    fn every_unknown_field_and_wrong_type_is_named_at_once() {
        let error = read_item(&json!({"content": 5, "colour": "red", "place": null})).unwrap_err();
        let named: Vec<_> = error
            .fields
            .iter()
            .map(|f| (f.field.as_str(), f.code))
            .collect();
        assert_eq!(
            named,
            [
                ("colour", FieldCode::UnknownField),
                ("content", FieldCode::WrongType)
            ]
        );
    }

    #[test]
    fn values_survive_the_way_to_json_and_back() {
        let item = json!({"happened_at": 60_000, "content": "值班", "sensitive": true});
        let values = read_item(&item).unwrap();
        assert_eq!(Json::Object(object(&values)), item);
    }

    #[test]
    fn entries_are_never_written_as_a_plain_field() {
        assert!(read_item(&json!({"amendments": {}})).is_err());
    }
}
