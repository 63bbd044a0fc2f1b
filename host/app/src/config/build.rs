//! From the values of the file to the configurations of the crates.

use super::{Built, Config, ConfigError, InstrumentRiskValues, StartValue, StrategyKind};
use std::path::PathBuf;
use tercel_book::Limits;
use tercel_engine::InstrumentConfig;
use tercel_fpga::CardConfig;
use tercel_gateway::GatewayConfig;
use tercel_policy::{
    AvellanedaStoikov, FixedSpread, Glft, InstrumentPolicy, Learned, PolicyConfig, PolicyError,
    QuoteRules, StrategyConfig, Volatility,
};
use tercel_proto::feed::{FeedConfig, Start};
use tercel_risk::{
    AccountLimits, InstrumentLimits, RateLimit, RatioLimit, RiskConfig, VenueLimits,
};
use tercel_types::{Money, Nanos, Price, Qty, Symbol, VenueId};

impl Config {
    /// For the decoder.
    pub(crate) fn feed(&self) -> Built<FeedConfig> {
        let feed = &self.values.feed;
        if feed.start == StartValue::Late && feed.glimpse.is_none() {
            return Err(self.wrong("feed.start", "\"late\" needs feed.glimpse"));
        }
        if feed.line_a == feed.line_b {
            return Err(self.wrong("feed.line_b", "must differ from feed.line_a"));
        }
        for (key, line) in [("feed.line_a", feed.line_a), ("feed.line_b", feed.line_b)] {
            if !line.ip().is_multicast() {
                return Err(
                    self.wrong(key, "is not a multicast group (224.0.0.0 to 239.255.255.255)")
                );
            }
        }
        let session = match &feed.session {
            None => None,
            Some(text) => Some(self.padded::<10>("feed.session", text)?),
        };
        Ok(FeedConfig {
            venue: VenueId(0),
            lines: [feed.line_a, feed.line_b],
            recovery: feed.recovery,
            start: match feed.start {
                StartValue::Late => Start::Late,
                StartValue::First => Start::FromFirst,
            },
            session,
            heartbeat_timeout: Nanos::from_millis(feed.heartbeat_timeout_ms.into()),
            request_wait: Nanos(u64::from(feed.request_wait_us) * 1_000),
            request_wait_max: Nanos::from_millis(feed.request_wait_max_ms.into()),
            requests_max: feed.requests_max,
            pending_bytes_max: (feed.pending_mib as usize).clamp(1, 4096) << 20,
        })
    }

    /// For a feed card.
    pub(crate) fn card(&self) -> Built<CardConfig> {
        let (feed, card) = (self.feed()?, &self.values.card);
        let ring_log2 = card.ring_log2.unwrap_or(16);
        if !(4..=20).contains(&ring_log2) {
            return Err(self.wrong("card.ring_log2", "must be 4 to 20"));
        }
        let patience = card.patience_ms.unwrap_or(100);
        if !(1..=10_000).contains(&patience) {
            return Err(self.wrong("card.patience_ms", "must be 1 to 10000"));
        }
        Ok(CardConfig {
            venue: feed.venue,
            lines: feed.lines,
            session: feed.session,
            next_seq: 0,
            ring_log2,
            patience: Nanos::from_millis(patience.into()),
        })
    }

    /// The instruments that a card's filter passes; none for all.
    pub(crate) fn filtered(&self) -> Built<Vec<Symbol>> {
        let count =
            if self.values.card.filter == Some(false) { 0 } else { self.values.instrument.len() };
        (0..count).map(|at| self.symbol(at)).collect()
    }

    /// For the books.
    pub(crate) fn book(&self) -> Limits {
        let book = &self.values.book;
        let limits = Limits::default();
        Limits {
            instruments_max: book.instruments_max.unwrap_or(limits.instruments_max),
            orders_max: book.orders_max.unwrap_or(limits.orders_max),
            levels_max: book.levels_max.unwrap_or(limits.levels_max),
            watched_max: book.watched_max.unwrap_or(limits.watched_max),
            prefault: book.prefault.unwrap_or(limits.prefault),
            huge_pages: book.huge_pages.unwrap_or(limits.huge_pages),
        }
    }

