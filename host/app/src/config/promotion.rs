//! Champion and challengers: `[promotion]` and `[[challenger]]`.

use super::{Built, Config, StrategyKind};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use tercel_engine::OpenOrders;
use tercel_policy::promotion::{Candidate, ContestRules, Name, RollbackRules};
use tercel_policy::shadow::{QueueModel, ShadowRules};
use tercel_policy::{PolicyError, StrategyConfig};
use tercel_types::{Money, Nanos};

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PromotionValues {
    /// `"automatic"`: who passes the test trades; `"off"`: none stands in shadow.
    #[schemars(extend("default" = "manual"))]
    pub(crate) mode: Option<ModeValue>,
    /// Challengers at one time.
    #[schemars(range(min = 1, max = 8))]
    #[schemars(extend("default" = ContestRules::default().challengers_max))]
    challengers_max: Option<u32>,
    /// Shadow profits are compared this often, in milliseconds.
    #[schemars(range(min = 1, max = 3_600_000))]
    #[schemars(extend("default" = ContestRules::default().interval.0 / 1_000_000))]
    interval_ms: Option<u32>,
    /// So many intervals before a test can be passed.
    #[schemars(range(min = 0, max = 1_000_000))]
    #[schemars(extend("default" = ContestRules::default().intervals_min))]
    intervals_min: Option<u32>,
    /// Chance that any that earns no more ever passes, over all tests.
    #[schemars(range(min = 0.000_001, max = 0.5))]
    #[schemars(extend("default" = ContestRules::default().alpha))]
    alpha: Option<f64>,
    /// How places in the queue are followed.
    #[schemars(extend("default" = "risk-averse"))]
    queue: Option<QueueValue>,
    /// From a decision in shadow until it takes effect, in microseconds.
    #[schemars(range(min = 0, max = 1_000_000))]
    #[schemars(extend("default" = ContestRules::default().shadow.latency.0 / 1_000))]
    shadow_latency_us: Option<u32>,
    /// Fee of a share, 1/1,000,000 dollar; below zero a rebate.
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    #[schemars(extend("default" = ContestRules::default().shadow.fee_e6))]
    fee_per_share_e6: Option<i32>,
    /// `"cancel"`: the new champion begins without open orders.
    #[schemars(extend("default" = "adopt"))]
    open_orders: Option<OpenOrdersValue>,
    /// Dollars lost from the peak since a promotion that take it back.
    #[schemars(extend("default" = ContestRules::default().rollback.drawdown_max.0 / 10_000))]
    rollback_drawdown_max: Option<u32>,
    /// Population stability index of the features that takes a promotion back.
    #[schemars(extend("default" = ContestRules::default().rollback.psi_max))]
    psi_max: Option<f64>,
    /// Samples of the features in one window of the index.
    #[schemars(extend("default" = ContestRules::default().rollback.psi_window))]
    psi_window: Option<u32>,
    /// Time between two samples, in milliseconds.
    #[schemars(extend("default" = ContestRules::default().rollback.psi_every.0 / 1_000_000))]
    psi_every_ms: Option<u32>,
    /// 99 % of the decisions of a window may take this long, in microseconds; else a promotion is
    /// taken back.
    #[schemars(extend("default" = ContestRules::default().rollback.decision_p99_max.0 / 1_000))]
    decision_p99_us: Option<u32>,
    /// Decisions in one window.
    #[schemars(extend("default" = ContestRules::default().rollback.decision_window))]
    decision_window: Option<u32>,
    /// Orders, replaces and cancels in a second that take a promotion back.
    #[schemars(extend("default" = ContestRules::default().rollback.actions_per_second_max))]
    actions_per_second_max: Option<u32>,
}

/// Whether there is a contest, and who promotes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ModeValue {
    Off,
    Manual,
    Automatic,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum QueueValue {
    RiskAverse,
    Exact,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum OpenOrdersValue {
    Adopt,
    Cancel,
}

/// A policy that stands in shadow from the start.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChallengerValues {
    /// Its name; else that of the kind or of the manifest.
    name: Option<String>,
    /// A kind of `[strategy]`.
    kind: Option<StrategyKind>,
    /// A manifest, with its `.safetensors` beside it.
    pub(super) manifest: Option<PathBuf>,
}

