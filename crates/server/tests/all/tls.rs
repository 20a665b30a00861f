//! HTTPS with real handshakes: a certificate from files, and the site's own.

use super::site::{PASSWORD, Site};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rules::Role;
use server::Settings;
use server::auth::origin::Addresses;
use server::listener::{Door, DoorError, Tls};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

const NAME: &str = "duty.example";

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A site behind TLS, and how to stop it.
struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<()>,
}

impl Served {
    async fn start(site: &Site, tls: Tls) -> Self {
        let door = Door::open(loopback(), Some(tls)).await.unwrap();
        assert!(door.is_tls());
        let address = door.url().strip_prefix("https://").unwrap().parse();
        let (stop, stopped) = oneshot::channel();
        let app = site.app.clone();
        let ended = tokio::spawn(async move {
            let stopped = async { stopped.await.unwrap() };
            server::serve(app, door, stopped).await.unwrap();
        });
        Self {
            address: address.unwrap(),
            stop,
            ended,
        }
    }

    /// One request of a browser that trusts `root` and calls the site `name`.
    async fn ask(
        &self,
        root: &CertificateDer<'static>,
        name: &'static str,
        request: String,
    ) -> std::io::Result<String> {
        let mut roots = RootCertStore::empty();
        roots.add(root.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tcp = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from(name).unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, tcp).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.ended.await.unwrap();
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: {NAME}\r\nconnection: close\r\n\r\n")
}

fn sign_in() -> String {
    let login = Role::Officer.as_str();
    let body = serde_json::json!({"login": login, "password": PASSWORD}).to_string();
    format!(
        "POST /api/v1/session HTTP/1.1\r\nhost: {NAME}\r\norigin: https://{NAME}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

async fn site_behind_tls() -> Site {
    Site::with(Settings {
        addresses: Addresses {
            tls: true,
            public: Vec::new(),
        },
        ..Settings::default()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_from_files_serves_https_with_a_host_cookie() {
    let site = site_behind_tls().await;
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![NAME.to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    std::fs::write(&certificate, cert.pem()).unwrap();
    std::fs::write(&key, signing_key.serialize_pem()).unwrap();
    let served = Served::start(&site, Tls::of_files(&certificate, &key).unwrap()).await;
    let root = cert.der().clone();
    let health = served.ask(&root, NAME, get("/healthz")).await.unwrap();
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    let hsts = "\r\nstrict-transport-security: max-age=31536000";
    assert!(health.contains(hsts), "{health}");
    let session = served.ask(&root, NAME, sign_in()).await.unwrap();
    let cookie = session.lines().find(|line| line.starts_with("set-cookie:"));
    let cookie = cookie.unwrap_or_else(|| panic!("no cookie: {session}"));
    assert!(cookie.contains(" __Host-dutyroom-"), "{cookie}");
    assert!(
        cookie.contains("; Path=/; HttpOnly; SameSite=Strict; Secure"),
        "{cookie}"
    );
    let elsewhere = served.ask(&root, "other.example", get("/healthz")).await;
    assert!(elsewhere.is_err(), "the name must be the certificate's");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sites_own_certificate_serves_https_on_the_machine_itself() {
    let site = site_behind_tls().await;
    let identity = site.app.identity();
    let served = Served::start(&site, Tls::of_identity(identity).unwrap()).await;
    let root = identity.ca.clone();
    let health = served.ask(&root, "localhost", get("/healthz")).await;
    let health = health.unwrap();
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    served.stop().await;
}

#[tokio::test]
async fn plain_http_is_not_served_where_others_can_reach_it() {
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let refused = Door::open(everywhere, None).await.err().unwrap();
    assert!(matches!(refused, DoorError::PlainOutside(_)), "{refused}");
}

#[tokio::test]
async fn a_key_of_another_certificate_or_no_key_at_all_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let pair = || generate_simple_self_signed(vec![NAME.to_owned()]).unwrap();
    let certificate = file("c.pem", pair().cert.pem());
    let key = file("k.pem", pair().signing_key.serialize_pem());
    let error = Tls::of_files(&certificate, &key).err().unwrap();
    assert!(matches!(error, DoorError::Certificate(_)), "{error}");
    for (certificate, key, named) in [
        (&certificate, &folder.path().join("gone.pem"), "gone.pem"),
        (&certificate, &certificate, "c.pem"),
    ] {
        let error = Tls::of_files(certificate, key).err().unwrap();
        assert!(error.to_string().contains(named), "{error}");
    }
}
