//! The pages of a store: off unless switched on, for known locations only, and let in nothing
//! from elsewhere.

use serde_json::json;

use super::super::limits::Limits;
use super::TestApp;

async fn app(screens: bool, tills: bool) -> TestApp {
    let limits = Limits {
        screens,
        tills,
        ..Limits::default()
    };
    let app = TestApp::empty(limits).await;
    let store = json!({"name": "Nørre <b>Voldgade</b>", "kind": "store"});
    app.put("/v1/locations/k%C3%B8b", store.clone())
        .await
        .expect(422);
    app.put("/v1/locations/norre%20v", store).await.expect(201);
    app
}

#[actix_web::test]
async fn a_page_that_is_off_says_how_it_is_switched_on() {
    let off = app(false, false).await;
    for (kind, option) in [("screen", "screens = true"), ("till", "tills = true")] {
        let told = off.get(&format!("/{kind}/norre%20v")).await.expect(404);
        let detail = told["detail"].as_str().unwrap();
        let variable = format!("ONHAND_PAGES_{}S=true", kind.to_uppercase());
        assert!(detail.contains(option), "{detail}");
        assert!(detail.contains(&variable), "{detail}");
    }
    let (screens, tills) = (app(true, false).await, app(false, true).await);
    assert_eq!(screens.get("/screen/norre%20v").await.status, 200);
    assert_eq!(screens.get("/till/norre%20v").await.status, 404);
    assert_eq!(tills.get("/screen/norre%20v").await.status, 404);
    assert_eq!(tills.get("/till/norre%20v").await.status, 200);
}

#[actix_web::test]
async fn a_page_is_of_a_location_that_there_is() {
    let on = app(true, true).await;
    for path in ["/screen/nowhere", "/till/nowhere"] {
        let told = on.get(path).await.expect(404);
        assert_eq!(told["code"], "unknown_location");
    }
}

#[actix_web::test]
async fn a_page_loads_nothing_from_elsewhere_and_is_framed_by_nobody() {
    let on = app(true, true).await;
    for path in ["/screen/norre%20v", "/till/norre%20v"] {
        let answer = on.get(path).await;
        let header = |name: &str| answer.headers.get(name).unwrap().to_str().unwrap();
        let policy = header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self';",
            "style-src 'self';",
        ] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert!(policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("cache-control"), "no-cache");
    }
}