/// What a command or the configuration names as a challenger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// A strategy of the configuration, by its table.
    Table(StrategyKind),
    /// A manifest, with its weights beside it: the same name, ending in `.safetensors`.
    Manifest(PathBuf),
}

impl Source {
    /// A kind of strategy by its name, else the path of a manifest.
    pub(crate) fn parse(text: &str) -> Source {
        let kinds =
            [StrategyKind::FixedSpread, StrategyKind::AvellanedaStoikov, StrategyKind::Glft];
        let kind = kinds.into_iter().find(|kind| super::build::table(*kind) == text);
        kind.map_or_else(|| Source::Manifest(text.into()), Source::Table)
    }

    /// The name that it gets where none is given.
    fn name(&self) -> String {
        match self {
            Source::Table(kind) => super::build::table(*kind).into(),
            Source::Manifest(path) => {
                path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
            }
        }
    }
}

impl Config {
    /// The rules of the contest, and what becomes of open orders; `None` without one.
    pub(crate) fn contest(&self) -> Built<Option<(ContestRules, OpenOrders)>> {
        let values = &self.values.promotion;
        let mode = values.mode.unwrap_or(ModeValue::Manual);
        let base = ContestRules::default();
        let (shadow, rollback) = (base.shadow, base.rollback);
        let queue = match values.queue {
            None => shadow.queue,
            Some(QueueValue::RiskAverse) => QueueModel::RiskAverse,
            Some(QueueValue::Exact) => QueueModel::Exact,
        };
        let rules = ContestRules {
            shadow: ShadowRules {
                queue,
                latency: micros(values.shadow_latency_us).unwrap_or(shadow.latency),
                fee_e6: values.fee_per_share_e6.map_or(shadow.fee_e6, i64::from),
            },
            challengers_max: values.challengers_max.map_or(base.challengers_max, |n| n as usize),
            interval: millis(values.interval_ms).unwrap_or(base.interval),
            intervals_min: values.intervals_min.map_or(base.intervals_min, u64::from),
            alpha: values.alpha.unwrap_or(base.alpha),
            automatic: mode == ModeValue::Automatic,
            rollback: RollbackRules {
                drawdown_max: values
                    .rollback_drawdown_max
                    .map_or(rollback.drawdown_max, |dollars| Money(i64::from(dollars) * 10_000)),
                psi_max: values.psi_max.unwrap_or(rollback.psi_max),
                psi_window: values.psi_window.unwrap_or(rollback.psi_window),
                psi_every: millis(values.psi_every_ms).unwrap_or(rollback.psi_every),
                decision_p99_max: micros(values.decision_p99_us)
                    .unwrap_or(rollback.decision_p99_max),
                decision_window: values.decision_window.unwrap_or(rollback.decision_window),
                actions_per_second_max: values
                    .actions_per_second_max
                    .unwrap_or(rollback.actions_per_second_max),
            },
        };
        rules.validate().map_err(|error| self.wrong(&key_of(&error), error.to_string()))?;
        if mode == ModeValue::Off {
            if !self.values.challenger.is_empty() {
                return Err(self.wrong("promotion.mode", "\"off\" leaves no seat for a challenger"));
            }
            return Ok(None);
        }
        if self.values.challenger.len() > rules.challengers_max {
            let key = "promotion.challengers_max";
            return Err(self.wrong(key, "there are more tables [[challenger]]"));
        }
        let orders = match values.open_orders {
            None | Some(OpenOrdersValue::Adopt) => OpenOrders::Adopt,
            Some(OpenOrdersValue::Cancel) => OpenOrders::Cancel,
        };
        Ok(Some((rules, orders)))
    }

    /// The policy of the configuration as the champion of the contest.
    pub(crate) fn champion(&self, rules: &ContestRules) -> Built<Box<Candidate>> {
        let values = &self.values.strategy;
        let name = match (values.kind, &values.mlp) {
            (StrategyKind::Mlp, Some(mlp)) => Source::Manifest(mlp.manifest.clone()).name(),
            (kind, _) => super::build::table(kind).into(),
        };
        let name = Name::new(&name.replace(' ', "-")).or(Name::new("champion"));
        let name = name.ok_or_else(|| self.wrong("strategy.kind", "has no name"))?;
        self.candidate(name, &self.strategy(values.kind)?, rules, "strategy.kind")
    }

