//! The configuration file: TOML, unknown keys refused with their line.
//!
//! Passwords of cameras are in it, so no type here prints one.

use anyhow::{Context as _, bail};
use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use sync::links::{IDLE_BOUNDS, Transport};
use url::Url;

/// A site's configuration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where `init` or `join` made this site.
    pub(crate) data: PathBuf,
    pub(crate) http: Http,
    /// Without it the site neither listens for nor dials other sites.
    pub(crate) link: Option<Link>,
    #[serde(default)]
    pub(crate) media: Media,
    #[serde(default)]
    pub(crate) blobs: Blobs,
    #[serde(default, rename = "camera")]
    pub(crate) cameras: Vec<Camera>,
    #[serde(default)]
    pub(crate) log: Log,
}

/// Where browsers come in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Http {
    /// Plain HTTP on loopback unless `tls` is given; elsewhere always HTTPS.
    pub(crate) listen: SocketAddr,
    /// Further https origins a browser may use. Default: none.
    #[serde(default)]
    pub(crate) public_addresses: Vec<Parsed<Origin>>,
    /// Default: the site's own certificate from the institution's CA.
    pub(crate) tls: Option<Tls>,
}

/// Certificate files, PEM.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Links to other sites.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Link {
    /// UDP; hub and direct links.
    pub(crate) listen: SocketAddr,
    /// Sites this one dials, `host:port`. Default: none.
    #[serde(default)]
    pub(crate) dial: Vec<Parsed<HostPort>>,
    /// Where other campuses may dial this one while the hub is gone, `host:port`. Default: nowhere.
    pub(crate) advertise: Option<Parsed<HostPort>>,
    /// Campuses to dial while the hub is gone, besides those that advertise. Default: none.
    #[serde(default)]
    pub(crate) direct: Vec<Parsed<HostPort>>,
    /// What is done about lost packets. Default: `cubic`; `bbr` for lines that lose some by
    /// themselves.
    #[serde(default)]
    pub(crate) congestion: Congestion,
    /// Seconds of silence after which a link is held to be lost, 4–120; the shorter of both
    /// sides' counts. Default: 8.
    pub(crate) idle_s: Option<u64>,
    /// Seconds between probes of a silent link, at least 1 and at most half of `idle_s`.
    /// Default: a quarter of it.
    pub(crate) keep_alive_s: Option<u64>,
}

/// Congestion control of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Congestion {
    #[default]
    Cubic,
    Bbr,
}

impl Link {
    /// How connections are to behave.
    ///
    /// # Errors
    /// A time outside its bounds.
    pub(crate) fn transport(&self) -> anyhow::Result<Transport> {
        let idle_s = self.idle_s.unwrap_or(8);
        let keep_alive_s = self.keep_alive_s.unwrap_or((idle_s / 4).max(1));
        let (shortest, longest) = (IDLE_BOUNDS.0.as_secs(), IDLE_BOUNDS.1.as_secs());
        if !(shortest..=longest).contains(&idle_s) {
            bail!("[link] idle_s = {idle_s} is not between {shortest} and {longest}");
        }
        if keep_alive_s == 0 || keep_alive_s > idle_s / 2 {
            let most = idle_s / 2;
            bail!("[link] keep_alive_s = {keep_alive_s} is not between 1 and {most}");
        }
        Ok(Transport {
            idle: Duration::from_secs(idle_s),
            keep_alive: Duration::from_secs(keep_alive_s),
            congestion: match self.congestion {
                Congestion::Cubic => sync::links::Congestion::Cubic,
                Congestion::Bbr => sync::links::Congestion::Bbr,
            },
        })
    }
}

/// Pictures and sound.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Media {
    /// UDP. Default: a free port on loopback.
    pub(crate) listen: SocketAddr,
    /// Addresses browsers are told. Default: the listen address.
    pub(crate) advertise: Vec<IpAddr>,
    /// Networks whose cameras may be contacted. Default: none.
    pub(crate) camera_networks: Vec<Parsed<IpNet>>,
}

