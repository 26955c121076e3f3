//! Notes for lists without rows, and what to do next.

/// A list that may have no rows.
#[derive(Clone, Copy, Debug)]
pub(super) enum List {
    Events,
    Deliveries,
    Rejections,
    Accounts,
    Conversations,
    /// Media with comments.
    Media,
    /// Deliveries in the spool.
    Waiting,
    /// Counts of events.
    Counts,
    /// Entries of the audit.
    Audit,
    /// Targets of an id.
    Targets,
    /// Consumers and destinations.
    Consumers,
    /// Dead letters of a consumer.
    DeadLetters,
    /// Destinations.
    Destinations,
    /// Attempts of a destination.
    Attempts,
    Replays,
}

/// Note for a list without rows. Filters and `--after` have `narrowed` it.
pub(super) fn message(list: List, narrowed: bool) -> &'static str {
    if narrowed {
        unmatched(list)
    } else {
        unfilled(list)
    }
}

/// Nothing is stored that the list could show.
fn unfilled(list: List) -> &'static str {
    match list {
        List::Events => {
            "no event is stored yet; `hookshelf simulate` sends some, and `hookshelf doctor` shows \
             why Meta's do not arrive"
        }
        List::Deliveries => {
            "no delivery is stored yet; `hookshelf simulate` sends some, and `hookshelf doctor` \
             shows why Meta's do not arrive"
        }
        List::Rejections => {
            "no delivery was refused; `hookshelf deliveries list` shows those that are stored"
        }
        List::Accounts => {
            "no delivery came for an account yet; `hookshelf simulate` sends some, and `hookshelf \
             doctor` shows why Meta's do not arrive"
        }
        List::Conversations => {
            "no conversation is listed yet; `hookshelf simulate` sends messages, and the server \
             lists them within seconds"
        }
        List::Media => {
            "no media with comments is listed yet; `hookshelf simulate` sends comments, and the \
             server lists them within seconds"
        }
        List::Waiting => {
            "no delivery waits in the spool; `hookshelf deliveries list` shows those that are stored"
        }
        List::Audit => {
            "no content was shown over HTTP yet; `hookshelf token new` makes tokens for readers"
        }
        List::Targets => "nothing stored has this id; a user name is found for a week",
        List::Consumers => {
            "no consumer or destination is configured; see docs/consumers.md for the keys"
        }
        List::DeadLetters => "this consumer has no dead letter",
        List::Destinations => "no destination is configured; see docs/destinations.md for the keys",
        List::Attempts => {
            "no attempt is stored; destinations store failed attempts, unless they have `attempts = \
             \"all\"`"
        }
        List::Replays => "there is no replay; `hookshelf replay --to NAME --since 2h` plans one",
        List::Counts => {
            "no event is counted; `hookshelf simulate` sends some, and the server counts them \
             within seconds"
        }
    }
}

/// The filters match nothing.
fn unmatched(list: List) -> &'static str {
    match list {
        List::Accounts => {
            "no account matches; widen or leave out the filters, or see all with `hookshelf \
             accounts list`"
        }
        List::Conversations => {
            "no conversation matches; widen or leave out the filters and --after, or see the newest \
             with `hookshelf conversations list`"
        }
        List::Media => {
            "no media with comments matches; widen or leave out the filters and --after, or see the \
             newest with `hookshelf comments list`"
        }
        List::Events => {
            "no event matches; widen or leave out the filters and --after, or see the newest with \
             `hookshelf events list`"
        }
        List::Deliveries => {
            "no delivery matches; widen or leave out the filters and --after, or see the newest \
             with `hookshelf deliveries list`"
        }
        List::Rejections => {
            "no refused delivery matches; widen or leave out the filters, or see all with \
             `hookshelf rejections list`"
        }
        List::Waiting => {
            "no delivery waits behind that place; `hookshelf spool inspect` begins with the oldest"
        }
        List::Audit => {
            "no entry matches; widen or leave out the filters, or see the newest with `hookshelf \
             audit list`"
        }
        List::Targets | List::Consumers | List::Destinations | List::Attempts => unfilled(list),
        List::Replays => {
            "no replay matches; leave out --to, or see the newest with `hookshelf replay list`"
        }
        List::DeadLetters => "no dead letter matches; `--state all` lists letters in every state",
        List::Counts => {
            "no counted event matches; widen or leave out the filters, or see all with \
             `hookshelf events stats`"
        }
    }
}
