// The page of `qtraj report`: figures, and a time slider for the density of one pair.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const { element, format, lineChart } = QtrajCharts;
  for (const name of ["figures", "splits"]) {
    for (const spec of data[name]) QtrajPoints.chart(document.getElementById(name), spec);
  }
  const one = data.moments;
  if (!one) return;

  const host = document.getElementById("moments"), slider = document.getElementById("time");
  const shown = document.getElementById("shown"), play = document.getElementById("play");
  const readout = document.getElementById("readout"), same = document.getElementById("same");
  const COLORS = ["--blue", "--red", "--green", "--pink", "--orange", "--sky"].map((name) => `var(${name})`);
  const last = one.t.length - 1;
  let now = 0, timer = null;

  function panel(title, spec) {
    const box = element("section", "panel");
    box.append(element("h3", "", title));
    host.append(box);
    return lineChart(box, Object.assign({ title, lines: [] }, spec));
  }

  const sectors = one.sectors.map((sector, k) => ({ ...sector, k, paint: COLORS[sector.l % COLORS.length] }));
  const radial = { x: one.r, xLabel: "r [fm]", xName: "r", xUnit: "fm", yLabel: "ρ(r) [1/fm]", fromZero: true };
  const densities = ["singlet", "octet"].map((color) => ({
    color, chart: panel(`Density, color ${color}`, radial), members: sectors.filter((s) => s.color === color),
  }));
  const along = { x: one.t, xLabel: "t [fm/c]", xName: "t", xUnit: "fm/c", pick: show };
  const line = (name, color, values, dash) => ({ name, color, values, dash });
  const curves = [
    panel("Probability of each color and angular momentum", {
      ...along, yLabel: "probability", fromZero: true,
      lines: sectors.map((s) => line(s.name, s.paint, one.population[s.k], s.color === "octet" ? "6 4" : "")),
    }),
    panel("Probability of the vacuum states", {
      ...along, yLabel: "⟨nl|ρ|nl⟩", log: true,
      lines: Object.entries(one.states).map(([name, values], i) => line(name, COLORS[i % COLORS.length], values)),
    }),
    panel("Temperature along the path", { ...along, yLabel: "T [GeV]", lines: [line("", "var(--red)", one.T)] }),
  ];

  // the local start is many times higher than what it becomes: the common scale is not its
  const peaks = densities.map(({ members }) => {
    const highest = one.density.map((row) => Math.max(...members.map((s) => Math.max(...row[s.k])))).sort((a, b) => a - b);
    return Math.min(highest[last], 3 * highest[Math.floor(last / 2)]) || 1;
  });

  function entry(name, text) {
    const item = element("li");
    item.append(element("span", "", name), text);
    return item;
  }

  function show(i) {
    now = Math.min(Math.max(i, 0), last);
    slider.value = now;
    shown.textContent = `t = ${one.t[now].toFixed(3)} fm/c`;
    slider.setAttribute("aria-valuetext", shown.textContent);
    densities.forEach(({ chart, members }, c) => {
      const lines = members.map((s) => line(s.name.slice(s.color.length + 1), s.paint, one.density[now][s.k]));
      chart.update({ lines, yRange: same.checked ? [0, 1.05 * peaks[c]] : null });
    });
    curves.forEach((curve) => curve.mark(now));
    const sum = (color) => sectors.reduce((total, s) => total + (!color || s.color === color ? one.population[s.k][now] : 0), 0);
    readout.replaceChildren(
      entry("T", one.T[now] === null ? "no medium" : `${format(one.T[now])} GeV`),
      entry("trace", format(sum())), entry("singlet", format(sum("singlet"))), entry("octet", format(sum("octet"))),
      entry("lost", format(one.lost[now])),
      ...Object.entries(one.states).map(([name, values]) => entry(name, format(values[now]))),
    );
  }

  function fromHash() {
    const match = /^#t=([0-9.]+)$/.exec(location.hash);
    if (!match) return false;
    const distances = one.t.map((t) => Math.abs(t - Number(match[1])));
    show(distances.indexOf(Math.min(...distances)));
    document.getElementById("pair").scrollIntoView();
    return true;
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }

  play.addEventListener("click", () => {
    if (timer) { stop(); return; }
    play.textContent = "Pause";
    timer = setInterval(() => show(now === last ? 0 : now + 1), 120);
  });
  slider.max = last;
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  same.addEventListener("change", () => show(now));
  window.addEventListener("hashchange", fromHash);
  if (!fromHash()) show(Math.floor(last / 3));
})();
