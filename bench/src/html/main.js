// The page from its parts; a part without data is left out.

function runLine(run, at) {
  const report = run.report;
  const started = new Date(report.started * 1000).toISOString().replace("T", " ").slice(0, 19);
  const took = report.seconds === null ? "not finished" : `${number(report.seconds)} s`;
  return html("p", { class: "run" }, DATA.runs.length > 1 ? stroke(null, at) : null,
    html("b", {}, run.label), ` · suite ${report.suite} · commit `, html("code", {}, report.commit),
    ` · ${started} UTC, ${took} · ${report.machine.cpu || "unknown CPU"}`,
    report.arguments.length ? [html("br"), html("code", {}, report.arguments.join(" "))] : null);
}

function build() {
  const parts = [comparisonSection(), targetSection(), distributionSection(), waterfallSection(),
    seriesSection(), metricSection(), machineSection(), noteSection()].filter(Boolean);
  const links = parts.map((part) => html("a", { href: `#${part.id}` },
    part.querySelector("h2").textContent));
  const title = DATA.comparison ? "Tercel benchmark: comparison" : "Tercel benchmark";
  document.title = title;
  document.getElementById("page").replaceChildren(
    html("header", {}, html("h1", {}, title), DATA.runs.map(runLine), html("nav", {}, links)),
    ...parts,
    html("footer", {}, "bench/METHOD.md says what each interval contains and what it does not."));
}

build();
