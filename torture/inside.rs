//! Own namespaces: processes and mounts end with the program, however it ends.
//!
//! The inner program runs behind a shell that is the first process of the namespace and reaps
//! orphans. The inner program stops in order when its standard input closes, which a signal to the
//! outer program causes.

use std::{
    io::Read,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
};

use anyhow::{Context, bail};
use tempfile::{Builder, TempDir};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::{disk::run, options::Options, run::LONGEST_DIR};

/// Shell script that starts a program as a child of the first process, and passes on its exit
/// status.
const FIRST: &str = r#"exec 3<&0; "$@" <&3 3<&- & exec 3<&-; wait $!"#;

/// Error text if a namespace cannot be created.
const HELP: &str = "namespaces of its own are needed, so that nothing is left behind and small \
                    disks can be mounted: run it as root, or allow user namespaces (with ranges \
                    in /etc/subuid and newuidmap)";

/// Runs this program again in its own namespaces and waits for the end. Its directory is removed
/// here, after all its mounts are gone.
pub(crate) fn start(options: &Options) -> anyhow::Result<ExitCode> {
    check()?;
    let own = match options.dir {
        Some(_) => None,
        None => Some(own_dir()?),
    };
    let code = attend(own.as_ref().map(TempDir::path))?;
    match own {
        Some(dir) if code != 0 => println!("kept in {}", dir.keep().display()),
        Some(dir) => {
            let path = dir.path().to_owned();
            dir.close()
                .with_context(|| format!("remove {} yourself", path.display()))?;
        }
        None => {}
    }
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// A temporary directory that is removed after a successful run. It is elsewhere if the path of
/// `$TMPDIR` is too long.
fn own_dir() -> anyhow::Result<TempDir> {
    let (mut builder, place) = (Builder::new(), std::env::temp_dir());
    let named = builder.prefix("hookshelf-torture-");
    if place.as_os_str().len() + "/hookshelf-torture-123456".len() <= LONGEST_DIR {
        Ok(named.tempdir_in(place)?)
    } else {
        Ok(named.tempdir_in("/tmp")?)
    }
}

/// Starts the inner program, and waits for its end.
fn attend(own: Option<&Path>) -> anyhow::Result<i32> {
    let mut child = unshare()
        .args(["--propagation", "private"])
        .args(["sh", "-c", FIRST, "first"])
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .arg("--inside")
        .args(own.map(|_| "--throw-away"))
        .args(own.map(|dir| format!("--dir={}", dir.display())))
        .stdin(Stdio::piped())
        // Ctrl-C in a terminal would signal all processes at once.
        .process_group(0)
        .spawn()
        .context(HELP)?;
    runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(wait(&mut child))
}

/// Waits for the end of the child. The first signal requests a stop, the second kills the child.
async fn wait(child: &mut Child) -> anyhow::Result<i32> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(100));
    loop {
        tokio::select! {
            _ = ticks.tick() => if let Some(status) = child.try_wait()? {
                return Ok(status.code().unwrap_or(1));
            },
            _ = interrupted.recv() => stop(child)?,
            _ = terminated.recv() => stop(child)?,
        }
    }
}

fn stop(child: &mut Child) -> anyhow::Result<()> {
    if child.stdin.take().is_some() {
        eprintln!("torture: stopping in order; once more ends it at once");
        return Ok(());
    }
    child.kill().context("it cannot be ended")
}

/// Token that is cancelled when the outer process requests a stop or has ended.
pub(crate) fn asked_to_stop() -> CancellationToken {
    let token = CancellationToken::new();
    let asked = token.clone();
    std::thread::spawn(move || {
        let mut rest = Vec::new();
        let _ = std::io::stdin().read_to_end(&mut rest);
        asked.cancel();
    });
    token
}

/// Mounts a private `/dev/shm`: libfaketime and Postgres leave names there when they are killed.
pub(crate) fn mount_memory() -> anyhow::Result<()> {
    let mount = ["-t", "tmpfs", "-o", "mode=1777", "torture", "/dev/shm"];
    run(Command::new("mount").args(mount)).context(HELP)
}

fn check() -> anyhow::Result<()> {
    let tried = unshare()
        .arg("true")
        .output()
        .context("unshare is needed")?;
    if !tried.status.success() {
        let said = String::from_utf8_lossy(&tried.stderr);
        bail!("{HELP}: {}", said.trim());
    }
    Ok(())
}

/// Command that runs a program in its own namespaces.
pub(crate) fn unshare() -> Command {
    let mut command = Command::new("unshare");
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-root-user", "--map-auto"]);
    }
    command.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    command
}
