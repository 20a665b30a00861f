//! The web app: installed and built when its sources changed.

use crate::node::Node;
use crate::{repo, step};
use anyhow::Context as _;
use std::path::PathBuf;

/// The web app's folder.
pub(crate) fn folder() -> PathBuf {
    repo::root().join("web")
}

/// Makes `web/dist` what the sources say.
pub(crate) fn build(node: &Node) -> anyhow::Result<()> {
    let folder = folder();
    node.install(&folder, "web-install")?;
    // Everything but what npm and the build make.
    let made = ["node_modules", "dist"];
    let mut sources: Vec<PathBuf> = std::fs::read_dir(&folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    sources.retain(|path| made.iter().all(|name| !path.ends_with(name)));
    sources.sort();
    let stamp = repo::work()?.join("web-build");
    let result = folder.join("dist/index.html");
    repo::once(&stamp, &repo::fingerprint(&sources)?, &result, || {
        let mut npm = node.npm(&folder, &["run", "build"])?;
        step::run(
            "building the web app",
            &mut npm,
            "see the message of Vite above",
        )
        .map(drop)
    })
    .map(drop)
}
