//! All lines of a conversation, in their true order.

use super::{Line, Part, lines};
use crate::{
    query::{
        Session,
        walk::{AT_ONCE, Walk},
    },
    store::{
        Error,
        read::{ConversationFilter, ConversationOrder, ConversationRow, Extent, Place},
    },
};

/// Walk over the lines of a conversation.
#[derive(Clone, Debug)]
pub struct LineWalk {
    of: ConversationRow,
    /// Place before the rest of the lines; `None` behind the end.
    after: Option<Place>,
    /// End of the log at the start.
    end: i64,
}

impl LineWalk {
    /// The lines after `after`, up to the position `end`, of the conversation that meets `filter`;
    /// if several do, of the newest.
    pub async fn begin(
        session: &mut Session,
        filter: &ConversationFilter,
        after: Option<Place>,
        end: i64,
    ) -> Result<Option<Self>, Error> {
        let order = ConversationOrder::Newest;
        let known = session.reader.conversations(filter, order, None, 1).await?;
        Ok(known.into_iter().next().map(|of| Self {
            of,
            after: Some(after.unwrap_or(Place::FIRST)),
            end,
        }))
    }

    /// The other party.
    pub fn person_id(&self) -> &str {
        &self.of.person_id
    }
}

impl Walk for LineWalk {
    type Row = Line;

    async fn next(&mut self, session: &mut Session) -> Result<Option<Vec<Line>>, Error> {
        if self.after.is_none() {
            return Ok(None);
        }
        let part = Part {
            before: None,
            after: self.after,
            limit: AT_ONCE,
        };
        let (mut lines, beyond) = lines(&mut session.reader, &self.of, part).await?;
        self.after = lines.last().filter(|_| beyond.is_some()).map(Line::place);
        lines.retain(|line| line.position <= self.end);
        if !session.scope.shows_content() {
            lines.iter_mut().for_each(Line::mask);
        }
        Ok(Some(lines))
    }

    async fn extent(&self, session: &mut Session) -> Result<Extent, Error> {
        session.reader.extent_of_conversation(&self.of).await
    }
}
