//! Makes C++ of the card's RTL with Verilator and compiles it, where the feature `verilated` asks
//! for it.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "verilated")]
    verilated::build();
}

#[cfg(feature = "verilated")]
mod verilated {
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::{env, fs};

    const TOP: &str = "feed_top";
    const SHIM: &str = "cpp/card.cpp";

    /// Verilates, compiles and links.
    pub(super) fn build() {
        let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
        let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo")).join("verilated");
        let root = package.ancestors().nth(2).expect("two folders below the root").to_path_buf();
        let verilator = find(&root);
        // Files of an earlier run that this one does not make would be compiled as well.
        let _ = fs::remove_dir_all(&out);
        let mut command = Command::new(&verilator);
        if let Some(root) = root_of(&verilator) {
            command.env("VERILATOR_ROOT", root);
        }
        // Registers without a reset begin with random values, so that none is relied upon.
        command.args(["--cc", "-O3", "--no-timing", "--assert", "--x-initial", "unique"]);
        command.args(["--x-assign", "unique", "--output-split", "0", "-j", "1"]);
        command.args(["--top-module", TOP, "--prefix", "Vcard", "--Mdir"]).arg(&out);
        command.args(sources(&root));
        let output = command.output().expect("Verilator starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} failed:\n{said}", verilator.display());
        compile(&package, &out, &include(&verilator));
    }

    fn compile(package: &Path, out: &Path, include: &Path) {
        let mut compiler = cc::Build::new();
        compiler.cpp(true).std("c++17").opt_level(2).warnings(false).debug(false);
        compiler.include(out).include(include).include(include.join("vltstd"));
        for (name, value) in [("VERILATOR", "1"), ("VM_COVERAGE", "0"), ("VM_TRACE", "0")] {
            compiler.define(name, value);
        }
        compiler.define("VL_TIME_CONTEXT", None);
        println!("cargo:rerun-if-changed={SHIM}");
        compiler.file(package.join(SHIM));
        compiler.file(include.join("verilated.cpp"));
        compiler.file(include.join("verilated_threads.cpp"));
        for entry in fs::read_dir(out).expect("what Verilator made") {
            let path = entry.expect("an entry").path();
            let whole = path.to_string_lossy().contains("__ALL");
            if path.extension().is_some_and(|extension| extension == "cpp") && !whole {
                compiler.file(path);
            }
        }
        compiler.compile("tercel_card");
        println!("cargo:rustc-link-lib=pthread");
    }

    /// The program: from TERCEL_VERILATOR, from the PATH, or where `cargo x rtl` puts it.
    fn find(root: &Path) -> PathBuf {
        println!("cargo:rerun-if-env-changed=TERCEL_VERILATOR");
        if let Some(path) = env::var_os("TERCEL_VERILATOR") {
            return path.into();
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let on_path = env::split_paths(&path).map(|folder| folder.join("verilator"));
        let python = fs::read_dir(root.join("target/tools/rtl/venv/lib"));
        let installed = python.into_iter().flatten().flatten();
        let installed =
            installed.map(|entry| entry.path().join("site-packages/verilator/bin/verilator"));
        let mut found = on_path.chain(installed).filter(|path| path.is_file());
        found
            .next()
            .expect("Verilator is missing: `cargo x rtl` installs it, or TERCEL_VERILATOR names it")
    }

    /// The folder that Verilator calls its root, where it was installed as a Python package, which
    /// does not know where it lies.
    fn root_of(verilator: &Path) -> Option<PathBuf> {
        let root = verilator.parent()?.parent()?;
        root.join("include/verilated.h").is_file().then(|| root.to_path_buf())
    }

    fn include(verilator: &Path) -> PathBuf {
        let root = root_of(verilator).unwrap_or_else(|| {
            let asked = Command::new(verilator).args(["--getenv", "VERILATOR_ROOT"]).output();
            let asked = asked.expect("Verilator starts");
            PathBuf::from(String::from_utf8_lossy(&asked.stdout).trim())
        });
        root.join("include")
    }

    /// The files of the RTL, in the order of its list.
    fn sources(root: &Path) -> Vec<PathBuf> {
        let folder = root.join("hw/rtl");
        let list = folder.join("files.f");
        println!("cargo:rerun-if-changed={}", list.display());
        let text = fs::read_to_string(&list);
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", list.display()));
        let lines = text.lines().map(str::trim);
        let files = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
        let files: Vec<PathBuf> = files.map(|file| folder.join(file)).collect();
        files.iter().for_each(|file| println!("cargo:rerun-if-changed={}", file.display()));
        files
    }
}
