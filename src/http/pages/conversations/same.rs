//! The same data elsewhere: the call of the API, the command, and the SQL of a page.

use crate::query::{ConversationFilter, ConversationOrder, ConversationRow};

/// Calls that return the data of a page.
#[derive(Debug)]
pub(super) struct Same {
    pub(super) api: String,
    pub(super) cli: String,
    /// View that the SQL reads, its conditions, and its order.
    pub(super) view: &'static str,
    pub(super) conditions: Vec<String>,
    pub(super) order: &'static str,
}

impl Same {
    /// Calls for the list of conversations. `api` is the path and query of the API.
    pub(super) fn list(api: String, filter: &ConversationFilter, order: ConversationOrder) -> Self {
        let mut cli = "hookshelf conversations list".to_owned();
        let mut conditions = Vec::new();
        let mut option = |name: &str, value: &str| {
            cli = format!("{cli} --{name} {}", for_shell(value));
        };
        if let Some(app) = &filter.app {
            option("app", app);
            conditions.push(format!("app = {}", for_sql(app)));
        }
        if let Some(client) = &filter.client {
            option("client", client);
            let of = "(app, account_id) IN (SELECT app, account_id FROM accounts WHERE client = ";
            conditions.push(format!("{of}{})", for_sql(client)));
        }
        if let [account, ..] = &filter.account_ids[..] {
            option("account", account);
            let ids: Vec<_> = filter.account_ids.iter().map(|id| for_sql(id)).collect();
            conditions.push(format!("account_id IN ({})", ids.join(", ")));
        }
        for (name, time, comparison) in
            [("since", filter.since, ">="), ("until", filter.until, "<")]
        {
            if let Some(time) = time {
                option(name, &time.to_string());
                conditions.push(format!("last_at {comparison} '{time}'"));
            }
        }
        let is_longest = order == ConversationOrder::LongestWaiting;
        if filter.waiting {
            cli.push_str(" --waiting");
        }
        if is_longest {
            cli.push_str(" --order longest-waiting");
        }
        if filter.waiting || is_longest {
            conditions.push("waiting_since IS NOT NULL".to_owned());
        }
        let order = if is_longest {
            "waiting_since LIMIT 100"
        } else {
            "last_at DESC LIMIT 100"
        };
        Self {
            api,
            cli,
            view: "conversations",
            conditions,
            order,
        }
    }

    /// Calls for a conversation.
    pub(super) fn conversation(api: String, of: &ConversationRow) -> Self {
        let (account, person) = (&of.account_id, &of.person_id);
        Self {
            api,
            cli: format!(
                "hookshelf conversations show {} {}",
                for_shell(account),
                for_shell(person)
            ),
            view: "events",
            conditions: vec![
                format!("account_id = {}", for_sql(account)),
                format!("person_id = {}", for_sql(person)),
            ],
            order: "coalesce(occurred_at, received_at), position",
        }
    }
}

/// A value as one word of a shell.
fn for_shell(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:@".contains(&byte);
    if !value.is_empty() && value.bytes().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// A value as a literal of SQL.
fn for_sql(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_word_and_one_literal() {
        assert_eq!(for_shell("7001"), "7001");
        assert_eq!(for_shell("it's; rm -r ."), r"'it'\''s; rm -r .'");
        assert_eq!(for_shell(""), "''");
        assert_eq!(for_sql("it's"), "'it''s'");
    }
}
