//! What the typed shapes keep: every documented property, values nobody knew, and the rest.

use std::borrow::Cow;

use super::*;
use crate::meta::{event::Kind, json::Index};

/// Reads `value`, an item or the value of a change, as `kind` under `key`.
fn detail<'a>(kind: Kind, key: Option<&str>, value: &'a str) -> Detail<'a> {
    let index = Index::of(value).unwrap();
    let value = index.root(value).object().unwrap();
    Detail::read(kind, key, &value)
}

/// Takes the content out of its kind.
macro_rules! content {
    ($variant:ident, $key:expr, $value:expr) => {{
        let Detail::$variant(content) = detail(Kind::$variant, $key, $value) else {
            panic!("{} is not read as its kind", stringify!($variant));
        };
        content
    }};
}

fn message(content: &str) -> String {
    format!(r#"{{"message":{content}}}"#)
}

/// The text of a property.
#[expect(clippy::ref_option, reason = "so they stand in their structs")]
fn text<'a>(property: &'a Option<Cow<'_, str>>) -> &'a str {
    property.as_deref().unwrap_or("none")
}

/// The keys that are not modelled.
fn keys<'a>(extra: &'a [(Cow<'_, str>, &str)]) -> Vec<&'a str> {
    extra.iter().map(|(key, _)| &**key).collect()
}

#[test]
fn a_comment_keeps_every_documented_property() {
    let value = r#"{"id":"1","text":"t","parent_id":"2","verb":"add","from":{"id":"3",
        "username":"ada","self_ig_scoped_id":"4","new_from":1},"media":{"id":"5",
        "media_product_type":"AD","ad_id":6,"ad_title":"a","original_media_id":"7","new_media":1},
        "new":1}"#;
    for kind in [Kind::Comment, Kind::LiveComment] {
        let (Detail::Comment(it) | Detail::LiveComment(it)) = detail(kind, None, value) else {
            panic!("a comment");
        };
        let all = [
            &it.id,
            &it.text,
            &it.parent_id,
            &it.verb,
            &it.from_id,
            &it.from_username,
            &it.self_ig_scoped_id,
            &it.media_id,
            &it.ad_id,
            &it.ad_title,
            &it.original_media_id,
        ];
        let expected = ["1", "t", "2", "add", "3", "ada", "4", "5", "6", "a", "7"];
        assert_eq!(all.map(text), expected);
        assert_eq!(it.media_product_type, Some(MediaProductType::Ad));
        assert_eq!(keys(&it.extra), ["new", "new_from", "new_media"]);
    }
    let it = content!(Comment, None, r#"{"comment_id":"8"}"#);
    assert_eq!(text(&it.id), "8");
}

#[test]
fn a_mention_and_a_story_keep_every_documented_property() {
    let it = content!(
        Mention,
        None,
        r#"{"media_id":1,"comment_id":"2","new":null}"#
    );
    assert_eq!((text(&it.media_id), text(&it.comment_id)), ("1", "2"));
    assert_eq!(keys(&it.extra), ["new"]);
    let it = content!(
        StoryInsights,
        None,
        r#"{"media_id":"1","impressions":1,"reach":"2","taps_forward":-1,"taps_back":4,
            "exits":5,"replies":6.5,"views":7}"#
    );
    assert_eq!(
        [
            it.impressions,
            it.reach,
            it.taps_forward,
            it.taps_back,
            it.exits,
            it.replies
        ],
        [Some(1), Some(2), Some(-1), Some(4), Some(5), None]
    );
    let numbers: Vec<_> = it.numbers.values().collect();
    assert_eq!(numbers, ["5", "1", "2", "6.5", "4", "-1", "7"]);
    assert_eq!(it.extra, [("views".into(), "7")]);
}

#[test]
fn a_message_keeps_every_documented_property() {
    let value = message(
        r#"{"mid":"1","text":"t","quick_reply":{"payload":"q"},"is_echo":true,
            "is_unsupported":true,"is_self":true,"is_deleted":false,"app_id":2,"metadata":"m",
            "sticker_id":3,"reply_to":{"mid":"4","is_self_reply":true,"story":{"id":"5",
            "url":"u","link_sticker_url":"l","new":1},"new":2},"nlp":{},"seq":6}"#,
    );
    let it = content!(Message, Some("message"), &value);
    let all = [
        &it.mid,
        &it.text,
        &it.quick_reply_payload,
        &it.app_id,
        &it.metadata,
        &it.sticker_id,
    ];
    assert_eq!(all.map(text), ["1", "t", "q", "2", "m", "3"]);
    assert!(it.is_echo && it.is_unsupported && it.is_self && !it.is_deleted);
    assert_eq!(it.parent().map(AsRef::as_ref), Some("4"));
    let reply = it.reply_to.as_ref().unwrap();
    let story = reply.story.as_ref().unwrap();
    assert!(reply.is_self_reply);
    let all = [&story.id, &story.url, &story.link_sticker_url];
    assert_eq!(all.map(text), ["5", "u", "l"]);
    assert_eq!(keys(&it.extra), ["nlp", "seq"]);
    assert_eq!(
        (keys(&reply.extra), keys(&story.extra)),
        (vec!["new"], vec!["new"])
    );
}

