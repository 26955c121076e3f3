//! Words that accounts have set up: buttons, links, ads, titles; and the emoji of reactions.

use super::pick;
use crate::simulate::{
    json::{Json, object},
    random::Random,
};

/// Title and payload of a button, an icebreaker or a menu item.
pub(in crate::simulate::stream) fn button(
    trade: usize,
    random: &mut Random,
) -> (&'static str, &'static str) {
    const BUTTONS: [[(&str, &str); 5]; 3] = [
        [
            ("Was gibt es heute?", "ICE_TODAY"),
            ("Wann habt ihr geöffnet?", "ICE_OPENING_HOURS"),
            ("Vorbestellen", "ORDER"),
            ("Allergene", "ALLERGENS"),
            ("Loslegen", "START"),
        ],
        [
            ("Werkstatttermin", "BOOK_REPAIR"),
            ("Is my bike ready?", "STATUS"),
            ("Wann habt ihr geöffnet?", "ICE_OPENING_HOURS"),
            ("Absagen", "CANCEL"),
            ("Get started", "START"),
        ],
        [
            ("Tickets", "TICKETS"),
            ("Wann habt ihr geöffnet?", "ICE_OPENING_HOURS"),
            ("Führungen", "TOURS"),
            ("How do I get there?", "DIRECTIONS"),
            ("Mit einem Menschen reden", "HUMAN"),
        ],
    ];
    pick(&BUTTONS[trade % 3], random)
}

/// Title and payload of a quick reply.
pub(in crate::simulate::stream) fn quick_reply(
    random: &mut Random,
) -> (&'static str, &'static str) {
    const REPLIES: [(&str, &str); 6] = [
        ("Abholen", "PICKUP"),
        ("Liefern", "DELIVER"),
        ("Yes please", "YES"),
        ("Lieber nicht", "NO"),
        ("Samstag", "DAY/saturday"),
        ("Oui", "YES"),
    ];
    pick(&REPLIES, random)
}

/// How somebody came in without an ad.
pub(in crate::simulate::stream) fn link(trade: usize, random: &mut Random) -> Json {
    const LINKS: [[(&str, &str); 3]; 3] = [
        [
            ("schaufenster", "IGME-SOURCE-LINK"),
            ("brottuete", "SHORTLINK"),
            ("markttag", "IG_STORY"),
        ],
        [
            ("werkstattkarte", "IGME-SOURCE-LINK"),
            ("flyer-07", "SHORTLINK"),
            ("radwoche", "IG_STORY"),
        ],
        [
            ("audioguide", "IGME-SOURCE-LINK"),
            ("plakat-a3", "SHORTLINK"),
            ("nachtfuehrung", "IG_STORY"),
        ],
    ];
    let (from, source) = pick(&LINKS[trade % 3], random);
    object! { "ref": from, "source": source, "type": "OPEN_THREAD" }
}

/// The title of an ad of an account.
pub(in crate::simulate::stream) fn ad_title(trade: usize, number: usize) -> &'static str {
    const TITLES: [[&str; 3]; 3] = [
        [
            "Weihnachtskiste 2026",
            "Brotabo: 4 Wochen",
            "Sourdough class",
        ],
        [
            "Winterinspektion 20% günstiger",
            "Cargo bike test days",
            "Radwoche",
        ],
        [
            "Nacht im Museum",
            "Ships and storms: last weeks",
            "Jahreskarte",
        ],
    ];
    TITLES[trade % 3][number % 3]
}

/// What somebody subscribes to.
pub(in crate::simulate::stream) fn newsletter(trade: usize) -> &'static str {
    [
        "Backplan der Woche",
        "Neues aus der Werkstatt",
        "Neues aus dem Museum",
    ][trade % 3]
}

/// The title of a post or reel that somebody shares.
pub(in crate::simulate::stream) fn title(trade: usize, random: &mut Random) -> &'static str {
    const TITLES: [[&str; 4]; 3] = [
        [
            "Roggen, 24 Stunden",
            "Ofen an",
            "Croissants, layer by layer",
            "Mohn 🌸",
        ],
        [
            "Laufrad in 30 s",
            "Neu: Stahlrahmen, handgelötet",
            "Gravel at dawn",
            "Kette ölen",
        ],
        [
            "Hinter den Kulissen",
            "Ein Modell zieht um",
            "Conserving a figurehead",
            "Neuer Saal",
        ],
    ];
    pick(&TITLES[trade % 3], random)
}

/// The name and emoji of a reaction; `again` gives another than the most common one.
pub(in crate::simulate::stream) fn reaction(again: bool, random: &mut Random) -> Json {
    const REACTIONS: [(&str, &str); 9] = [
        ("love", "❤️"),
        ("love", "❤"),
        ("like", "👍"),
        ("laugh", "😂"),
        ("wow", "😮"),
        ("sad", "😢"),
        ("angry", "😠"),
        ("other", "🥨"),
        ("other", "🚲"),
    ];
    let most_common = !again && random.below(2) == 0;
    let (name, emoji) = if most_common {
        REACTIONS[0]
    } else {
        pick(&REACTIONS, random)
    };
    object! { "reaction": name, "emoji": emoji }
}
