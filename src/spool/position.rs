//! Position of a record in the spool.

use std::{fmt, str::FromStr};

/// Position of a record in the spool; grows with each record. Written as `file-record`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpoolPosition {
    pub(super) file: u64,
    pub(super) record: u64,
}

/// Error for a text that is not a valid position in the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid place in the spool; allowed: two numbers such as 1-42, as `hookshelf spool inspect` \
     prints them"
)]
pub struct InvalidPosition;

impl fmt::Display for SpoolPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.file, self.record)
    }
}

impl FromStr for SpoolPosition {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let (file, record) = text.split_once('-').ok_or(InvalidPosition)?;
        let number = |digits: &str| digits.parse().map_err(|_| InvalidPosition);
        Ok(Self {
            file: number(file)?,
            record: number(record)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_is_written() {
        let position = SpoolPosition {
            file: 12,
            record: 345,
        };
        assert_eq!(position.to_string().parse(), Ok(position));
        for text in [
            "",
            "12",
            "12-",
            "-1-2",
            "1-2-3",
            "a-b",
            "99999999999999999999-1",
        ] {
            assert_eq!(
                text.parse::<SpoolPosition>(),
                Err(InvalidPosition),
                "{text}"
            );
        }
    }
}
