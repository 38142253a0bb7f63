//! What is served as it is: pages, scripts, styles. Each has its entity tag and headers that let
//! it load nothing from elsewhere. It must not know what is in it.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use xxhash_rust::xxh3::xxh3_64;

use super::request::has_tag;

/// Nothing but our own style sheet: no script, no frame, no form, nothing from elsewhere.
const READ_ONLY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; \
                         base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Our own scripts and styles as well, and requests to us (the feed's included).
const SCRIPTED: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                        connect-src 'self'; img-src 'self' data:; manifest-src 'self'; \
                        worker-src 'self'; base-uri 'none'; form-action 'none'; \
                        frame-ancestors 'none'";

/// Pages to read change with a release only; a few minutes bound how long an old one is shown.
const SHORTLY: &str = "public, max-age=300";

/// Scripts and the pages that load them must be of one release: asked for anew, and answered
/// with 304 as long as they are the same.
const ASKED_ANEW: &str = "no-cache";

/// What is served, with the tag it is known by.
pub struct Content {
    media_type: &'static str,
    body: Bytes,
    tag: String,
    policy: &'static str,
    cache: &'static str,
}

impl Content {
    /// What is only read: it runs nothing.
    pub fn read_only(media_type: &'static str, body: impl Into<Bytes>) -> Content {
        let body = body.into();
        let tag = format!("\"{:016x}\"", xxh3_64(&body));
        let (policy, cache) = (READ_ONLY, SHORTLY);
        Content {
            media_type,
            body,
            tag,
            policy,
            cache,
        }
    }

    /// A page that runs our own scripts, or one of these scripts.
    pub fn scripted(media_type: &'static str, body: impl Into<Bytes>) -> Content {
        Content {
            policy: SCRIPTED,
            cache: ASKED_ANEW,
            ..Content::read_only(media_type, body)
        }
    }

    /// The answer to one who asks for it, who may have it already.
    pub fn answer(&self, request: &HttpRequest) -> HttpResponse {
        if has_tag(request, &self.tag) {
            return self.with_headers(HttpResponse::NotModified()).finish();
        }
        self.with_headers(HttpResponse::Ok())
            .insert_header((CONTENT_TYPE, self.media_type))
            .body(self.body.clone())
    }

    fn with_headers(&self, mut response: HttpResponseBuilder) -> HttpResponseBuilder {
        let header = HeaderName::from_static;
        response
            .insert_header((ETAG, self.tag.as_str()))
            .insert_header((CACHE_CONTROL, self.cache))
            .insert_header((header("vary"), "Accept"))
            .insert_header((header("content-security-policy"), self.policy))
            .insert_header((header("x-content-type-options"), "nosniff"))
            .insert_header((header("referrer-policy"), "no-referrer"));
        response
    }
}
