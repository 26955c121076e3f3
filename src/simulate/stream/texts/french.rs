//! French.

use super::Language;

pub(super) static FRENCH: Language = Language {
    things: [
        &[
            "brioches",
            "pains de seigle",
            "croissants 🥐",
            "tartes au citron",
            "madeleines",
        ],
        &[
            "vélos cargo",
            "selles",
            "casques pour enfants",
            "garde-boue",
            "pneus neige",
        ],
        &[
            "billets pour vendredi",
            "visites guidées",
            "affiches",
            "places à l'atelier",
        ],
    ],
    days: &[
        "demain",
        "samedi",
        "cet après-midi",
        "la semaine prochaine",
        "lundi",
        "avant 18 h",
    ],
    ask: &[
        "Bonjour ! Vous avez encore des {thing} {day} ?",
        "Coucou, vous êtes ouverts {day} ?",
        "Bonjour, je cherche des {thing}, il m'en faut {number}",
        "Est-ce qu'il faut réserver ? On serait {number}",
        "C'est combien, les {thing} ? Le site dit {number} € à l'unité",
    ],
    more: &[
        "Et vous prenez la carte ?",
        "on sera {number}, désolée",
        "Ou bien {day} ?",
        "il y a quelqu'un ?",
        "je peux payer 50% d'avance",
    ],
    corrected: &[
        "{number}, pas {number} !",
        "Plutôt {day}, s'il vous plaît",
        "*des {thing}",
    ],
    oops: &[
        "t'as pris les clés ?",
        "mauvaise conversation, pardon",
        "j'arrive maman",
    ],
    answer: &[
        "Oui, on vous en garde {number}.",
        "Pas aujourd'hui, désolés. On aura des {thing} {day}.",
        "Avec plaisir, passez {day} !",
        "C'est noté : {number}, {day}. À bientôt !",
        "Tout est ici : https://example.org/reserver/{number}",
    ],
    automatic: &[
        "Merci pour votre message ! Réponse {day}.",
        "Ouvert du mardi au dimanche, de 8 h à 18 h.",
    ],
    thanks: &[
        "Super, merci !",
        "parfait 🙏",
        "Merci, à {day} !",
        "vous êtes géniaux ❤️",
    ],
    to_story: &[
        "jusqu'à quand ?",
        "oh, des {thing} 😍",
        "c'est où ?",
        "Magnifique",
    ],
    praise: &[
        "Quelle merveille !",
        "😍😍",
        "J'y vais {day}",
        "Les {thing} 👏",
        "La meilleure adresse depuis {number} ans",
    ],
    question: &[
        "Vous aurez des {thing} {day} ?",
        "c'est combien ?",
        "Vous livrez à Vienne ?",
        "Les chiens sont acceptés ?",
    ],
    reply: &[
        "même question",
        "oui, hier encore",
        "+1",
        "merci pour l'info !",
    ],
    own_reply: &[
        "Merci à vous ! 100% fait main.",
        "Oui, {day} !",
        "Écrivez-nous en message privé.",
        "Il en reste {number} 😊",
    ],
    live: &[
        "encore une fois !",
        "👏👏",
        "coucou de Lyon",
        "ça prend combien de temps ?",
    ],
};
