//! Who asks: the bearer token, its scopes and its bounds. Knows no route; each handler says what
//! it needs.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::border::Border;
use super::fault::Wrong;
use super::gate::{border, client_address};
use super::problem::{Code, Problem};
use crate::catalogue::{Scope, Token};
use crate::feed::View;
use crate::stock::{By, Channel};

/// The longest token that is looked up at all.
const SECRET_BYTES_MAX: usize = 512;

/// Who asks; a request without a token is anonymous, one with a bad token never gets here.
#[derive(Clone, Debug)]
pub struct Caller {
    token: Option<Arc<Token>>,
}

impl Caller {
    /// Somebody with `token`, or anybody.
    pub fn new(token: Option<Arc<Token>>) -> Caller {
        Caller { token }
    }

    /// Whether a token was given that may make that kind of request.
    pub fn may(&self, scope: Scope) -> bool {
        self.token.as_ref().is_some_and(|token| token.may(scope))
    }

    /// The token, if one was given.
    pub fn token(&self) -> Option<&Arc<Token>> {
        self.token.as_ref()
    }

    /// How much of a level they may see.
    pub fn view(&self) -> View {
        if self.may(Scope::StockRead) {
            View::Exact
        } else {
            View::Public
        }
    }

    /// The token, if it may make that kind of request.
    pub fn needs(&self, scope: Scope) -> Result<&Arc<Token>, Problem> {
        let Some(token) = &self.token else {
            let detail = "send a token as Authorization: Bearer";
            return Err(Problem::new(Code::Unauthorized, detail));
        };
        if token.may(scope) {
            Ok(token)
        } else {
            let detail = format!("this needs the scope {}", scope.as_str());
            Err(Problem::new(Code::Forbidden, detail))
        }
    }
}

/// Why a header that should name somebody does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BadToken {
    Malformed,
    Unknown,
}

impl From<BadToken> for Problem {
    fn from(bad: BadToken) -> Problem {
        let detail = match bad {
            BadToken::Malformed => "expected Authorization: Bearer TOKEN",
            BadToken::Unknown => "the token is unknown or revoked",
        };
        Problem::new(Code::Unauthorized, detail)
    }
}

/// Who is written into the record: the token, and its channel, else the one the body says, else
/// the default.
pub fn by(token: &Token, said: Option<Channel>) -> Result<By, Wrong> {
    let channel = match (&token.grant.channel, said) {
        (Some(bound), Some(said)) if *bound != said => {
            let detail = format!("is not the token's channel, which is {bound}");
            return Err(Wrong::new(Code::WrongChannel, detail));
        }
        (Some(bound), _) => bound.clone(),
        (None, said) => said.unwrap_or_default(),
    };
    Ok(By {
        token: token.id,
        channel,
    })
}

/// Whether the token's bound lets it change stock at `location`.
pub fn may_change(token: &Token, location: &str) -> Result<(), Wrong> {
    if token.may_change_stock_at(location) {
        return Ok(());
    }
    let detail = "is not among the locations the token is bound to";
    Err(Wrong::new(Code::Forbidden, detail))
}

/// The secret of a bearer token; `None` without the header, an error if it is malformed.
fn secret(request: &HttpRequest) -> Result<Option<&str>, BadToken> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let Some(header) = headers.next() else {
        return Ok(None);
    };
    if headers.next().is_some() {
        return Err(BadToken::Malformed);
    }
    let text = header.to_str().map_err(|_| BadToken::Malformed)?;
    let (scheme, secret) = text.split_once(' ').ok_or(BadToken::Malformed)?;
    let secret = secret.trim();
    let well_formed = scheme.eq_ignore_ascii_case("bearer")
        && (1..=SECRET_BYTES_MAX).contains(&secret.len())
        && secret.bytes().all(|b| b.is_ascii_graphic());
    if well_formed {
        Ok(Some(secret))
    } else {
        Err(BadToken::Malformed)
    }
}

