//! The documented shapes are those of the answers.

use super::*;

#[actix::test]
async fn the_openapi_shapes_are_those_of_the_answers() {
    let api = serde_json::to_value(CatalogueApi::openapi()).unwrap();
    let names = |object: &Value| -> BTreeSet<String> {
        object.as_object().unwrap().keys().cloned().collect()
    };
    let shape = |name: &str| names(&api["components"]["schemas"][name]["properties"]);
    let fixture = Fixture::begin().await;
    let malmo = json!({
        "name": "Malmö", "kind": "store", "latitude": 1, "longitude": 2, "region": "south"
    });
    let grant = json!({
        "name": "x", "scopes": ["admin"], "locations": ["malmo"], "channel": "web",
        "unit_price": false
    });
    assert_eq!(names(&clogs()), shape("ItemContent"));
    assert_eq!(names(&malmo), shape("LocationContent"));
    assert_eq!(names(&grant), shape("TokenGrant"));
    let (_, item) = fixture.put("/v1/items/A", clogs()).await;
    assert_eq!(names(&item), shape("Item"));
    assert_eq!(names(&item["price"]), shape("Money"));
    assert_eq!(names(&item["offer"]), shape("Offer"));
    let (_, location) = fixture.put("/v1/locations/malmo", malmo).await;
    assert_eq!(names(&location), shape("Location"));
    let (status, token) = fixture.post("/v1/tokens", grant).await;
    assert_eq!((status, names(&token)), (CREATED, shape("Token")));
    let (_, list) = fixture.get("/v1/locations").await;
    assert_eq!(names(&list), shape("LocationList"));
    assert_eq!(
        shape("ItemBatch"),
        ["items", "patches"].map(str::to_owned).into()
    );
}
