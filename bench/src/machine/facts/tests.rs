use super::*;

const CPUINFO: &str = "processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 143
model name\t: Intel(R) Xeon(R) Gold 6448Y
stepping\t: 8
microcode\t: 0x2b0004d0
cpu MHz\t\t: 2100.000
flags\t\t: fpu tsc constant_tsc nonstop_tsc avx2

processor\t: 1
model name\t: Intel(R) Xeon(R) Gold 6448Y
flags\t\t: fpu tsc constant_tsc nonstop_tsc avx2";

const MEMINFO: &str = "MemTotal:       131072000 kB
HugePages_Total:     512
HugePages_Free:      500
Hugepagesize:       2048 kB";

fn bare_metal(path: &str) -> Option<String> {
    let text = match path {
        "/proc/cpuinfo" => CPUINFO,
        "/proc/meminfo" => MEMINFO,
        "/proc/loadavg" => "0.12 1.50 2.25 1/312 4711",
        "/proc/sys/kernel/ostype" => "Linux",
        "/proc/sys/kernel/osrelease" => "6.1.0-18-amd64",
        "/sys/devices/system/cpu/smt/active" => "0",
        "/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor" => "performance",
        "/sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq" => "3900000",
        "/sys/devices/system/cpu/cpu1/cpufreq/cpuinfo_min_freq" => "800000",
        "/sys/devices/system/cpu/cpu1/cpufreq/cpuinfo_max_freq" => "4100000",
        "/sys/devices/system/cpu/intel_pstate/no_turbo" => "1",
        "/sys/devices/system/cpu/isolated" => "1-3",
        "/sys/devices/system/cpu/nohz_full" => "(null)",
        "/sys/kernel/mm/transparent_hugepage/enabled" => "always [madvise] never",
        "/sys/class/dmi/id/sys_vendor" => "Dell Inc.",
        "/sys/class/dmi/id/product_name" => "PowerEdge R760",
        "/sys/devices/system/cpu/vulnerabilities/meltdown" => "Not affected",
        "/sys/devices/system/cpu/vulnerabilities/spectre_v2" => "Mitigation: Enhanced IBRS",
        "/sys/devices/system/cpu/cpu1/cache/index0/level" => "1",
        "/sys/devices/system/cpu/cpu1/cache/index0/type" => "Data",
        "/sys/devices/system/cpu/cpu1/cache/index0/size" => "48K",
        "/sys/devices/system/cpu/cpu1/cache/index0/shared_cpu_list" => "1",
        "/sys/devices/system/cpu/cpu1/cache/index1/level" => "2",
        "/sys/devices/system/cpu/cpu1/cache/index1/type" => "Unified",
        "/sys/devices/system/cpu/cpu1/cache/index1/size" => "2048K",
        "/sys/devices/system/cpu/cpu1/cache/index1/shared_cpu_list" => "1",
        _ => return None,
    };
    Some(text.to_string())
}

#[test]
fn a_server_says_all_of_it() {
    let machine = read(&bare_metal, 1);
    assert_eq!(machine.cpu.as_deref(), Some("Intel(R) Xeon(R) Gold 6448Y"));
    let identity = "vendor_id GenuineIntel, cpu family 6, model 143, stepping 8, microcode \
                    0x2b0004d0";
    assert_eq!(machine.cpu_identity.as_deref(), Some(identity));
    assert_eq!((machine.cores, machine.smt), (Some(2), Some(false)));
    assert_eq!(machine.frequency_mhz, Some(3_900.0));
    assert_eq!(machine.frequency_range_mhz, Some([800.0, 4_100.0]));
    assert_eq!(machine.governor.as_deref(), Some("performance"));
    assert_eq!(machine.turbo, Some(false));
    assert_eq!(machine.caches, ["L1d 48K (cores 1)", "L2 2048K (cores 1)"]);
    assert_eq!(machine.memory_bytes, Some(131_072_000 << 10));
    assert_eq!(machine.kernel.as_deref(), Some("Linux 6.1.0-18-amd64"));
    assert_eq!(machine.hypervisor.as_deref(), Some("none"));
    assert_eq!(machine.product.as_deref(), Some("Dell Inc. PowerEdge R760"));
    let pages = &machine.hugepages;
    assert_eq!(pages.transparent.as_deref(), Some("madvise"));
    assert_eq!((pages.reserved, pages.free), (Some(512), Some(500)));
    assert_eq!(pages.page_bytes, Some(2 << 20));
    assert_eq!(machine.isolated.as_deref(), Some("1-3"));
    assert_eq!(machine.nohz_full.as_deref(), Some("none"));
    assert_eq!(machine.mitigations.unwrap(), ["spectre_v2: Mitigation: Enhanced IBRS"]);
    assert_eq!((machine.tsc.constant, machine.tsc.nonstop), (Some(true), Some(true)));
    assert_eq!(machine.load, Some([0.12, 1.5, 2.25]));
}

#[test]
fn what_is_not_there_is_null() {
    let machine = read(&|_| None, 0);
    assert_eq!(machine, Machine::default());
    assert_eq!(serde_json::to_value(&machine).unwrap()["governor"], serde_json::Value::Null);
}

#[test]
fn nonsense_is_null() {
    let machine = read(&|_| Some("what: ever [".to_string()), 0);
    assert_eq!((machine.cpu, machine.cores, machine.memory_bytes), (None, None, None));
    assert_eq!((machine.load, machine.frequency_range_mhz), (None, None));
    assert_eq!(machine.hugepages.transparent, None);
}

#[test]
fn a_hypervisor_is_named() {
    let text = |text: &str| Some(text.to_string());
    assert_eq!(hypervisor(text("unknown"), text("KVMKVMKVM")), text("KVMKVMKVM"));
    assert_eq!(hypervisor(text("unknown"), None), text("unknown"));
    assert_eq!(hypervisor(text("none"), text("noise")), text("none"));
    assert_eq!(hypervisor(text("xen"), None), text("xen"));
    assert_eq!(hypervisor(None, None), None);
    let guest = |path: &str| (path == "/proc/cpuinfo").then(|| "flags : a hypervisor b".into());
    assert_eq!(read(&guest, 0).hypervisor, text("unknown"));
}

#[test]
fn this_machine_can_be_read() {
    let machine = read(&from_system, 0);
    assert!(machine.kernel.is_some_and(|kernel| kernel.starts_with("Linux ")));
    assert!(machine.cores.is_some_and(|cores| cores >= 1));
}