/// Finds out who asks and counts the request: with its token, or as a stranger's by address.
/// Whoever sends a token that is none is a stranger, who hears of it where callers matter.
///
/// # Errors
/// There were too many.
pub fn admit(request: &HttpRequest) -> Result<(), Problem> {
    let border = border(request);
    let found = find(request, border);
    match &found {
        Ok(Caller { token: Some(token) }) => {
            border.tokens.check(&token.id).map_err(token_limited)?;
        }
        Ok(Caller { token: None }) | Err(_) => {
            let client = client_address(request, border);
            border.addresses.check(&client).map_err(address_limited)?;
        }
    }
    request.extensions_mut().insert(found);
    Ok(())
}

/// Who asks, as the gate leaves it with the request.
type Found = Result<Caller, BadToken>;

fn find(request: &HttpRequest, border: &Border) -> Found {
    let Some(secret) = secret(request)? else {
        return Ok(Caller::new(None));
    };
    let token = border.catalogue.token(secret).ok_or(BadToken::Unknown)?;
    Ok(Caller::new(Some(token)))
}

/// Too many requests from an address; one would pass in so many seconds.
pub fn address_limited(seconds: u64) -> Problem {
    let detail = format!(
        "too many came from this address without a valid token; try again in {seconds} s; back \
         ends send a token"
    );
    Problem::new(Code::RateLimited, detail).retry_after(seconds)
}

/// Too many requests with a token; one would pass in so many seconds.
fn token_limited(seconds: u64) -> Problem {
    let detail = format!("too many came with this token; try again in {seconds} s");
    Problem::new(Code::RateLimited, detail).retry_after(seconds)
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Caller, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = request.extensions().get::<Found>().cloned();
        let found = found.expect("every application with callers has the gate, which finds out");
        ready(found.map_err(Problem::from))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::catalogue::TokenGrant;

    fn token(change: impl FnOnce(&mut TokenGrant)) -> Arc<Token> {
        let mut token = Token::from_environment("secret");
        change(&mut token.grant);
        Arc::new(token)
    }

    #[test]
    fn a_bearer_token_is_taken_and_anything_else_is_malformed() {
        let read = |header: &str| {
            let request = TestRequest::default()
                .insert_header(("Authorization", header))
                .to_http_request();
            secret(&request).map(|secret| secret.map(str::to_owned))
        };
        for good in ["Bearer abc", "bearer abc", "BEARER  abc "] {
            assert_eq!(read(good), Ok(Some("abc".to_owned())), "{good:?}");
        }
        let long = format!("Bearer {}", "x".repeat(513));
        for bad in [
            "",
            "abc",
            "Bearer",
            "Bearer ",
            "Basic abc",
            "Bearer a b",
            &long,
        ] {
            assert_eq!(read(bad), Err(BadToken::Malformed), "{bad:?}");
        }
        let none = TestRequest::default().to_http_request();
        assert_eq!(secret(&none).unwrap(), None);
        let twice = TestRequest::default()
            .append_header(("Authorization", "Bearer a"))
            .append_header(("Authorization", "Bearer b"))
            .to_http_request();
        assert_eq!(secret(&twice), Err(BadToken::Malformed));
    }

    #[test]
    fn a_scope_is_needed_and_admin_does_not_stand_for_it() {
        let admin = token(|grant| grant.scopes = [Scope::Admin].into_iter().collect());
        let caller = Caller::new(Some(admin));
        assert!(caller.needs(Scope::Admin).is_ok());
        let refused = caller.needs(Scope::Reserve).unwrap_err();
        assert_eq!(refused.code(), Code::Forbidden);
        let nobody = Caller::new(None).needs(Scope::Reserve).unwrap_err();
        assert_eq!(nobody.code(), Code::Unauthorized);
    }

    #[test]
    fn the_channel_is_the_tokens_then_the_bodys_then_the_default() {
        let store = Channel::parse("store").unwrap();
        let web = Channel::parse("web").unwrap();
        let bound = token(|grant| grant.channel = Some(store.clone()));
        let free = token(|_| ());
        assert_eq!(by(&bound, None).unwrap().channel, store);
        assert_eq!(by(&bound, Some(store.clone())).unwrap().channel, store);
        assert_eq!(
            by(&bound, Some(web.clone())).unwrap_err().code,
            Code::WrongChannel
        );
        assert_eq!(by(&free, Some(store.clone())).unwrap().channel, store);
        assert_eq!(by(&free, None).unwrap().channel, web);
    }
}
