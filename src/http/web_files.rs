//! `GET /web/{file}`: the browser's part. It must not know what is in a file.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, HeaderValue};

use super::answer::Answered;
use super::content::Content;
use super::problem::{Code, Problem};
use crate::web::ASSETS;

/// The till's worker, and the pages it may answer for: it stands elsewhere than they do.
const WORKER: (&str, &str) = ("till-worker.js", "/till/");

/// A file by its name; pages of the origins on the list may load it as a module.
pub async fn file(request: HttpRequest) -> Answered {
    static FILES: LazyLock<BTreeMap<&str, Content>> = LazyLock::new(|| {
        let files = ASSETS.iter().map(|asset| {
            let content = Content::scripted(asset.media_type, asset.content());
            (asset.name, content)
        });
        files.collect()
    });
    let name = request.match_info().get("file").unwrap_or_default();
    let file = FILES.get(name);
    let file = file.ok_or_else(|| Problem::new(Code::NotFound, "no file has this name"))?;
    let mut answer = file.answer(&request);
    if name == WORKER.0 {
        let header = HeaderName::from_static("service-worker-allowed");
        let scope = HeaderValue::from_static(WORKER.1);
        answer.headers_mut().insert(header, scope);
    }
    Ok(answer)
}
