use super::*;

fn write(path: &str, value: &str, old: &str) -> Write {
    let [what, path, value, old] = ["does it", path, value, old].map(str::to_string);
    Write { check: "a-check", what, path, value, old }
}

fn tree_with(path: &str, text: &str) -> (tempfile::TempDir, Tree) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(path.trim_start_matches('/'));
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, text).unwrap();
    let tree = Tree::new(folder.path());
    (folder, tree)
}

#[test]
fn a_write_is_done_once_and_can_be_taken_back() {
    let path = "/proc/sys/vm/stat_interval";
    let (_folder, tree) = tree_with(path, "1\n");
    let there = write(path, "120", "1");
    assert_eq!(there.command(), "sysctl -w vm.stat_interval=120");
    assert_eq!(there.revert(), "sysctl -w vm.stat_interval=1");
    assert_eq!(there.apply(&tree), Applied::Done);
    assert_eq!(tree.text(path).unwrap(), "120");
    assert_eq!(there.apply(&tree), Applied::Skipped("it says so already".into()));
    assert_eq!(write(path, "1", "120").apply(&tree), Applied::Done);
    assert_eq!(tree.text(path).unwrap(), "1");
}

#[test]
fn what_somebody_else_has_changed_is_left() {
    let path = "/proc/sys/vm/stat_interval";
    let (_folder, tree) = tree_with(path, "60\n");
    assert!(matches!(write(path, "120", "1").apply(&tree), Applied::Skipped(_)));
    assert_eq!(tree.text(path).unwrap(), "60");
}

#[test]
fn nothing_is_written_outside_the_listed_places() {
    for path in [
        "/etc/passwd",
        "/proc/sys/vm/../../../etc/passwd",
        "/proc/sysrq-trigger",
        "/proc/irq/5/smp_affinity",
        "/sys/class/net/eth0/mtu",
        "/sys/devices/system/cpu/cpu1/uevent",
    ] {
        let (_folder, tree) = tree_with("/none", "");
        assert!(matches!(write(path, "1", "0").apply(&tree), Applied::Skipped(_)), "{path}");
    }
    let (_folder, tree) = tree_with("/proc/sys/vm/swappiness", "60");
    for value in ["", "1; reboot", "1\n2", "$(x)"] {
        let wrong = write("/proc/sys/vm/swappiness", value, "60");
        assert!(matches!(wrong.apply(&tree), Applied::Skipped(_)), "{value:?}");
    }
    assert_eq!(tree.text("/proc/sys/vm/swappiness").unwrap(), "60");
}

#[test]
fn a_file_that_is_not_there_is_not_made() {
    let (folder, tree) = tree_with("/proc/sys/vm/other", "60");
    let applied = write("/proc/sys/vm/swappiness", "1", "60").apply(&tree);
    assert!(matches!(applied, Applied::Skipped(_)));
    assert!(!folder.path().join("proc/sys/vm/swappiness").exists());
}

#[test]
fn a_choice_and_a_mask_are_read_back_in_the_kernels_spelling() {
    assert!(says("always [madvise] never", "madvise"));
    assert!(!says("always [madvise] never", "always"));
    assert!(says("3", "00000003") && says("00000000,00000003", "00000003"));
    assert!(!says("13", "00000003") && !says("10", "1"));
}
