//! The feed, wired: what is committed reaches the hub, and the hub reaches those who follow it.

use std::sync::Arc;

use crate::actors::StockService;
use crate::catalogue::{Catalogue, CatalogueEvent};
use crate::config;
use crate::feed::{FanOut, FeedLimits, Hub};
use crate::http::feed_frames::JsonFaces;
use crate::stock::Quantity;

/// Starts the feed over `stock` and `catalogue` on this thread.
pub fn start(
    stock: &StockService,
    catalogue: &Catalogue,
    limited_max: u32,
    limits: FeedLimits,
) -> Arc<Hub> {
    let faces = JsonFaces {
        stock: stock.clone(),
        catalogue: catalogue.clone(),
        limited_max: Quantity::from(limited_max),
    };
    let hub = Hub::new(Box::new(faces), limits);
    let told = hub.clone();
    stock.listen(Box::new(move |key, level| told.publish(key, level)));
    let told = hub.clone();
    catalogue.listen(Box::new(move |event| match event {
        CatalogueEvent::ItemPut(item) | CatalogueEvent::OfferTurned(item) => {
            told.item_changed(item.sku.as_str());
        }
        CatalogueEvent::TokenPut(token) if !token.is_live() => told.end_token(token.id),
        CatalogueEvent::TokenPut(_) | CatalogueEvent::LocationPut(_) => {}
    }));
    actix::spawn(FanOut::of(hub.clone()).run());
    hub
}

/// The bounds that the configuration sets.
pub fn limits(feed: &config::Feed) -> FeedLimits {
    FeedLimits {
        connections_max: feed.connections_max,
        address_connections_max: feed.address_connections_max,
        token_connections_max: feed.token_connections_max,
        keys_max: feed.keys_max,
        token_keys_max: feed.token_keys_max,
        frame_bytes_max: feed.frame_bytes_max,
        token_frame_bytes_max: feed.token_frame_bytes_max,
        commands_per_second_max: feed.commands_per_second_max,
        hello_ms_max: i64::from(feed.hello_ms_max),
        ping_ms: i64::from(feed.ping_seconds) * 1000,
        pong_ms_max: i64::from(feed.pong_ms_max),
        stalled_ms_max: i64::from(feed.stalled_ms_max),
        age_ms: i64::from(feed.age_seconds_max) * 1000,
        retry_after_ms_max: i64::from(feed.retry_after_ms_max),
        tick_ms: u64::from(feed.tick_ms),
    }
}
