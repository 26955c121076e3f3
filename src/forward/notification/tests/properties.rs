//! Property tests of the grouping on random deliveries.

use bytes::Bytes;
use proptest::{collection::vec, prelude::*, sample::select};

use super::{check, read};
use crate::config::Mask;
use crate::forward::notification::{NewItem, notifications};

/// An item of one of four persons, or of none.
type Person = u8;

/// Containers of an entry.
#[derive(Clone, Debug)]
struct Entry {
    account: u8,
    messaging: Vec<Person>,
    standby: Vec<Person>,
    /// Changes; with more than one person, a change whose value is a list.
    changes: Vec<Vec<Person>>,
    /// The flat form, without a value if there is no person.
    flat: Option<Vec<Person>>,
    names: usize,
}

/// A notification, or a Threads envelope.
#[derive(Clone, Debug)]
enum Document {
    Entries(&'static str, Vec<Entry>),
    Threads(usize),
}

fn entry() -> impl Strategy<Value = Entry> {
    let persons = || vec(0..5_u8, 0..4);
    let values = (
        vec(vec(0..5_u8, 1..3), 0..3),
        prop::option::of(vec(0..5_u8, 0..3)),
    );
    let containers = (0..3_u8, persons(), persons(), values, 0..2_usize);
    containers.prop_map(
        |(account, messaging, standby, (changes, flat), names)| Entry {
            account,
            messaging,
            standby,
            changes,
            flat,
            names,
        },
    )
}

fn documents() -> impl Strategy<Value = Vec<Document>> {
    let object = select(&["\"instagram\"", "\"page\"", "null"][..]);
    let entries = (object, vec(entry(), 0..3));
    vec(
        prop_oneof![
            8 => entries.prop_map(|(object, entries)| Document::Entries(object, entries)),
            1 => (1..3_usize).prop_map(Document::Threads),
        ],
        1..3,
    )
}

/// Writer of a body, whose items all have different content.
#[derive(Default)]
struct Writer(u32);

impl Writer {
    fn number(&mut self) -> u32 {
        self.0 += 1;
        self.0
    }

    fn body(&mut self, documents: &[Document]) -> Bytes {
        let written: Vec<_> = documents.iter().map(|it| self.document(it)).collect();
        match written.as_slice() {
            [document] => document.clone().into(),
            several => format!("[{}]", several.join(" , ")).into(),
        }
    }

    fn document(&mut self, document: &Document) -> String {
        match document {
            Document::Entries(object, entries) => {
                let entries: Vec<_> = entries.iter().map(|it| self.entry(it)).collect();
                format!(
                    r#"{{"object": {object},"new":1,"entry":[{}]}}"#,
                    entries.join(",")
                )
            }
            Document::Threads(values) => {
                let values = self.each(&vec![0; *values], Self::change);
                let topic = self.number();
                format!(r#"{{"topic":"t{topic}","target_id":"9","values":[{values}]}}"#)
            }
        }
    }

    fn entry(&mut self, entry: &Entry) -> String {
        let mut pairs = vec![
            format!(r#""id":"1784140000000000{}""#, entry.account),
            format!(r#""time": 17951700{:02}"#, self.number() % 100),
            format!(
                r#""standby" : [{}]"#,
                self.each(&entry.standby, Self::message)
            ),
            format!(
                r#""messaging":[{}]"#,
                self.each(&entry.messaging, Self::message)
            ),
        ];
        let changes: Vec<_> = entry.changes.iter().map(|it| self.changes(it)).collect();
        pairs.push(format!(r#""changes":[{}]"#, changes.join(" ,")));
        let names: Vec<_> = (0..entry.names)
            .map(|_| format!(r#""f{}""#, self.number()))
            .collect();
        pairs.push(format!(r#""changed_fields":[{}]"#, names.join(",")));
        match entry.flat.as_deref() {
            None => {}
            Some([]) => pairs.push(format!(r#""field":"g{}""#, self.number())),
            Some(persons) => pairs.push(self.flat(persons)),
        }
        format!("{{{}}}", pairs.join(","))
    }

    fn each(&mut self, persons: &[Person], item: fn(&mut Self, Person) -> String) -> String {
        let items: Vec<_> = persons.iter().map(|person| item(self, *person)).collect();
        items.join(", ")
    }

    /// A message; without a person a read receipt without a sender, or no object at all.
    fn message(&mut self, person: Person) -> String {
        let n = self.number();
        match person {
            0 if n.is_multiple_of(2) => format!(r#""odd {n}""#),
            0 => format!(r#"{{"read":{{"mid":"{n}"}},"timestamp":1795170000000}}"#),
            _ => format!(
                r#"{{"sender":{{"id":"{person}"}} , "message":{{"mid":"{n}","text":"\u00e4\/"}}}}"#
            ),
        }
    }

    fn change(&mut self, person: Person) -> String {
        format!(
            r#"{{"value": {},"field":"comments"}}"#,
            self.comment(person)
        )
    }

    fn changes(&mut self, persons: &[Person]) -> String {
        match persons {
            [person] => self.change(*person),
            _ => format!("{{{}}}", self.flat(persons)),
        }
    }

    /// `field` and `value`.
    fn flat(&mut self, persons: &[Person]) -> String {
        if let [person] = persons {
            return format!(r#""field":"comments","value": {}"#, self.comment(*person));
        }
        let members = self.each(persons, Self::comment);
        format!(r#""value":[{members}],"verb":"add","field":"comments""#)
    }

    fn comment(&mut self, person: Person) -> String {
        let n = self.number();
        match person {
            0 => format!(r#"{{"text": "{n}"}}"#),
            _ => format!(r#"{{"id":{n}, "from":{{"id":"{person}","username":"u"}}}}"#),
        }
    }
}

proptest! {
    #[test]
    fn each_passing_item_is_sent_once_in_the_order_of_its_lane(
        documents in documents(),
        passing in prop_oneof![Just(u64::MAX), any::<u64>()],
    ) {
        let body = Writer::default().body(&documents);
        check(&body, |position| passing & (1 << (position % 64)) != 0);
    }

    #[test]
    fn every_item_is_sent_or_gone_whatever_the_body_is(body: Vec<u8>, starts: Vec<u8>) {
        let items = (0..).zip(&starts).map(|(position, start)| NewItem {
            position,
            start: u32::from(*start),
            lane: start % 3,
        });
        let items: Vec<_> = items.collect();
        let built = notifications(&body.into(), &items, Mask::default());
        let sent = built.notifications.iter().flat_map(|it| &it.positions);
        let mut all: Vec<_> = sent.chain(&built.gone).copied().collect();
        all.sort_unstable();
        prop_assert!(all.into_iter().eq(items.iter().map(|item| item.position)));
    }

    #[test]
    fn a_damaged_body_loses_no_item(
        documents in documents(),
        at: prop::sample::Index,
        byte: u8,
    ) {
        let body = Writer::default().body(&documents);
        let events = read(&body);
        let mut damaged = body.to_vec();
        let at = at.index(damaged.len());
        damaged[at] = byte;
        let items: Vec<_> = super::items(&events);
        let built = notifications(&damaged.into(), &items, Mask::default());
        let sent = built.notifications.iter().map(|it| it.positions.len());
        prop_assert_eq!(sent.sum::<usize>() + built.gone.len(), items.len());
    }
}
