//! The day of the venue: how it begins and ends, and what its operator does in between.

use tercel_proto::itch::{
    BrokenTrade, MwcbDecline, ParticipantPosition, RegSho, StockDirectory, SystemEvent,
};
use tercel_proto::ouch::letter;
use tercel_types::{InstrumentId, MatchNumber, Nanos, Symbol, TradingState};
use zerocopy::IntoBytes;
use zerocopy::big_endian::{U32, U64};

use super::{Control, ControlError, Opening, Phase, SymbolConfig, Venue, time_of_day};
use crate::market_data::header;
use crate::matching::{Command, CrossKind};

/// Levels of the market-wide circuit breaker: 7, 13 and 20 % below an index of 5,000, in
/// 1/100,000,000 dollar. No index moves here, so they are never breached.
const BREAKER_LEVELS: [u64; 3] = [465_000_000_000, 435_000_000_000, 400_000_000_000];
/// Reason of an operator's halt (ITCH 5.0 Appendix A: news pending).
const HALT_REASON: [u8; 4] = *b"T1  ";

/// ITCH 5.0 §4.1.
mod event {
    pub(super) const START_OF_MESSAGES: u8 = b'O';
    pub(super) const START_OF_SYSTEM_HOURS: u8 = b'S';
    pub(super) const START_OF_MARKET_HOURS: u8 = b'Q';
    pub(super) const END_OF_MARKET_HOURS: u8 = b'M';
    pub(super) const END_OF_SYSTEM_HOURS: u8 = b'E';
    pub(super) const END_OF_MESSAGES: u8 = b'C';
}

impl Venue {
    /// Everything before the first order.
    pub(super) fn begin(&mut self, now: Nanos) {
        self.system_event(event::START_OF_MESSAGES, now);
        let time = time_of_day(now);
        let symbols = std::mem::take(&mut self.symbols);
        for (instrument, config) in symbols.iter() {
            self.publish(directory(*instrument, config, time).as_bytes(), now);
        }
        for (instrument, _) in symbols.iter() {
            let state = match self.opening {
                Opening::Directly => TradingState::Trading,
                Opening::Cross { .. } => TradingState::QuotationOnly,
            };
            let action = self.market_data.action(*instrument, state, [b' '; 4], time);
            self.publish(action.as_bytes(), now);
        }
        for (instrument, config) in symbols.iter() {
            let reg_sho = RegSho {
                header: header(RegSho::KIND, *instrument, time),
                stock: config.symbol.0,
                action: b'0',
            };
            self.publish(reg_sho.as_bytes(), now);
        }
        for (instrument, config) in symbols.iter() {
            for mpid in self.firms(config.symbol) {
                let position = ParticipantPosition {
                    header: header(ParticipantPosition::KIND, *instrument, time),
                    mpid,
                    stock: config.symbol.0,
                    primary: b'Y',
                    mode: b'N',
                    state: b'A',
                };
                self.publish(position.as_bytes(), now);
            }
        }
        self.symbols = symbols;
        let [level1, level2, level3] = BREAKER_LEVELS.map(U64::new);
        let header = header(MwcbDecline::KIND, InstrumentId(0), time);
        self.publish(MwcbDecline { header, level1, level2, level3 }.as_bytes(), now);
        self.system_event(event::START_OF_SYSTEM_HOURS, now);
        self.tell_all(letter::START_OF_DAY, now);
        self.phase = match self.opening {
            Opening::Directly => {
                self.system_event(event::START_OF_MARKET_HOURS, now);
                Phase::Open
            }
            Opening::Cross { after } => Phase::BeforeCross { at: now + after },
        };
    }

    /// Opens every symbol with a cross.
    pub(super) fn open(&mut self, now: Nanos) {
        self.system_event(event::START_OF_MARKET_HOURS, now);
        self.phase = Phase::Open;
        for instrument in self.matching.instruments().collect::<Vec<_>>() {
            // An operator may have opened one before its time: the engine refuses then, and nothing
            // happens.
            let _ = self.hold_cross(instrument, CrossKind::Opening, now);
        }
    }

    /// Ends the day.
    pub(super) fn close(&mut self, now: Nanos) {
        self.system_event(event::END_OF_MARKET_HOURS, now);
        for instrument in self.matching.instruments().collect::<Vec<_>>() {
            self.apply(&Command::Expire { instrument }, now);
        }
        self.system_event(event::END_OF_SYSTEM_HOURS, now);
        self.tell_all(letter::END_OF_DAY, now);
        self.system_event(event::END_OF_MESSAGES, now);
        self.publisher.end_of_session(now);
        self.ports.end();
        self.phase = Phase::Ended;
    }

