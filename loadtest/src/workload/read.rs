//! Product pages: the public availability of a key, asked without a token.

use crate::connection::Answer;
use crate::keys::Keys;
use crate::load::Workload;
use crate::request::{Target, Template};
use crate::shop::{LOCATION, SKU, Shop};

/// A stream of questions.
pub struct Read {
    template: Template,
    shop: Shop,
    keys: Keys,
}

impl Read {
    /// Questions about keys of the shop. All come from one address, so the server must not hold
    /// each address to its rate.
    pub fn new(target: &Target, shop: Shop, keys: Keys) -> Read {
        let path = format!("/v1/availability/{SKU}/{LOCATION}");
        Read {
            template: Template::page(target, &path),
            shop,
            keys,
        }
    }
}

impl Workload for Read {
    fn kinds(&self) -> &'static [&'static str] {
        &["read"]
    }

    fn next(&mut self, out: &mut Vec<u8>) -> Option<usize> {
        let slots = self.shop.slots(self.keys.draw());
        self.template.render(&slots, out);
        Some(0)
    }

    fn answered(&mut self, _: usize, _: Option<&Answer<'_>>) {}
}