    /// For the policy.
    pub(crate) fn policy(&self) -> Built<PolicyConfig> {
        let quote = &self.values.quote;
        let mut instruments = Vec::new();
        for (at, one) in self.values.instrument.iter().enumerate() {
            instruments.push(InstrumentPolicy {
                symbol: self.symbol(at)?,
                order_qty: one.order_qty.map(Qty),
                position_max: one.position_max.map(i64::from),
            });
        }
        if instruments.is_empty() {
            return Err(self.wrong("instrument", "list at least one [[instrument]]"));
        }
        let config = PolicyConfig {
            instruments,
            strategy: self.strategy(self.values.strategy.kind)?,
            quote: QuoteRules {
                order_qty: Qty(quote.order_qty),
                position_max: quote.position_max.into(),
                requote_ticks: quote.requote_ticks,
                requote_qty_percent: quote.requote_qty_percent,
                requote_interval: Nanos(u64::from(quote.requote_interval_us) * 1_000),
                post_only: quote.post_only,
            },
        };
        config.validate().map_err(|error| self.policy_error(self.values.strategy.kind, &error))?;
        self.check_unused_strategies()?;
        Ok(config)
    }

    /// The policy names a field by its path, with a unit behind it.
    fn policy_error(&self, kind: StrategyKind, error: &PolicyError) -> ConfigError {
        let key = match error {
            PolicyError::OutOfRange { field, .. } => {
                let field = field.split(' ').next().unwrap_or(field);
                match field.strip_prefix("strategy.") {
                    Some(rest) => {
                        let rest = rest.replace("volatility.", "volatility_");
                        format!("strategy.{}.{rest}", table(kind))
                    }
                    None if field == "quote.requote_interval" => format!("{field}_us"),
                    None => field.into(),
                }
            }
            PolicyError::DuplicateSymbol(_) => "instrument".into(),
        };
        self.wrong(&key, error.to_string())
    }

    /// A table that is not in use today may be tomorrow: it has to be right as well.
    fn check_unused_strategies(&self) -> Built<()> {
        let values = &self.values.strategy;
        let there = [
            (StrategyKind::FixedSpread, values.fixed_spread.is_some()),
            (StrategyKind::AvellanedaStoikov, values.avellaneda_stoikov.is_some()),
            (StrategyKind::Glft, values.glft.is_some()),
        ];
        for (kind, _) in there.into_iter().filter(|(_, there)| *there) {
            let checked = self.strategy(kind)?.validate();
            checked.map_err(|error| self.policy_error(kind, &error))?;
        }
        Ok(())
    }

    /// The strategy of a kind, from its table.
    pub(super) fn strategy(&self, kind: StrategyKind) -> Built<StrategyConfig> {
        let values = &self.values.strategy;
        let missing = || {
            let problem = format!("needs a table [strategy.{}]", table(kind));
            self.wrong("strategy.kind", problem)
        };
        Ok(match kind {
            StrategyKind::FixedSpread => {
                let one = values.fixed_spread.as_ref().ok_or_else(missing)?;
                StrategyConfig::FixedSpread(FixedSpread {
                    half_spread_ticks: one.half_spread_ticks,
                    skew_ticks: one.skew_ticks,
                })
            }
            StrategyKind::AvellanedaStoikov => {
                let one = values.avellaneda_stoikov.as_ref().ok_or_else(missing)?;
                StrategyConfig::AvellanedaStoikov(AvellanedaStoikov {
                    gamma: one.gamma,
                    k: one.k,
                    horizon_s: one.horizon_s,
                    volatility: realised(one.volatility_min, one.volatility_max),
                })
            }
            StrategyKind::Glft => {
                let one = values.glft.as_ref().ok_or_else(missing)?;
                StrategyConfig::Glft(Glft {
                    gamma: one.gamma,
                    k: one.k,
                    a: one.a,
                    volatility: realised(one.volatility_min, one.volatility_max),
                })
            }
            StrategyKind::Mlp => StrategyConfig::Mlp(Box::new(self.learned()?)),
        })
    }

