//! The models one lane at a time, written from their documentation and for reading.

use tercel_environments::arithmetic::{cos_turns, exp, ln};
use tercel_environments::{Random, Settings, Tabular, settings_of, tabular};

/// What came of a step.
pub(crate) struct Step {
    pub(crate) reward: f32,
    pub(crate) terminated: bool,
    pub(crate) truncated: bool,
    pub(crate) last: Vec<f32>,
}

/// One lane of a model.
pub(crate) struct Lane {
    name: &'static str,
    settings: Settings,
    table: Option<Tabular>,
    seed: u64,
    lane: u32,
    counter: u64,
    step: u32,
    /// mm1: time left; ex1: shares left; sa1: signal.
    first: f32,
    /// mm1, mm2: inventory; sa1: position; tables: place.
    second: f32,
    quotes: [f32; 2],
    /// mm1: missing until a fill; mm2: summed probability.
    sums: [f32; 2],
}

fn uniform(bits: u32) -> f32 {
    ((bits >> 9) as f32 + 0.5) / 8_388_608.0
}

fn normal(radius: u32, angle: u32) -> f32 {
    (-2.0 * ln(uniform(radius))).sqrt() * cos_turns(uniform(angle))
}

fn cut(value: f32, least: f32, most: f32) -> f32 {
    if value.is_nan() { 0.5 * (least + most) } else { value.clamp(least, most) }
}

impl Lane {
    pub(crate) fn new(name: &str, settings: &Settings, seed: u64, lane: u32) -> Lane {
        let name = ["mm1", "mm2", "ex1", "sa1", "chain", "grid"]
            .into_iter()
            .find(|known| *known == name)
            .expect("a model");
        let mut all = Settings::new();
        for setting in settings_of(name).expect("a model") {
            all.set(setting.key, setting.default);
        }
        for (key, value) in settings.iter() {
            all.set(key, value);
        }
        let table = tabular(name, settings).ok();
        let (quotes, sums) = ([0.0; 2], [0.0; 2]);
        let (first, second, step, counter) = (0.0, 0.0, 0, 0);
        let mut lane = Lane {
            name,
            settings: all,
            table,
            seed,
            lane,
            counter,
            step,
            first,
            second,
            quotes,
            sums,
        };
        lane.begin();
        lane
    }

    fn get(&self, key: &str) -> f64 {
        self.settings.iter().find(|(known, _)| *known == key).expect("set").1
    }

    fn on(&self, key: &str) -> bool {
        self.get(key) == 1.0
    }

    fn bits(&self, stream: u32) -> [u32; 4] {
        Random::block(self.seed, self.lane, stream, self.counter)
    }

    fn drawn_inventory(&self, bits: u32) -> f32 {
        let (start, spread) = (self.get("start"), self.get("spread"));
        let many = 2 * spread as u64 + 1;
        let at = (u64::from(bits) * many) >> 32;
        (start - spread) as f32 + at as f32
    }

    /// The widest half-spread, and the largest skew.
    fn widest(&self) -> [f32; 2] {
        match (self.name, self.on("discrete")) {
            ("mm1", false) => [2.0, 2.0],
            ("mm2", false) => [3.0, 3.0],
            _ => {
                let halves = (0..17).map(|at| self.pair(at)[0]);
                [halves.fold(0.0, f32::max), 8.0 * self.apart()]
            }
        }
    }

    /// How far skews to choose from are apart.
    fn apart(&self) -> f32 {
        if self.name == "mm1" { 0.1 } else { 0.2 }
    }

    /// Half-spread and skew of a choice.
    fn pair(&self, at: u32) -> [f32; 2] {
        let skew = (at.min(16) as f32 - 8.0) * self.apart();
        let half = match self.name {
            "mm1" => {
                let gamma = self.get("gamma");
                1.04 * (ln((1.0 + gamma / 1.5) as f32) / gamma as f32)
            }
            _ => 1.1 + 0.12 * skew * skew,
        };
        [half.max(skew.abs()), skew]
    }

