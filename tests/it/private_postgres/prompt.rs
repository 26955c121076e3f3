//! `psql` on the private Postgres.

use hookshelf::store::private::{Error, psql};

use super::{settings, start};
use crate::support::directory::Directory;

#[tokio::test]
async fn psql_opens_the_private_postgres() {
    let directory = Directory::create();
    let settings = settings(directory.path());
    let postgres = start(&directory).await;

    let mut command = psql(&settings, None).await.unwrap();
    // Environment variables for other servers are ignored.
    let output = command
        .args(["-Atc", "SELECT current_database()"])
        .output()
        .unwrap();

    assert_eq!(String::from_utf8(output.stdout).unwrap(), "hookshelf\n");
    postgres.stop().await.unwrap();
    let error = psql(&settings, None).await.unwrap_err();
    assert!(matches!(error, Error::NotRunning { .. }), "{error}");
}