    fn learned(&self) -> Built<Learned> {
        let Some(mlp) = &self.values.strategy.mlp else {
            return Err(self.wrong("strategy.kind", "needs a table [strategy.mlp]"));
        };
        let files = [
            ("strategy.mlp.weights", mlp.weights.as_path()),
            ("strategy.mlp.manifest", mlp.manifest.as_path()),
        ];
        self.read_learned(files, mlp.offset_min_ticks, mlp.offset_max_ticks)
    }

    /// Weights and manifest, each with the key that an error names.
    pub(super) fn read_learned(
        &self,
        files: [(&str, &std::path::Path); 2],
        offset_min_ticks: f64,
        offset_max_ticks: f64,
    ) -> Built<Learned> {
        let read = |(key, path): (&str, &std::path::Path)| {
            std::fs::read(path).map_err(|error| {
                self.wrong(key, format!("{} cannot be read: {error}", path.display()))
            })
        };
        let (weights, manifest) = (read(files[0])?, read(files[1])?);
        let artifact =
            tercel_policy::Artifact::parse(&weights, &manifest, tercel_policy::Allow::Trained)
                .map_err(|error| self.wrong(files[0].0, error.to_string()))?;
        Ok(Learned { artifact, offset_min_ticks, offset_max_ticks })
    }

    /// For risk: the account and the venue.
    pub(crate) fn risk(&self) -> Built<RiskConfig> {
        let (risk, venue) = (&self.values.risk, &self.values.risk.venue);
        let account = &risk.account;
        let config = RiskConfig {
            instruments_max: u32::try_from(self.values.instrument.len()).unwrap_or(u32::MAX),
            orders_max: risk.orders_max,
            account: AccountLimits {
                gross_max: dollars(account.gross_max),
                net_max: dollars(account.net_max),
                credit_max: dollars(account.credit_max),
                realised_loss_max: dollars(account.realised_loss_max),
                unrealised_loss_max: dollars(account.unrealised_loss_max),
                drawdown_max: dollars(account.drawdown_max),
            },
            venue: VenueLimits {
                rate: RateLimit { burst: venue.rate_burst, per_second: venue.rate_per_second },
                ratio: RatioLimit {
                    burst: venue.ratio_burst,
                    per_fill: venue.ratio_per_fill,
                    per_second: venue.ratio_per_second,
                },
                rejects_in_a_row_max: venue.rejects_in_a_row_max,
            },
        };
        config.validate().map_err(|error| {
            let key = format!(
                "risk.{}",
                error.field.replace("rate.", "rate_").replace("ratio.", "ratio_")
            );
            self.wrong(&key, format!("allowed is {}", error.allowed))
        })?;
        Ok(config)
    }

    /// For the engine: symbol and limits of each instrument.
    pub(crate) fn instruments(&self) -> Built<Vec<InstrumentConfig>> {
        let common = &self.values.risk.instrument;
        let mut list = Vec::new();
        for (at, one) in self.values.instrument.iter().enumerate() {
            let limits = limits(&[&one.risk, common]);
            limits.validate().map_err(|error| {
                let field = error.field.trim_start_matches("instrument.");
                let field = field.replace('.', "_").replace("collar_abs", "collar_cents");
                let own = format!("instrument[{at}].risk.{field}");
                let is_own = super::key::get(&self.layers.table, &own).is_some();
                let key = if is_own { own } else { format!("risk.instrument.{field}") };
                let problem = format!("{}: allowed is {}", one.symbol, error.allowed);
                self.wrong(&key, problem)
            })?;
            list.push(InstrumentConfig { symbol: self.symbol(at)?, limits });
        }
        Ok(list)
    }

    /// The files of the networks that trade or stand in shadow from the start, and what each is.
    pub(crate) fn artifacts(&self) -> Vec<(&'static str, PathBuf)> {
        let strategy = &self.values.strategy;
        let champion = strategy.mlp.as_ref().filter(|_| strategy.kind == StrategyKind::Mlp);
        let champion = champion.map(|mlp| (&mlp.weights, &mlp.manifest));
        let mut files = Vec::new();
        for (weights, manifest) in champion {
            files.push(("weights", self.beside(weights)));
            files.push(("manifest", self.beside(manifest)));
        }
        for manifest in self.values.challenger.iter().filter_map(|one| one.manifest.as_ref()) {
            let manifest = self.beside(manifest);
            files.push(("weights", manifest.with_extension("safetensors")));
            files.push(("manifest", manifest));
        }
        files
    }

