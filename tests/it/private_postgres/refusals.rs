//! Starts that must fail, do no damage, and say what to do.

use hookshelf::store::private::{Error, PrivatePostgres, Settings};

use super::application::Application;
use super::{ask, files, postmaster, settings, start};
use crate::support::directory::Directory;

pub(super) async fn refused(settings: Settings) -> Error {
    PrivatePostgres::start(settings)
        .await
        .expect_err("the start is refused")
}

#[tokio::test]
async fn a_second_application_is_refused_and_the_first_unharmed() {
    let directory = Directory::create();
    let first = Application::start(&directory, None);
    let server = postmaster(&directory);

    let error = refused(settings(directory.path())).await;

    assert!(
        matches!(error, Error::Locked { pid: Some(pid), .. } if pid == first.pid()),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains(&format!("in use by process {}", first.pid())),
        "{error}"
    );
    assert_eq!(postmaster(&directory), server);
    let options = PrivatePostgres::connect_if_running(&settings(directory.path())).await;
    assert_eq!(
        ask(options.expect("the first still runs"), "SELECT 'well'").await,
        "well"
    );
    first.end();
}

#[tokio::test]
async fn nobody_is_connected_to_where_nothing_runs() {
    let directory = Directory::create();
    let settings = settings(directory.path());
    let found = PrivatePostgres::connect_if_running(&settings).await;
    assert!(matches!(found, Err(Error::NotRunning { .. })), "{found:?}");
    assert!(!settings.dir.exists(), "looking makes nothing");

    start(&directory).await.stop().await.unwrap();
    let found = PrivatePostgres::connect_if_running(&settings).await;
    assert!(matches!(found, Err(Error::NotRunning { .. })), "{found:?}");
}

#[tokio::test]
async fn data_of_another_major_version_are_left_alone() {
    let directory = Directory::create();
    std::fs::create_dir_all(directory.join("postgres/data")).unwrap();
    std::fs::write(directory.join("postgres/data/PG_VERSION"), "9\n").unwrap();

    let error = refused(settings(directory.path())).await;

    assert!(
        matches!(error, Error::WrongMajor { wanted: 9, .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains("apt-get install postgresql-9"),
        "{error}"
    );
    assert_eq!(files(&directory), ["data", "lock"]);
}

#[tokio::test]
async fn files_of_others_are_left_alone() {
    let directory = Directory::create();
    let theirs = directory.join("postgres/data/letters");
    std::fs::create_dir_all(theirs.parent().unwrap()).unwrap();
    std::fs::write(&theirs, "dear").unwrap();

    let error = refused(settings(directory.path())).await;

    assert!(matches!(error, Error::NotOurs { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&theirs).unwrap(), "dear");
}

#[tokio::test]
async fn a_named_directory_without_programs_is_named_in_the_message() {
    let directory = Directory::create();
    let mut settings = settings(directory.path());
    settings.bin_dir = Some(directory.join("empty"));
    let error = refused(settings).await;
    assert!(matches!(error, Error::BinDir { .. }), "{error}");
    assert!(error.to_string().contains("/empty"), "{error}");
}

#[tokio::test]
async fn a_server_that_cannot_start_is_quoted() {
    let directory = Directory::create();
    start(&directory).await.stop().await.unwrap();
    let configuration = directory.join("postgres/data/postgresql.conf");
    std::fs::write(configuration, "shared_buffers = 'many'\n").unwrap();

    let error = refused(settings(directory.path())).await;

    assert!(matches!(error, Error::Exited { .. }), "{error}");
    assert!(error.to_string().contains("shared_buffers"), "{error}");
}

#[tokio::test]
async fn a_user_that_does_not_exist_is_named() {
    let directory = Directory::create();
    let mut settings = settings(directory.path());
    settings.run_as = Some("no-such-user".to_owned());
    let error = refused(settings).await;
    assert!(error.to_string().contains("no-such-user"), "{error}");
    assert!(
        matches!(error, Error::NoAccount { .. } | Error::CannotSwitch { .. }),
        "{error}"
    );
}