#[test]
fn a_referral_stands_in_the_message_or_beside_it() {
    let referral = r#"{"ref":"r","ad_id":120114194295227008,"source":"ADS","type":"OPEN_THREAD",
        "ads_context_data":{"ad_title":"a","photo_url":"p","video_url":"v","post_id":1,
        "product_id":"2","flow_id":"3","new":1},"referer_uri":"u","product":{"id":4},"new":2}"#;
    let inside = message(&format!(r#"{{"referral":{referral}}}"#));
    let beside = format!(r#"{{"message":{{}},"referral":{referral}}}"#);
    let tapped = format!(r#"{{"postback":{{"referral":{referral}}}}}"#);
    let tapped_beside = format!(r#"{{"postback":{{}},"referral":{referral}}}"#);
    let own = format!(r#"{{"referral":{referral}}}"#);
    for it in [
        content!(Message, Some("message"), &inside).referral,
        content!(Message, Some("message"), &beside).referral,
        content!(Postback, Some("postback"), &tapped).referral,
        content!(Postback, Some("postback"), &tapped_beside).referral,
        Some(content!(Referral, Some("referral"), &own)),
    ] {
        let it = it.unwrap();
        let ad = it.ads_context.as_ref().unwrap();
        let all = [
            &it.reference,
            &it.ad_id,
            &it.kind,
            &it.referer_uri,
            &it.product_id,
            &ad.ad_title,
            &ad.photo_url,
            &ad.video_url,
            &ad.post_id,
            &ad.product_id,
            &ad.flow_id,
        ];
        let expected = [
            "r",
            "120114194295227008",
            "OPEN_THREAD",
            "u",
            "4",
            "a",
            "p",
            "v",
            "1",
            "2",
            "3",
        ];
        assert_eq!(all.map(text), expected);
        assert_eq!(it.source, Some(ReferralSource::Ads));
        assert_eq!(
            (keys(&it.extra), keys(&ad.extra)),
            (vec!["new"], vec!["new"])
        );
    }
}

#[test]
fn an_attachment_keeps_what_its_type_brings() {
    let read = |attachment: &str| {
        let value = message(&format!(r#"{{"attachments":[{attachment}]}}"#));
        let it = content!(Message, Some("message"), &value).attachments;
        let it = &it[0];
        let all = [&it.url, &it.title, &it.media_id, &it.sticker_id].map(|it| text(it).to_owned());
        let extra: Vec<_> = it
            .extra
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        (all.join(" "), it.coordinates, extra.join(" "))
    };
    for (attachment, expected, extra) in [
        (
            r#"{"type":"image","payload":{"url":"u"}}"#,
            "u none none none",
            "",
        ),
        (
            r#"{"type":"ig_post","payload":{"ig_post_media_id":"1","title":"t","url":"u"}}"#,
            "u t 1 none",
            "",
        ),
        (
            r#"{"type":"ig_reel","payload":{"reel_video_id":267467142261608,"url":"u"}}"#,
            "u none 267467142261608 none",
            "",
        ),
        (
            r#"{"type":"ig_story","payload":{"story_media_id":"1","story_media_url":"u"}}"#,
            "u none 1 none",
            "",
        ),
        (r#"{"type":"ephemeral"}"#, "none none none none", ""),
        (
            r#"{"type":"sticker","payload":{"url":"u","sticker_id":5}}"#,
            "u none none 5",
            "",
        ),
        (
            r#"{"type":"fallback","payload":"p","title":"t","url":"u"}"#,
            "u t none none",
            r#"payload="p""#,
        ),
        (
            r#"{"type":"image","new":1,"payload":{"newer":{}}}"#,
            "none none none none",
            "new=1 newer={}",
        ),
    ] {
        assert_eq!(read(attachment), (expected.into(), None, extra.into()));
    }
    let place = |lat: &str| {
        read(&format!(
            r#"{{"payload":{{"coordinates":{{"lat":{lat},"long":"9.5"}}}}}}"#
        ))
        .1
    };
    assert_eq!((place("53.5"), place("null")), (Some((53.5, 9.5)), None));
}

#[test]
fn a_template_keeps_its_elements() {
    let element = r#"{"id":1,"retailer_id":"2","title":"t","subtitle":"s","image_url":"i",
        "buttons":[]}"#;
    for payload in [
        format!(r#"{{"generic":{{"elements":[{element},null]}}}}"#),
        format!(r#"{{"product":{{"elements":[{element}]}}}}"#),
        format!(r#"{{"elements":[{element}]}}"#),
    ] {
        let value = message(&format!(r#"{{"attachments":[{{"payload":{payload}}}]}}"#));
        let it = content!(Message, Some("message"), &value).attachments;
        let [it] = &it[0].elements[..] else {
            panic!("one element in {payload}");
        };
        let all = [
            &it.id,
            &it.retailer_id,
            &it.title,
            &it.subtitle,
            &it.image_url,
        ];
        assert_eq!(all.map(text), ["1", "2", "t", "s", "i"]);
        assert_eq!(it.extra, [("buttons".into(), "[]")]);
    }
}

#[test]
fn more_attachments_than_anybody_sends_take_no_memory() {
    let many = vec!["{}"; 10_000].join(",");
    let value = message(&format!(
        r#"{{"attachments":[{{"payload":{{"elements":[{many}]}}}},{many}]}}"#
    ));
    let it = content!(Message, Some("message"), &value);
    assert_eq!(it.attachments.len(), 100);
    assert_eq!(it.attachments[0].elements.len(), 100);
}

#[test]
fn edits_reactions_taps_and_readings_keep_every_documented_property() {
    for count in ["3", "\"3\""] {
        let value =
            format!(r#"{{"message_edit":{{"mid":"1","text":"t","num_edit":{count},"x":1}}}}"#);
        let it = content!(MessageEdit, Some("message_edit"), &value);
        assert_eq!(
            (text(&it.mid), text(&it.text), it.num_edit),
            ("1", "t", Some(3))
        );
        assert_eq!(keys(&it.extra), ["x"]);
    }
    let value = r#"{"reaction":{"mid":"1","action":"react","reaction":"love","emoji":"❤","x":1}}"#;
    let it = content!(Reaction, Some("reaction"), value);
    assert_eq!((text(&it.mid), text(&it.emoji)), ("1", "❤"));
    assert_eq!(it.action, Some(ReactionAction::React));
    assert_eq!(it.reaction, Some(ReactionName::Love));
    assert_eq!(keys(&it.extra), ["x"]);
    let value = r#"{"postback":{"mid":"1","title":"t","payload":"p","x":1}}"#;
    let it = content!(Postback, Some("postback"), value);
    assert_eq!([&it.mid, &it.title, &it.payload].map(text), ["1", "t", "p"]);
    assert_eq!(keys(&it.extra), ["x"]);
    let value = r#"{"read":{"mid":"1","watermark":2,"seq":3,"x":1}}"#;
    let it = content!(Seen, Some("read"), value);
    assert_eq!(
        (text(&it.mid), text(&it.watermark), it.seq),
        ("1", "2", Some(3))
    );
    assert_eq!(keys(&it.extra), ["x"]);
}

#[test]
fn an_optin_keeps_every_documented_property() {
    let value = r#"{"optin":{"type":"1","payload":"2","title":"3","notification_messages_token":4,
        "notification_messages_frequency":"5","notification_messages_timezone":"6",
        "token_expiry_timestamp":"7","user_token_status":"8","notification_messages_status":"9",
        "ref":"10","user_ref":11,"x":1}}"#;
    let it = content!(Optin, Some("optin"), value);
    let all = [
        &it.kind,
        &it.payload,
        &it.title,
        &it.token,
        &it.frequency,
        &it.timezone,
        &it.user_token_status,
        &it.status,
        &it.reference,
        &it.user_ref,
    ];
    assert_eq!(
        all.map(text),
        ["1", "2", "3", "4", "5", "6", "8", "9", "10", "11"]
    );
    assert_eq!(it.token_expiry, Some(7));
    assert_eq!(keys(&it.extra), ["x"]);
}

#[test]
fn handovers_policies_and_ratings_keep_every_documented_property() {
    for step in HandoverStep::ALL {
        let key = step.as_str();
        let value = format!(
            r#"{{"{key}":{{"previous_owner_app_id":1,"new_owner_app_id":"2",
                "requested_owner_app_id":3,"caller_app_id":5,"metadata":"m",
                "4":["primary_receiver"]}}}}"#
        );
        let it = content!(Handover, Some(key), &value);
        assert_eq!(it.step, Some(step));
        assert_eq!(it.roles.is_some(), step == HandoverStep::AppRoles);
        let all = [
            &it.previous_owner_app_id,
            &it.new_owner_app_id,
            &it.requested_owner_app_id,
            &it.caller_app_id,
            &it.metadata,
        ];
        assert_eq!(all.map(text), ["1", "2", "3", "5", "m"]);
        assert_eq!(keys(&it.extra), ["4"]);
    }
    let value = r#"{"policy-enforcement":{"action":"block","reason":"r","x":1}}"#;
    let it = content!(PolicyEnforcement, Some("policy-enforcement"), value);
    assert_eq!(
        (it.action, text(&it.reason)),
        (Some(PolicyAction::Block), "r")
    );
    assert_eq!(keys(&it.extra), ["x"]);
    let value = r#"{"response_feedback":{"mid":"1","feedback":"Good","x":1}}"#;
    let it = content!(ResponseFeedback, Some("response_feedback"), value);
    assert_eq!((text(&it.mid), text(&it.feedback)), ("1", "Good"));
    assert_eq!(keys(&it.extra), ["x"]);
}

#[test]
fn parties_keep_who_and_when() {
    let item = r#"{"sender":{"id":1,"username":"ada","user_ref":"r"},"recipient":{"id":"2"},
        "timestamp":1795170000000,"is_self":true,"folder":"general"}"#;
    let index = Index::of(item).unwrap();
    let it = Parties::read(&index.root(item).object().unwrap());
    let all = [
        &it.sender_id,
        &it.username,
        &it.user_ref,
        &it.recipient_id,
        &it.folder,
    ];
    assert_eq!(all.map(text), ["1", "ada", "r", "2", "general"]);
    assert_eq!(
        it.timestamp.map(jiff::Timestamp::as_second),
        Some(1_795_170_000)
    );
    assert!(it.is_self);
}

#[test]
fn a_value_nobody_knew_is_kept_as_it_came() {
    let value = message(r#"{"attachments":[{"type":"hologram"},{"type":7},{"type":""}]}"#);
    let it = content!(Message, Some("message"), &value);
    let kinds: Vec<_> = it.attachments.iter().map(|it| it.kind.clone()).collect();
    let other = |text: &'static str| Some(AttachmentType::Other(text.into()));
    assert_eq!(kinds, [other("hologram"), None, other("")]);
    let it = content!(Comment, None, r#"{"media":{"media_product_type":"Feed"}}"#);
    let product = it.media_product_type.unwrap();
    assert_eq!(product, MediaProductType::Other("Feed".into()));
    assert_eq!(product.as_str(), "Feed");
    let it = content!(
        Reaction,
        None,
        r#"{"action":"replace","reaction":"b\u00f6w"}"#
    );
    assert_eq!(it.action, Some(ReactionAction::Other("replace".into())));
    assert_eq!(it.reaction, Some(ReactionName::Other("böw".into())));
    let it = content!(Referral, None, r#"{"source":"CUSTOMER_CHAT_PLUGIN"}"#);
    assert_eq!(it.source.unwrap().as_str(), "CUSTOMER_CHAT_PLUGIN");
    let it = content!(PolicyEnforcement, None, r#"{"action":"pause"}"#);
    assert_eq!(it.action.unwrap().as_str(), "pause");
}

#[test]
fn a_known_value_is_spelled_as_it_came() {
    for spelling in [
        "image",
        "video",
        "audio",
        "file",
        "media",
        "share",
        "ig_post",
        "ig_reel",
        "reel",
        "ig_story",
        "story",
        "story_mention",
        "ephemeral",
        "like_heart",
        "template",
        "sticker",
        "fallback",
        "location",
        "unsupported_type",
    ] {
        let kind = AttachmentType::from(Cow::Borrowed(spelling));
        assert!(!matches!(kind, AttachmentType::Other(_)), "{spelling}");
        assert_eq!(kind.as_str(), spelling);
    }
    for spelling in ["FEED", "REELS", "STORY", "AD", "LIVE", "IGTV"] {
        let product = MediaProductType::from(Cow::Borrowed(spelling));
        assert!(!matches!(product, MediaProductType::Other(_)), "{spelling}");
        assert_eq!(product.as_str(), spelling);
    }
    for spelling in ["angry", "sad", "wow", "love", "like", "laugh", "other"] {
        let name = ReactionName::from(Cow::Borrowed(spelling));
        assert!(!matches!(name, ReactionName::Other(_)), "{spelling}");
        assert_eq!(name.as_str(), spelling);
    }
}

#[test]
fn every_property_may_be_missing_or_of_another_type() {
    for kind in Kind::ALL {
        for value in [
            "{}",
            r#"{"id":{},"mid":[],"text":7,"from":"x","media":null,"attachments":{},"reply_to":1,
                "referral":[],"quick_reply":true,"action":1,"num_edit":"x","impressions":{},
                "is_echo":"yes","sender":"me","recipient":[],"timestamp":{},"payload":1}"#,
        ] {
            assert_eq!(detail(*kind, None, value).kind(), *kind);
            assert_eq!(detail(*kind, Some("message"), value).kind(), *kind);
        }
    }
}
