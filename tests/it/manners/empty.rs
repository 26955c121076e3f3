//! Empty lists: standard error says so and suggests a next step, and standard output has no row.

use crate::support::{eventually, server::Server};

/// A list, options that narrow it, and the message without and with them.
const LISTS: [(&[&str], &[&str], &str, &str); 10] = [
    (
        &["accounts", "list"],
        &["--app", "shop"],
        "no delivery came for an account yet; ",
        "no account matches; ",
    ),
    (
        &["conversations", "list"],
        &["--waiting"],
        "no conversation is listed yet; `hookshelf simulate`",
        "no conversation matches; ",
    ),
    (
        &["comments", "list"],
        &["--unanswered"],
        "no media with comments is listed yet; `hookshelf simulate`",
        "no media with comments matches; ",
    ),
    (
        &["events", "list"],
        &["--kind", "comment"],
        "no event is stored yet; `hookshelf simulate`",
        "no event matches; ",
    ),
    (
        &["events", "stats"],
        &["--since", "2h"],
        "no event is counted; `hookshelf simulate`",
        "no counted event matches; ",
    ),
    (
        &["deliveries", "list"],
        &["--after", "0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a"],
        "no delivery is stored yet; `hookshelf simulate`",
        "no delivery matches; ",
    ),
    (
        &["rejections", "list"],
        &["--app", "shop"],
        "no delivery was refused; ",
        "no refused delivery matches; ",
    ),
    (
        &["audit", "list"],
        &["--subject", "42"],
        "no content was shown over HTTP yet; `hookshelf token new`",
        "no entry matches; ",
    ),
    (
        &["replay", "list"],
        &["--to", "bot"],
        "there is no replay; `hookshelf replay --to",
        "no replay matches; ",
    ),
    (
        &["spool", "inspect"],
        &["--after", "1-42"],
        "no delivery waits in the spool; ",
        "no delivery waits behind that place; ",
    ),
];

#[tokio::test]
async fn an_empty_list_says_so_and_what_to_do_next() {
    let server = Server::start().await;
    let mut database = server.database().await;
    eventually("it counts and lists", async || {
        let counts = "SELECT count(*) = 2 FROM followers WHERE caught_up_at IS NOT NULL";
        sqlx::query_scalar(counts)
            .fetch_one(&mut database)
            .await
            .unwrap()
    })
    .await;
    for (verb, narrower, none, no_match) in LISTS {
        for (more, said) in [(&[][..], none), (narrower, no_match)] {
            let call = [verb, more].concat();
            let output = server.run(&call);
            let noted = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.success(), "{call:?}: {noted}");
            assert!(noted.starts_with(said), "{call:?}: {noted}");
            assert!(noted.contains("`hookshelf "), "{call:?}: {noted}");
            let printed = String::from_utf8(output.stdout).unwrap();
            assert_eq!(printed.lines().count(), 1, "{call:?}: {printed}");

            let json = server.run(&[&call[..], &["--json"]].concat());
            assert!(json.status.success() && json.stdout.is_empty(), "{call:?}");
        }
    }
}

#[tokio::test]
async fn a_list_with_rows_says_nothing_of_the_kind() {
    let server = Server::start().await;
    assert!(
        server
            .run(&["simulate", "--kind", "comment"])
            .status
            .success()
    );
    for verb in [["events", "list"], ["deliveries", "list"]] {
        let output = server.run(&verb);
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{verb:?}"
        );
    }
}

/// Requires a test for every list: a verb with the option `--limit` that is not about one thing.
#[test]
fn every_list_is_tried() {
    let program = hookshelf::cli::command();
    let is_list = |verb: &&clap::Command| {
        let has_limit = verb.get_arguments().any(|it| it.get_id() == "limit");
        has_limit && verb.get_positionals().next().is_none()
    };
    for group in program.get_subcommands() {
        for verb in group.get_subcommands().filter(is_list) {
            let call = [group.get_name(), verb.get_name()];
            assert!(LISTS.iter().any(|it| it.0 == call), "{call:?} is not tried");
        }
    }
}