    fn begin(&mut self) {
        let bits = self.bits(1);
        self.step = 0;
        match self.name {
            "mm1" | "mm2" => {
                self.second = self.drawn_inventory(bits[0]);
                self.quotes = [self.widest()[0], 0.0];
                self.first = 1.0;
                self.sums = match (self.name, self.on("fills")) {
                    ("mm1", true) => [-ln(uniform(bits[1])), -ln(uniform(bits[2]))],
                    ("mm1", false) => [1.0; 2],
                    _ => [0.0; 2],
                };
            }
            "ex1" => self.first = 1.0,
            "sa1" => {
                self.first = normal(bits[0], bits[1]);
                let spread = self.get("spread") as f32;
                self.second = (spread * normal(bits[2], bits[3])).clamp(-8.0, 8.0);
            }
            _ => self.second = 0.0,
        }
    }

    pub(crate) fn observation(&self) -> Vec<f32> {
        let time = |steps: f64| 1.0 - self.step as f32 / steps as f32;
        let mut seen = match self.name {
            "mm1" => vec![self.first, self.second * (1.0 / 10.0)],
            "mm2" => vec![time(self.get("steps")), self.second * 0.25],
            "ex1" => vec![time(self.get("steps")), self.first],
            "sa1" => vec![self.first, self.second],
            _ => {
                let table = self.table.as_ref().expect("a table");
                return table.observation(self.second as usize);
            }
        };
        if self.name.starts_with("mm") {
            if self.on("latency") {
                seen.extend(self.quotes);
            }
            if !self.on("fills") {
                seen.extend(self.sums);
            }
        }
        seen
    }

    pub(crate) fn step(&mut self, action: &[f32]) -> Step {
        let bits = self.bits(0);
        let (reward, terminated, truncated) = match self.name {
            "mm1" | "mm2" => {
                let [half, skew] = self.widest();
                let decided = if self.on("discrete") {
                    self.pair(action[0] as u32)
                } else {
                    [cut(action[0], 0.0, half), cut(action[1], -skew, skew)]
                };
                let before = std::mem::replace(&mut self.quotes, decided);
                let [half, skew] = if self.on("latency") { before } else { decided };
                let (bid, ask) = ((half - skew).max(0.0), (half + skew).max(0.0));
                if self.name == "mm1" { self.mm1(bid, ask, bits) } else { self.mm2(bid, ask, bits) }
            }
            "ex1" => self.ex1(cut(action[0], 0.0, 1.0), bits),
            "sa1" => self.sa1(cut(action[0], -1.0, 1.0), bits),
            _ => self.place(action[0] as usize, bits),
        };
        self.counter += 1;
        self.step += 1;
        let last = self.observation();
        if terminated || truncated {
            self.begin();
        }
        Step { reward, terminated, truncated, last }
    }

    fn mm1(&mut self, bid: f32, ask: f32, bits: [u32; 4]) -> (f32, bool, bool) {
        let (q, limit) = (self.second, self.get("limit") as f32);
        let rate = |offset: f32, open: bool| if open { 140.0 * exp(-1.5 * offset) } else { 0.0 };
        let rates = [rate(bid, q < limit), rate(ask, q > -limit)];
        let until = [self.sums[0] / rates[0], self.sums[1] / rates[1]];
        let lasts = self.first.min(self.get("hold") as f32).min(until[0]).min(until[1]);
        let next = if self.on("fills") { -ln(uniform(bits[0])) } else { 1.0 };
        for (sum, rate) in self.sums.iter_mut().zip(rates) {
            *sum = (*sum - rate * lasts).max(1e-7);
        }
        let mut reward = 0.0;
        if until[0] <= lasts {
            reward += bid;
            self.sums[0] = next;
            self.second += 1.0;
        } else if until[1] <= lasts {
            reward += ask;
            self.sums[1] = next;
            self.second -= 1.0;
        }
        if self.on("risk") {
            let gamma = self.get("gamma");
            reward -= (0.5 * gamma * 2.0 * 2.0) as f32 * (q * q) * lasts;
        }
        if self.on("noise") {
            reward += 2.0 * lasts.sqrt() * q * normal(bits[1], bits[2]);
        }
        self.first -= lasts;
        (reward, self.first <= 0.0, false)
    }

