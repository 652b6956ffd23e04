//! Command lines as OPA's users type them, answered by `opa` and by `govc`.
//!
//! A script holds files and command lines: `-- name --` opens a file, `$ ` starts a command line. Each line is run by a shell
//! in a fresh folder with the script's files, where `opa` on the path is the program asked. `$OPA` is the prefix of its
//! environment variables.

use regex::Regex;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// What takes longer is killed.
const PATIENCE: Duration = Duration::from_secs(60);

/// One command line and the files that it needs.
#[derive(Clone, Debug)]
pub struct Line {
    /// The script's name.
    pub script: String,
    /// What the shell runs.
    pub text: String,
    /// Paths and contents.
    pub files: Vec<(String, String)>,
}

/// What came of it: as it was, or with everything masked that differs from run to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit code; absent where it was killed.
    pub code: Option<i32>,
}

impl Line {
    /// Script and text.
    pub fn name(&self) -> String {
        format!("{}: `{}`", self.script, self.text)
    }
}

/// The command lines of a script.
pub fn read(script: &str, text: &str) -> Vec<Line> {
    let mut files: Vec<(String, String)> = Vec::new();
    let mut lines = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --")) {
            files.push((name.to_owned(), String::new()));
            open = true;
        } else if let Some(command) = line.strip_prefix("$ ") {
            open = false;
            lines.push(command.to_owned());
        } else if let Some((_, content)) = files.last_mut().filter(|_| open) {
            content.push_str(line);
            content.push('\n');
        }
    }
    let line = |text| Line { script: script.to_owned(), text, files: files.clone() };
    lines.into_iter().map(line).collect()
}

/// One of the two programs, reachable under the name `opa` in a folder of its own.
#[derive(Debug)]
pub struct Program {
    folder: PathBuf,
    prefix: &'static str,
}

impl Program {
    /// Links the program into a folder.
    pub fn link(binary: &Path, folder: &Path, prefix: &'static str) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        std::os::unix::fs::symlink(binary, folder.join("opa"))?;
        Ok(Self { folder: folder.to_owned(), prefix })
    }

    /// Runs a line in a new folder below `root`, and masks what comes.
    pub fn run(&self, line: &Line, root: &Path) -> io::Result<Outcome> {
        let folder = root.join("work");
        std::fs::create_dir_all(&folder)?;
        for (name, content) in &line.files {
            let path = folder.join(name);
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(path, content)?;
        }
        let (out, err) = (root.join("stdout"), root.join("stderr"));
        let mut child = Command::new("sh")
            .args(["-c", &line.text])
            .current_dir(&folder)
            .env("PATH", self.path())
            .env("OPA", self.prefix)
            .env("HOME", root)
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&out)?)
            .stderr(std::fs::File::create(&err)?)
            .spawn()?;
        let code = wait(&mut child)?;
        let place = folder.display().to_string();
        let read =
            |path: &Path| std::fs::read(path).map(|bytes| mask(&String::from_utf8_lossy(&bytes), &place));
        let outcome = Outcome { stdout: read(&out)?, stderr: read(&err)?, code };
        std::fs::remove_dir_all(root)?;
        Ok(outcome)
    }

    fn path(&self) -> String {
        let rest = std::env::var("PATH").unwrap_or_default();
        format!("{}:{rest}", self.folder.display())
    }
}

fn wait(child: &mut std::process::Child) -> io::Result<Option<i32>> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code());
        }
        if started.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

impl Outcome {
    /// Why two outcomes are not the same: exit codes, standard output, and of standard error JSON or the first line.
    pub fn differs(&self, other: &Self) -> Option<&'static str> {
        match () {
            () if self.code != other.code => Some("exit code"),
            () if self.stdout != other.stdout => Some("stdout"),
            () if self.complaint() != other.complaint() => Some("stderr"),
            () => None,
        }
    }

    fn complaint(&self) -> &str {
        let text = self.stderr.trim_end();
        if text.starts_with('{') { text } else { text.lines().next().unwrap_or_default() }
    }
}

/// What differs from run to run, or between the programs on purpose; in this order.
static MASKS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    const TABLE: &[(&str, &str)] = &[
        // Ours alone: beside each of OPA's codes.
        (r#",\s*"govc_code": ?"[^"]*""#, ""),
        // OPA's words for the parameters of builtins: ours have names and types.
        (r#""description": ?"(?:[^"\\]|\\.)*",\s*"(name|dynamic|of|static)""#, "\"$1\""),
        (r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", "TOKEN"),
        (r"\bgovc\b", "opa"),
        (r"\bGOVC_", "OPA_"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", "TIME"),
        (
            r#""((?:timer|histogram|counter)_[a-z_0-9]+|duration|T|N|MemAllocs|MemBytes)": ?[0-9.e+]+"#,
            "\"$1\": 0",
        ),
        (r"\(\d+(\.\d+)?(ns|µs|ms|s)\)", "(TIME)"),
        (r"(│ timer_\S+)\s+│\s+\d+\s+│", "$1 │ 0 │"),
        (r"\d+(\.\d+)? +(ns/op|B/op|allocs/op)", "0 $2"),
    ];
    let compile = |(pattern, with): &(&str, &'static str)| Regex::new(pattern).ok().map(|r| (r, *with));
    TABLE.iter().filter_map(compile).collect()
});

fn mask(text: &str, place: &str) -> String {
    let mut text = text.replace(place, "DIR");
    for (pattern, with) in MASKS.iter() {
        if let std::borrow::Cow::Owned(masked) = pattern.replace_all(&text, *with) {
            text = masked;
        }
    }
    // The width of a table with times depends on these.
    if text.contains("│ timer_") {
        text = text.replace(['─', ' '], "");
    }
    text
}
