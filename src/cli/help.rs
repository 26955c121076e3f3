//! Help layout: prose that fits the terminal, then examples that run.
//!
//! A verb writes its examples into its doc comment, a line each: `/// Example: hookshelf …`. Here
//! they move below the options, under one heading. A verb that has verbs below it and no example
//! of its own shows the first one of each of them.

use clap::{
    Command,
    builder::{Resettable, StyledStr, Styles},
};

use super::colours;

/// Introduces an example in a doc comment.
const EXAMPLE: &str = "Example:";

/// The help of `command` and of all below it, arranged.
pub(super) fn arranged(command: Command) -> Command {
    arrange(command.styles(styles())).0
}

/// The colours of clap, the same as those of what verbs print.
fn styles() -> Styles {
    Styles::plain()
        .header(colours::HEADER)
        .usage(colours::HEADER)
        .literal(colours::OK)
        .error(colours::WRONG)
        .invalid(colours::WARNING)
        .valid(colours::OK)
}

/// The command and its examples.
fn arrange(command: Command) -> (Command, Vec<String>) {
    let mut below = Vec::new();
    let command = command.mut_subcommands(|verb| {
        let hidden = verb.is_hide_set();
        let (verb, examples) = arrange(verb);
        below.extend(examples.into_iter().take(usize::from(!hidden)));
        verb
    });
    let about = command.get_about().map(ToString::to_string);
    let long = command.get_long_about().map(ToString::to_string);
    let (short, of_short) = split(&about.unwrap_or_default());
    let (long, of_long) = split(&long.unwrap_or_default());
    let examples = [of_long, of_short, below];
    let examples = examples.into_iter().find(|found| !found.is_empty());
    let examples = examples.unwrap_or_default();
    let short = short.trim_end_matches('.').to_owned();
    // A single paragraph says no more than the short form.
    let long = long.contains('\n').then(|| StyledStr::from(long));
    let command = command.about(short).long_about(Resettable::from(long));
    let shown = listed(&examples);
    (command.after_help(shown), examples)
}

/// The prose of a doc comment with each paragraph on one line, since clap breaks lines where the
/// terminal ends, and its examples. Indented lines stay as they are.
fn split(text: &str) -> (String, Vec<String>) {
    // Without the marks of code around it.
    let example = |text: &str| text.trim().trim_matches('`').to_owned();
    let mut examples = Vec::new();
    let mut paragraphs = Vec::new();
    for paragraph in text.split("\n\n") {
        let (prose, found) = match paragraph.split_once(EXAMPLE) {
            Some((prose, found)) => (prose, found.split(EXAMPLE).collect()),
            None => (paragraph, Vec::new()),
        };
        examples.extend(found.into_iter().map(example));
        if !prose.trim().is_empty() {
            paragraphs.push(unbroken(prose.trim_end()));
        }
    }
    (paragraphs.join("\n\n"), examples)
}

fn unbroken(paragraph: &str) -> String {
    let mut text = String::new();
    for line in paragraph.lines() {
        if !text.is_empty() {
            text.push(if line.starts_with(' ') { '\n' } else { ' ' });
        }
        text.push_str(line);
    }
    text
}

fn listed(examples: &[String]) -> StyledStr {
    if examples.is_empty() {
        return StyledStr::new();
    }
    let header = colours::HEADER;
    let heading = format!("{header}Examples:{header:#}\n  ");
    StyledStr::from(heading + &examples.join("\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_move_below_and_prose_becomes_paragraphs() {
        let verb = Command::new("list").about("Lists.").long_about(
            "Lists.\n\nThe newest\nlast:\n  a  b\n\nExample: hookshelf list\nExample: `A=b hookshelf`",
        );
        let mut all = arranged(Command::new("hookshelf").subcommand(verb));
        let shown = "Examples:\n  hookshelf list\n";
        assert!(all.render_long_help().to_string().contains(shown));
        let list = all.find_subcommand("list").unwrap();
        let long = list.get_long_about().unwrap().to_string();
        assert_eq!(long, "Lists.\n\nThe newest last:\n  a  b");
        assert_eq!(list.get_about().unwrap().to_string(), "Lists");
        let after = list.get_after_help().unwrap().to_string();
        assert_eq!(after, "Examples:\n  hookshelf list\n  A=b hookshelf");
    }

    #[test]
    fn an_example_may_stand_in_the_only_paragraph() {
        let text = "Lists. Example: hookshelf list Example: hookshelf list --json";
        let (prose, examples) = split(text);
        assert_eq!(prose, "Lists.");
        assert_eq!(examples, ["hookshelf list", "hookshelf list --json"]);
    }
}
