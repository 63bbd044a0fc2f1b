//! What the system says about itself, in `/proc` and `/sys`.

use super::Machine;
use serde::{Deserialize, Serialize};

/// Large pages.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Hugepages {
    /// When the kernel uses them of itself: `always`, `madvise` or `never`.
    pub transparent: Option<String>,
    /// Pages reserved for whoever asks for them.
    pub reserved: Option<u64>,
    /// Those that nobody has taken.
    pub free: Option<u64>,
    /// Bytes of one.
    pub page_bytes: Option<u64>,
}

/// The time stamp counter.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Tsc {
    /// It runs at one rate at every frequency.
    pub constant: Option<bool>,
    /// It runs on while the core sleeps.
    pub nonstop: Option<bool>,
    /// What the kernel itself tells the time by.
    pub clocksource: Option<String>,
}

/// The text of a file by its path, without the newline at its end.
pub(super) fn from_system(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim_end().to_string())
}

/// All facts that `file` has; `core` is the one under test.
pub(super) fn read(file: &dyn Fn(&str) -> Option<String>, core: usize) -> Machine {
    // An empty file says "none of them".
    let text = |path: &str| file(path).filter(|text| !text.is_empty() && text != "(null)");
    let cpuinfo = file("/proc/cpuinfo");
    let memory = file("/proc/meminfo");
    let cpu = |key: &str| cpuinfo.as_deref().and_then(|text| value(text, key));
    let flags = cpu("flags");
    let has = |flag: &str| {
        flags.as_ref().map(|flags| flags.split_whitespace().any(|found| found == flag))
    };
    let bytes = |key: &str| memory.as_deref().and_then(|text| kib(text, key)).map(|kib| kib << 10);
    let count = |key: &str| memory.as_deref().and_then(|text| value(text, key)?.parse().ok());
    let scaling = |name: &str| text(&format!("/sys/devices/system/cpu/cpu{core}/cpufreq/{name}"));
    let mhz = |khz: Option<String>| Some(khz?.parse::<f64>().ok()? / 1e3);
    Machine {
        cpu: cpu("model name"),
        cpu_identity: identity(&cpu),
        cores: cpuinfo.as_deref().map(processors).filter(|count| *count > 0),
        smt: text("/sys/devices/system/cpu/smt/active").map(|active| active == "1"),
        frequency_mhz: mhz(scaling("scaling_cur_freq"))
            .or_else(|| cpu("cpu MHz").and_then(|mhz| mhz.parse().ok())),
        frequency_range_mhz: mhz(scaling("cpuinfo_min_freq"))
            .zip(mhz(scaling("cpuinfo_max_freq")))
            .map(|(min, max)| [min, max]),
        governor: scaling("scaling_governor"),
        turbo: text("/sys/devices/system/cpu/cpufreq/boost").map(|boost| boost == "1").or_else(
            || {
                let off = text("/sys/devices/system/cpu/intel_pstate/no_turbo")?;
                Some(off == "0")
            },
        ),
        caches: caches(file, core),
        memory_bytes: bytes("MemTotal"),
        kernel: text("/proc/sys/kernel/ostype")
            .zip(text("/proc/sys/kernel/osrelease"))
            .map(|(name, release)| format!("{name} {release}")),
        hypervisor: text("/sys/hypervisor/type").or_else(|| match has("hypervisor")? {
            true => Some("unknown".to_string()),
            false => Some("none".to_string()),
        }),
        product: product(&text),
        hugepages: Hugepages {
            transparent: text("/sys/kernel/mm/transparent_hugepage/enabled")
                .and_then(|choice| chosen(&choice)),
            reserved: count("HugePages_Total"),
            free: count("HugePages_Free"),
            page_bytes: bytes("Hugepagesize"),
        },
        isolated: file("/sys/devices/system/cpu/isolated").map(or_none),
        nohz_full: file("/sys/devices/system/cpu/nohz_full").map(or_none),
        mitigations: mitigations(file),
        tsc: Tsc {
            constant: has("constant_tsc"),
            nonstop: has("nonstop_tsc"),
            clocksource: text("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        },
        load: file("/proc/loadavg").and_then(|text| load(&text)),
        clock: None,
        jitter: Vec::new(),
    }
}

/// The hypervisor's name: as the system says, else its signature as the processor gives it.
pub(super) fn hypervisor(said: Option<String>, vendor: Option<String>) -> Option<String> {
    match said.as_deref() {
        Some("unknown") => vendor.or(said),
        _ => said,
    }
}

/// The hypervisor's signature in CPUID leaf 0x40000000, as `KVMKVMKVM`.
pub(super) fn vendor() -> Option<String> {
    #[cfg(target_arch = "x86_64")]
    {
        let leaf = std::arch::x86_64::__cpuid(0x4000_0000);
        let bytes = [leaf.ebx, leaf.ecx, leaf.edx].map(u32::to_le_bytes).concat();
        let text: String =
            bytes.iter().take_while(|byte| **byte != 0).map(|b| *b as char).collect();
        (!text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() || c == ' ')).then_some(text)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        None
    }
}

/// The value of the first `key : value` or `key: value` line.
fn value(text: &str, key: &str) -> Option<String> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = pairs.find(|(found, _)| found.trim() == key)?;
    Some(value.trim().to_string()).filter(|value| !value.is_empty())
}

