//! The functions as they are shipped.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names a folder with binaries, here and in the sandbox.
pub(crate) const BINARIES: &str = "SLIPWAY_BINARIES";

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every folder of `functions`.
pub(crate) fn functions() -> Result<Vec<String>, Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in root().join("functions").read_dir()? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// The folder of the binaries; they are built if none is named.
///
/// They are built as `infra/package` builds them: these packages and no others, so no test enables
/// a feature of a dependency.
pub(crate) fn binaries() -> Result<PathBuf, Box<dyn Error>> {
    if let Some(given) = env::var_os(BINARIES) {
        return Ok(given.into());
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let here = env::current_exe()?;
    let target = here.ancestors().nth(2).ok_or("this binary lies in no target folder")?;
    // With a target named, what runs while building is built without these flags.
    let triple = host()?;
    let mut building = Command::new(cargo);
    building.current_dir(root()).args(["build", "--release", "--locked", "--target", &triple]);
    building.args(["--package", "bare"]);
    for function in functions()? {
        building.args(["--package", &function]);
    }
    let flags = env::var("RUSTFLAGS").unwrap_or_default();
    building.env("RUSTFLAGS", format!("{flags} -C link-arg=-Wl,-T,infra/no-unwinding.ld"));
    if !building.arg("--target-dir").arg(target).status()?.success() {
        return Err("the functions do not build".into());
    }
    Ok(target.join(triple).join("release"))
}

fn host() -> Result<String, Box<dyn Error>> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let said = Command::new(rustc).args(["--print", "host-tuple"]).output()?;
    Ok(String::from_utf8(said.stdout)?.trim().to_owned())
}
