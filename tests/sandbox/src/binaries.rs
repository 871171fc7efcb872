//! The functions' binaries: built by cargo as the running program was, once.

use crate::Error;
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The folder with the functions' binaries, in the profile and target folder of this program.
///
/// `SLIPWAY_BINARIES` names a folder where they lie already.
pub fn build() -> Result<PathBuf, Error> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(built).clone().map_err(Error::Build)
}

fn built() -> Result<PathBuf, String> {
    if let Some(given) = std::env::var_os("SLIPWAY_BINARIES") {
        return Ok(given.into());
    }
    let program = std::env::current_exe()
        .map_err(|problem| format!("this program has no path: {problem}"))?;
    let folder = folder(&program)
        .ok_or("this program does not lie in cargo's target folder: set SLIPWAY_BINARIES")?;
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let profile = if name == "debug" { "dev" } else { name };
    let target =
        folder.parent().ok_or("cargo's target folder has no parent: set SLIPWAY_BINARIES")?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // The whole workspace, so that cargo chooses the same features as for the tests and builds
    // no dependency twice.
    command.args(["build", "--quiet", "--workspace", "--bins", "--profile", profile]);
    command.arg("--target-dir").arg(target).current_dir(root);
    // Cargo tells a program that it runs about its package. Build scripts look at that, so that the
    // cargo inside would find them changed, and the one outside again.
    let about_us = std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|begin| name.starts_with(begin))
    });
    for name in about_us {
        command.env_remove(name);
    }
    let output = command.output().map_err(|problem| format!("cargo does not start: {problem}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(folder.to_owned())
}

/// The profile's folder: `target/debug` of `target/debug/deps/stories-0123`.
fn folder(program: &Path) -> Option<&Path> {
    let folder = program.parent()?;
    let inner = ["deps", "examples"].iter().any(|name| folder.ends_with(name));
    if inner { folder.parent() } else { Some(folder) }
}
