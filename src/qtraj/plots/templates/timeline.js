// The slider of timeline.html: it moves through times by hand, by its Play button, and to #t=1.5 of the address.
//
// QtrajTimeline.timeline(times, draw, {pause, first, arrived}) returns show(index). draw(index, same) shows a time and
// returns [[name, text], ...] for the line below; pause: ms between frames; first: index to begin with; arrived():
// called when the address names a time.
const QtrajTimeline = (() => {
  "use strict";
  const { element } = QtrajCharts;

  function timeline(times, draw, { pause, first, arrived }) {
    const slider = document.getElementById("time"), shown = document.getElementById("shown");
    const play = document.getElementById("play"), same = document.getElementById("same");
    const readout = document.getElementById("readout");
    const last = times.length - 1;
    let now = 0, timer = null;

    function entry([name, text]) {
      const item = element("li");
      item.append(element("span", "", name), text);
      return item;
    }

    function show(i) {
      now = Math.min(Math.max(i, 0), last);
      slider.value = now;
      shown.textContent = `t = ${times[now].toFixed(3)} fm/c`;
      slider.setAttribute("aria-valuetext", shown.textContent);
      readout.replaceChildren(...draw(now, same.checked).map(entry));
    }

    function fromHash() {
      const match = /^#t=([0-9.]+)$/.exec(location.hash);
      if (!match) return false;
      const distances = times.map((t) => Math.abs(t - Number(match[1])));
      show(distances.indexOf(Math.min(...distances)));
      if (arrived) arrived();
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
      timer = setInterval(() => show(now === last ? 0 : now + 1), pause);
    });
    slider.max = last;
    slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
    same.addEventListener("change", () => show(now));
    window.addEventListener("hashchange", fromHash);
    if (!fromHash()) show(first);
    return show;
  }

  return { timeline };
})();
