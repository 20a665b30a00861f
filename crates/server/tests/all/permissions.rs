//! Every operation of the interface, called as every role, gives what the committed table says.

use super::site::{Site, request};
use axum::http::{Method, StatusCode};
use rules::Role;
use std::fmt::Write as _;

/// One line an operation: who is let in, and what somebody without a session gets.
const TABLE: &str = include_str!("permissions.txt");

fn operations() -> Vec<(Method, String)> {
    let document = serde_json::to_value(server::openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            if let Ok(method) = method.to_uppercase().parse::<Method>()
                && method.as_str().len() <= 7
            {
                operations.push((method, path.clone()));
            }
        }
    }
    operations.sort_by_key(|(method, path)| (path.clone(), method.to_string()));
    operations
}

/// A path with its parameters filled in by ids that exist nowhere.
fn concrete(path: &str) -> String {
    path.split('/')
        .map(|part| match part {
            "{action}" => "amend",
            part if part.starts_with('{') => "00000000000000000000000000000000",
            part => part,
        })
        .collect::<Vec<_>>()
        .join("/")
}

async fn status(site: &Site, method: &Method, path: &str, role: Option<Role>) -> StatusCode {
    let cookie = match role {
        // Fresh each time, since one of the operations signs out.
        Some(role) => Some(site.cookie(role).await),
        None => None,
    };
    let body = (*method == Method::POST).then_some("{}");
    let request = request(method.clone(), &concrete(path), cookie.as_deref(), body);
    site.send(request).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_lets_in_exactly_the_roles_of_the_committed_table() {
    let site = Site::new().await;
    let mut found = String::new();
    for (method, path) in operations() {
        let nobody = match status(&site, &method, &path, None).await {
            StatusCode::UNAUTHORIZED => "401",
            StatusCode::FORBIDDEN => "403",
            _ => "open",
        };
        write!(found, "{method} {path} {nobody}:").unwrap();
        for role in Role::ALL {
            let status = status(&site, &method, &path, Some(role)).await;
            assert_ne!(status, StatusCode::UNAUTHORIZED, "{method} {path} {role:?}");
            assert!(
                !status.is_server_error(),
                "{method} {path} {role:?}: {status}"
            );
            if status != StatusCode::FORBIDDEN {
                write!(found, " {}", role.as_str()).unwrap();
            }
        }
        found.push('\n');
    }
    assert_eq!(found, TABLE, "found:\n{found}");
}

#[test]
fn the_table_names_only_operations_that_exist() {
    let exists = |method: &str, route: &str| {
        operations()
            .iter()
            .any(|(m, path)| m.as_str() == method && path == route)
    };
    for (method, route, _) in server::permission::TABLE {
        assert!(exists(method, route), "{method} {route}");
    }
}

#[tokio::test]
async fn a_dismissed_person_is_out_at_once() {
    use records::field::Value;
    use records::id::RecordId;
    use records::write::Edit;
    let site = Site::new().await;
    let cookie = site.cookie(Role::Officer).await;
    assert_eq!(site.get("/api/v1/kinds", Some(&cookie)).await.status, 200);
    let dismissal = store::RecordEdit {
        record: RecordId(site.account(Role::Officer).0),
        kind: "person",
        edits: vec![Edit::Set("dismissed".to_owned(), Value::Bool(true))],
    };
    super::site::edit(site.app.store(), dismissal, site.app.random()).await;
    assert_eq!(site.get("/api/v1/kinds", Some(&cookie)).await.status, 401);
    let again = site.sign_in("officer", super::site::PASSWORD).await;
    assert_eq!(again.code(), "sign_in_failed");
}
