//! English.

use super::Language;

pub(super) static ENGLISH: Language = Language {
    things: [
        &[
            "cinnamon buns",
            "rye loaves",
            "poppy seed rolls",
            "croissants 🥐",
            "vegan brownies",
        ],
        &[
            "cargo bikes",
            "saddles",
            "kids' helmets",
            "gravel wheels",
            "tubeless tyres",
        ],
        &[
            "tickets for Friday",
            "guided tours",
            "workshop places",
            "prints",
            "audio guides",
        ],
    ],
    days: &[
        "tomorrow",
        "on Saturday",
        "this afternoon",
        "next week",
        "on Monday",
        "after 5 pm",
    ],
    ask: &[
        "Hi! Do you still have {thing} {day}?",
        "Good morning, are you open {day}?",
        "hey, could you keep {number} {thing} for me?",
        "How much are {thing}? The website says {number} € & up",
        "Do I need to book {thing}? We are {number} people",
        "Hello, is there wheelchair access?",
    ],
    more: &[
        "And do you take cards?",
        "we'd be {number} by the way",
        "Or would {day} be better?",
        "anyone there?",
        "I can pay 50% in advance",
    ],
    corrected: &[
        "I meant {number}, not {number}",
        "Make that {day}, please",
        "*{thing}",
    ],
    oops: &[
        "mum I'm nearly home",
        "did you feed the cat?",
        "wrong chat, sorry!!",
    ],
    answer: &[
        "Yes, we put {number} aside for you.",
        "Not today, sorry. {thing} are back {day}.",
        "Sure, just come by {day}!",
        "Noted: {number}, {day}. See you then.",
        "Have a look here: https://example.org/book/{number}",
    ],
    automatic: &[
        "Thanks for writing! We answer {day}.",
        "We are open Tuesday to Sunday, 8 to 6.",
        "All we know is here: https://example.org/info",
    ],
    thanks: &[
        "Great, thank you!",
        "perfect 🙏",
        "thanks, see you {day}",
        "you're the best ❤️",
    ],
    to_story: &[
        "until when?",
        "omg {thing} 😍",
        "where is this?",
        "saving this for {day}",
    ],
    praise: &[
        "that crust though",
        "😍😍",
        "Need to visit {day}",
        "Love {thing} 👏",
        "best in town for {number} years",
    ],
    question: &[
        "Will there be {thing} {day}?",
        "how much is it?",
        "Do you ship to Vienna?",
        "Is it ok to bring a dog?",
        "do you have {thing} for kids?",
    ],
    reply: &[
        "same question",
        "yes, was there an hour ago",
        "+1",
        "thanks for the hint!",
    ],
    own_reply: &[
        "Thank you! 100% by hand.",
        "Yes, {day} again!",
        "Send us a message, please.",
        "{number} left 😊",
    ],
    live: &[
        "show that again!",
        "👏👏",
        "hello from Leeds",
        "how long does it take?",
        "{thing}!",
    ],
};
