//! Compiles the shim against the system's DPDK.

/// Names that the shim uses came with DPDK 21.11, the long-term release before Debian 12's.
const OLDEST: &str = "21.11";

/// What the shim calls. Drivers are plugins that DPDK itself loads when it starts.
const LIBRARIES: &[&str] = &["rte_ethdev", "rte_mbuf", "rte_mempool", "rte_ring", "rte_eal"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=csrc/shim.c");
    println!("cargo:rerun-if-changed=csrc/shim.h");
    let mut config = pkg_config::Config::new();
    // Its own list of libraries names all of DPDK.
    let library = match config.atleast_version(OLDEST).cargo_metadata(false).probe("libdpdk") {
        Ok(library) => library,
        Err(error) => {
            eprintln!("\nDPDK {OLDEST} or newer is missing; on Debian and Ubuntu, as root:");
            eprintln!("    apt-get install libdpdk-dev pkg-config");
            eprintln!(
                "`cargo x dpdk` does so, and every other crate builds without it.\n\n{error}"
            );
            std::process::exit(1);
        }
    };
    let mut compiler = cc::Build::new();
    compiler.file("csrc/shim.c").opt_level(3).includes(&library.include_paths);
    // Flags that pkg-config gives and the crate of that name leaves out.
    compiler.flag("-include").flag("rte_config.h");
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "x86_64") {
        compiler.flag("-march=corei7");
    }
    compiler.warnings(true).extra_warnings(true).warnings_into_errors(true);
    // DPDK's headers mark some of what they offer as experimental, and are not free of these.
    compiler.flag("-Wno-unused-parameter").flag("-Wno-deprecated-declarations");
    compiler.compile("tercel_dpdk_shim");
    for path in &library.link_paths {
        println!("cargo:rustc-link-search=native={}", path.display());
    }
    for name in LIBRARIES {
        println!("cargo:rustc-link-lib={name}");
    }
}
