//! What processes use, from `/proc`: memory, processor time by program, and how many cores there are to share.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

/// A tick of the processor times in `/proc`; 100 Hz on every Linux (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// Resident memory of a process, in bytes; none when it has ended.
pub fn resident_bytes(pid: i32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1_024)
}

/// Processor time that a process has used, all its threads together.
pub fn cpu(pid: i32) -> Duration {
    stat(pid).map(|stat| stat.cpu).unwrap_or_default()
}

/// The same by program, for a process and everything it started.
pub fn cpu_below(root: i32) -> BTreeMap<String, Duration> {
    let all: BTreeMap<i32, Stat> = pids().filter_map(|pid| Some((pid, stat(pid)?))).collect();
    let mut used = BTreeMap::new();
    for (pid, stat) in &all {
        if descends(*pid, root, &all) {
            *used.entry(stat.program.clone()).or_default() += stat.cpu;
        }
    }
    used
}

/// Every process with a path below this directory among its arguments.
pub fn with_argument_below(directory: &Path) -> Vec<i32> {
    let directory = directory.as_os_str().as_bytes();
    let names_it = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word.starts_with(directory))
    };
    pids().filter(names_it).collect()
}

/// How many cores this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// What the processor calls itself.
pub fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| "unknown processor".to_owned(), |(_, name)| name.trim().to_owned())
}

/// How many processes want to run, over the last minute, five and fifteen, as the system says it.
pub fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

struct Stat {
    program: String,
    parent: i32,
    cpu: Duration,
}

fn pids() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn stat(pid: i32) -> Option<Stat> {
    read_stat(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// proc(5): the program stands in brackets and may hold anything; then state, parent …, and as 14th and 15th field
/// the ticks in user and kernel mode.
fn read_stat(line: &str) -> Option<Stat> {
    let (start, rest) = line.rsplit_once(')')?;
    let program = start.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u32>().ok();
    Some(Stat { program, parent: fields.get(1)?.parse().ok()?, cpu: TICK * (ticks(11)? + ticks(12)?) })
}

fn descends(pid: i32, root: i32, all: &BTreeMap<i32, Stat>) -> bool {
    let parent = |pid: &i32| all.get(pid).map(|stat| stat.parent);
    std::iter::successors(Some(pid), parent).take(all.len()).any(|ancestor| ancestor == root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_may_be_called_anything() {
        let line = "42 (a) b (c) S 7 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 4 0 100 1000 200";
        let stat = read_stat(line).expect("a stat");
        assert_eq!((stat.program.as_str(), stat.parent, stat.cpu), ("a) b (c", 7, Duration::from_secs(3)));
        assert!(read_stat("garbage").is_none());
    }

    #[test]
    fn this_process_uses_memory_and_descends_from_its_parent() {
        let (pid, parent) = (std::process::id().cast_signed(), std::os::unix::process::parent_id().cast_signed());
        assert!(resident_bytes(pid).is_some_and(|bytes| bytes > 100_000));
        let program = stat(pid).expect("a stat").program;
        assert!(cpu_below(parent).contains_key(&program));
        assert!(!cpu_below(pid).is_empty());
    }
}
