// Targets, metrics, machines and comparisons as text.

const cell = (value, kind) => html("td", { class: kind }, value);
const head = (labels) => html("thead", {}, html("tr", {},
  labels.map(([label, kind]) => html("th", { class: kind, scope: "col" }, label))));

function targetSection() {
  const targets = DATA.runs.flatMap((run) =>
    run.report.targets.map((target) => ({ ...target, run })));
  if (targets.length === 0) return null;
  const met = targets.filter((target) => target.met).length;
  return section("targets", "Targets", `${met} of ${targets.length} met in `
    + `${DATA.runs.length > 1 ? "these runs" : "this run"}.`,
    html("div", { class: "tiles" }, targets.map((target) => {
      const metric = target.run.report.metrics[target.name];
      const unit = metric ? metric.unit : "";
      return html("div", { class: `tile ${target.met ? "met" : "missed"}` },
        html("div", { class: "state" }, target.met ? "✓ met" : "✗ missed"),
        html("div", { class: "figure" }, quantity(target.actual, unit),
          html("small", {}, `  of at most ${quantity(target.bound, unit)}`)),
        html("div", {}, target.text),
        html("div", { class: "what mono" }, target.name),
        DATA.runs.length > 1 ? html("div", { class: "what" }, target.run.label) : null);
    })));
}

function metricSection() {
  const several = DATA.runs.length > 1;
  const rows = { latency: [], value: [] };
  for (const name of metricNames(() => true)) {
    withMetric(name).forEach(({ run, metric }, at) => {
      const kind = isLatency(metric) ? "latency" : "value";
      const targets = run.report.targets.filter((target) => target.name === name);
      const state = targets.length === 0 ? "" : targets.every((target) => target.met) ? "met" : "missed";
      const label = at === 0 || rows[kind].length === 0 ? name : "";
      const ends = [cell(state, state === "missed" ? "missing" : state === "met" ? "better" : null),
        several ? cell(run.label, "text") : null];
      rows[kind].push(html("tr", {}, cell(label, "mono"), isLatency(metric)
        ? [cell(number(metric.n)), ["p50", "p90", "p99", "p999", "p9999", "max"].map((key) =>
          cell(nanoseconds(metric[key])))]
        : [cell(quantity(metric.value, metric.unit))], ends));
    });
  }
  const ends = [["target"], ...(several ? [["run", "text"]] : [])];
  const table = (labels, body) => html("div", { class: "wide" },
    html("table", {}, head([...labels, ...ends]), html("tbody", {}, body)));
  const latency = [["latency, ns"], ["n"], ["p50"], ["p90"], ["p99"], ["p99.9"], ["p99.99"], ["max"]];
  return section("metrics", "All metrics", "Latencies in nanoseconds unless marked; n is the number of intervals.",
    rows.latency.length ? table(latency, rows.latency) : null,
    rows.value.length ? html("h3", {}, "Single values") : null,
    rows.value.length ? table([["value"], [""]], rows.value) : null);
}

const yes = (flag) => (flag === null ? null : flag ? "on" : "off");

// What there is to say about a machine as [label, text]; null where nothing is known.
function machineFacts(machine) {
  const mhz = (value) => (value === null ? null : `${number(value)} MHz`);
  const range = machine.frequency_range_mhz;
  const pages = machine.hugepages;
  const bytes = (value) => (value === null ? null : `${number(value / 2 ** 30)} GiB`);
  const clock = machine.clock;
  return [
    ["CPU", machine.cpu],
    ["identity", machine.cpu_identity],
    ["cores", machine.cores],
    ["SMT", yes(machine.smt)],
    ["frequency", mhz(machine.frequency_mhz)],
    ["frequency range", range && `${number(range[0])} to ${number(range[1])} MHz`],
    ["governor", machine.governor],
    ["turbo", yes(machine.turbo)],
    ["caches", machine.caches.join("; ") || null],
    ["memory", bytes(machine.memory_bytes)],
    ["machine", machine.product],
    ["hypervisor", machine.hypervisor],
    ["kernel", machine.kernel],
    ["isolated cores", machine.isolated],
    ["nohz_full", machine.nohz_full],
    ["transparent huge pages", pages.transparent],
    ["reserved huge pages", pages.reserved === null ? null
      : `${pages.free} of ${pages.reserved} free, ${number((pages.page_bytes || 0) / 1024)} KiB each`],
    ["mitigations", machine.mitigations && (machine.mitigations.join("; ") || "none needed")],
    ["TSC constant, nonstop", [machine.tsc.constant, machine.tsc.nonstop]
      .map((flag) => (flag === null ? "unknown" : flag ? "yes" : "no")).join(", ")],
    ["clocksource", machine.tsc.clocksource],
    ["load before the run", machine.load && machine.load.join(" ")],
    ["clock", clock && `${clock.source}, ${clock.ticks_per_ns.toFixed(4)} ticks/ns`],
    ["cost of a pair of stamps", clock
      && `${time(clock.stamp_cost_p50_ns)} p50, ${time(clock.stamp_cost_p99_ns)} p99`],
    ...machine.jitter.map((jitter) => [
      `jitter of core ${jitter.core}${jitter.pinned ? "" : " (not pinned)"}`,
      `${jitter.gaps} gaps above 1 µs in ${time(jitter.span_ns)}, p99 ${time(jitter.gap_p99_ns)}, `
      + `longest ${time(jitter.gap_max_ns)}, ${(100 * jitter.lost).toFixed(3)} % of the time lost`]),
  ];
}

