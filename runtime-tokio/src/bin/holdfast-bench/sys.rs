//! What is asked of the operating system: processes on a core, their memory.

use std::fs;
use std::io;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The core of the server under test.
pub const SERVER_CORE: &str = "0";
/// The core of the load generator and its origin.
pub const LOAD_CORE: &str = "1";

/// Where a server runs; it has a worker a core.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cores {
    /// On a core of its own.
    Own,
    /// On the load generator's core.
    Load,
    /// On both.
    Both,
}

impl Cores {
    /// How many there are.
    pub fn count(self) -> usize {
        if self == Self::Both { 2 } else { 1 }
    }

    /// As `taskset` likes it.
    fn list(self) -> String {
        match self {
            Self::Own => SERVER_CORE.to_owned(),
            Self::Load => LOAD_CORE.to_owned(),
            Self::Both => format!("{SERVER_CORE},{LOAD_CORE}"),
        }
    }
}

/// Starts a server on its cores, as leader of a process group of its own.
pub fn spawn_server(cores: Cores, program: &str, args: &[&str]) -> io::Result<Child> {
    use std::os::unix::process::CommandExt;
    Command::new("taskset")
        .args(["-c", &cores.list(), program])
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

/// Lets the calling thread run before others of the same core, so that what it measures is the server and
/// not the queue for the generator's core. Needs root; without it the figure is only less sharp.
pub fn prefer_this_thread() {
    let thread = fs::read_link("/proc/thread-self").ok();
    let id = thread.as_ref().and_then(|path| path.file_name()?.to_str());
    if let Some(id) = id {
        let _ = Command::new("renice")
            .args(["-n", "-15", "-p", id])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// Ends a server with all its helpers. None of them has anything to put in order.
pub fn stop(child: &mut Child) {
    let all = family(child.id());
    let _ = Command::new("kill")
        .arg("-KILL")
        .args(all.iter().map(u32::to_string))
        .stderr(Stdio::null())
        .status();
    for _ in 0..50 {
        let _ = child.try_wait();
        if !all.iter().copied().any(runs) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether a process is there, and not merely remembered because nobody has asked how it ended.
fn runs(pid: u32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

/// The memory of a server and its helpers in bytes: proportional set size, summed, without what is a copy of
/// a file.
pub fn memory(root: u32) -> u64 {
    let kib = |line: &str| line.split_whitespace().nth(1)?.parse::<u64>().ok();
    let of = |pid: u32| -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let own = |line: &&str| line.starts_with("Pss_Anon:") || line.starts_with("Pss_Shmem:");
        Some(text.lines().filter(own).filter_map(kib).sum::<u64>() * 1024)
    };
    family(root).into_iter().filter_map(of).sum()
}

/// The time that a server and its helpers have had on a CPU, in user space and in the kernel.
pub fn cpu(root: u32) -> Duration {
    let of_thread = |thread: fs::DirEntry| -> Option<u64> {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    };
    let of = |pid: u32| fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    Duration::from_nanos(family(root).into_iter().flat_map(of).filter_map(of_thread).sum())
}

/// A process and all that descend from it.
fn family(root: u32) -> Vec<u32> {
    let mut all = vec![root];
    let mut at = 0;
    while let Some(pid) = all.get(at) {
        let path = format!("/proc/{pid}/task/{pid}/children");
        let children = fs::read_to_string(path).unwrap_or_default();
        all.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        at += 1;
    }
    all
}

/// The machine in one line.
pub fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{}, {cores} cores, Linux {}",
        model.trim_start_matches([':', '\t', ' ']),
        kernel.trim()
    )
}

/// Today's date, from `date`.
pub fn today() -> String {
    let out = Command::new("date").arg("+%Y-%m-%d").output();
    out.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned()).unwrap_or_default()
}

/// Waits for events; a signal is no event.
pub fn wait(
    poll: &mut mio::Poll,
    events: &mut mio::Events,
    patience: Option<Duration>,
) -> io::Result<()> {
    match poll.poll(events, patience) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            events.clear();
            Ok(())
        }
        done => done,
    }
}