    /// For the order session.
    pub(crate) fn gateway(&self) -> Built<GatewayConfig> {
        let orders = &self.values.orders;
        Ok(GatewayConfig {
            username: self.padded::<6>("orders.username", &orders.username)?,
            password: self.orders_password()?,
            firm: self.padded::<4>("orders.firm", &orders.firm)?,
            orders_max: self.values.risk.orders_max as usize,
            instruments_max: self.book().instruments_max,
            ..GatewayConfig::default()
        })
    }

    fn symbol(&self, at: usize) -> Built<Symbol> {
        let text = &self.values.instrument[at].symbol;
        Symbol::new(text).ok_or_else(|| {
            let key = format!("instrument[{at}].symbol");
            self.wrong(&key, "a symbol has 1 to 8 printable ASCII characters without spaces")
        })
    }

    /// A text as a field of `N` bytes, padded with spaces on the right.
    pub(crate) fn padded<const N: usize>(&self, key: &str, text: &str) -> Built<[u8; N]> {
        if text.len() > N || !text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err(
                self.wrong(key, format!("at most {N} printable ASCII characters are allowed"))
            );
        }
        let mut field = [b' '; N];
        field[..text.len()].copy_from_slice(text.as_bytes());
        Ok(field)
    }
}

/// The name of a kind's table.
pub(super) fn table(kind: StrategyKind) -> &'static str {
    match kind {
        StrategyKind::FixedSpread => "fixed-spread",
        StrategyKind::AvellanedaStoikov => "avellaneda-stoikov",
        StrategyKind::Glft => "glft",
        StrategyKind::Mlp => "mlp",
    }
}

fn realised(min: f64, max: f64) -> Volatility {
    Volatility::Realised { min, max }
}

fn dollars(whole: u32) -> Money {
    Money(i64::from(whole) * Price::PER_DOLLAR)
}

/// The first of the levels that has a value for a limit decides, then the default of the risk
/// crate.
fn limits(levels: &[&InstrumentRiskValues; 2]) -> InstrumentLimits {
    let base = InstrumentLimits::default();
    macro_rules! pick {
        ($field:ident) => {
            levels.iter().find_map(|level| level.$field)
        };
    }
    let collar_abs = pick!(collar_cents).map(|cents| Price(i64::from(cents) * Price::CENT.0));
    InstrumentLimits {
        order_qty_max: pick!(order_qty_max).map_or(base.order_qty_max, Qty),
        order_notional_max: pick!(order_notional_max).map_or(base.order_notional_max, dollars),
        collar_bps: pick!(collar_bps).or(base.collar_bps.filter(|_| collar_abs.is_none())),
        collar_abs,
        position_max: pick!(position_max).unwrap_or(base.position_max),
        gross_max: pick!(gross_max).map_or(base.gross_max, dollars),
        net_max: pick!(net_max).map_or(base.net_max, dollars),
        open_orders_max: pick!(open_orders_max).unwrap_or(base.open_orders_max),
        located: pick!(located).unwrap_or(base.located),
        restricted: pick!(restricted).unwrap_or(base.restricted),
        duplicate_window: pick!(duplicate_window_us)
            .map_or(base.duplicate_window, |us| Nanos(u64::from(us) * 1_000)),
        rate: RateLimit {
            burst: pick!(rate_burst).unwrap_or(base.rate.burst),
            per_second: pick!(rate_per_second).unwrap_or(base.rate.per_second),
        },
        ratio: RatioLimit {
            burst: pick!(ratio_burst).unwrap_or(base.ratio.burst),
            per_fill: pick!(ratio_per_fill).unwrap_or(base.ratio.per_fill),
            per_second: pick!(ratio_per_second).unwrap_or(base.ratio.per_second),
        },
    }
}
