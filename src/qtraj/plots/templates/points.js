// Charts of points with errors, bands and a tooltip at the nearest point. No library; text only enters as text nodes.
//
// QtrajPoints.chart(host, spec); spec: {title, xLabel, yLabel, fromZero, log, note, series: [...]}, of three kinds; a
// series with hidden: true is shown when its group is clicked:
//   {kind: "band", state, group, color, dash, x, low, high, bottom, top, binned}
//   {kind: "theory", state, group, color, dash, line, points: [{x, y, low, high, up, down, tip: [text]}]}
//   {kind: "data", state, group, color, marker, points: [{x, y, low, high, up, down, systUp, systDown, limit, tip}]}
// The legend has one entry for each state, by color, and one for each group, by look; each shows and hides its series.
const QtrajPoints = (() => {
  "use strict";
  const { node, element, linearTicks, logTicks } = QtrajCharts;
  const HEIGHT = 330, LEFT = 62, RIGHT = 14, TOP = 10, BOTTOM = 44, NEAR = 60;
  // N_part and the like get their subscript in labels
  function subscripted(label) {
    label.textContent.split(/_(AA|part|T)\b/).forEach((piece, i, all) => {
      if (i === 0) label.textContent = "";
      const span = node("tspan", i % 2 ? { dy: 3, "font-size": "80%" } : i ? { dy: -3 } : {}, piece);
      if (piece || i === all.length - 1) label.append(span);
    });
    return label;
  }

  function rich(name, className, text) {
    const made = element(name, className);
    text.split(/_(AA|part|T|b[012])\b/).forEach((piece, i) => made.append(i % 2 ? element("sub", "", piece) : piece));
    return made;
  }

  const finite = (v) => v !== null && v !== undefined;

  // ends of a logarithmic axis, in powers of ten: two decades at least
  function decades(series) {
    const values = series.flatMap((s) => s.points.map((p) => p.y)).filter((v) => finite(v) && v > 0);
    const high = Math.log10(Math.max(...values, 1e-4)) + 0.3;
    return [Math.min(Math.log10(Math.min(...values, 1)) - 0.2, high - 2), high];
  }

  function extent(series, fromZero) {
    const x = [], y = [];
    for (const s of series) {
      if (s.kind === "band") {
        x.push(...(s.binned ? s.low.concat(s.high) : s.x));
        y.push(...s.bottom, ...s.top);
        continue;
      }
      for (const p of s.points) {
        if (!finite(p.y)) continue;
        x.push(p.x, ...(finite(p.low) && s.kind === "theory" ? [p.low, p.high] : []));
        y.push(p.y + (p.up || 0), p.y - (p.down || 0));
      }
    }
    const range = (values) => {
      const known = values.filter(finite);
      return known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
    };
    const [, right] = range(x), [bottom, top] = range(y);
    const room = 0.08 * (top - Math.min(bottom, 0)) || 0.5;
    return { x0: 0, x1: 1.05 * right || 1, y0: fromZero && bottom >= 0 ? 0 : bottom - room, y1: top + room };
  }

  function marker(kind, x, y, color) {
    const shapes = {
      square: "M-4-4H4V4H-4Z", triangle: "M0-5.2L5 4H-5Z", diamond: "M0-5.6L4.6 0L0 5.6L-4.6 0Z",
      cross: "M-1.7-5H1.7V-1.7H5V1.7H1.7V5H-1.7V1.7H-5V-1.7H-1.7Z", wedge: "M0 5.2L5-4H-5Z",
    };
    if (kind === "open") return node("circle", { cx: x, cy: y, r: 4.5, fill: "var(--panel)", stroke: color, "stroke-width": 2 });
    return node("path", { d: shapes[kind] || shapes.square, transform: `translate(${x} ${y})`, fill: color, stroke: "var(--panel)", "stroke-width": 0.7 });
  }

  function chart(host, spec) {
    const box = element("section", "panel points");
    const legend = element("div", "legend"), plot = element("div", "plot"), tip = element("div", "tip");
    const off = new Set(spec.series.filter((s) => s.hidden).map((s) => s.group));
    let spots = [], shown = null;
    box.append(rich("h3", "", spec.title), legend, plot);
    if (spec.note) box.append(rich("p", "", spec.note));
    host.append(box);
    plot.tabIndex = 0;
    plot.setAttribute("aria-label", `${spec.title}; arrow keys go from point to point`);
    plot.addEventListener("pointermove", hover);
    plot.addEventListener("pointerdown", hover);
    plot.addEventListener("pointerleave", leave);
    plot.addEventListener("blur", leave);
    plot.addEventListener("keydown", walk);
    new ResizeObserver(draw).observe(plot);
    drawLegend();

    function drawLegend() {
      const states = [...new Map(spec.series.filter((s) => s.kind === "theory").map((s) => [s.state, s])).values()];
      for (const s of states) addEntry(s.state, s, s.color);
      const groups = new Map();
      for (const s of spec.series) if (!groups.has(s.group)) groups.set(s.group, s);
      if (groups.size > 1) for (const [group, s] of groups) addEntry(group, s, "var(--faint)");
    }

    function addEntry(name, s, color) {
      const key = node("svg", { width: 24, height: 12 });
      const edge = { stroke: color, "stroke-width": 1, "stroke-dasharray": s.dash || "none" };
      if (s.kind === "band") key.append(node("rect", { x: 1, y: 1, width: 22, height: 10, fill: color, "fill-opacity": 0.2, ...edge }));
      else {
        if (s.line) key.append(node("path", { d: "M0 6H24", ...edge, "stroke-width": 2 }));
        key.append(marker(s.kind === "data" ? s.marker : "open", 12, 6, color));
      }
      const entry = element("button", "", name);
      entry.type = "button";
      entry.setAttribute("aria-pressed", String(!off.has(name)));
      entry.prepend(key);
      entry.addEventListener("click", () => {
        if (!off.delete(name)) off.add(name);
        entry.setAttribute("aria-pressed", String(!off.has(name)));
        draw();
      });
      legend.append(entry);
    }

    function draw() {
      const width = plot.clientWidth;
      if (!width) return;
      // the axes stay where they are when something is hidden
      const e = extent(spec.series, spec.fromZero);
      const X = (v) => LEFT + ((v - e.x0) / (e.x1 - e.x0)) * (width - LEFT - RIGHT);
      if (spec.log) [e.y0, e.y1] = decades(spec.series);
      // what a logarithmic axis has no place for ends at its foot
      const at = (v) => (spec.log ? (v > 0 ? Math.max(Math.log10(v), e.y0) : e.y0) : v);
      const Y = (v) => HEIGHT - BOTTOM - ((at(v) - e.y0) / (e.y1 - e.y0)) * (HEIGHT - TOP - BOTTOM);
      const svg = node("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, role: "img" });
      svg.append(node("title", {}, spec.title));
      drawAxes(svg, width, e, X, Y);
      spots = [];
      const visible = spec.series.filter((s) => !off.has(s.state) && !off.has(s.group));
      for (const kind of ["band", "theory", "data"]) {
        for (const s of visible.filter((one) => one.kind === kind)) (kind === "band" ? drawBand : drawPoints)(svg, s, X, Y);
      }
      svg.append(node("g", { class: "moving" }));
      plot.replaceChildren(svg, tip);
      leave();
    }

    function drawAxes(svg, width, e, X, Y) {
      const bottom = HEIGHT - BOTTOM, right = width - RIGHT;
      for (const tick of spec.log ? logTicks(e.y0, e.y1) : linearTicks(e.y0, e.y1, 6)) {
        const y = Y(spec.log ? 10 ** tick.at : tick.at);
        svg.append(node("path", { class: "grid", d: `M${LEFT} ${y}H${right}` }));
        svg.append(node("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, tick.text));
      }
      for (const tick of linearTicks(e.x0, e.x1, Math.max(4, width / 80))) {
        const x = X(tick.at);
        svg.append(node("path", { class: "axis", d: `M${x} ${bottom}v5` }));
        svg.append(node("text", { x, y: bottom + 18, "text-anchor": "middle" }, tick.text));
      }
      if (e.y0 < 0 && !spec.log) svg.append(node("path", { class: "axis", d: `M${LEFT} ${Y(0)}H${right}` }));
      svg.append(node("path", { class: "axis", d: `M${LEFT} ${TOP}V${bottom}H${right}` }));
      svg.append(subscripted(node("text", { class: "label", x: (LEFT + right) / 2, y: HEIGHT - 8, "text-anchor": "middle" }, spec.xLabel)));
      const turned = `translate(13 ${(TOP + bottom) / 2}) rotate(-90)`;
      svg.append(subscripted(node("text", { class: "label", transform: turned, "text-anchor": "middle" }, spec.yLabel)));
    }

    function drawBand(svg, s, X, Y) {
      const look = { fill: s.color, "fill-opacity": s.dash ? 0.08 : 0.18, class: "band", stroke: s.color, "stroke-width": 0.8, "stroke-opacity": 0.6, "stroke-dasharray": s.dash || "none" };
      if (s.binned) {
        s.x.forEach((_, i) => {
          const y = Y(s.top[i]);
          svg.append(node("rect", { ...look, x: X(s.low[i]), y, width: X(s.high[i]) - X(s.low[i]), height: Math.max(1, Y(s.bottom[i]) - y) }));
        });
        return;
      }
      const upper = s.x.map((x, i) => `${X(x)} ${Y(s.top[i])}`), lower = s.x.map((x, i) => `${X(x)} ${Y(s.bottom[i])}`).reverse();
      svg.append(node("path", { ...look, d: `M${upper.join("L")}L${lower.join("L")}Z` }));
    }

    function drawPoints(svg, s, X, Y) {
      const known = s.points.filter((p) => finite(p.y) && (!spec.log || p.y > 0));
      if (s.line && known.length > 1) {
        const d = `M${known.map((p) => `${X(p.x)} ${Y(p.y)}`).join("L")}`;
        svg.append(node("path", { d, fill: "none", stroke: s.color, "stroke-width": 2, "stroke-dasharray": s.dash || "none" }));
      }
      for (const p of known) {
        const x = X(p.x), y = Y(p.y), stroke = { stroke: s.color, fill: "none", "stroke-width": 1.5 };
        if (s.kind === "theory" && finite(p.low)) svg.append(node("path", { ...stroke, d: `M${X(p.low)} ${y}H${X(p.high)}` }));
        if (finite(p.systUp)) {
          const top = Y(p.y + p.systUp);
          svg.append(node("rect", { x: x - 5, y: top, width: 10, height: Math.max(1, Y(p.y - p.systDown) - top), fill: s.color, "fill-opacity": 0.15, stroke: s.color, "stroke-width": 0.8 }));
        }
        if (p.limit) svg.append(node("path", { ...stroke, d: `M${x} ${y}V${y + 18}m-4-5l4 5l4-5` }));
        else if (finite(p.up)) svg.append(node("path", { ...stroke, d: `M${x} ${Y(p.y + p.up)}V${Y(p.y - p.down)}` }));
        svg.append(marker(s.kind === "data" ? s.marker : "open", x, y, s.color));
        spots.push({ x, y, tip: p.tip, color: s.color });
      }
    }

    function hover(event) {
      const frame = plot.getBoundingClientRect();
      const x = event.clientX - frame.left, y = event.clientY - frame.top;
      const distance = (spot) => Math.hypot(spot.x - x, spot.y - y);
      const best = spots.reduce((a, b) => (a && distance(a) <= distance(b) ? a : b), null);
      if (best && distance(best) <= NEAR) show(best);
      else leave();
    }

    function walk(event) {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step || !spots.length) return;
      event.preventDefault();
      show(spots[(spots.indexOf(shown) + step + spots.length + (shown ? 0 : step < 0)) % spots.length]);
    }

    function show(spot) {
      shown = spot;
      plot.querySelector(".moving").replaceChildren(node("circle", { cx: spot.x, cy: spot.y, r: 8, fill: "none", stroke: "var(--ink)", "stroke-width": 1.5 }));
      tip.replaceChildren(...spot.tip.map((line) => rich("div", "", line)));
      tip.style.borderColor = spot.color;
      tip.hidden = false;
      const width = tip.offsetWidth, height = tip.offsetHeight, free = plot.clientWidth;
      const left = spot.x + 14 + width <= free ? spot.x + 14 : spot.x - 14 - width;
      tip.style.left = `${Math.min(Math.max(0, left), Math.max(0, free - width))}px`;
      // where neither side has room the text goes above or below its point
      const beside = left >= 0;
      const below = spot.y + 14 + height <= HEIGHT ? spot.y + 14 : Math.max(0, spot.y - 14 - height);
      tip.style.top = `${beside ? Math.min(Math.max(0, spot.y - height / 2), Math.max(0, HEIGHT - height)) : below}px`;
    }

    function leave() {
      shown = null;
      tip.hidden = true;
      const moving = plot.querySelector(".moving");
      if (moving) moving.replaceChildren();
    }
  }

  return { chart };
})();
