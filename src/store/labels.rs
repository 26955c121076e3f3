//! Labels of accounts, as operators set them.

use super::{Error, Writes};

/// Change of the labels of an account. `None` keeps a label, and an empty text removes it.
#[derive(Clone, Debug, Default)]
pub struct AccountLabels {
    /// Label of the account.
    pub label: Option<String>,
    /// Client of the account.
    pub client: Option<String>,
}

impl AccountLabels {
    /// Changes the labels of the accounts with this id. Returns the number of accounts, one for
    /// each app.
    ///
    /// # Errors
    /// If Postgres is unavailable or does not answer in time.
    pub async fn set(&self, writes: &Writes, account: &str) -> Result<u64, Error> {
        let update = sqlx::query(
            "UPDATE accounts SET label = nullif(coalesce($2, label), ''),
                                 client = nullif(coalesce($3, client), '')
             WHERE account_id = $1",
        );
        let update = update.bind(account).bind(&self.label).bind(&self.client);
        writes.execute(update).await
    }
}
