//! The `psql` command for a private Postgres or for a database URL.
//!
//! Command-line arguments are visible to every user of a machine, so a password is passed in the
//! environment of psql.

use std::path::PathBuf;
use std::process::Command;

use percent_encoding::percent_decode_str;
use url::Url;

use super::binaries::candidates;
use super::error::Error;
use super::layout::{Layout, PORT};
use super::server::{DATABASE, USER};
use super::{PrivatePostgres, Settings};

/// Variables that could direct psql to another server.
const MISLEADING: [&str; 5] = [
    "PGHOSTADDR",
    "PGSERVICE",
    "PGPASSWORD",
    "PGOPTIONS",
    "PGSSLMODE",
];

/// A psql command for the private Postgres in `settings.dir`, as the role `reader` or as its
/// superuser.
///
/// # Errors
/// If the server does not answer, or psql is not found.
pub async fn psql(settings: &Settings, reader: Option<&str>) -> Result<Command, Error> {
    PrivatePostgres::connect_if_running(settings).await?;
    let mut command = Command::new(program(settings)?);
    for name in MISLEADING {
        command.env_remove(name);
    }
    command
        .arg("--host")
        .arg(Layout::below(&settings.dir)?.socket);
    command.args([
        "--port",
        &PORT.to_string(),
        "--username",
        reader.unwrap_or(USER),
        "--dbname",
        DATABASE,
    ]);
    Ok(command)
}

/// A psql command for a database URL, as the role `reader` or as the user of the URL. The password
/// of the URL's user is in the command's environment: do not print the command. psql takes a
/// reader's password from `PGPASSWORD` or `~/.pgpass`, or prompts for it.
///
/// # Errors
/// If the URL is invalid, or psql is not found.
pub fn psql_to(url: &str, settings: &Settings, reader: Option<&str>) -> Result<Command, Error> {
    let (mut url, password) = without_password(url)?;
    let mut command = Command::new(program(settings)?);
    match (reader, password) {
        (Some(reader), _) => as_user(&mut url, reader),
        (None, Some(password)) => drop(command.env("PGPASSWORD", password)),
        (None, None) => {}
    }
    command.arg("--dbname").arg(url.as_str());
    Ok(command)
}

fn program(settings: &Settings) -> Result<PathBuf, Error> {
    // Some distributions of server programs lack psql.
    let path = settings.search_path.iter().flat_map(std::env::split_paths);
    let mut programs = candidates(settings)
        .into_iter()
        .chain(path)
        .map(|dir| dir.join("psql"));
    programs
        .find(|program| program.is_file())
        .ok_or(Error::NoPsql)
}

/// Removes the password from a URL, at every place where sqlx accepts one, and the parameters that
/// only sqlx accepts.
fn without_password(url: &str) -> Result<(Url, Option<String>), Error> {
    let mut url = Url::parse(url).map_err(Error::Url)?;
    let mut password = url
        .password()
        .map(|it| percent_decode_str(it).decode_utf8_lossy().into_owned());
    // Fails only for URLs that cannot have a password.
    let _ = url.set_password(None);
    let mut kept = Vec::new();
    for (name, value) in url.query_pairs() {
        match name.as_ref() {
            "password" => password = Some(value.into_owned()),
            "statement-cache-capacity" => {}
            name => kept.push((libpq_name(name).to_owned(), value.into_owned())),
        }
    }
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    Ok((url, password))
}

/// Sets the parameter `user`, which libpq prefers to the user before the host.
fn as_user(url: &mut Url, name: &str) {
    let others = url.query_pairs().filter(|(key, _)| key != "user");
    let mut kept: Vec<_> = others
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    kept.push(("user".to_owned(), name.to_owned()));
    url.query_pairs_mut().clear().extend_pairs(kept);
}

/// The libpq spelling of a parameter that sqlx also accepts in a second spelling.
fn libpq_name(name: &str) -> &str {
    match name {
        "ssl-mode" => "sslmode",
        "ssl-root-cert" | "ssl-ca" => "sslrootcert",
        "ssl-cert" => "sslcert",
        "ssl-key" => "sslkey",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    fn taken(url: &str) -> (String, Option<String>) {
        let (url, password) = without_password(url).unwrap();
        (url.into(), password)
    }

    #[test]
    fn the_password_leaves_the_url_wherever_it_stood() {
        let secret = Some("p@ss+&w".to_owned());
        assert_eq!(
            taken("postgres://me:p%40ss+&w@db.example:6543/shelf?sslmode=require"),
            (
                "postgres://me@db.example:6543/shelf?sslmode=require".to_owned(),
                secret.clone()
            )
        );
        assert_eq!(
            taken("postgres://me@db.example/shelf?password=p%40ss%2B%26w"),
            ("postgres://me@db.example/shelf".to_owned(), secret)
        );
        assert_eq!(
            taken("postgresql:///shelf?host=%2Frun%2Fpg"),
            ("postgresql:///shelf?host=%2Frun%2Fpg".to_owned(), None)
        );
    }

    #[test]
    fn parameters_are_spelled_as_psql_knows_them() {
        let (url, _) = taken("postgres://h/d?ssl-mode=require&statement-cache-capacity=5");
        assert_eq!(url, "postgres://h/d?sslmode=require");
    }

    #[test]
    fn the_command_carries_the_password_in_its_environment_only() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("psql"), "").unwrap();
        let mut settings = Settings::new("/nowhere");
        settings.bin_dir = Some(dir.path().to_owned());

        let command = psql_to("postgres://me:secret@h/d", &settings, None).unwrap();

        assert!(
            command
                .get_args()
                .all(|arg| !arg.to_string_lossy().contains("secret"))
        );
        let password = (OsStr::new("PGPASSWORD"), Some(OsStr::new("secret")));
        assert!(command.get_envs().any(|variable| variable == password));
    }

    #[test]
    fn a_reader_comes_as_itself_and_without_the_password_of_another() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("psql"), "").unwrap();
        let mut settings = Settings::new("/nowhere");
        settings.bin_dir = Some(dir.path().to_owned());
        let url = "postgres://me:secret@h/d?sslmode=require&user=me";

        let command = psql_to(url, &settings, Some("reporter")).unwrap();

        assert_eq!(command.get_envs().count(), 0);
        let expected = "postgres://me@h/d?sslmode=require&user=reporter";
        assert_eq!(command.get_args().last(), Some(OsStr::new(expected)));
    }

    #[test]
    fn a_url_that_cannot_be_read_is_not_repeated() {
        let error = without_password("postgres//me:secret@h").unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(!format!("{error} {source}").contains("secret"));
    }
}
