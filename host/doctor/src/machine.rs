//! A machine as the checks see it: facts that several of them need, read once.

use crate::cores::CoreSet;
use crate::kernel_config::KernelConfig;
use crate::probe::Probes;
use crate::subject::{Chosen, Port, Subject};
use crate::tree::{Tree, Unread};

/// A machine to examine.
pub struct Machine<'a> {
    pub(crate) tree: Tree,
    pub(crate) probes: &'a Probes,
    pub(crate) port: Option<Port>,
    /// Interfaces to look at, named or found.
    pub(crate) interfaces: Result<Vec<String>, Unread>,
    /// Cores that trade, never empty unless unknown.
    pub(crate) hot: CoreSet,
    pub(crate) chosen: Chosen,
    pub(crate) online: Result<CoreSet, Unread>,
    /// Cores that this process may use.
    pub(crate) allowed: Result<CoreSet, Unread>,
    pub(crate) isolated: Result<CoreSet, Unread>,
    pub(crate) nohz_full: Result<CoreSet, Unread>,
    pub(crate) cmdline: Result<String, Unread>,
    pub(crate) kernel: KernelConfig,
    flags: Result<Vec<String>, Unread>,
    capabilities: Result<u64, Unread>,
}

impl<'a> Machine<'a> {
    /// Reads what several checks need.
    pub fn new(tree: Tree, subject: &Subject, probes: &'a Probes) -> Machine<'a> {
        let list = |path: &str| -> Result<CoreSet, Unread> {
            let text = tree.text(path)?;
            CoreSet::from_list(&text).ok_or_else(|| Unread::strange(path, &text))
        };
        let online = list("/sys/devices/system/cpu/online");
        let allowed = status(&tree, "Cpus_allowed_list").and_then(|text| {
            CoreSet::from_list(&text).ok_or_else(|| Unread::strange("/proc/self/status", &text))
        });
        // A partition of control groups isolates at run time; older kernels list it only there.
        let isolated = list("/sys/devices/system/cpu/isolated").map(|at_boot| {
            at_boot.with(&list("/sys/fs/cgroup/cpuset.cpus.isolated").unwrap_or_default())
        });
        let (hot, chosen) = hot(&subject.cores, &allowed, &isolated);
        let interfaces = match subject.interfaces.is_empty() {
            false => Ok(subject.interfaces.clone()),
            true => cards(&tree),
        };
        Machine {
            probes,
            port: subject.port,
            interfaces,
            hot,
            chosen,
            online,
            allowed,
            isolated,
            nohz_full: list("/sys/devices/system/cpu/nohz_full"),
            cmdline: tree.text("/proc/cmdline"),
            kernel: KernelConfig::read(&tree),
            flags: flags(&tree),
            capabilities: status(&tree, "CapEff").and_then(|text| {
                u64::from_str_radix(&text, 16)
                    .map_err(|_| Unread::strange("/proc/self/status", &text))
            }),
            tree,
        }
    }

    /// Cores that trade.
    pub fn hot_cores(&self) -> &CoreSet {
        &self.hot
    }

    /// Cores that this process may use, as far as it is known.
    pub fn allowed_cores(&self) -> CoreSet {
        self.allowed.clone().unwrap_or_default()
    }

    /// Where the hot cores are known from.
    pub fn chosen(&self) -> Chosen {
        self.chosen
    }

    /// Interfaces that are looked at.
    pub fn interface_names(&self) -> &[String] {
        self.interfaces.as_deref().unwrap_or_default()
    }

    /// Whether the processor says that a hypervisor runs it; false if it says nothing.
    pub fn is_virtual(&self) -> bool {
        self.tree.exists("/sys/hypervisor/type") || self.flag("hypervisor").unwrap_or(false)
    }

    /// The processor has a feature.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Unread> {
        Ok(self.flags.as_ref().map_err(Clone::clone)?.iter().any(|flag| flag == name))
    }

