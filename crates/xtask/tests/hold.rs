//! Programs started by the driver do not outlive it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn a_held_program_ends_when_its_starter_is_killed() {
    let script = format!(
        "{} hold -- sleep 600 & echo $!; wait",
        env!("CARGO_BIN_EXE_xtask")
    );
    let mut starter = Command::new("sh")
        .args(["-c", &script])
        .stdout(Stdio::piped())
        .spawn()
        .expect("sh is there");
    let stdout = starter.stdout.take().expect("asked for");
    let mut line = String::new();
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("a process id");
    let command = format!("/proc/{}/comm", line.trim());
    // Until it has become the wanted program it may not have asked for the signal yet.
    while std::fs::read_to_string(&command).expect("it runs") != "sleep\n" {
        std::thread::yield_now();
    }
    starter.kill().expect("it runs");
    starter.wait().expect("it was started here");
    while is_alive(Path::new(&command)) {
        std::thread::yield_now();
    }
}

/// A process nobody has asked about yet stays as a zombie.
fn is_alive(command: &Path) -> bool {
    let stat = std::fs::read_to_string(command.with_file_name("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}
