// Line charts with a tooltip and a marker, for self-contained pages. No library; text only enters as text nodes.
//
// QtrajCharts.lineChart(host, spec) returns {update(changes), mark(index)}. spec:
//   x: numbers; xLabel, yLabel: text; xName, xUnit: for the tooltip; log: logarithmic y axis; yRange: [low, high]
//   lines: [{name, color, values (null leaves a gap), dash, points: markers only, low: values of a band's lower edge}]
//   empty: text where there is nothing to draw; pick(index): called on a click
const QtrajCharts = (() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const HEIGHT = 270, LEFT = 62, RIGHT = 14, TOP = 8, BOTTOM = 42;
  const FEW_POINTS = 40; // up to here every value gets a dot

  function node(name, attributes, text) {
    const made = document.createElementNS(SVG, name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function format(value) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e5)) {
      const [mantissa, power] = value.toExponential(3).split("e");
      return `${mantissa}\u00a0·\u00a010${superscript(Number(power))}`.replace("-", "−");
    }
    return String(Number(value.toPrecision(4))).replace("-", "−");
  }

  function superscript(power) {
    return String(power).replace("-", "⁻").replace(/\d/g, (d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]);
  }

  function linearTicks(low, high, count) {
    const raw = (high - low) / count;
    const power = Math.pow(10, Math.floor(Math.log10(raw)));
    const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= raw);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const ticks = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
      ticks.push({ at: k * step, text: (k * step).toFixed(digits).replace("-", "−") });
    }
    return ticks;
  }

  function logTicks(low, high) {
    const first = Math.ceil(low - 1e-9), last = Math.floor(high + 1e-9);
    const every = Math.max(1, Math.ceil((last - first) / 5));
    const ticks = [];
    for (let k = first; k <= last; k += every) {
      ticks.push({ at: k, text: k === 0 ? "1" : k === 1 ? "10" : `10${superscript(k)}` });
    }
    if (ticks.length < 2) {
      for (const f of [1, 2, 5]) {
        for (let k = first - 1; k <= last + 1; k++) {
          const at = k + Math.log10(f);
          if (at >= low && at <= high && !ticks.some((t) => Math.abs(t.at - at) < 1e-9)) {
            ticks.push({ at, text: String(Number((f * Math.pow(10, k)).toPrecision(1))) });
          }
        }
      }
    }
    return ticks;
  }

  function extent(spec) {
    if (spec.yRange) return spec.yRange.slice();
    const values = spec.lines
      .flatMap((line) => line.values.concat(line.low || []))
      .filter((v) => v !== null && (!spec.log || v > 0));
    if (!values.length) return [0, 1];
    let low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
    if (spec.log) {
      low = Math.log10(low) - 0.15;
      high = Math.log10(high) + 0.15;
      return high - low < 1 ? [low - 0.3, high + 0.3] : [low, high];
    }
    if (spec.fromZero) low = Math.min(0, low);
    const room = 0.06 * (high - low) || 0.5;
    return [spec.fromZero && low === 0 ? 0 : low - room, high + room];
  }

  function lineChart(host, initial) {
    let spec = initial, marked = null, scales = null;
    const legend = element("div", "legend"), plot = element("div", "plot"), tip = element("div", "tip");
    tip.hidden = true;
    host.append(legend, plot);
    plot.addEventListener("pointermove", hover);
    plot.addEventListener("pointerleave", leave);
    plot.addEventListener("click", (event) => spec.pick && scales && spec.pick(nearest(event)));
    new ResizeObserver(draw).observe(plot);

    function draw() {
      const width = plot.clientWidth;
      if (!width) return;
      const svg = node("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, role: "img" });
      svg.append(node("title", {}, spec.title || spec.yLabel));
      scales = makeScales(width);
      drawLegend();
      const shown = spec.lines.some((line) => line.values.some((v) => v !== null));
      drawAxes(svg, width, shown);
      const middle = inside(width);
      svg.append(middle);
      if (shown) spec.lines.forEach((line) => drawLine(middle, line));
      else svg.append(node("text", { class: "empty", x: (LEFT + width) / 2, y: HEIGHT / 2 }, spec.empty || "nothing to show"));
      svg.append(node("g", { class: "moving" }));
      plot.replaceChildren(svg, tip);
      tip.hidden = true;
      drawMarker();
    }

    function inside(width) {
      // an inner svg cuts what leaves the axes; dots on them stay whole
      const y = TOP - 6, height = HEIGHT - BOTTOM - TOP + 12;
      return node("svg", { x: 0, y, width, height, viewBox: `0 ${y} ${width} ${height}` });
    }

    function makeScales(width) {
      const x = spec.x, [low, high] = extent(spec);
      const first = x[0], span = x[x.length - 1] - x[0] || 1;
      return {
        low, high,
        x: (v) => LEFT + ((v - first) / span) * (width - LEFT - RIGHT),
        y: (v) => {
          const share = ((spec.log ? Math.log10(v) : v) - low) / (high - low);
          return HEIGHT - BOTTOM - Math.min(Math.max(share, -2), 3) * (HEIGHT - TOP - BOTTOM);
        },
      };
    }

    function drawLegend() {
      legend.replaceChildren();
      for (const line of spec.lines) {
        if (!line.name) continue;
        const key = node("svg", { width: 22, height: 10 });
        if (line.points) key.append(node("circle", { cx: 11, cy: 5, r: 4, fill: line.color }));
        else key.append(stroke(node("path", { d: "M0 5H22" }), line));
        const entry = element("span", "", line.name);
        entry.prepend(key);
        legend.append(entry);
      }
    }

    function drawAxes(svg, width, shown) {
      const bottom = HEIGHT - BOTTOM, right = width - RIGHT;
      const ticks = spec.log ? logTicks(scales.low, scales.high) : linearTicks(scales.low, scales.high, 5);
      for (const tick of shown ? ticks : []) {
        const y = scales.y(spec.log ? Math.pow(10, tick.at) : tick.at);
        svg.append(node("path", { class: "grid", d: `M${LEFT} ${y}H${right}` }));
        svg.append(node("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, tick.text));
      }
      const last = spec.x[spec.x.length - 1];
      for (const tick of linearTicks(spec.x[0], last > spec.x[0] ? last : spec.x[0] + 1, Math.max(6, width / 80))) {
        const x = scales.x(tick.at);
        svg.append(node("path", { class: "axis", d: `M${x} ${bottom}v5` }));
        svg.append(node("text", { x, y: bottom + 18, "text-anchor": "middle" }, tick.text));
      }
      svg.append(node("path", { class: "axis", d: `M${LEFT} ${TOP}V${bottom}H${right}` }));
      const middle = (LEFT + right) / 2;
      svg.append(node("text", { class: "label", x: middle, y: HEIGHT - 6, "text-anchor": "middle" }, spec.xLabel));
      const turned = `translate(13 ${(TOP + bottom) / 2}) rotate(-90)`;
      svg.append(node("text", { class: "label", transform: turned, "text-anchor": "middle" }, spec.yLabel));
    }

    function stroke(path, line) {
      path.setAttribute("stroke", line.color);
      path.setAttribute("fill", line.low ? line.color : "none");
      path.setAttribute("stroke-width", line.low ? 0 : 2);
      if (line.low) path.setAttribute("fill-opacity", 0.18);
      if (line.low && path.getAttribute("d") === "M0 5H22") path.setAttribute("d", "M0 0H22V10H0Z");
      if (line.dash) path.setAttribute("stroke-dasharray", line.dash);
      return path;
    }

    function drawLine(svg, line) {
      const drawn = (v) => v !== null && (!spec.log || v > 0);
      const point = (i, values) => `${scales.x(spec.x[i]).toFixed(1)} ${scales.y(values[i]).toFixed(1)}`;
      if (line.low) {
        const back = line.low.map((_, i) => `L${point(i, line.low)}`).reverse().join("");
        svg.append(stroke(node("path", { d: `M${line.values.map((_, i) => point(i, line.values)).join("L")}${back}Z` }), line));
        return;
      }
      if (!line.points) {
        const d = line.values.map((v, i) => {
          if (!drawn(v)) return "";
          return (i && drawn(line.values[i - 1]) ? "L" : "M") + point(i, line.values);
        });
        svg.append(stroke(node("path", { d: d.join("") || "M0 0" }), line));
      }
      if (line.points || spec.x.length <= FEW_POINTS) {
        line.values.forEach((v, i) => {
          if (!drawn(v)) return;
          svg.append(node("circle", { cx: scales.x(spec.x[i]), cy: scales.y(v), r: line.points ? 4.5 : 3, fill: line.color }));
        });
      }
    }

    function drawMarker() {
      const group = plot.querySelector(".moving");
      if (!group) return;
      group.replaceChildren();
      if (marked === null) return;
      const x = scales.x(spec.x[marked]);
      group.append(node("path", { class: "marker", d: `M${x} ${TOP}V${HEIGHT - BOTTOM}` }));
      for (const line of spec.lines) {
        const value = line.values[marked];
        if (value === null || (spec.log && value <= 0)) continue;
        group.append(node("circle", { cx: x, cy: scales.y(value), r: 5, fill: line.color, stroke: "var(--ink)" }));
      }
    }

    function nearest(event) {
      const x = event.clientX - plot.getBoundingClientRect().left;
      let best = 0;
      spec.x.forEach((v, i) => {
        if (Math.abs(scales.x(v) - x) < Math.abs(scales.x(spec.x[best]) - x)) best = i;
      });
      return best;
    }

    function hover(event) {
      if (!scales) return;
      const i = nearest(event), x = scales.x(spec.x[i]);
      leave();
      const line = node("path", { class: "cursor", d: `M${x} ${TOP}V${HEIGHT - BOTTOM}` });
      plot.querySelector("svg").append(line);
      tip.replaceChildren(element("div", "", `${spec.xName} = ${format(spec.x[i])} ${spec.xUnit}`));
      for (const l of spec.lines) {
        if (l.values[i] === null || l.values[i] === undefined) continue;
        const row = element("div", "", `${l.tipName || l.name || spec.yLabel}: ${format(l.values[i])}`);
        row.style.color = l.color;
        tip.append(row);
      }
      tip.hidden = false;
      const left = x + 12 + tip.offsetWidth > plot.clientWidth ? x - 12 - tip.offsetWidth : x + 12;
      tip.style.left = `${Math.max(0, left)}px`;
    }

    function leave() {
      tip.hidden = true;
      plot.querySelectorAll(".cursor").forEach((line) => line.remove());
    }

    return {
      update(changes) { spec = Object.assign({}, spec, changes); draw(); },
      mark(index) { marked = index; drawMarker(); },
    };
  }

  return { node, element, format, linearTicks, logTicks, lineChart };
})();
