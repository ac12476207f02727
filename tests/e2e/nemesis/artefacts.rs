//! What a failed round leaves for whoever looks into it: the schedule, the history, the log of each process in each of its
//! lives, and a dump of the log.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::stage::Stage;

/// Copies it all into a directory of the seed's name; what cannot be copied is missing there.
pub fn keep(stage: &Stage, seed: u64) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("nemesis-{seed}"));
    let _not_there = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("a directory");
    let mut deeds = format!("ANDON_NEMESIS_SEED={seed}\n");
    for (at_us, deed) in &stage.deeds {
        writeln!(deeds, "{at_us} {deed}").expect("infallible");
    }
    let mut told = String::new();
    // Whoever panicked with it has written what he could.
    let history = stage.history.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for entry in &history.entries {
        writeln!(told, "{entry:?}").expect("infallible");
    }
    writeln!(told, "{}", history.told()).expect("infallible");
    for (name, text) in [("deeds.txt", deeds), ("history.txt", told), ("cluster.log", stage.cluster.process.log())] {
        std::fs::write(directory.join(name), text).expect("written");
    }
    let dump = directory.join("log.dump").display().to_string();
    let (_, report) = stage.cluster.run(&["verify", "--dump", &dump]);
    std::fs::write(directory.join("verify.txt"), report).expect("written");
    logs(&stage.cluster.place.data_dir().join("cluster"), &directory);
    directory
}

fn logs(from: &Path, to: &Path) {
    let entries = std::fs::read_dir(from).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().contains(".log")) {
        if let Some(name) = path.file_name() {
            let _gone = std::fs::copy(&path, to.join(name));
        }
    }
    for server in super::fault::SERVERS {
        let own = from.join(server);
        let entries = std::fs::read_dir(own).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().ends_with(".log")) {
            let _gone = std::fs::copy(&path, to.join(format!("{server}.log")));
        }
    }
}
