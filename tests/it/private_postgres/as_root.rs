//! Private Postgres of root: Postgres refuses to run as root, so it runs as another user, and data
//! directories change owner.
//!
//! All other tests of this module run as an ordinary user and show that root is not needed.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use hookshelf::store::private::{Error, PrivatePostgres};
use nix::unistd::User;
use sqlx::ConnectOptions;

use super::application::Application;
use super::dev_db::dev_db;
use super::refusals::refused;
use super::{ask, postmaster, settings, start};
use crate::support::directory::Directory;
use crate::support::postgres::DevDb;

/// A directory of the user `nobody`, with its user and group ids.
fn of_nobody() -> (Directory, (u32, u32)) {
    let nobody = User::from_name("nobody").unwrap().expect("a user nobody");
    let ids = (nobody.uid.as_raw(), nobody.gid.as_raw());
    (Directory::of_user(ids.0, ids.1), ids)
}

#[tokio::test]
#[ignore = "needs root"]
async fn an_ordinary_user_needs_nothing_from_root() {
    let (directory, ids) = of_nobody();
    for _ in ["first start", "second start"] {
        let application = Application::start(&directory, Some(ids));
        let options = PrivatePostgres::connect_if_running(&settings(directory.path())).await;
        let owner = "SELECT current_user::text";
        assert_eq!(ask(options.expect("it runs"), owner).await, "hookshelf");
        application.end();
        assert_eq!(postmaster(&directory), None);
    }
}

#[tokio::test]
#[ignore = "needs root"]
async fn root_takes_over_the_data_of_an_ordinary_user_and_gives_them_back() {
    let (directory, ids) = of_nobody();
    Application::start(&directory, Some(ids)).end();
    start(&directory).await.stop().await.unwrap();
    Application::start(&directory, Some(ids)).end();
}

#[tokio::test]
#[ignore = "needs root"]
async fn a_directory_that_is_closed_to_postgres_is_named() {
    let directory = Directory::create();
    let closed = directory.join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();

    let error = refused(settings(&closed.join("data"))).await;

    let Error::Unreachable { at, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(at, &closed);
    assert!(error.to_string().contains("/var/lib/hookshelf"), "{error}");
}

#[tokio::test]
#[ignore = "needs root"]
async fn dev_db_goes_elsewhere_when_postgres_cannot_get_to_the_temporary_directory() {
    let temp_dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(temp_dir.path(), Permissions::from_mode(0o700)).unwrap();
    let mut server = DevDb::start(&mut dev_db(temp_dir.path()));
    assert!(!server.place.dir.starts_with(temp_dir.path()));
    server.options().connect().await.unwrap();
    drop(server.input.take());
    server.process.wait().unwrap();
    assert!(!server.place.dir.exists());
    assert_eq!(std::fs::read_dir(temp_dir.path()).unwrap().count(), 0);
}
