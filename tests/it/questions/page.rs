//! Parser of the page of questions: the title, the partitions, the parameters, the query and the
//! answer of each question. All other text stays unchanged.

use crate::support;

/// A part of the page.
#[derive(Debug)]
enum Part {
    /// Literal text.
    Text(String),
    /// Query of the question with this index.
    Query(usize),
    /// Answer of the question with this index.
    Answer(usize),
}

/// Partitions that a question may read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reads {
    /// Number of last days (UTC) that may be read completely.
    pub(super) days: i32,
    /// Tables that may be read.
    pub(super) tables: Vec<String>,
    /// Columns whose indexes may be used on any day.
    pub(super) indexes: Vec<String>,
}

/// A question.
#[derive(Debug, Default)]
pub(super) struct Question {
    pub(super) title: String,
    pub(super) reads: Reads,
    /// Columns that the query compares with ids, and the title of the question whose answer has
    /// these ids.
    takes: Option<(Vec<String>, String)>,
    pub(super) query: String,
    pub(super) answer: String,
    /// First row of the answer, as pairs of column and value.
    pub(super) first: Vec<(String, String)>,
}

/// The page.
#[derive(Debug)]
pub(super) struct Page {
    parts: Vec<Part>,
    pub(super) questions: Vec<Question>,
}

/// Splits `this and that` into words.
fn words(text: &str) -> Vec<String> {
    let listed = text.split(" and ").filter(|it| !it.is_empty());
    listed.map(ToOwned::to_owned).collect()
}

impl Reads {
    /// Parses `8 days of events and repeats, then all days by the index on message_id`.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (days, rest) = line.trim_end_matches('.').split_once(" days of ")?;
        let (tables, indexes) = match rest.split_once(", ") {
            Some((tables, by)) => {
                let by = by.strip_prefix("then all days ").unwrap_or(by);
                (tables, by.split_once(" on ")?.1)
            }
            None => (rest, ""),
        };
        let days = if days == "all" { 0 } else { days.parse().ok()? };
        let (tables, indexes) = (words(tables), words(indexes));
        Some(Self {
            days,
            tables,
            indexes,
        })
    }
}

impl Page {
    /// Reads the page from the repository.
    pub(super) fn read(path: &str) -> Self {
        let text = support::page::read(path);
        let mut this = Self {
            parts: Vec::new(),
            questions: Vec::new(),
        };
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            this.note(line);
            this.parts.push(Part::Text(format!("{line}\n")));
            if line != "```sql" && line != "```text" {
                continue;
            }
            let block = lines.by_ref().take_while(|line| *line != "```");
            let block: String = block.flat_map(|line| [line, "\n"]).collect();
            this.block(line, block);
            this.parts.push(Part::Text("```\n".to_owned()));
        }
        this
    }

    /// Parses a line outside of blocks.
    fn note(&mut self, line: &str) {
        if let Some((_, title)) = line.strip_prefix("## ").and_then(|it| it.split_once(". ")) {
            let title = title.to_owned();
            self.questions.push(Question {
                title,
                ..Question::default()
            });
        }
        let Some(question) = self.questions.last_mut() else {
            return;
        };
        if let Some(reads) = line.strip_prefix("Reads: ") {
            question.reads = Reads::parse(reads).unwrap_or_else(|| panic!("{line}"));
        }
        if let Some(takes) = line.strip_prefix("Takes: ") {
            let (columns, from) = takes.split_once(" from [").unwrap();
            let (title, _) = from.split_once("](").unwrap();
            question.takes = Some((words(columns), title.to_owned()));
        }
    }

    fn block(&mut self, fence: &str, block: String) {
        let number = self.questions.len().checked_sub(1);
        let number = number.expect("a block belongs to a question");
        let question = &mut self.questions[number];
        if fence == "```sql" {
            question.query = block;
            self.parts.push(Part::Query(number));
        } else {
            question.answer = block;
            self.parts.push(Part::Answer(number));
        }
    }

    /// Indexes of the questions, ordered so that a question follows the question that supplies its
    /// ids.
    pub(super) fn in_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = Vec::new();
        while order.len() < self.questions.len() {
            let ready = |index: &usize| {
                let takes = self.questions[*index].takes.as_ref();
                takes.is_none_or(|(_, title)| {
                    order.iter().any(|it| self.questions[*it].title == *title)
                })
            };
            let next = (0..self.questions.len())
                .filter(|it| !order.contains(it))
                .find(ready);
            order.push(next.expect("what a question takes is an answer of the page"));
        }
        order
    }

    /// Puts the ids from another answer into the query of a question.
    pub(super) fn take(&mut self, index: usize) {
        let Some((columns, title)) = self.questions[index].takes.clone() else {
            return;
        };
        for column in columns {
            let source = self.questions.iter().find(|it| it.title == title).unwrap();
            let taken = source.first.iter().find(|(name, _)| *name == column);
            let (_, value) = taken.unwrap_or_else(|| panic!("{title} answers no {column}"));
            let value = value.clone();
            self.put(index, &column, &value);
        }
    }

    /// Puts `value` into the query of a question at the comparison with `column`.
    pub(super) fn put(&mut self, index: usize, column: &str, value: &str) {
        let query = &mut self.questions[index].query;
        let before_value = format!("{column} = '");
        let (before, rest) = query.split_once(&before_value).unwrap();
        let (_, after) = rest.split_once('\'').unwrap();
        let value = value.replace('\'', "''");
        *query = format!("{before}{before_value}{value}'{after}");
    }

    /// Text of the whole page.
    pub(super) fn text(&self) -> String {
        let text = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Query(number) => self.questions[*number].query.clone(),
            Part::Answer(number) => self.questions[*number].answer.clone(),
        };
        self.parts.iter().map(text).collect()
    }
}

#[test]
fn what_a_question_reads_is_understood() {
    let owned = |words: &[&str]| words.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let reads = |days, tables: &[&str], indexes: &[&str]| {
        Some(Reads {
            days,
            tables: owned(tables),
            indexes: owned(indexes),
        })
    };
    assert_eq!(
        Reads::parse("8 days of events and repeats."),
        reads(8, &["events", "repeats"], &[])
    );
    assert_eq!(
        Reads::parse("2 days of events, then all days by the index on person_id."),
        reads(2, &["events"], &["person_id"])
    );
    assert_eq!(
        Reads::parse("all days of events, by the indexes on person_id and message_id."),
        reads(0, &["events"], &["person_id", "message_id"])
    );
    assert_eq!(Reads::parse("everything"), None);
}