    /// The challengers that stand in shadow from the start.
    #[allow(clippy::vec_box)] // a contest takes them in boxes
    pub(crate) fn challengers(&self, rules: &ContestRules) -> Built<Vec<Box<Candidate>>> {
        let each = |(at, one): (usize, &ChallengerValues)| {
            let key = |field: &str| format!("challenger[{at}].{field}");
            let source = match (one.kind, &one.manifest) {
                (Some(StrategyKind::Mlp) | None, Some(path)) => Source::Manifest(path.clone()),
                (Some(kind), None) if kind != StrategyKind::Mlp => Source::Table(kind),
                (Some(_), Some(_)) => {
                    return Err(self.wrong(&key("manifest"), "is for kind \"mlp\" only"));
                }
                _ => return Err(self.wrong(&key("manifest"), "is missing")),
            };
            let field = if one.manifest.is_some() { "manifest" } else { "kind" };
            self.challenger(&source, one.name.as_deref(), rules, &key(field))
        };
        self.values.challenger.iter().enumerate().map(each).collect()
    }

    /// A challenger, read and checked.
    pub(crate) fn challenger(
        &self,
        source: &Source,
        name: Option<&str>,
        rules: &ContestRules,
        key: &str,
    ) -> Built<Box<Candidate>> {
        let text = name.map_or_else(|| source.name(), str::to_owned);
        let name = Name::new(&text).ok_or_else(|| {
            let problem = format!(
                "the name \"{text}\" must have 1 to {} printable ASCII characters without spaces",
                Name::MAX
            );
            self.wrong(key, problem)
        })?;
        let strategy = match source {
            Source::Table(kind) => self.strategy(*kind)?,
            Source::Manifest(path) => self.read_network(path, key)?,
        };
        self.candidate(name, &strategy, rules, key)
    }

    /// The network of a manifest, held within the offsets of `[strategy.mlp]` if there is one.
    fn read_network(&self, manifest: &Path, key: &str) -> Built<StrategyConfig> {
        let range = self.values.strategy.mlp.as_ref();
        let (min, max) =
            range.map_or((0.0, 20.0), |mlp| (mlp.offset_min_ticks, mlp.offset_max_ticks));
        let weights = manifest.with_extension("safetensors");
        let files = [(key, weights.as_path()), (key, manifest)];
        let learned = self.read_learned(files, min, max)?;
        Ok(StrategyConfig::Mlp(Box::new(learned)))
    }

    fn candidate(
        &self,
        name: Name,
        strategy: &StrategyConfig,
        rules: &ContestRules,
        key: &str,
    ) -> Built<Box<Candidate>> {
        let (slots, window) = (self.values.instrument.len(), rules.rollback.psi_window);
        let candidate = Candidate::new(name, strategy, slots, window);
        candidate.map(Box::new).map_err(|error| self.wrong(key, error.to_string()))
    }
}

fn micros(value: Option<u32>) -> Option<Nanos> {
    value.map(|us| Nanos(u64::from(us) * 1_000))
}

fn millis(value: Option<u32>) -> Option<Nanos> {
    value.map(|ms| Nanos::from_millis(ms.into()))
}

/// The key of the file that a field of the rules comes from.
fn key_of(error: &PolicyError) -> String {
    let PolicyError::OutOfRange { field, .. } = error else { return "promotion".into() };
    let field = field.split(' ').next().unwrap_or(field);
    let renamed = match field {
        "promotion.shadow_latency" => "promotion.shadow_latency_us",
        "promotion.fee" => "promotion.fee_per_share_e6",
        "promotion.interval" => "promotion.interval_ms",
        "promotion.drawdown_max" => "promotion.rollback_drawdown_max",
        "promotion.psi_every" => "promotion.psi_every_ms",
        "promotion.decision_p99_max" => "promotion.decision_p99_us",
        other => other,
    };
    renamed.into()
}
