//! Distinguishes SQL statements in string literals from sentences that begin with the same word.

/// True if a literal is an SQL statement: its first word is an SQL verb, all upper or all lower
/// case, and the following words fit that verb.
pub(crate) fn is_sql(literal: &str) -> bool {
    let Some((_, text)) = literal.split_once('"') else {
        return false;
    };
    let text = text
        .trim_end_matches(['#', '"'])
        .replace("\\n", " ")
        .replace('\\', " ");
    let lines = text
        .lines()
        .map(str::trim)
        .skip_while(|l| l.is_empty() || l.starts_with("--"));
    let statement = lines.collect::<Vec<_>>().join(" ");
    let words: Vec<&str> = statement.split_whitespace().collect();
    let Some(first) = words.first().filter(|word| one_case(word)) else {
        return false;
    };
    let lower = words
        .iter()
        .map(|word| word.to_ascii_lowercase())
        .collect::<Vec<_>>();
    let shouted = first.chars().all(|c| c.is_ascii_uppercase());
    is_statement(&lower, shouted)
}

/// True if the lower-case `words` form a statement; `shouted` is true if the verb was in upper
/// case.
fn is_statement(words: &[String], shouted: bool) -> bool {
    let word = |i: usize| words.get(i).map_or("", String::as_str);
    let has = |wanted: &str| words.iter().any(|word| word == wanted);
    match word(0) {
        "select" | "values" => (shouted && words.len() > 1) || has("from"),
        "with" => has("as") && (has("select") || has("insert") || has("update")),
        "insert" => word(1) == "into",
        "delete" => word(1) == "from",
        "update" => word(2) == "set",
        "copy" | "listen" | "notify" | "vacuum" | "truncate" => shouted,
        "create" | "alter" | "drop" | "comment" => OBJECTS.contains(&word(1)),
        _ => false,
    }
}

const OBJECTS: &[&str] = &[
    "database",
    "extension",
    "function",
    "index",
    "materialized",
    "on",
    "or",
    "role",
    "schema",
    "sequence",
    "table",
    "type",
    "unique",
    "user",
    "view",
];

fn one_case(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_uppercase()) || word.chars().all(|c| c.is_ascii_lowercase())
}

#[test]
fn statements_are_seen_and_sentences_are_not() {
    let sql = [
        "\"SELECT 1\"",
        "r#\"\n  -- the events of one account\n  select position\n  from events\n\"#",
        "\"INSERT INTO events VALUES ($1)\"",
        "\"update events set text = null\"",
        "\"WITH inc AS MATERIALIZED (SELECT 1) INSERT INTO events SELECT 1\"",
        "\"DROP DATABASE \\\"test\\\"\"",
        "b\"create table a (b int)\"",
    ];
    let sentences = [
        "\"select an account\"",
        "\"Select events from one account\"",
        "\"update the key so that it is set\"",
        "\"delete the file\"",
        "\"create the directory\"",
        "\"\"",
        "select",
        "'\"'",
    ];
    for text in sql {
        assert!(is_sql(text), "{text}");
    }
    for text in sentences {
        assert!(!is_sql(text), "{text}");
    }
}
