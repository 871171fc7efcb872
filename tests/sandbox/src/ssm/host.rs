//! A host: a folder in which the agent runs scripts for real, with stand-ins for what they call.
//!
//! The stand-ins keep the state of docker in files of that folder, so a script that is killed
//! anywhere leaves behind what it would leave on a machine.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

const STAND_INS: [&str; 4] = ["aws", "docker", "sleep", "timeout"];
/// What a host has besides, from this machine. Nothing else is found there: a real docker least of all.
const TOOLS: [&str; 20] = [
    "base64",
    "bash",
    "basename",
    "cat",
    "cut",
    "dirname",
    "find",
    "flock",
    "grep",
    "ls",
    "mkdir",
    "mktemp",
    "mv",
    "rm",
    "sed",
    "sha256sum",
    "sh",
    "tail",
    "tr",
    "uname",
];
static MADE: AtomicU64 = AtomicU64::new(0);

/// One machine. Its folder goes with it.
#[derive(Debug)]
pub struct Host {
    pub instance: String,
    pub tags: BTreeMap<String, String>,
    pub standing: Standing,
    /// When it last responded, if it no longer does.
    pub(super) lost_at: Option<u64>,
    /// A script that is killed takes the whole machine with it.
    pub dies_with_a_script: bool,
    folder: PathBuf,
}

/// How the agent of a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Online,
    /// It does not respond, and commands wait for it.
    Lost,
    /// It says that it is there, and runs nothing.
    Deaf,
    /// It says that it is there, and Run Command takes no command for it: the instance shuts down.
    Leaving,
    /// The instance is gone; Run Command does not know it.
    Terminated,
}

/// What became of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// `None`: it was killed.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// How long it would have taken.
    pub seconds: u64,
}

/// A container as `docker ps` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    pub id: String,
    pub name: String,
    pub image: String,
    pub status: String,
    pub ports: Vec<String>,
}

impl Host {
    pub fn new(instance: &str, tags: &[(&str, &str)]) -> io::Result<Self> {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = format!("sandbox-host-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        for part in ["bin", "faults", "behaviours", "docker/containers", "docker/images"] {
            fs::create_dir_all(folder.join(part))?;
        }
        let stand_ins = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ssm/stand_ins");
        for name in STAND_INS {
            symlink(stand_ins.join(name), folder.join("bin").join(name))?;
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        for name in TOOLS {
            let found = std::env::split_paths(&path).map(|place| place.join(name));
            if let Some(tool) = found.into_iter().find(|tool| tool.is_file()) {
                symlink(tool, folder.join("bin").join(name))?;
            }
        }
        fs::write(folder.join("instance"), instance)?;
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Ok(Self {
            instance: instance.to_owned(),
            tags: tags.collect(),
            standing: Standing::Online,
            lost_at: None,
            dies_with_a_script: false,
            folder,
        })
    }

    /// Where its files are: `/etc/app.env` is `etc/app.env` in here.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a script as the agent does: the interpreter of its first line reads it from a file.
    pub fn run(&self, script: &str) -> io::Result<Ran> {
        let file = self.folder.join("_script.sh");
        fs::write(&file, script)?;
        let shell = if script.starts_with("#!/bin/bash\n") { "bash" } else { "sh" };
        let bin = self.folder.join("bin");
        let before = self.elapsed();
        let output = Command::new(shell)
            .arg(&file)
            .env_clear()
            .env("PATH", bin)
            .env("SLIPWAY_HOST_ROOT", &self.folder)
            .stdin(Stdio::null())
            .output()?;
        Ok(Ran {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            seconds: self.elapsed() - before,
        })
    }

    /// Writes a file of the host; one with a `#!` can be run.
    pub fn write(&self, path: &str, text: &str) -> io::Result<()> {
        let file = self.folder.join(path.trim_start_matches('/'));
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&file, text)?;
        let mode = if text.starts_with("#!") { 0o755 } else { 0o600 };
        fs::set_permissions(&file, fs::Permissions::from_mode(mode))
    }

    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(path.trim_start_matches('/'))).ok()
    }

    pub fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.folder.join(path.trim_start_matches('/')))
    }

    /// From now on a verb of docker, or `aws`, goes wrong: `fail TEXT`, or once `die`, `die-after`.
    pub fn fault(&self, verb: &str, how: &str) -> io::Result<()> {
        self.write(&format!("faults/{verb}"), how)
    }

    /// Containers of this image: `exits 1`.
    pub fn behave(&self, digest: &str, how: &str) -> io::Result<()> {
        self.write(&format!("behaviours/{digest}"), how)
    }

    /// A person runs a container by hand, with a docker command.
    pub fn docker(&self, words: &[&str]) -> io::Result<Ran> {
        let words: Vec<String> =
            words.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
        self.run(&format!("#!/bin/bash\ndocker {}\n", words.join(" ")))
    }

    /// The image is already on the host.
    pub fn have_image(&self, image: &str) -> io::Result<()> {
        let folder = crate::place::sha256(image.as_bytes());
        self.write(&format!("docker/images/{folder}/reference"), image)
    }

    /// Every container, by name.
    pub fn containers(&self) -> Vec<Container> {
        let Ok(entries) = fs::read_dir(self.folder.join("docker/containers")) else {
            return vec![];
        };
        let read = |folder: &Path, name: &str| {
            fs::read_to_string(folder.join(name)).unwrap_or_default().trim_end().to_owned()
        };
        let container = |entry: fs::DirEntry| {
            let folder = entry.path();
            Container {
                id: entry.file_name().to_string_lossy().into_owned(),
                name: read(&folder, "name"),
                image: read(&folder, "Config.Image"),
                status: read(&folder, "State.Status"),
                ports: read(&folder, "ports").lines().map(str::to_owned).collect(),
            }
        };
        let mut containers: Vec<Container> = entries.flatten().map(container).collect();
        containers.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        containers
    }

    pub fn container(&self, name: &str) -> Option<Container> {
        self.containers().into_iter().find(|container| container.name == name)
    }

    /// What the stand-ins were asked, line by line.
    pub fn calls(&self) -> Vec<String> {
        self.read("calls").unwrap_or_default().lines().map(str::to_owned).collect()
    }

    fn elapsed(&self) -> u64 {
        let text = self.read("elapsed").unwrap_or_default();
        text.lines().filter_map(|line| line.trim().parse::<u64>().ok()).sum()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Everything that stays behind is in the folder for such things.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
