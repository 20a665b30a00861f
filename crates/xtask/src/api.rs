//! The chain from the API to the web app's types: the program prints its OpenAPI document, and
//! `openapi-typescript` makes types of it.

use crate::cargo::build_programs;
use crate::hold::held;
use crate::node::Node;
use crate::{repo, step, web};
use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};

fn document_path() -> PathBuf {
    web::folder().join("src/api/generated/openapi.json")
}

/// The API document as the program prints it.
fn document(dutyroom: &Path) -> anyhow::Result<String> {
    step::output("dutyroom openapi", held(dutyroom).arg("openapi"))
}

/// Writes the document and the types made from it.
pub(crate) fn generate() -> anyhow::Result<()> {
    let node = Node::find()?;
    node.install(&web::folder(), "web-install")?;
    let dutyroom = build_programs(&["dutyroom"])?.remove(0);
    std::fs::write(document_path(), document(&dutyroom)?)
        .with_context(|| format!("cannot write {}", document_path().display()))?;
    let mut npm = node.npm(&web::folder(), &["run", "gen"])?;
    step::run("openapi-typescript", &mut npm, "see the message above")?;
    Ok(())
}

/// Fails when what is checked in differs from what the program says.
pub(crate) fn check(node: &Node, dutyroom: &Path) -> anyhow::Result<()> {
    let remedy = "run `cargo xtask gen-api` and commit what it wrote";
    let kept = std::fs::read_to_string(document_path())
        .with_context(|| format!("cannot read {}; {remedy}", document_path().display()))?;
    if kept != document(dutyroom)? {
        bail!(
            "{} is not what the program says; {remedy}",
            document_path().display()
        );
    }
    let made = repo::work()?.join("schema.ts");
    let tool = web::folder().join("node_modules/openapi-typescript/bin/cli.js");
    let mut command = node.script(&web::folder(), &tool)?;
    command.arg(document_path()).arg("--output").arg(&made);
    step::run("openapi-typescript", &mut command, "see the message above")?;
    let kept = document_path().with_file_name("schema.ts");
    if std::fs::read(&made)? != std::fs::read(&kept)? {
        bail!("{} is not what its document says; {remedy}", kept.display());
    }
    Ok(())
}
