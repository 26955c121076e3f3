//! Saved views: rows, and those of the last minute in memory.
//!
//! Each page shows views in its navigation. It takes them from memory, so that a page has no
//! further statement: once a minute, one page reads the table, which has at most [`MOST`] rows. A
//! change by this server is shown at once, a change by another one within a minute.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sqlx::Connection as _;
use tokio::time::timeout;

use super::{Error, Writes};

/// Maximum number of views.
pub const MOST: usize = 200;

/// Maximum number of characters of a slug without its number.
const LONGEST_SLUG: usize = 50;

/// Time for which a read is fresh.
const FRESH: Duration = Duration::from_mins(1);

/// Deadline of a read: a page waits for it.
const DEADLINE: Duration = Duration::from_secs(2);

/// List of the pages, saved under a name.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct SavedView {
    /// Last part of its path.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Name of the caller who saved it; `None` for the views that exist from the start.
    pub owner: Option<String>,
    /// True for all users, false for the owner.
    pub is_shared: bool,
    /// True in the navigation.
    pub is_pinned: bool,
    /// Path and query of the list, below the base path.
    pub address: String,
}

/// Changeable parts of a view.
#[derive(Clone, Debug, Default)]
pub struct ViewChoice {
    /// Its name.
    pub name: String,
    /// True for all users.
    pub is_shared: bool,
    /// True in the navigation.
    pub is_pinned: bool,
}

/// The views of a database. Clones share the memory.
#[derive(Clone, Debug)]
pub struct SavedViews {
    writes: Writes,
    memory: Arc<Mutex<Memory>>,
}

#[derive(Debug, Default)]
struct Memory {
    views: Arc<[SavedView]>,
    read_at: Option<Instant>,
}

impl SavedViews {
    /// The views of the database of `writes`, none of them in memory.
    pub fn new(writes: Writes) -> Self {
        Self {
            writes,
            memory: Arc::default(),
        }
    }

    /// Reads all views, in order of their names.
    ///
    /// # Errors
    /// If Postgres is unavailable or does not answer in time.
    pub async fn read(&self) -> Result<Arc<[SavedView]>, Error> {
        let read = timeout(DEADLINE, self.rows()).await;
        let views: Arc<[SavedView]> = read.map_err(|_| Error::TimedOut)??.into();
        let mut memory = self.memory();
        memory.views = Arc::clone(&views);
        memory.read_at = Some(Instant::now());
        Ok(views)
    }

    async fn rows(&self) -> Result<Vec<SavedView>, Error> {
        let mut session = self.writes.session().await?;
        let query = sqlx::query_as(
            "SELECT slug, name, owner, is_shared, is_pinned, address FROM saved_views
             ORDER BY lower(name), slug",
        );
        Ok(query.fetch_all(&mut *session).await?)
    }

    /// The views as of the last minute; older ones while Postgres is unavailable.
    pub async fn recent(&self) -> Arc<[SavedView]> {
        let known = {
            let mut memory = self.memory();
            if memory.read_at.is_some_and(|at| at.elapsed() < FRESH) {
                return Arc::clone(&memory.views);
            }
            // Other pages do not wait for this read.
            memory.read_at = Some(Instant::now());
            Arc::clone(&memory.views)
        };
        self.read().await.unwrap_or(known)
    }

    /// The views as last read.
    pub fn known(&self) -> Arc<[SavedView]> {
        Arc::clone(&self.memory().views)
    }

    /// Adds a view of `owner`. Returns its slug; `None` if there are [`MOST`] views.
    ///
    /// # Errors
    /// If Postgres is unavailable or does not answer in time.
    pub async fn add(
        &self,
        choice: &ViewChoice,
        owner: &str,
        address: &str,
    ) -> Result<Option<String>, Error> {
        let mut session = self.writes.session().await?;
        // A cancelled BEGIN would leave its transaction to the next user of the session.
        session.close_on_drop();
        let mut tx = session.begin().await?;
        let lock = sqlx::query("LOCK TABLE saved_views IN SHARE ROW EXCLUSIVE MODE");
        lock.execute(&mut *tx).await?;
        let taken = sqlx::query_scalar("SELECT slug FROM saved_views");
        let taken: Vec<String> = taken.fetch_all(&mut *tx).await?;
        if taken.len() >= MOST {
            tx.rollback().await?;
            return Ok(None);
        }
        let slug = free(&slug_of(&choice.name), &taken);
        let insert = sqlx::query(
            "INSERT INTO saved_views (slug, name, owner, is_shared, is_pinned, address)
             VALUES ($1, $2, $3, $4, $5, $6)",
        );
        let insert = insert.bind(&slug).bind(&choice.name).bind(owner);
        let insert = insert.bind(choice.is_shared).bind(choice.is_pinned);
        insert.bind(address).execute(&mut *tx).await?;
        tx.commit().await?;
        self.forget();
        Ok(Some(slug))
    }

    /// Changes a view. If it has no owner and is no longer for all users, it gets this owner.
    ///
    /// # Errors
    /// If Postgres is unavailable or does not answer in time.
    pub async fn change(&self, slug: &str, choice: &ViewChoice, owner: &str) -> Result<(), Error> {
        let update = sqlx::query(
            "UPDATE saved_views SET name = $2, is_shared = $3, is_pinned = $4,
                                    owner = CASE WHEN $3 THEN owner ELSE coalesce(owner, $5) END
             WHERE slug = $1",
        );
        let update = update.bind(slug).bind(&choice.name);
        let update = update.bind(choice.is_shared).bind(choice.is_pinned);
        self.writes.execute(update.bind(owner)).await?;
        self.forget();
        Ok(())
    }

    /// Deletes a view.
    ///
    /// # Errors
    /// If Postgres is unavailable or does not answer in time.
    pub async fn remove(&self, slug: &str) -> Result<(), Error> {
        let delete = sqlx::query("DELETE FROM saved_views WHERE slug = $1");
        self.writes.execute(delete.bind(slug)).await?;
        self.forget();
        Ok(())
    }

    /// The next page reads the views again.
    fn forget(&self) {
        self.memory().read_at = None;
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name in small letters, digits and single hyphens.
fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for character in name.chars() {
        if slug.len() == LONGEST_SLUG {
            break;
        }
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    if slug.is_empty() {
        slug.push_str("view");
    }
    slug
}

/// The slug, with a number if it is taken.
fn free(slug: &str, taken: &[String]) -> String {
    let is_free = |slug: &String| !taken.contains(slug);
    let numbered = (2..=MOST + 1).map(|number| format!("{slug}-{number}"));
    let mut slugs = std::iter::once(slug.to_owned()).chain(numbered);
    slugs.find(is_free).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_has_the_letters_of_the_name_and_a_number_if_it_is_taken() {
        for (name, slug) in [
            ("More than an hour late", "more-than-an-hour-late"),
            ("  <b>50%</b> off!! ", "b-50-b-off"),
            ("未回答", "view"),
            ("word ".repeat(16).as_str(), &"word-".repeat(10)[..49]),
        ] {
            assert_eq!(slug_of(name), slug, "{name}");
        }
        let taken = ["view", "view-2"].map(str::to_owned);
        assert_eq!(free("view", &taken), "view-3");
        assert_eq!(free("other", &taken), "other");
    }
}
