//! Configuration faults: all of them at once, a line for each, never with a secret.

use std::fmt;

use super::nearest::nearest;

/// A configuration fault: the key, the problem, and the allowed values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    key: String,
    problem: String,
    allowed: Option<String>,
    variable: Option<String>,
}

impl Fault {
    /// A fault at `key` (or at a file), with what was found there.
    pub(super) fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            key: on_one_line(&key.into()),
            problem: on_one_line(&problem.into()),
            allowed: None,
            variable: None,
        }
    }

    /// A name at `key` that is not one of `known`, with the nearest of them, or else with all.
    pub(super) fn unknown(key: impl Into<String>, name: &str, known: &[&str]) -> Self {
        let problem = format!("{} is unknown", quoted(name));
        match nearest(name, known.iter().copied()) {
            Some(near) => Self::new(key, format!("{problem}; did you mean {near}?")),
            None if known.is_empty() => Self::new(key, problem),
            None => Self::new(key, problem).allowed(known.join(", ")),
        }
    }

    /// Adds what is allowed there instead.
    pub(super) fn allowed(mut self, allowed: impl Into<String>) -> Self {
        self.allowed = Some(allowed.into());
        self
    }

    /// Names the environment variable that set the value, if one did.
    pub(super) fn set_by(mut self, variable: Option<&str>) -> Self {
        self.variable = variable.map(on_one_line);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.problem)?;
        if let Some(allowed) = &self.allowed {
            write!(f, "; allowed: {allowed}")?;
        }
        if let Some(variable) = &self.variable {
            write!(f, " (set by {variable})")?;
        }
        Ok(())
    }
}

/// All the faults of a configuration, in the order of its sections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Number of faults.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there are no faults.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each fault, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

/// Prints a line for each fault, without a newline at the end.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// Control characters as their escapes: keys, paths and names of variables may hold them, and one
/// of them could break the line or move the cursor of a terminal.
fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() {
            line.extend(char.escape_default());
        } else {
            line.push(char);
        }
    }
    line
}

/// A found value in quotes, escaped and cut short, so that a fault stays on one line.
///
/// What may be a URL with a password, put where no secret belongs, is not shown.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.contains('@') || text.contains("password") {
        return "a text that may hold a password (not shown)".to_owned();
    }
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
