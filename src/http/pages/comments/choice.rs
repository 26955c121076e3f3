//! Choice of threads: answered or not, by person, words, or questions.

use crate::{
    http::{
        api::threads::{Keep, ThreadOrder, thread_order},
        parameter::{Form, Parameter},
        parameters::Parameters,
        problem::{self, Problem},
    },
    query::{Comment, Scope, Thread},
};

/// Parameters of a choice that only the page knows.
pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter::one("person", "Author: user name or Instagram-scoped id."),
    Parameter::of(
        "text",
        "Part of a comment, in upper or lower case.",
        Form::Search,
    ),
    Parameter::of(
        "questions",
        "true for comments with a question.",
        Form::Flag,
    ),
];

/// Question marks of different scripts.
const QUESTION_MARKS: [char; 4] = ['?', '？', '؟', '¿'];

/// Chosen threads: those with a comment that has all properties.
#[derive(Clone, Debug, Default)]
pub(super) struct Choice {
    pub(super) order: ThreadOrder,
    pub(super) answered: Option<bool>,
    pub(super) person: Option<String>,
    pub(super) text: Option<String>,
    pub(super) questions: bool,
    pub(super) thread: Option<String>,
    /// False if the reader may not search content.
    pub(super) may_search: bool,
}

impl Choice {
    /// Reads a choice. Questions are content, as words are.
    pub(super) fn of(parameters: &Parameters, scope: &Scope) -> Result<Self, Problem> {
        let choice = Self {
            order: thread_order(parameters)?,
            answered: parameters.flag("answered")?,
            person: parameters.text("person")?,
            text: parameters.search("text")?,
            questions: parameters.flag("questions")?.unwrap_or(false),
            thread: parameters.text("thread")?,
            may_search: scope.shows_content(),
        };
        if choice.questions && !choice.may_search {
            let detail = "questions needs a token with content = true";
            return Err(Problem::new(problem::FORBIDDEN, detail));
        }
        Ok(choice)
    }

    /// True if threads are chosen.
    pub(super) fn is_set(&self) -> bool {
        self.is_of_page() || self.answered.is_some() || self.thread.is_some()
    }

    /// True if threads are chosen in a way that only the page knows.
    pub(super) fn is_of_page(&self) -> bool {
        self.person.is_some() || self.text.is_some() || self.questions
    }

    /// Changes of the parameters that lead to the first part; `None` on it. Behind the unanswered
    /// threads, the others have parts of their own.
    pub(super) fn start(&self, parameters: &Parameters) -> Option<Vec<(&'static str, String)>> {
        let mut names = vec!["before"];
        if self.is_unanswered_first() {
            names.push("answered");
        }
        let is_later = names.iter().any(|name| parameters.get(name).is_some());
        is_later.then(|| {
            names
                .into_iter()
                .map(|name| (name, String::new()))
                .collect()
        })
    }

    /// True if threads with unanswered comments are first.
    pub(super) fn is_unanswered_first(&self) -> bool {
        self.order == ThreadOrder::Unanswered
    }

    /// True if only threads in this state are chosen.
    pub(super) fn is_for(&self, answered: bool) -> bool {
        self.answered == Some(answered)
    }

    /// Words of the chosen state.
    pub(super) fn state(&self) -> Option<&'static str> {
        let word = |answered| if answered { "Answered" } else { "Unanswered" };
        self.answered.map(word)
    }

    /// The page's own choice as a function; `None` if it takes all threads.
    pub(super) fn keep(&self) -> Option<Box<Keep>> {
        let person = self.person.as_deref().map(|it| it.trim_start_matches('@'));
        let choice = Self {
            person: person.map(str::to_lowercase),
            text: self.text.as_deref().map(str::to_lowercase),
            ..self.clone()
        };
        let keep = move |thread: &Thread| choice.takes(thread);
        self.is_of_page().then(|| Box::new(keep) as Box<Keep>)
    }

    fn takes(&self, thread: &Thread) -> bool {
        let mut comments = thread.comment.iter().chain(&thread.replies);
        comments.any(|comment| self.takes_comment(comment))
    }

    fn takes_comment(&self, comment: &Comment) -> bool {
        let text = comment.text.as_deref().unwrap_or_default();
        let is_by = |person: &String| {
            let username = comment.username.as_deref().map(str::to_lowercase);
            username.as_ref() == Some(person) || comment.person_id.as_ref() == Some(person)
        };
        self.person.as_ref().is_none_or(is_by)
            && self
                .text
                .as_ref()
                .is_none_or(|part| text.to_lowercase().contains(part))
            && (!self.questions || text.contains(QUESTION_MARKS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread() -> Thread {
        let comment = |id: &str, text: &str| Comment {
            person_id: Some(id.to_owned()),
            username: Some(format!("Name{id}")),
            text: Some(text.to_owned()),
            ..Comment::default()
        };
        Thread {
            comment_id: Some("9001".to_owned()),
            comment: Some(comment("7001", "How MUCH is it?")),
            replies: vec![comment("7002", "Thanks")],
            ..Thread::default()
        }
    }

    fn takes(choice: &Choice) -> bool {
        choice.keep().is_none_or(|keep| keep(&thread()))
    }

    #[test]
    fn a_thread_is_chosen_by_a_comment_with_all_properties() {
        let some = |text: &str| Some(text.to_owned());
        let choose = |person, text, questions| Choice {
            person,
            text,
            questions,
            ..Choice::default()
        };
        assert!(takes(&Choice::default()));
        assert!(takes(&choose(some("@name7001"), some("much"), true)));
        assert!(takes(&choose(some("7002"), some("THANKS"), false)));
        assert!(!takes(&choose(some("7002"), None, true)));
        assert!(!takes(&choose(some("7002"), some("much"), false)));
    }
}