    /// Does what the operator asks for.
    ///
    /// # Errors
    /// See [`ControlError`]; nothing has changed then.
    pub fn control(&mut self, control: Control, now: Nanos) -> Result<(), ControlError> {
        if self.phase == Phase::Ended {
            return match control {
                Control::StopRetransmission | Control::StartRetransmission => {
                    self.control_retransmission(control)
                }
                _ => Err(ControlError::Ended),
            };
        }
        self.ensure_begun(now);
        let now = self.tick(now);
        let done = match control {
            Control::Halt(symbol) => {
                let instrument = self.find(symbol)?;
                self.set_state(instrument, TradingState::Halted, HALT_REASON, now)
            }
            Control::Resume(symbol) => {
                let instrument = self.find(symbol)?;
                self.imbalance(instrument, CrossKind::Reopening, now);
                self.set_state(instrument, TradingState::Trading, [b' '; 4], now)
            }
            Control::Cross { symbol, kind } => {
                let instrument = self.find(symbol)?;
                self.hold_cross(instrument, kind, now)
            }
            Control::BustTrade(match_number) => self.bust(match_number, now),
            Control::StopRetransmission | Control::StartRetransmission => {
                self.control_retransmission(control)
            }
            Control::SetFaults(faults) => {
                if self.publisher.set_faults(faults) {
                    Ok(())
                } else {
                    Err(ControlError::Faults)
                }
            }
            Control::Disconnect => {
                self.ports.disconnect();
                Ok(())
            }
            Control::EndSession => {
                self.close(now);
                Ok(())
            }
        };
        self.publisher.flush(now);
        done
    }

    fn control_retransmission(&mut self, control: Control) -> Result<(), ControlError> {
        let server = self.publisher.retransmission().ok_or(ControlError::NoRetransmission)?;
        if control == Control::StopRetransmission {
            server.stop();
            return Ok(());
        }
        server.start().map_err(ControlError::Retransmission)
    }

    fn find(&self, symbol: Symbol) -> Result<InstrumentId, ControlError> {
        self.instruments.get(&symbol).copied().ok_or(ControlError::UnknownSymbol(symbol))
    }

    fn set_state(
        &mut self,
        instrument: InstrumentId,
        state: TradingState,
        reason: [u8; 4],
        now: Nanos,
    ) -> Result<(), ControlError> {
        self.refused = None;
        self.apply(&Command::SetState { instrument, state, reason }, now);
        self.refused.take().map_or(Ok(()), |reason| Err(ControlError::Refused(reason)))
    }

    fn hold_cross(
        &mut self,
        instrument: InstrumentId,
        kind: CrossKind,
        now: Nanos,
    ) -> Result<(), ControlError> {
        self.imbalance(instrument, kind, now);
        self.refused = None;
        self.apply(&Command::Cross { instrument, kind }, now);
        self.refused.take().map_or(Ok(()), |reason| Err(ControlError::Refused(reason)))
    }

    /// Says what a cross would do.
    fn imbalance(&mut self, instrument: InstrumentId, kind: CrossKind, now: Nanos) {
        if let Some(indicative) = self.matching.indicative(instrument, kind) {
            let noii = self.market_data.noii(instrument, kind, &indicative, time_of_day(now));
            self.publish(noii.as_bytes(), now);
        }
    }

    fn bust(&mut self, match_number: MatchNumber, now: Nanos) -> Result<(), ControlError> {
        let index = usize::try_from(match_number.0).unwrap_or(usize::MAX);
        let instrument = match self.trades.get_mut(index) {
            Some(traded) if *traded != InstrumentId(0) => std::mem::take(traded),
            _ => return Err(ControlError::UnknownTrade(match_number)),
        };
        self.counters.broken += 1;
        self.break_fills(match_number, now);
        for fill in self.crosses.remove(&match_number).unwrap_or_default() {
            let traded = usize::try_from(fill.0).ok().and_then(|at| self.trades.get_mut(at));
            if let Some(traded) = traded {
                *traded = InstrumentId(0);
            }
            self.break_fills(fill, now);
        }
        let broken = BrokenTrade {
            header: header(BrokenTrade::KIND, instrument, time_of_day(now)),
            match_number: U64::new(match_number.0),
        };
        self.publish(broken.as_bytes(), now);
        Ok(())
    }

    fn system_event(&mut self, event: u8, now: Nanos) {
        let header = header(SystemEvent::KIND, InstrumentId(0), time_of_day(now));
        self.publish(SystemEvent { header, event }.as_bytes(), now);
    }

    /// Firms whose accounts may trade a symbol, each once.
    fn firms(&self, symbol: Symbol) -> Vec<[u8; 4]> {
        let mut firms: Vec<_> = self
            .accounts
            .iter()
            .filter(|account| account.may_trade(symbol))
            .map(|account| account.config.firm)
            .collect();
        firms.sort_unstable();
        firms.dedup();
        firms
    }
}

fn directory(instrument: InstrumentId, config: &SymbolConfig, time: Nanos) -> StockDirectory {
    StockDirectory {
        header: header(StockDirectory::KIND, instrument, time),
        stock: config.symbol.0,
        market_category: b'Q',
        financial_status: b'N',
        round_lot: U32::new(config.round_lot),
        round_lots_only: b'N',
        classification: b'C',
        sub_type: *b"Z ",
        authenticity: b'P',
        short_sale_threshold: b'N',
        ipo: b'N',
        luld_tier: b'1',
        etp: b'N',
        etp_leverage: U32::new(0),
        inverse: b'N',
    }
}
