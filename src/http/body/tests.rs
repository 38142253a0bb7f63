//! Bodies as clients send them: whole, too large, faulty.

use super::*;
use crate::http::read;

type Pair = (String, Option<Vec<u64>>);

fn pair(raw: &RawValue, at: At<'_>, faults: &mut Faults) -> Option<Pair> {
    let mut object = Object::read(raw, at, faults)?;
    let sku = object.required("sku", read::sku);
    let numbers = object.optional_array("numbers", Bound::new(1, 3), |raw, at, faults| {
        faults.unless(at, read::whole(raw, 0..=9))
    });
    object.finish();
    Some((sku?.to_string(), numbers))
}

fn faults_of(body: &[u8]) -> Vec<(String, String)> {
    let problem = parse(&Bytes::copy_from_slice(body), pair).unwrap_err();
    assert_eq!(problem.code(), Code::InvalidRequest);
    let faults = problem.faults().iter();
    faults
        .map(|fault| (fault.source.to_string(), fault.detail.to_string()))
        .collect()
}

#[test]
fn a_sound_body_is_read_with_escapes_and_nulls() {
    let body = Bytes::from_static(br#" {"s\u006bu":"A \u0042", "numbers":null} "#);
    assert_eq!(parse(&body, pair).unwrap(), ("A B".to_owned(), None));
    let body = Bytes::from_static(br#"{"numbers":[1, 2],"sku":"A"}"#);
    assert_eq!(parse(&body, pair).unwrap().1, Some(vec![1, 2]));
}

#[test]
fn every_fault_is_named_in_one_pass() {
    let body = br#"{"sku":"a@b","numbers":[1,"x",77],"a/b~":1,"sku":"again"}"#;
    let found = faults_of(body);
    let pointers: Vec<&str> = found.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(
        pointers,
        ["/sku", "/sku", "/numbers/1", "/numbers/2", "/a~1b~0"]
    );
    assert_eq!(found[0].1, "is given twice");
    assert_eq!(found[4].1, "is not a known field");
}

#[test]
fn wrong_shapes_are_faults_at_their_place() {
    let table: [(&[u8], &str, &str); 9] = [
        (b"[]", "", "must be an object"),
        (b"null", "", "must be an object"),
        (br#"{"sku":null}"#, "/sku", "is required"),
        (b"{}", "/sku", "is required"),
        (
            br#"{"sku":"A","numbers":7}"#,
            "/numbers",
            "must be an array",
        ),
        (
            br#"{"sku":"A","numbers":[]}"#,
            "/numbers",
            "must have at least 1",
        ),
        (
            br#"{"sku":"A","numbers":[1,1,1,1]}"#,
            "/numbers",
            "may have at most 3 elements",
        ),
        (br#"{"sku":7}"#, "/sku", "must be a string"),
        (br#"{"sku":"\ud800"}"#, "/sku", "holds a broken escape"),
    ];
    for (body, pointer, detail) in table {
        let found = faults_of(body);
        assert_eq!(found, [(pointer.to_owned(), detail.to_owned())]);
    }
}

#[test]
fn what_is_not_json_is_told_by_line_and_column() {
    for (body, part) in [
        (&b"{\n\"sku\" 1}"[..], "line 2 column 7"),
        (b"{\"sku\":\"A\"} x", "line 1 column 13"),
        (b"{\"sku\":\"A", "line 1 column 9"),
        (b"{\"sku\":01}", "line 1"),
        (b"{\"sku\":\"\xff\"}", "not UTF-8: broken at byte 8"),
        (b"", "a JSON body is required"),
        (b" \n", "a JSON body is required"),
    ] {
        let problem = parse(&Bytes::copy_from_slice(body), pair).unwrap_err();
        assert_eq!(problem.code(), Code::InvalidRequest);
        assert!(problem.detail().contains(part), "{}", problem.detail());
    }
}

#[test]
fn deep_and_wide_bodies_end_in_a_fault_and_not_in_a_crash() {
    let deep = [vec![b'['; 500_000], vec![b']'; 500_000]].concat();
    assert_eq!(faults_of(&deep)[0].1, "must be an object");
    let wide: Vec<String> = (0..50_000).map(|i| format!("\"f{i}\":0")).collect();
    let wide = format!("{{{}}}", wide.join(","));
    assert!(
        faults_of(wide.as_bytes())[0]
            .1
            .contains("at most 64 fields")
    );
    let broken = br#"{"\ud800":1}"#;
    assert!(faults_of(broken)[0].1.contains("cannot be read"));
}
