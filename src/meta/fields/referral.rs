//! How a person came in: a link, an ad, a story, a product (`messaging_referral`).

use std::borrow::Cow;

use crate::meta::{
    json::{Extra, Object},
    open_enum::open_enum,
};

open_enum! {
    /// What led the person here.
    ReferralSource {
        /// An `ig.me` link.
        IgmeSourceLink = "IGME-SOURCE-LINK",
        /// A short link.
        Shortlink = "SHORTLINK",
        /// An ad.
        Ads = "ADS",
        /// A story.
        IgStory = "IG_STORY",
    }
}

/// A referral: its own event in a running conversation, else inside the message or postback that
/// opens one.
#[derive(Clone, Debug)]
pub struct Referral<'a> {
    /// What the link or ad carries.
    pub reference: Option<Cow<'a, str>>,
    /// What led the person here.
    pub source: Option<ReferralSource<'a>>,
    /// `OPEN_THREAD`.
    pub kind: Option<Cow<'a, str>>,
    /// The ad; the documents show it as a number too.
    pub ad_id: Option<Cow<'a, str>>,
    /// What the ad showed.
    pub ads_context: Option<AdsContext<'a>>,
    /// The product of a shop.
    pub product_id: Option<Cow<'a, str>>,
    /// The page with the link.
    pub referer_uri: Option<Cow<'a, str>>,
    /// What is not modelled.
    pub extra: Extra<'a>,
}

/// What an ad showed.
#[derive(Clone, Debug)]
pub struct AdsContext<'a> {
    /// Its title.
    pub ad_title: Option<Cow<'a, str>>,
    /// Its picture.
    pub photo_url: Option<Cow<'a, str>>,
    /// Its video.
    pub video_url: Option<Cow<'a, str>>,
    /// The post behind it.
    pub post_id: Option<Cow<'a, str>>,
    /// The product behind it.
    pub product_id: Option<Cow<'a, str>>,
    /// The flow behind it.
    pub flow_id: Option<Cow<'a, str>>,
    /// What is not modelled.
    pub extra: Extra<'a>,
}

const KEYS: &[&str] = &[
    "ref",
    "source",
    "type",
    "ad_id",
    "ads_context_data",
    "product",
    "referer_uri",
];
const ADS_KEYS: &[&str] = &[
    "ad_title",
    "photo_url",
    "video_url",
    "post_id",
    "product_id",
    "flow_id",
];

impl<'a> Referral<'a> {
    /// Reads the value of `referral`.
    pub(crate) fn read(referral: &Object<'_, 'a>) -> Self {
        Self {
            reference: referral.text("ref"),
            source: referral.text("source").map(Into::into),
            kind: referral.text("type"),
            ad_id: referral.id("ad_id"),
            ads_context: referral
                .object("ads_context_data")
                .as_ref()
                .map(AdsContext::read),
            product_id: referral.id_of("product"),
            referer_uri: referral.text("referer_uri"),
            extra: referral.extra(KEYS),
        }
    }
}

impl<'a> AdsContext<'a> {
    fn read(context: &Object<'_, 'a>) -> Self {
        Self {
            ad_title: context.text("ad_title"),
            photo_url: context.text("photo_url"),
            video_url: context.text("video_url"),
            post_id: context.id("post_id"),
            product_id: context.id("product_id"),
            flow_id: context.id("flow_id"),
            extra: context.extra(ADS_KEYS),
        }
    }
}