    fn mm2(&mut self, bid: f32, ask: f32, bits: [u32; 4]) -> (f32, bool, bool) {
        let steps = self.get("steps");
        let dt = 1.0 / steps;
        let (q, limit) = (self.second, self.get("limit") as f32);
        let fill = |offset: f32, open: bool| {
            if open { (10.0 * dt) as f32 * exp(-offset) } else { 0.0 }
        };
        let fills = [fill(bid, q < limit), fill(ask, q > -limit)];
        let mut filled = [false; 2];
        for side in 0..2 {
            filled[side] = if self.on("fills") {
                uniform(bits[side]) < fills[side]
            } else {
                self.sums[side] += fills[side];
                let reached = self.sums[side] >= 1.0;
                self.sums[side] -= if reached { 1.0 } else { 0.0 };
                reached
            };
        }
        let mut reward = if filled[0] { bid } else { 0.0 } + if filled[1] { ask } else { 0.0 };
        self.second += if filled[0] { 1.0 } else { 0.0 };
        self.second -= if filled[1] { 1.0 } else { 0.0 };
        let ends = f64::from(self.step + 1) == steps;
        let penalty = 0.5 * dt + if ends { 0.001 } else { 0.0 };
        reward -= penalty as f32 * (self.second * self.second);
        if self.on("noise") {
            let moved = (0.1 * dt.sqrt()) as f32 * normal(bits[2], bits[3]);
            reward += moved * self.second;
        }
        (reward, ends, false)
    }

    fn ex1(&mut self, share: f32, bits: [u32; 4]) -> (f32, bool, bool) {
        let ends = self.step == 4;
        let sold = if ends { self.first } else { self.first * share };
        let left = self.first - sold;
        let risk = (1e-6 * 0.95_f64.powi(2) * 1.0 * 1e6) as f32;
        let mut cost = (2.5e-7 * 1e6_f64) as f32 * left * sold;
        cost += 0.0625 * sold;
        cost += (2.5e-6 * 1e6_f64) as f32 * sold * sold;
        cost += risk * left * left;
        let mut reward = -cost;
        if self.on("noise") {
            reward += 0.95 * left * normal(bits[0], bits[1]);
        }
        self.first = left;
        (reward, ends, false)
    }

    fn sa1(&mut self, trade: f32, bits: [u32; 4]) -> (f32, bool, bool) {
        let (p, x) = (self.first, self.second);
        let to = (x + trade).clamp(-8.0, 8.0);
        let reward = p * to - 0.3 * to * to - 4.0 * (to - x) * (to - x);
        let shock = (1.0 - 0.95_f64 * 0.95).sqrt() as f32;
        self.second = to;
        self.first = 0.95 * p + shock * normal(bits[0], bits[1]);
        (reward, false, f64::from(self.step + 1) == self.get("steps"))
    }

    fn place(&mut self, action: usize, bits: [u32; 4]) -> (f32, bool, bool) {
        let table = self.table.as_ref().expect("a table");
        let row = self.second as usize * table.actions + action.min(table.actions - 1);
        let (mut below, mut found) = (0.0, None);
        for branch in &table.branches[row] {
            below += branch.probability;
            if found.is_none() && f64::from(uniform(bits[0])) < below - 1e-12 {
                found = Some(*branch);
            }
        }
        let branch = found.expect("probabilities add up to 1");
        self.second = branch.next as f32;
        let out_of_time = f64::from(self.step + 1) == self.get("steps");
        (branch.reward as f32, branch.ends, out_of_time && !branch.ends)
    }
}
