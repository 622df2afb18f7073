// The page of `qtraj view`: a time slider that moves through wave functions and marks the curves.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const { element, format, lineChart } = QtrajCharts;
  const panels = document.getElementById("panels");
  const MISSING = "no wave function stored at this time";
  const last = data.t.length - 1;

  function panel(title, spec) {
    const box = element("section", "panel");
    box.append(element("h2", "", title));
    panels.append(box);
    return lineChart(box, Object.assign({ title }, spec));
  }

  const radial = { x: data.r, xLabel: "r [fm]", xName: "r", xUnit: "fm", lines: [], empty: MISSING };
  const wave = data.r.length ? panel("Wave function", Object.assign({ yLabel: "u(r) [1/√fm]" }, radial)) : null;
  const density = data.r.length
    ? panel("Density", Object.assign({ yLabel: "|u(r)|² [1/fm]", fromZero: true }, radial))
    : null;
  const curves = data.series.map((series) =>
    panel(series.title, Object.assign({ x: data.t, xLabel: "t [fm/c]", xName: "t", xUnit: "fm/c", pick: (i) => show(i) }, series)));

  function waveLines(i) {
    const re = data.re[i], im = data.im[i];
    if (!re) return null;
    const size = re.map((v, k) => Math.hypot(v, im[k]));
    return {
      density: [{ name: "", tipName: "|u|²", color: "var(--blue)", values: size.map((v) => v * v) }],
      wave: [
        { name: "±|u|", tipName: "|u|", color: "var(--faint)", values: size, low: size.map((v) => -v) },
        { name: "Re u", color: "var(--blue)", values: re },
        { name: "Im u", color: "var(--red)", values: im, dash: "6 4" },
      ],
    };
  }

  const peaks = data.re.flatMap((re, i) => (re ? [Math.max(...re.map((v, k) => Math.hypot(v, data.im[i][k])))] : []));
  peaks.sort((a, b) => a - b);
  // a local start is many times higher than what it becomes: the common scale is not its
  const highest = peaks.length ? Math.min(peaks[peaks.length - 1], 2 * peaks[Math.floor(peaks.length / 2)]) : 1;

  function draw(now, same) {
    if (wave) {
      const lines = waveLines(now) || { wave: [], density: [] };
      wave.update({ lines: lines.wave, yRange: same ? [-1.05 * highest, 1.05 * highest] : null });
      density.update({ lines: lines.density, yRange: same ? [0, 1.05 * highest * highest] : null });
    }
    curves.forEach((curve) => curve.mark(now));
    return data.readout.map(([name, values, unit]) => {
      const value = values[now];
      return [name, `${typeof value === "number" ? format(value) : value || "–"}${unit ? ` ${unit}` : ""}`];
    });
  }

  if (!wave) document.getElementById("same").parentElement.hidden = true;
  // the whole evolution takes about ten seconds, few frames stay a while each
  const pause = Math.min(800, Math.max(60, 10000 / (last + 1)));
  const show = QtrajTimeline.timeline(data.t, draw, { pause, first: 0 });
})();