function machineSection() {
  const facts = DATA.runs.map((run) => machineFacts(run.report.machine));
  const labels = [...new Set(facts.flat().map(([label]) => label))];
  const value = (run, label) => {
    const found = run.find(([known]) => known === label);
    return found && found[1] !== null && found[1] !== undefined ? String(found[1]) : "unknown";
  };
  return section("machine", "Machine",
    "Read from the system and measured before the run. What could not be read is unknown.",
    html("div", { class: "wide" }, html("table", {},
      DATA.runs.length > 1 ? head([[""], ...DATA.runs.map((run) => [run.label, "text"])]) : null,
      html("tbody", {}, labels.map((label) => html("tr", {}, cell(label),
        facts.map((run) => cell(value(run, label), "text wrap"))))))));
}

function comparisonSection() {
  const comparison = DATA.comparison;
  if (!comparison) return null;
  return section("comparison", "Comparison",
    `Change against ${comparison.base}. The dot is the change of the whole run; the bar is the 95 % `
    + "bootstrap interval of the change of its typical chunk, so the dot may lie beside it. Worse: "
    + `slower by more than ${comparison.threshold} %, and the interval lies above zero.`,
    comparison.pairs.map((pair) => [
      html("h3", {}, pair.run),
      pair.machine.map((text) => html("div", { class: "alarm" }, `another machine: ${text}`)),
      pair.warnings.map((text) => html("div", { class: "alarm caution" }, text)),
      html("div", { class: "wide" }, html("table", {},
        head([["metric"], ["", "text"], ["first"], ["this"], ["change"], ["95 % interval"],
          ["", "text"], ["faster ← → slower", "text"]]),
        html("tbody", {}, pair.changes.map((change) => changeRow(change, comparison.threshold))))),
    ]));
}

function changeRow(change, threshold) {
  const interval = change.interval
    ? `${percent(change.interval[0])} … ${percent(change.interval[1])}` : "–";
  const verdict = ["same", "shown"].includes(change.verdict) ? "" : change.verdict;
  return html("tr", {}, cell(change.name, "mono name"), cell(change.of, "text"),
    cell(quantity(change.base, change.unit)), cell(quantity(change.this, change.unit)),
    cell(percent(change.percent)), cell(interval), cell(verdict, `text ${verdict}`),
    cell(forest(change, threshold), "text"));
}

// The interval on a line around zero that ends at 30 %, with the threshold shaded.
function forest(change, threshold) {
  if (change.percent === null || change.verdict === "shown") return null;
  const [width, height, end] = [130, 16, 30];
  const scale = linear(-end, end, 4, width - 4);
  const x = (value) => scale(Math.min(Math.max(value, -end), end));
  const kind = { worse: "var(--bad)", better: "var(--good)", unsure: "var(--warn)" };
  const paint = kind[change.verdict] || "var(--soft)";
  const [low, high] = change.interval || [change.percent, change.percent];
  return svg("svg", { width, height, role: "img", "aria-label": percent(change.percent) },
    svg("rect", { x: x(-threshold), y: 0, width: x(threshold) - x(-threshold), height,
      fill: "var(--line)", "fill-opacity": 0.5 }),
    line(x(0), 0, x(0), height, "axis"),
    svg("line", { x1: x(low), y1: 8, x2: Math.max(x(high), x(low) + 1), y2: 8, stroke: paint,
      "stroke-width": 3 }),
    svg("circle", { cx: x(change.percent), cy: 8, r: 4, fill: paint }));
}

function noteSection() {
  const noted = DATA.runs.filter((run) => run.report.notes.length);
  if (noted.length === 0) return null;
  return section("notes", "Notes", null, noted.map((run) => [
    DATA.runs.length > 1 ? html("h3", {}, run.label) : null,
    html("ul", { class: "notes" }, run.report.notes.map((note) => html("li", {}, note)))]));
}
