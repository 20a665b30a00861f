use super::*;

const SMALL: &str = "data = \"/tmp/x\"\n[http]\nlisten = \"127.0.0.1:8080\"\n";

fn error(text: &str) -> String {
    format!("{:#}", Config::parse(text).unwrap_err())
}

#[test]
fn a_small_configuration_has_safe_defaults() {
    let config = Config::parse(SMALL).unwrap();
    assert!(config.media.camera_networks.is_empty());
    assert!(config.media.listen.ip().is_loopback());
    assert!(config.link.is_none());
    assert_eq!(config.log.format, LogFormat::Text);
    assert_eq!(config.blobs.quota.0.0, 20_000_000_000);
    assert_eq!(config.blobs.max_upload.0.0, 200_000_000);
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let text = format!("{SMALL}colour = \"red\"\n");
    let error = error(&text);
    assert!(error.contains("line 4"), "{error}");
    assert!(error.contains("colour"), "{error}");
}

#[test]
fn a_wrong_value_is_refused_with_its_line() {
    for (line, wrong) in [
        (5, "[media]\ncamera_networks = [\"10.0.0.0/99\"]\n"),
        (6, "[link]\nlisten = \"127.0.0.1:1\"\ndial = [\"hub\"]\n"),
        (4, "public_addresses = [\"http://plain.example\"]\n"),
        (4, "public_addresses = [\"https://duty.example/path\"]\n"),
        (5, "[log]\nformat = \"xml\"\n"),
        (5, "[blobs]\nquota = \"20\"\n"),
        (5, "[blobs]\nquota = \"-1 GB\"\n"),
        (5, "[blobs]\nquota = \"99999999999 TB\"\n"),
    ] {
        let error = error(&format!("{SMALL}{wrong}"));
        assert!(error.contains(&format!("line {line}")), "{wrong}: {error}");
    }
}

#[test]
fn camera_credentials_stay_out_of_the_address_and_out_of_messages() {
    let camera = |rtsp: &str| {
        format!("{SMALL}[[camera]]\nkey = \"k\"\nname = \"n\"\nplace = \"p\"\nrtsp = \"{rtsp}\"\n")
    };
    let error = error(&camera("rtsp://user:secret@10.0.0.1/"));
    assert!(error.contains("`username`"), "{error}");
    let config = Config::parse(&format!("{}password = \"secret\"\n", camera("rtsp://c/")));
    assert!(!format!("{:?}", config.unwrap()).contains("secret"));
}

#[test]
fn the_times_of_a_link_have_sane_bounds() {
    let link = |more: &str| format!("{SMALL}[link]\nlisten = \"127.0.0.1:1\"\n{more}");
    let config = Config::parse(&link("idle_s = 20\ncongestion = \"bbr\"\n")).unwrap();
    let transport = config.link.unwrap().transport().unwrap();
    assert_eq!(transport.keep_alive, Duration::from_secs(5));
    for (more, said) in [
        ("idle_s = 3\n", "idle_s"),
        ("idle_s = 121\n", "idle_s"),
        ("keep_alive_s = 0\n", "keep_alive_s"),
        ("idle_s = 8\nkeep_alive_s = 5\n", "between 1 and 4"),
        ("congestion = \"vegas\"\n", "congestion"),
        ("advertise = \"west\"\n", "host:port"),
    ] {
        let error = error(&link(more));
        assert!(error.contains(said), "{more}: {error}");
    }
}

#[test]
fn two_cameras_cannot_share_a_key() {
    let camera = "[[camera]]\nkey = \"k\"\nname = \"n\"\nplace = \"p\"\nrtsp = \"rtsp://c/\"\n";
    assert!(error(&format!("{SMALL}{camera}{camera}")).contains("\"k\""));
}

#[test]
fn the_sample_files_are_valid() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    for name in ["hub.toml", "campus.toml"] {
        Config::read(&samples.join(name)).unwrap();
    }
}
