//! The OpenAPI document is the one the web app's types were made from.

use std::path::Path;

#[test]
fn the_web_apps_types_are_of_this_interface() {
    let kept =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/src/api/generated/openapi.json");
    // Made by `cargo xtask gen-api`; a checkout without it has nothing to drift from.
    let Ok(kept) = std::fs::read_to_string(kept) else {
        return;
    };
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    let now = serde_json::to_value(server::openapi()).unwrap();
    assert!(
        kept == now,
        "the interface changed: run `cargo xtask gen-api`"
    );
}

#[test]
fn every_operation_has_its_own_id_and_tells_its_errors() {
    let document = serde_json::to_value(server::openapi()).unwrap();
    let mut ids = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap_or_default();
            assert!(!id.is_empty(), "{method} {path}");
            ids.push(id.to_owned());
            let error = &operation["responses"]["default"]["content"]["application/json"];
            assert_eq!(
                error["schema"]["$ref"],
                "#/components/schemas/ErrorEnvelope"
            );
        }
    }
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    let document = serde_json::to_value(server::openapi()).unwrap();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}