    /// This process has a capability, by its number in `linux/capability.h`.
    pub(crate) fn capable(&self, number: u32) -> Result<bool, Unread> {
        Ok(self.capabilities.clone()? >> number & 1 == 1)
    }

    /// The value of a parameter of the kernel's command line, the last of several; empty for one
    /// without a value.
    pub(crate) fn boot(&self, name: &str) -> Result<Option<&str>, Unread> {
        let line = self.cmdline.as_ref().map_err(Clone::clone)?;
        let mut values = line.split_whitespace().filter_map(|word| match word.split_once('=') {
            Some((key, value)) => (key == name).then_some(value),
            None => (word == name).then_some(""),
        });
        Ok(values.next_back())
    }

    /// A list of cores that a file says.
    pub(crate) fn cores(&self, path: &str) -> Result<CoreSet, Unread> {
        let text = self.tree.text(path)?;
        CoreSet::from_list(&text).ok_or_else(|| Unread::strange(path, &text))
    }

    /// A mask of cores that a file says.
    pub(crate) fn mask(&self, path: &str) -> Result<CoreSet, Unread> {
        let text = self.tree.text(path)?;
        CoreSet::from_mask(&text).ok_or_else(|| Unread::strange(path, &text))
    }

    /// Cores for everything that does not trade. Empty if the hot ones are all there are.
    pub(crate) fn housekeeping(&self) -> CoreSet {
        self.online.clone().unwrap_or_default().without(&self.hot)
    }

    /// Names of processes that run, sorted, each once.
    pub(crate) fn processes(&self) -> Result<Vec<String>, Unread> {
        let numbers = self.tree.names("/proc")?;
        let is_process = |name: &&String| name.bytes().all(|byte| byte.is_ascii_digit());
        let mut names: Vec<String> = numbers
            .iter()
            .filter(is_process)
            // A process may end meanwhile.
            .filter_map(|number| self.tree.text(&format!("/proc/{number}/comm")).ok())
            .collect();
        names.sort();
        names.dedup();
        if names.is_empty() {
            return Err(Unread::because("/proc", "shows no process"));
        }
        Ok(names)
    }
}

/// The value of a line of `/proc/self/status`.
pub(crate) fn status(tree: &Tree, key: &str) -> Result<String, Unread> {
    let path = "/proc/self/status";
    let text = tree.text(path)?;
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    value
        .map(|value| value.trim().to_string())
        .ok_or_else(|| Unread::because(path, &format!("has no line {key}")))
}

fn flags(tree: &Tree) -> Result<Vec<String>, Unread> {
    let path = "/proc/cpuinfo";
    let text = tree.text(path)?;
    let line = text.lines().find(|line| line.starts_with("flags") || line.starts_with("Features"));
    let value = line.and_then(|line| line.split_once(':'));
    let (_, flags) = value.ok_or_else(|| Unread::because(path, "lists no features"))?;
    Ok(flags.split_whitespace().map(str::to_string).collect())
}

fn hot(
    named: &CoreSet,
    allowed: &Result<CoreSet, Unread>,
    isolated: &Result<CoreSet, Unread>,
) -> (CoreSet, Chosen) {
    if !named.is_empty() {
        return (named.clone(), Chosen::Named);
    }
    if let Ok(isolated) = isolated
        && !isolated.is_empty()
    {
        return (isolated.clone(), Chosen::Isolated);
    }
    match allowed.as_ref().ok().and_then(|allowed| allowed.iter().next_back()) {
        Some(last) => (CoreSet::from_iter([last]), Chosen::Assumed),
        None => (CoreSet::default(), Chosen::Unknown),
    }
}

/// Interfaces with a device behind them: neither loopback nor bridges nor tunnels.
fn cards(tree: &Tree) -> Result<Vec<String>, Unread> {
    let mut names = tree.names("/sys/class/net")?;
    names.retain(|name| tree.exists(&format!("/sys/class/net/{name}/device")));
    Ok(names)
}
