//! Locations, tokens, and what a token may.

use super::*;

#[actix::test]
async fn a_location_is_put_patched_and_listed() {
    let fixture = Fixture::begin().await;
    let malmo = json!({
        "name": "Malmö", "kind": "store", "latitude": 55.6059, "longitude": "13.0007"
    });
    let (status, created) = fixture.put("/v1/locations/malmo", malmo).await;
    assert_eq!(status, CREATED, "{created}");
    let expected = json!({
        "location": "malmo", "name": "Malmö", "kind": "store", "latitude": 55.6059,
        "longitude": 13.0007, "region": null, "version": 1,
        "updated_at": "2027-01-15T08:00:00.000Z"
    });
    assert_eq!(created, expected);
    let patch = json!({"kind": "warehouse", "latitude": null, "longitude": null});
    let (status, patched) = fixture.patch("/v1/locations/malmo", patch).await;
    assert_eq!((status, &patched["kind"]), (OK, &json!("warehouse")));
    assert_eq!(patched["latitude"], Value::Null);
    assert_eq!(fixture.get("/v1/locations/malmo").await.1, patched);
    let (_, list) = fixture.get("/v1/locations").await;
    assert_eq!(list["items"], json!([patched]));

    let wrong = json!({"name": "x", "kind": "shop", "latitude": 91, "region": ""});
    let (_, problem) = fixture.put("/v1/locations/x", wrong).await;
    let expected = ["/kind invalid_request", "/region invalid_request"];
    assert_eq!(errors(&problem), expected);
    let (_, problem) = fixture
        .patch("/v1/locations/malmo", json!({"latitude": 91}))
        .await;
    let expected = ["/longitude invalid_request", "/latitude invalid_request"];
    assert_eq!(errors(&problem), expected);
    for (status, problem) in [
        fixture.get("/v1/locations/none").await,
        fixture.patch("/v1/locations/none", json!({})).await,
    ] {
        assert_eq!(status, NOT_FOUND);
        assert_eq!(problem["code"], json!("unknown_location"));
    }
}

#[actix::test]
async fn a_token_is_made_told_once_listed_and_revoked() {
    let fixture = Fixture::begin().await;
    let store = json!({"name": "Malmö", "kind": "store"});
    fixture.put("/v1/locations/malmo", store).await;
    let body = json!({
        "name": "till 3", "scopes": ["stock:write", "fulfil"], "locations": ["malmo"],
        "channel": "store", "unit_price": true
    });
    let (status, made) = fixture.post("/v1/tokens", body).await;
    assert_eq!(status, CREATED, "{made}");
    let secret = made["token"].as_str().unwrap();
    let token = fixture.app.border.catalogue.token(secret).unwrap();
    assert!(token.grant.unit_price && token.may(Scope::Fulfil) && !token.may(Scope::Admin));

    let admin = Some(fixture.app.admin.as_str());
    let (_, list) = fixture.send(admin, Method::GET, "/v1/tokens", "").await;
    let listed = list["items"].as_array().unwrap();
    let listed = listed.iter().find(|token| token["id"] == made["id"]);
    let mut expected = made.clone();
    expected.as_object_mut().unwrap().remove("token");
    assert_eq!(listed, Some(&expected));
    assert!(!list.to_string().contains("onh_"));

    let path = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
    let revoked = fixture.send(admin, Method::DELETE, &path, "").await;
    assert_eq!(revoked, (StatusCode::NO_CONTENT, Value::Null));
    assert!(fixture.app.border.catalogue.token(secret).is_none());
    for gone in [path.as_str(), "/v1/tokens/none"] {
        let (status, problem) = fixture.send(admin, Method::DELETE, gone, "").await;
        assert_eq!(status, NOT_FOUND);
        assert_eq!(problem["code"], json!("not_found"));
    }
}

#[actix::test]
async fn a_token_nobody_could_use_is_not_made() {
    let fixture = Fixture::begin().await;
    for (body, expected) in [
        (
            json!({"scopes": []}),
            vec!["/name invalid_request", "/scopes invalid_request"],
        ),
        (
            json!({"name": "x", "scopes": ["root"], "locations": ["lund"], "channel": "a b"}),
            vec![
                "/scopes/0 invalid_request",
                "/locations/0 unknown_location",
                "/channel invalid_request",
            ],
        ),
        (
            json!({"name": "x", "scopes": ["admin"], "locations": []}),
            vec!["/locations invalid_request"],
        ),
    ] {
        let (status, problem) = fixture.post("/v1/tokens", body).await;
        assert_eq!((status, errors(&problem)), (INVALID, owned(expected)));
    }
}

fn owned(texts: Vec<&str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}

#[actix::test]
async fn writing_needs_the_scope_and_nothing_is_read_of_what_is_not_allowed() {
    let fixture = Fixture::begin().await;
    let shop = Some(fixture.shop.as_str());
    for (method, path) in [
        (Method::PUT, "/v1/items/A"),
        (Method::PATCH, "/v1/items/A"),
        (Method::POST, "/v1/items/batch"),
        (Method::PUT, "/v1/locations/A"),
        (Method::PATCH, "/v1/locations/A"),
        (Method::POST, "/v1/tokens"),
        (Method::GET, "/v1/tokens"),
        (Method::DELETE, "/v1/tokens/A"),
    ] {
        let (status, problem) = fixture.send(shop, method.clone(), path, "{}").await;
        let code = &problem["code"];
        assert_eq!((status, code), (StatusCode::FORBIDDEN, &json!("forbidden")));
        for secret in [None, Some("onh_guessed")] {
            let (status, problem) = fixture.send(secret, method.clone(), path, "{}").await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_eq!(problem["code"], json!("unauthorized"));
        }
    }
}
