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

  const host = document.getElementById("moments");
  const COLORS = ["--blue", "--red", "--green", "--pink", "--orange", "--sky"].map((name) => `var(${name})`);
  const last = one.t.length - 1;

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
  const along = { x: one.t, xLabel: "t [fm/c]", xName: "t", xUnit: "fm/c", pick: (i) => show(i) };
  const line = (name, color, values, dash) => ({ name, color, values, dash });
  const curves = [
    panel("Probability of each color and angular momentum, of the pairs kept", {
      ...along, yLabel: "probability", fromZero: true,
      lines: [
        ...sectors.map((s) => line(s.name, s.paint, one.population[s.k], s.color === "octet" ? "6 4" : "")),
        line("left out", "var(--faint)", one.lost, "2 4"),
      ],
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

  function draw(now, same) {
    densities.forEach(({ chart, members }, c) => {
      const lines = members.map((s) => line(s.name.slice(s.color.length + 1), s.paint, one.density[now][s.k]));
      chart.update({ lines, yRange: same ? [0, 1.05 * peaks[c]] : null });
    });
    curves.forEach((curve) => curve.mark(now));
    const sum = (color) => sectors.reduce((total, s) => total + (!color || s.color === color ? one.population[s.k][now] : 0), 0);
    return [
      ["T", one.T[now] === null ? "no medium" : `${format(one.T[now])} GeV`],
      ["trace", format(sum())], ["singlet", format(sum("singlet"))], ["octet", format(sum("octet"))],
      ["octet of all pairs", `${format(one.octet[0][now])} to ${format(one.octet[1][now])}`],
      ["lost", format(one.lost[now])],
      ...Object.entries(one.states).map(([name, values]) => [name, format(values[now])]),
    ];
  }

  const arrived = () => document.getElementById("pair").scrollIntoView();
  const show = QtrajTimeline.timeline(one.t, draw, { pause: 120, first: one.first, arrived });
})();
