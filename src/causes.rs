//! Errors with their causes, as one line for people.

use std::{error::Error, iter::successors};

/// The error and its causes on one line. Many errors quote their cause, which is not repeated.
pub fn line(error: &(dyn Error + 'static)) -> String {
    let causes = successors(Some(error), |error| (*error).source());
    let texts = causes.map(ToString::to_string);
    texts.fold(String::new(), |line, cause| append(line, &cause))
}

/// The causes of an error without the error itself, which may show what is secret.
pub fn below(error: &(dyn Error + 'static)) -> String {
    error.source().map_or_else(String::new, line)
}

/// Adds a cause to a line, unless the line quotes it already.
pub fn append(mut line: String, cause: &str) -> String {
    if !line.contains(cause) {
        let joint = if line.is_empty() { "" } else { ": " };
        line.push_str(joint);
        line.push_str(cause);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error that says this, with the next as its cause.
    #[derive(Debug)]
    struct Chain(&'static [&'static str]);

    impl std::fmt::Display for Chain {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0[0])
        }
    }

    impl Error for Chain {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            let rest = match self.0 {
                ["outer", ..] => &Chain(&["quoting: refused", "refused"]),
                ["quoting: refused", ..] => &Chain(&["refused"]),
                _ => return None,
            };
            Some(rest)
        }
    }

    #[test]
    fn a_cause_that_is_quoted_is_said_once() {
        assert_eq!(line(&Chain(&["outer"])), "outer: quoting: refused");
        assert_eq!(line(&Chain(&["refused"])), "refused");
        assert_eq!(below(&Chain(&["outer"])), "quoting: refused");
        assert_eq!(below(&Chain(&["refused"])), "");
    }
}
