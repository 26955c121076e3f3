//! Parameters of an operation in the document, with the values of its example.

use serde_json::{Value, json};

use super::Operation;
use crate::http::parameter::{Form, Parameter};

/// Parameters in the path, the query and the headers.
pub(super) fn parameters(operation: &Operation) -> Vec<Value> {
    let (path, query) = operation
        .example
        .split_once('?')
        .unwrap_or((operation.example, ""));
    let parts = operation.path.split('/').zip(path.split('/'));
    let parts: Vec<_> = parts
        .filter_map(|(part, value)| Some((part.strip_prefix('{')?.strip_suffix('}')?, value)))
        .collect();
    let part = |name: &str| {
        parts
            .iter()
            .find(|(part, _)| *part == name)
            .map(|it| it.1.to_owned())
    };
    let given = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.into_owned())
    };
    let in_path = operation
        .parts
        .iter()
        .map(|it| described(&it.required(), "path", part(it.name)));
    let in_query = operation.parameters.iter().copied().flatten();
    let in_query = in_query.map(|it| described(it, "query", given(it.name)));
    let in_head = operation
        .headers
        .iter()
        .map(|it| described(it, "header", None));
    in_path.chain(in_query).chain(in_head).collect()
}

fn described(parameter: &Parameter, place: &str, example: Option<String>) -> Value {
    let mut described = json!({
        "name": parameter.name,
        "in": place,
        "required": parameter.is_required,
        "description": about(parameter),
        "schema": parameter.form.schema(),
    });
    if let Some(example) = example {
        described["example"] = typed(parameter.form, &example);
    }
    if parameter.is_list() {
        // One value with commas between the names.
        described["style"] = "form".into();
        described["explode"] = false.into();
    }
    described
}

fn about(parameter: &Parameter) -> String {
    match parameter.form {
        Form::Moment => format!("{} Allowed: {}.", parameter.about, parameter.form.allowed()),
        Form::Place(example, _) => format!("{} Such as {example}.", parameter.about),
        _ => parameter.about.to_owned(),
    }
}

/// A value as JSON.
fn typed(form: Form, value: &str) -> Value {
    match form {
        Form::Position | Form::Number(..) => value.parse::<i64>().map_or(Value::Null, Value::from),
        Form::Flag => (value == "true").into(),
        Form::SomeOf(_) => value.split(',').collect(),
        _ => value.into(),
    }
}
