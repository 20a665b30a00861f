//! The web app's pages.

use super::site::Site;

#[tokio::test]
async fn every_page_of_the_app_is_the_one_page_with_a_nonce_of_its_own() {
    let site = Site::new().await;
    let mut policies = Vec::new();
    for path in ["/", "/desk", "/incidents/00ff", "/sign-in"] {
        let page = site.get(path, None).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.header("content-type").starts_with("text/html"));
        assert_eq!(page.header("cache-control"), "no-store");
        let policy = page.header("content-security-policy").to_owned();
        let nonce = policy
            .split("'nonce-")
            .nth(1)
            .unwrap()
            .split('\'')
            .next()
            .unwrap();
        assert!(!page.text.contains("__CSP_NONCE__"));
        if server::assets::are_embedded() {
            assert!(page.text.contains(nonce));
        }
        assert!(policy.contains("script-src 'self';"), "{policy}");
        assert!(policy.contains("ws://127.0.0.1:8080"), "{policy}");
        policies.push(policy);
    }
    policies.dedup();
    assert_eq!(policies.len(), 4, "a nonce is used once");
}

#[tokio::test]
async fn health_says_whether_the_app_is_embedded() {
    let site = Site::new().await;
    let health = site.get("/healthz", None).await.json();
    let ui = if server::assets::are_embedded() {
        "embedded"
    } else {
        "missing"
    };
    assert_eq!(health["status"], "ok");
    assert_eq!(health["ui"], ui);
    assert_eq!(health["site"], site.app.site().id.to_string());
}
