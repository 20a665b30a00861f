//! The shape of the workspace: which crate may use which, and that lints hold everywhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Crate → crates of ours it may use (DESIGN.md section 3).
const EDGES: &[(&str, &[&str])] = &[
    ("records", &[]),
    ("rules", &["records"]),
    ("store", &["records"]),
    ("sync", &["records", "store"]),
    ("media", &[]),
    ("server", &["records", "rules", "store", "sync", "media"]),
    (
        "dutyroom",
        &["records", "rules", "store", "sync", "media", "server"],
    ),
    ("xtask", &[]),
    (
        "tests",
        &[
            "records", "rules", "store", "sync", "media", "server", "dutyroom",
        ],
    ),
];

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("tests lies in the workspace")
        .to_owned()
}

fn manifests() -> Vec<(String, toml::Table)> {
    let mut folders: Vec<_> = std::fs::read_dir(root().join("crates"))
        .expect("crates can be listed")
        .map(|entry| entry.expect("an entry of crates").path())
        .filter(|path| path.join("Cargo.toml").is_file())
        .collect();
    folders.push(root().join("tests"));
    folders
        .into_iter()
        .map(|folder| {
            let text = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
            let manifest: toml::Table = text.parse().expect("a manifest is TOML");
            let name = manifest["package"]["name"]
                .as_str()
                .expect("a package has a name");
            (name.to_owned(), manifest)
        })
        .collect()
}

fn dependencies(manifest: &toml::Table, section: &str) -> BTreeSet<String> {
    let table = manifest.get(section).and_then(toml::Value::as_table);
    table
        .into_iter()
        .flat_map(toml::Table::keys)
        .cloned()
        .collect()
}

#[test]
fn no_crate_uses_another_that_the_design_does_not_allow() {
    let ours: BTreeSet<&str> = EDGES.iter().map(|(name, _)| *name).collect();
    for (name, manifest) in manifests() {
        let allowed = EDGES.iter().find(|(crate_name, _)| *crate_name == name);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{name} is not in the design's table"));
        for used in dependencies(&manifest, "dependencies") {
            let edge_is_ours = ours.contains(used.as_str());
            assert!(
                !edge_is_ours || allowed.contains(&used.as_str()),
                "{name} uses {used}"
            );
        }
    }
}

#[test]
fn every_crate_has_the_workspace_lints() {
    for (name, manifest) in manifests() {
        let lints = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"));
        assert_eq!(lints.and_then(toml::Value::as_bool), Some(true), "{name}");
    }
}

/// Invariants 5 and 6: what a crate must not know, by the libraries it must not use.
#[test]
fn lower_crates_do_not_know_the_clock_the_network_or_http() {
    let forbidden: &[(&str, &[&str])] = &[
        (
            "records",
            &["tokio", "sqlx", "axum", "quinn", "chrono", "rand"],
        ),
        (
            "rules",
            &["tokio", "sqlx", "axum", "quinn", "automerge", "rand"],
        ),
        ("store", &["axum", "quinn", "rules"]),
        ("sync", &["axum", "media", "rules"]),
        ("media", &["axum", "sqlx", "records"]),
        ("server", &["clap", "toml"]),
    ];
    for (name, manifest) in manifests() {
        let used = dependencies(&manifest, "dependencies");
        let banned = forbidden.iter().find(|(crate_name, _)| *crate_name == name);
        for library in banned.map_or(&[][..], |(_, libraries)| libraries) {
            assert!(!used.contains(*library), "{name} must not know {library}");
        }
    }
}

#[test]
fn the_pair_webrtc_and_rtc_and_the_gates_automerge_are_pinned_exactly() {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).expect("the root manifest");
    let manifest: toml::Table = text.parse().expect("a manifest is TOML");
    let pinned = &manifest["workspace"]["dependencies"];
    for name in ["automerge", "rtc", "webrtc"] {
        let spec = &pinned[name];
        let version = spec.get("version").unwrap_or(spec).as_str();
        assert!(
            version.is_some_and(|v| v.starts_with('=')),
            "{name} is not pinned"
        );
    }
}
