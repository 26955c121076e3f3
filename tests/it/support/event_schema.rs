//! Validation of events against `docs/event.schema.json`, as a client would do it.

use std::collections::BTreeSet;

use boon::{Compiler, SchemaIndex, Schemas};
use hookshelf::{
    meta::event::Kind,
    query::schema::{COLUMNS, data, json_schema},
};
use serde_json::Value;

/// The compiled schema.
pub(crate) struct EventSchema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl EventSchema {
    /// Compiles the schema, which a test compares with the page. Formats are asserted.
    pub(crate) fn compile() -> Self {
        let schema = serde_json::from_str(&json_schema()).unwrap();
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.enable_format_assertions();
        compiler.add_resource("event.schema.json", schema).unwrap();
        let index = compiler.compile("event.schema.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    /// Asserts that an event is valid and has no other keys than those of the schema.
    pub(crate) fn hold(&self, event: &Value) {
        if let Err(fault) = self.schemas.validate(event, self.index) {
            panic!("{event}: {fault}");
        }
        let kind = Kind::of_name(event["kind"].as_str().unwrap()).unwrap();
        let own: BTreeSet<_> = data(kind).map(|it| it.name).collect();
        let all: BTreeSet<_> = COLUMNS
            .iter()
            .map(|it| it.name)
            .chain(["kind", "data"])
            .collect();
        assert_eq!((keys(event), keys(&event["data"])), (all, own), "{event}");
    }

    /// True if an event is valid.
    pub(crate) fn allows(&self, event: &Value) -> bool {
        self.schemas.validate(event, self.index).is_ok()
    }
}

fn keys(object: &Value) -> BTreeSet<&str> {
    let pairs = object.as_object().unwrap().iter();
    pairs.map(|(key, _)| key.as_str()).collect()
}
