//! German.

use super::Language;

pub(super) static GERMAN: Language = Language {
    things: [
        &[
            "Zimtschnecken",
            "Mohnbrötchen",
            "Laugenstangen",
            "Quarktaschen",
            "Dinkelbrote 🥖",
        ],
        &[
            "Lastenräder",
            "Ledersättel",
            "Laufräder",
            "Kinderhelme",
            "Schutzbleche",
        ],
        &[
            "Tickets für Freitag",
            "Abendführungen",
            "Plätze im Workshop",
            "Kataloge",
            "Audioguides",
        ],
    ],
    days: &[
        "morgen",
        "am Samstag",
        "heute Nachmittag",
        "nächste Woche",
        "am Montag",
        "bis 18 Uhr",
    ],
    ask: &[
        "Hallo! Habt ihr {day} noch {thing}?",
        "Guten Morgen, gibt es {day} wieder {thing}?",
        "Hi, ich suche {thing}. Geht {number} Stück {day}?",
        "Moin, habt ihr {day} offen?",
        "Kann ich {thing} auch online bestellen? https://example.org/bestellen",
        "Servus! Was kosten {thing} bei euch? Auf der Karte stehen {number} €",
        "Ist schon was für {day} frei? Wir wären {number} Leute",
    ],
    more: &[
        "und habt ihr auch einen Parkplatz?",
        "Wir wären zu {number}.",
        "Sorry, ich meinte {day}",
        "Ich kann auch {day} vorbeikommen",
        "Geht auch Kartenzahlung? 50% vorab wäre ok",
        "hallo?",
    ],
    corrected: &[
        "Ich meinte {number}, nicht {number}",
        "Habt ihr {day} noch {thing}?",
        "Doch lieber {day}, bitte",
    ],
    oops: &[
        "Mama, bin gleich da",
        "Hast du den Schlüssel?",
        "Falscher Chat, sorry!",
    ],
    answer: &[
        "Ja, {number} Stück liegen für dich bereit.",
        "Leider erst wieder {day}. Sollen wir dir Bescheid geben?",
        "Klar, komm einfach vorbei! Wir haben {day} geöffnet.",
        "{thing} sind gerade aus, {day} kommen neue.",
        "Haben wir notiert: {number}, {day}. Bis dann!",
        "Schau mal hier: https://example.org/termine/{number}",
    ],
    automatic: &[
        "Danke für deine Nachricht! Wir antworten {day}.",
        "Unsere Öffnungszeiten: Di bis So, 8 bis 18 Uhr.",
        "Hier findest du alles: https://example.org/info",
    ],
    thanks: &[
        "Super, danke!",
        "Perfekt 🙏",
        "Danke, bis {day}!",
        "Ihr seid die Besten ❤️",
    ],
    to_story: &[
        "Wie lange geht das noch?",
        "Oh, {thing}! 😍",
        "Sieht toll aus",
        "Wann genau?",
    ],
    praise: &[
        "So schön geworden!",
        "😍😍😍",
        "Da muss ich {day} hin",
        "{thing} 👏",
        "Beste Adresse der Stadt, seit {number} Jahren",
    ],
    question: &[
        "Gibt es {day} wieder {thing}?",
        "Was kostet das?",
        "Muss man reservieren?",
        "Liefert ihr auch nach Wien?",
        "Habt ihr {thing} auch für Kinder?",
    ],
    reply: &[
        "Frag ich mich auch",
        "Ja, war gerade dort, {number} standen noch da",
        "+1",
        "Danke für den Tipp!",
    ],
    own_reply: &[
        "Danke dir! 100% von Hand.",
        "Ja, {day} wieder!",
        "Schreib uns gern eine Nachricht.",
        "Noch {number} da 😊",
    ],
    live: &[
        "Zeigt das nochmal!",
        "👏👏",
        "Hallo aus Kiel",
        "Wie lange dauert das?",
        "{thing}!",
    ],
};
