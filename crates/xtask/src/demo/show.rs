//! What the demo says when everything runs.

use super::sites::{CAMERAS, Site};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The camera ids of the whole institution, as the hub's camera page has them, with the address
/// each has at the simulator.
pub(super) fn cameras(sites: &[Site], answer: &Value, rtsp: &str) -> anyhow::Result<Vec<Value>> {
    let known = answer["cameras"].as_array().context("no cameras")?;
    CAMERAS
        .iter()
        .map(|camera| {
            let site = sites
                .iter()
                .find(|site| site.key == camera.site)
                .context("no site")?;
            let found = known
                .iter()
                .find(|c| c["site"] == site.id.as_str() && c["name"] == camera.name);
            let found =
                found.with_context(|| format!("the hub does not list {} yet", camera.name))?;
            Ok(json!({
                "id": found["id"],
                "site": site.id,
                "name": camera.name,
                "rtsp": format!("{rtsp}/{}", camera.key),
            }))
        })
        .collect()
}

/// The one line of `--json`.
pub(super) fn line(sites: &[Site], cameras: &[Value]) -> Value {
    let sites: Vec<Value> = sites
        .iter()
        .map(|site| {
            let users: Vec<Value> = site
                .users
                .iter()
                .map(|u| json!({ "login": u.login, "password": u.password, "role": u.role }))
                .collect();
            json!({ "id": site.id, "name": site.name, "role": site.role, "url": site.url, "users": users })
        })
        .collect();
    json!({ "sites": sites, "cameras": cameras })
}

/// The same for people.
pub(super) fn table(sites: &[Site], cameras: &[Value]) -> anyhow::Result<String> {
    let mut out = String::from("\n值班通演示已就绪 · Dutyroom is ready\n");
    for site in sites {
        let role = if site.role == "hub" { "hub" } else { "campus" };
        write!(out, "\n  {}  {}  ({role})\n", pad(&site.name, 14), site.url)?;
        for user in &site.users {
            let (chinese, english) = role_names(&user.role);
            let who = pad(&format!("{chinese} {english}"), 24);
            let login = pad(&user.login, 8);
            writeln!(out, "    {who}{login}{}   {}", user.password, user.name)?;
        }
    }
    out.push_str("\n  摄像机 · cameras\n");
    for camera in cameras {
        let (name, rtsp) = (camera["name"].as_str(), camera["rtsp"].as_str());
        writeln!(
            out,
            "    {}{}",
            pad(name.unwrap_or(""), 14),
            rtsp.unwrap_or("")
        )?;
    }
    out.push_str(
        "\n  每个网址用一个浏览器登录。 Open each address and sign in as shown.\n\
         \x20 断网试验 cut a site off: type `stop hub`, then `start hub` (or east, west)\n\
         \x20 结束 end: Ctrl-C\n",
    );
    Ok(out)
}

fn role_names(role: &str) -> (&'static str, &'static str) {
    match role {
        "officer" => ("值班员", "officer"),
        "leader" => ("带班领导", "leader"),
        "headquarters" => ("院办", "headquarters"),
        "administrator" => ("管理员", "administrator"),
        _ => ("", ""),
    }
}

/// Pads to a width on the screen, where a Chinese character takes two columns.
fn pad(text: &str, width: usize) -> String {
    let used: usize = text
        .chars()
        .map(|c| if c >= '\u{1100}' { 2 } else { 1 })
        .sum();
    format!("{text}{}", " ".repeat(width.saturating_sub(used)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_names_line_up_with_latin_ones() {
        assert_eq!(pad("东门", 6), "东门  ");
        assert_eq!(pad("gate", 6), "gate  ");
    }
}