fn kib(text: &str, key: &str) -> Option<u64> {
    value(text, key)?.strip_suffix(" kB")?.trim().parse().ok()
}

fn processors(cpuinfo: &str) -> u64 {
    cpuinfo.lines().filter(|line| line.starts_with("processor")).count() as u64
}

fn identity(cpu: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let keys = ["vendor_id", "cpu family", "model", "stepping", "microcode"];
    let parts: Option<Vec<String>> =
        keys.iter().map(|key| Some(format!("{key} {}", cpu(key)?))).collect();
    Some(parts?.join(", "))
}

/// The word in brackets of `always [madvise] never`.
fn chosen(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('[')?;
    Some(rest.split_once(']')?.0.to_string())
}

fn or_none(list: String) -> String {
    if list.is_empty() || list == "(null)" { "none".to_string() } else { list }
}

fn load(text: &str) -> Option<[f64; 3]> {
    let numbers: Vec<f64> = text.split(' ').take(3).map_while(|part| part.parse().ok()).collect();
    numbers.try_into().ok()
}

fn product(text: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let parts: Vec<String> = ["sys_vendor", "product_name"]
        .iter()
        .filter_map(|name| text(&format!("/sys/class/dmi/id/{name}")))
        .collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn caches(file: &dyn Fn(&str) -> Option<String>, core: usize) -> Vec<String> {
    let folder = format!("/sys/devices/system/cpu/cpu{core}/cache");
    // No processor has more than four levels, the first of them twice.
    (0..8)
        .map_while(|index| {
            let part = |name: &str| file(&format!("{folder}/index{index}/{name}"));
            Some([part("level")?, part("type")?, part("size")?, part("shared_cpu_list")?])
        })
        .filter(|[_, kind, ..]| kind != "Instruction")
        .map(|[level, kind, size, shared]| {
            let kind = if kind == "Data" { "d" } else { "" };
            format!("L{level}{kind} {size} (cores {shared})")
        })
        .collect()
}

/// The kernel's names of known weaknesses; those it does not know are missing.
const WEAKNESSES: [&str; 20] = [
    "gather_data_sampling",
    "ghostwrite",
    "indirect_target_selection",
    "itlb_multihit",
    "l1tf",
    "mds",
    "meltdown",
    "mmio_stale_data",
    "old_microcode",
    "reg_file_data_sampling",
    "retbleed",
    "spec_rstack_overflow",
    "spec_store_bypass",
    "spectre_v1",
    "spectre_v2",
    "srbds",
    "tsa",
    "tsx_async_abort",
    "vmscape",
    "attack_vector_controls",
];

fn mitigations(file: &dyn Fn(&str) -> Option<String>) -> Option<Vec<String>> {
    let folder = "/sys/devices/system/cpu/vulnerabilities";
    let known: Vec<(&str, String)> = WEAKNESSES
        .iter()
        .filter_map(|name| Some((*name, file(&format!("{folder}/{name}"))?)))
        .collect();
    let matter = |text: &str| text != "Not affected" && !text.is_empty();
    let listed = known.iter().filter(|(_, text)| matter(text));
    (!known.is_empty()).then(|| listed.map(|(name, text)| format!("{name}: {text}")).collect())
}

#[cfg(test)]
mod tests;
