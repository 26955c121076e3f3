//! The document as a page without scripts.

use std::{fmt::Write, sync::LazyLock};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Caller, Operation};

const STYLE: &str = include_str!("page.css");

/// Content security policy of the page: nothing but its own style.
pub(in crate::http::api) static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
});

/// The page of a document of these operations.
pub(in crate::http::api) fn page(document: &Value, tables: &[&[Operation]]) -> String {
    let mut page = Html::default();
    page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.raw("<meta name=\"viewport\" content=\"width=device-width\">\n");
    page.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<title>Hookshelf API</title>\n");
    page.raw(&format!("<style>{STYLE}</style>\n</head>\n<body>\n"));
    page.tag("h1", "Hookshelf API");
    let base = text(&document["servers"][0]["url"]).trim_end_matches('/');
    let info = &document["info"];
    page.tag("p", text(&info["description"]));
    let bearer = &document["components"]["securitySchemes"]["bearer"]["description"];
    page.tag("p", text(bearer));
    page.raw("<nav>");
    let operations = || tables.iter().copied().flatten();
    for operation in operations() {
        let described = described(document, operation);
        page.link(text(&described["operationId"]), &title(operation));
    }
    page.raw("</nav>\n");
    for operation in operations() {
        page.operation(operation, described(document, operation), base);
    }
    page.tag("h2", "Schemas");
    let schemas = document["components"]["schemas"].as_object();
    for (name, schema) in schemas.into_iter().flatten() {
        page.schema(name, schema);
    }
    page.raw("</body>\n</html>\n");
    page.0
}

fn described<'d>(document: &'d Value, operation: &Operation) -> &'d Value {
    &document["paths"][operation.path][operation.method]
}

fn title(operation: &Operation) -> String {
    format!("{} {}", operation.method.to_uppercase(), operation.path)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// HTML as it is written.
#[derive(Default)]
struct Html(String);

impl Html {
    fn raw(&mut self, html: &str) {
        self.0.push_str(html);
    }

    fn text(&mut self, text: &str) {
        for char in text.chars() {
            match char {
                '<' => self.raw("&lt;"),
                '>' => self.raw("&gt;"),
                '&' => self.raw("&amp;"),
                '"' => self.raw("&quot;"),
                other => self.0.push(other),
            }
        }
    }

    fn tag(&mut self, name: &str, text: &str) {
        self.raw(&format!("<{name}>"));
        self.text(text);
        self.raw(&format!("</{name}>\n"));
    }

    fn link(&mut self, anchor: &str, text: &str) {
        self.raw("<a href=\"#");
        self.text(anchor);
        self.raw("\">");
        self.text(text);
        self.raw("</a>\n");
    }

    fn operation(&mut self, operation: &Operation, described: &Value, base: &str) {
        self.raw("<section id=\"");
        self.text(text(&described["operationId"]));
        self.raw("\">\n");
        self.tag("h2", &title(operation));
        self.tag("p", text(&described["summary"]));
        self.tag("p", text(&described["description"]));
        self.parameters(&described["parameters"]);
        self.tag("pre", &example(operation, base));
        self.answers(&described["responses"]);
        self.raw("</section>\n");
    }

    fn parameters(&mut self, parameters: &Value) {
        let parameters = parameters.as_array().map_or(&[][..], Vec::as_slice);
        if parameters.is_empty() {
            return;
        }
        self.raw("<table><tr><th>parameter<th>form<th>meaning</tr>\n");
        for parameter in parameters {
            self.raw("<tr><td>");
            self.tag("code", text(&parameter["name"]));
            if parameter["in"] != "query" {
                self.text(&format!(" in the {}", text(&parameter["in"])));
            }
            self.raw("<td>");
            self.form(&parameter["schema"]);
            self.raw("<td>");
            self.text(text(&parameter["description"]));
            self.raw("</tr>\n");
        }
        self.raw("</table>\n");
    }

    fn answers(&mut self, responses: &Value) {
        self.raw("<table><tr><th>status<th>answer<th>body</tr>\n");
        for (status, response) in responses.as_object().into_iter().flatten() {
            self.raw("<tr><td>");
            self.tag("code", status);
            self.raw("<td>");
            self.text(text(&response["description"]));
            self.raw("<td>");
            for (media, content) in response["content"].as_object().into_iter().flatten() {
                self.tag("code", media);
                self.form(&content["schema"]);
            }
            self.raw("</tr>\n");
        }
        self.raw("</table>\n");
    }

    fn schema(&mut self, name: &str, schema: &Value) {
        self.raw("<section id=\"");
        self.text(name);
        self.raw("\">\n");
        self.tag("h3", name);
        self.tag("p", text(&schema["description"]));
        let properties = schema["properties"].as_object();
        self.raw("<table>\n");
        for (name, property) in properties.into_iter().flatten() {
            self.raw("<tr><td>");
            self.tag("code", name);
            self.raw("<td>");
            self.form(property);
            self.raw("<td>");
            self.text(text(&property["description"]));
            self.raw("</tr>\n");
        }
        self.raw("</table>\n");
        if properties.is_none() {
            self.form(schema);
        }
        self.raw("</section>\n");
    }

    /// A short form of a schema, with links to other schemas.
    fn form(&mut self, schema: &Value) {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or_default();
            return self.link(name, name);
        }
        for alternatives in ["anyOf", "oneOf", "allOf"] {
            for schema in schema[alternatives].as_array().into_iter().flatten() {
                self.form(schema);
                self.raw(" ");
            }
        }
        if let Some(names) = schema["enum"].as_array() {
            let names: Vec<_> = names.iter().map(Value::to_string).collect();
            return self.text(&names.join(" "));
        }
        match &schema["type"] {
            Value::Array(types) => {
                let types: Vec<_> = types.iter().map(text).collect();
                self.text(&types.join(" or "));
            }
            kind => self.text(text(kind)),
        }
        for (name, word) in [
            ("minimum", "from"),
            ("maximum", "to"),
            ("default", "else"),
            ("format", "as"),
        ] {
            if !schema[name].is_null() {
                let value = schema[name]
                    .as_str()
                    .map_or_else(|| schema[name].to_string(), str::to_owned);
                self.text(&format!(" {word} {value}"));
            }
        }
        if schema["items"].is_object() {
            self.raw(" of ");
            self.form(&schema["items"]);
        }
    }
}

/// A request with curl.
fn example(operation: &Operation, base: &str) -> String {
    let mut command = "curl".to_owned();
    if let Caller::Token(_) = operation.caller {
        command.push_str(" -H \"Authorization: Bearer $TOKEN\"");
    }
    if operation.method != "get" {
        let _ = write!(command, " -X {}", operation.method.to_uppercase());
    }
    if let Some(body) = operation.body {
        let _ = write!(command, " -d '{}'", body.example);
    }
    format!(
        "{command} 'http://127.0.0.1:9090{base}{}'",
        operation.example
    )
}
