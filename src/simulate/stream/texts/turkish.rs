//! Turkish.

use super::Language;

pub(super) static TURKISH: Language = Language {
    things: [
        &[
            "tarçınlı çörek",
            "çavdar ekmeği",
            "simit",
            "haşhaşlı poğaça",
            "tahinli",
        ],
        &[
            "kargo bisikleti",
            "deri sele",
            "çocuk kaskı",
            "jant seti",
            "çamurluk",
        ],
        &[
            "cuma bileti",
            "rehberli tur",
            "atölyede yer",
            "katalog",
            "sesli rehber",
        ],
    ],
    days: &[
        "yarın",
        "cumartesi",
        "öğleden sonra",
        "haftaya",
        "pazartesi",
        "akşam 6'da",
    ],
    ask: &[
        "Merhaba! {day} {thing} var mı?",
        "Selam, {day} açık mısınız?",
        "İyi günler, {number} tane {thing} ayırır mısınız?",
        "Rezervasyon gerekiyor mu? {number} kişiyiz",
        "{thing} ne kadar? Sitede {number} € yazıyor",
    ],
    more: &[
        "kart geçiyor mu?",
        "bu arada {number} kişiyiz",
        "{day} de olur",
        "kimse yok mu?",
        "%50 peşin ödeyebilirim",
    ],
    corrected: &[
        "{number} değil {number} olacaktı",
        "{day} olsun lütfen",
        "*{thing}",
    ],
    oops: &[
        "anne geliyorum",
        "kediyi besledin mi?",
        "yanlış kişi, pardon",
    ],
    answer: &[
        "Evet, {number} tane ayırdık.",
        "Bugün kalmadı, {day} yine olacak.",
        "Tabii, {day} bekleriz!",
        "Not ettik: {number}, {day}. Görüşürüz!",
        "Buradan bakabilirsiniz: https://example.org/randevu/{number}",
    ],
    automatic: &[
        "Mesajınız için teşekkürler! {day} dönüş yaparız.",
        "Salıdan pazara 8-18 açığız.",
    ],
    thanks: &[
        "Harika, teşekkürler!",
        "süper 🙏",
        "{day} görüşürüz",
        "elinize sağlık ❤️",
    ],
    to_story: &[
        "ne zamana kadar?",
        "{thing} 😍",
        "burası neresi?",
        "çok güzel",
    ],
    praise: &[
        "Ellerinize sağlık!",
        "😍😍",
        "{day} geliyorum",
        "{thing} efsane 👏",
    ],
    question: &[
        "{day} {thing} olacak mı?",
        "fiyatı ne kadar?",
        "Viyana'ya kargo var mı?",
        "Çocuklar için {thing} var mı?",
    ],
    reply: &[
        "ben de merak ettim",
        "evet, dün oradaydım",
        "+1",
        "bilgi için sağ ol!",
    ],
    own_reply: &[
        "Teşekkür ederiz! Hepsi el yapımı.",
        "Evet, {day} yine var!",
        "Bize mesajdan yazın lütfen.",
        "{number} tane kaldı 😊",
    ],
    live: &[
        "bir daha gösterin!",
        "👏👏",
        "İzmir'den selamlar",
        "ne kadar sürüyor?",
    ],
};
