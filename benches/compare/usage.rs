//! Resource usage of processes, from `/proc`.

use std::fs;

use anyhow::Context;

/// Clock ticks per second in `/proc/PID/stat`, the same on every Linux that Rust supports.
const TICKS: f64 = 100.0;

/// Fields of `/proc/PID/stat`.
struct Stat {
    parent: i32,
    /// CPU seconds of its threads, including ended threads.
    own: f64,
    /// CPU seconds of its ended children.
    children: f64,
}

/// CPU seconds of a process so far.
pub(crate) fn cpu(pid: i32) -> anyhow::Result<f64> {
    Ok(stat(pid)?.own)
}

/// CPU seconds so far of a process and its children, including ended children; for Postgres.
pub(crate) fn cpu_of_family(parent: i32) -> anyhow::Result<f64> {
    let first = stat(parent)?;
    let mut sum = first.own + first.children;
    for entry in fs::read_dir("/proc")? {
        let pid = entry?.file_name().to_str().and_then(|it| it.parse().ok());
        // A child that has just ended is counted in its parent the next time.
        let child = pid.and_then(|pid| stat(pid).ok());
        sum += child
            .filter(|child| child.parent == parent)
            .map_or(0.0, |child| child.own + child.children);
    }
    Ok(sum)
}

/// Parent of a process.
pub(crate) fn parent(pid: i32) -> anyhow::Result<i32> {
    Ok(stat(pid)?.parent)
}

/// Peak memory of a process in MiB.
pub(crate) fn peak_memory(pid: i32) -> anyhow::Result<f64> {
    memory(pid, "VmHWM:")
}

/// Memory of a process in MiB.
pub(crate) fn present_memory(pid: i32) -> anyhow::Result<f64> {
    memory(pid, "VmRSS:")
}

fn memory(pid: i32, name: &str) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kib.with_context(|| format!("no {name} in /proc"))? / 1024.0)
}

fn stat(pid: i32) -> anyhow::Result<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("the process {pid} has ended"))?;
    read(&text).with_context(|| format!("/proc/{pid}/stat cannot be read: {text}"))
}

/// Parses `/proc/PID/stat`. The program name may contain anything, so fields are read after it.
fn read(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own: (ticks(11)? + ticks(12)?) / TICKS,
        children: (ticks(13)? + ticks(14)?) / TICKS,
    })
}