impl Default for Media {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            advertise: Vec::new(),
            camera_networks: Vec::new(),
        }
    }
}

/// Attachments.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Blobs {
    /// What all attachments of this site may take. Default: 20 GB.
    pub(crate) quota: Parsed<Size>,
    /// What attachments leave free of the disk, for the journals. Default: 1 GB.
    pub(crate) min_free: Parsed<Size>,
    /// Longest single file. Default: 200 MB.
    pub(crate) max_upload: Parsed<Size>,
}

impl Blobs {
    /// What the store is to keep to.
    pub(crate) fn limits(&self) -> store::BlobLimits {
        store::BlobLimits {
            quota: self.quota.0.0,
            min_free: self.min_free.0.0,
        }
    }
}

impl Default for Blobs {
    fn default() -> Self {
        Self {
            quota: Parsed(Size(20_000_000_000)),
            min_free: Parsed(Size(1_000_000_000)),
            max_upload: Parsed(Size(200_000_000)),
        }
    }
}

/// A number of bytes such as `20 GB`; units of a thousand, as disks are sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl FromStr for Size {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
        let unit: u64 = match text[digits.len()..].trim() {
            "kB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "TB" => 1_000_000_000_000,
            _ => return Err("expected a size such as \"20 GB\": kB, MB, GB or TB"),
        };
        let size = digits
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(unit));
        size.map(Self)
            .ok_or("expected a whole number before the unit")
    }
}

/// One camera of this site.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Camera {
    /// Stable for ever: the camera's id is made from it.
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) place: String,
    pub(crate) rtsp: Parsed<Rtsp>,
    /// A smaller stream. Default: none.
    pub(crate) sub: Option<Parsed<Rtsp>>,
    /// Default: none is sent.
    #[serde(default)]
    pub(crate) username: String,
    #[serde(default)]
    pub(crate) password: String,
}

impl std::fmt::Debug for Camera {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Camera")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// What is logged, to standard error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// Levels, by module if wanted: `info,media=debug`.
    pub(crate) filter: String,
    pub(crate) format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: "info".to_owned(),
            format: LogFormat::Text,
        }
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For a collector.
    Json,
}

/// A value parsed from its text, so that TOML tells the line of a wrong one.
#[derive(Debug, Clone)]
pub(crate) struct Parsed<T>(pub(crate) T);

impl<'de, T: FromStr<Err: std::fmt::Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// An https origin: scheme, host and perhaps port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin(pub(crate) String);

impl FromStr for Origin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| "expected an address such as https://host")?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if url.scheme() == "https" && bare && url.username().is_empty() {
            Ok(Self(url.origin().ascii_serialization()))
        } else {
            Err("expected https://host or https://host:port and nothing more")
        }
    }
}

/// `host:port`; the host is looked up at each attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostPort(pub(crate) String);

impl FromStr for HostPort {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = text.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok_and(|p| p != 0)
        });
        if named {
            Ok(Self(text.to_owned()))
        } else {
            Err("expected host:port")
        }
    }
}

/// An RTSP address without user and password, which have keys of their own.
#[derive(Clone)]
pub(crate) struct Rtsp(pub(crate) Url);

impl FromStr for Rtsp {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| "expected an address such as rtsp://host/path")?;
        if url.scheme() != "rtsp" || !url.has_host() {
            return Err("expected an address such as rtsp://host/path");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("user and password go into `username` and `password`");
        }
        Ok(Self(url))
    }
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// What is wrong, with the line where there is one.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let name = file.display();
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
        Self::parse(&text).with_context(|| format!("{name} is not a valid configuration"))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let config: Self = toml::from_str(text)?;
        let mut keys = BTreeSet::new();
        for camera in &config.cameras {
            if camera.key.trim().is_empty() || camera.name.trim().is_empty() {
                bail!("a [[camera]] has an empty key or name");
            }
            if !keys.insert(camera.key.as_str()) {
                bail!("two [[camera]] sections have the key {:?}", camera.key);
            }
        }
        if let Some(link) = &config.link {
            link.transport()?;
        }
        crate::logging::check(&config.log)?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests;
