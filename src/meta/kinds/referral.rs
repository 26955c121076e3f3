//! Kind `referral`: a person arrived through a link, an ad, a story or a product
//! (`messaging_referral`). In a running conversation it is an item of its own, otherwise it is
//! inside or beside the message or postback that starts the conversation.

use super::{
    Content, Item, NaturalKey,
    field::{Field, Fields, text},
};
use crate::meta::{data::Data, json::Object};

/// Own fields of a referral.
pub(super) const FIELDS: Fields = &[&fields("")];

/// Fields of a referral in this object of `data`.
pub(super) const fn fields(within: &'static str) -> [Field; 12] {
    [
        text("referral_ref").at("ref").within(within),
        text("referral_source").at("source").within(within),
        text("referral_type").at("type").within(within),
        text("referral_uri")
            .at("referer_uri")
            .within(within)
            .content(),
        text("referral_product_id").at("product.id").within(within),
        text("ad_id").within(within),
        text("ad_title")
            .at("ads_context_data.ad_title")
            .within(within),
        text("ad_photo_url")
            .at("ads_context_data.photo_url")
            .within(within),
        text("ad_video_url")
            .at("ads_context_data.video_url")
            .within(within),
        text("ad_post_id")
            .at("ads_context_data.post_id")
            .within(within),
        text("ad_product_id")
            .at("ads_context_data.product_id")
            .within(within),
        text("ad_flow_id")
            .at("ads_context_data.flow_id")
            .within(within),
    ]
}

pub(super) fn read<'a>(item: &Item<'_, 'a>, key: &mut NaturalKey<'_>) -> Content<'a> {
    let referral = &item.inner;
    let (reference, ad, source) = (
        referral.text("ref"),
        referral.id("ad_id"),
        referral.text("source"),
    );
    key.between(&[reference.as_deref(), ad.as_deref(), source.as_deref()]);
    Content {
        data: own(referral),
        ..Content::default()
    }
}

/// Own fields of a referral inside or beside a message or postback.
pub(super) fn beside(item: &Item<'_, '_>) -> Option<Data> {
    let inside = item.inner.object("referral");
    let referral = inside.or_else(|| item.value.object("referral"))?;
    Some(own(&referral))
}

fn own(referral: &Object<'_, '_>) -> Data {
    let product = referral.id_of("product");
    let ad = referral.object("ads_context_data");
    Data::default()
        .text("ref", referral.text("ref"))
        .text("source", referral.text("source"))
        .text("type", referral.text("type"))
        .text("referer_uri", referral.text("referer_uri"))
        .object("product", Some(Data::default().text("id", product)))
        // Also documented as a number.
        .text("ad_id", referral.id("ad_id"))
        .object("ads_context_data", ad.map(|ad| ad_fields(&ad)))
}

fn ad_fields(ad: &Object<'_, '_>) -> Data {
    Data::default()
        .text("ad_title", ad.text("ad_title"))
        .text("photo_url", ad.text("photo_url"))
        .text("video_url", ad.text("video_url"))
        .text("post_id", ad.id("post_id"))
        .text("product_id", ad.id("product_id"))
        .text("flow_id", ad.id("flow_id"))
}
