//! Verbs that only show a plan without `--yes`: a message that names such a verb must also name the
//! call with `--yes`.

use crate::Fault;
use crate::messages::literal;
use crate::source::Source;

/// Declaration of the option `--yes` of such a verb, without white space differences.
const OPTION: &str = "/// Do it. #[arg(long)] yes: bool";

/// Prefix of the example of a verb.
const EXAMPLE: &str = "/// Example: hookshelf ";

/// Verbs that need `--yes`, taken from the examples in the files that declare the option.
pub(crate) fn verbs(files: &[Source]) -> Vec<String> {
    let spaced = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let apply = files.iter().filter(|it| spaced(&it.text).contains(OPTION));
    let examples = apply.flat_map(|it| {
        it.text
            .lines()
            .filter_map(|line| line.strip_prefix(EXAMPLE))
    });
    let mut verbs: Vec<_> = examples
        .map(|it| spaced(it.split(" -").next().unwrap_or_default()))
        .collect();
    verbs.sort();
    verbs.dedup();
    verbs
}

/// Messages of production code that name one of these verbs without `--yes`. A text of the verb
/// alone is allowed, because the text is part of another message.
pub(crate) fn faults(file: &Source, verbs: &[String]) -> Vec<Fault> {
    let tokens = file.tokens();
    let texts = tokens.iter().filter(|token| !token.test);
    let texts = texts.filter_map(|token| Some((token.line, literal(&token.text)?)));
    let plans = |text: &str| {
        let named = verbs.iter().find(|verb| text.contains(verb.as_str()))?;
        let part = text.trim_start_matches("hookshelf ") == named;
        (!part && !text.contains("--yes")).then(|| named.clone())
    };
    let found = texts.filter_map(|(line, text)| Some((line, plans(&text)?)));
    let say = |verb| format!("`{verb}` alone only shows a plan: name the call with --yes as well");
    found
        .map(|(line, verb)| Fault::at(&file.path, line, say(verb)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERB: &str = "/// Takes it away.\n///\n/// Example: hookshelf events purge --simulated\n\
                        struct Purge {\n    /// Do it.\n    #[arg(long)]\n    yes: bool,\n}\n";

    #[test]
    fn a_verb_that_needs_yes_is_found_and_no_other() {
        let applying = Source::sample("src/cli/purge.rs", VERB);
        let other = Source::sample("src/cli/list.rs", "/// Example: hookshelf events list\n");
        assert_eq!(verbs(&[applying, other]), ["events purge"]);
    }

    #[test]
    fn a_message_that_gives_the_plan_alone_is_a_fault() {
        let verbs = ["events purge".to_owned()];
        let found = |code: &str| faults(&Source::sample("src/a.rs", code), &verbs).len();
        assert_eq!(
            found("const A: &str = \"run `hookshelf events purge`\";"),
            1
        );
        assert_eq!(
            found("fn f() { g(\"store: \\\n  hookshelf events purge\") }"),
            1
        );
        for fine in [
            "const A: &str = \"hookshelf events purge\";",
            "const A: &str = \"see `hookshelf events purge`, then `hookshelf events purge --yes`\";",
            "/// Runs `hookshelf events purge`.\nconst A: u8 = 1;",
            "#[cfg(test)]\nmod tests { const A: &str = \"run `hookshelf events purge`\"; }",
        ] {
            assert_eq!(found(fine), 0, "{fine}");
        }
    }
}
