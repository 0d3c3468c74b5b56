// Draws the charts of a page. Without this script each chart is the table that stands beside it anyway.
"use strict";

(() => {
  const library = document.currentScript.dataset.library;
  const NARROW = 560; // pixels of room below which a plot takes its narrow layout
  const PRINTED = 660; // pixels of an upright A4 page between its margins
  const NEAR = "400px"; // how far below the window a chart begins to be drawn
  const ALPHA = { band: 0.16, faint: 0.08, area: 0.62, thick: 0.35 };
  const ROLES = { ink: "ink", soft: "soft", mark: "rule-strong", waiting: "rule-strong", unverifiable: "unclear" };
  const touch = matchMedia("(hover: none)");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const print = matchMedia("print");
  let printing = false;

  // The library is large, so it is asked for when the first chart comes near the window.
  let loading;
  function plotly() {
    loading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = library;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => { loading = undefined; script.remove(); reject(new Error("no library")); };
      document.head.append(script);
    });
    return loading;
  }

  // The names of months and days, as the browser knows them in the page's language. A month's name is taken
  // from a whole date, where some languages inflect it.
  function names(language) {
    const part = (type, options, date) => new Intl.DateTimeFormat(language, { calendar: "gregory", timeZone: "UTC", ...options })
      .formatToParts(date).find((one) => one.type === type).value;
    const months = (month) => Array.from({ length: 12 }, (_, at) => part("month", { day: "numeric", month }, Date.UTC(2026, at, 1)));
    const days = (weekday) => Array.from({ length: 7 }, (_, at) => part("weekday", { weekday }, Date.UTC(2026, 1, 1 + at))); // a Sunday
    return { months: months("long"), shortMonths: months("short"), days: days("long"), shortDays: days("short") };
  }
  const locale = document.documentElement.lang;
  const locales = { [locale]: { format: names(locale) } };

  // Colours and letters come from the stylesheet: those of the light page on paper, else those of the window.
  function palette() {
    const style = getComputedStyle(printing ? document.getElementById("on-paper") : document.documentElement);
    const value = (name) => style.getPropertyValue(`--${name}`).trim();
    return { of: (role) => value(ROLES[role] ?? role) || value("ink"), value };
  }

  function faded(colour, alpha) {
    const digits = colour.length === 4 ? [...colour.slice(1)].map((one) => one + one).join("") : colour.slice(1);
    const [red, green, blue] = [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16));
    return `rgba(${red},${green},${blue},${alpha})`;
  }

  function merged(below, above) {
    const result = { ...below };
    for (const [key, value] of Object.entries(above)) {
      const plain = value && typeof value === "object" && !Array.isArray(value);
      result[key] = plain ? merged(below[key] ?? {}, value) : value;
    }
    return result;
  }

  function laidOut(plot, width) {
    return { ...merged(plot.layout, width < NARROW ? plot.narrow : {}), width };
  }

  function painted(plot, width) {
    const colours = palette();
    const layout = laidOut(plot, width);
    layout.font = { ...layout.font, family: colours.value("text"), color: colours.of("soft") };
    layout.hoverlabel = {
      bgcolor: colours.of("raised"), bordercolor: colours.of("rule-strong"), align: "left",
      font: { family: colours.value("text"), color: colours.of("ink"), size: 12 },
    };
    for (const [name, axis] of Object.entries(layout)) {
      if (!/^[xy]axis\d*$/.test(name)) continue;
      layout[name] = {
        ...axis, gridcolor: colours.of("rule"), linecolor: colours.of("rule-strong"),
        spikecolor: colours.of("rule-strong"), spikethickness: 1, spikedash: "dot",
      };
    }
    layout.legend = { ...layout.legend, font: { color: colours.of("ink") } };
    layout.annotations = (layout.annotations ?? []).map((one) => ({
      ...one, font: { ...one.font, color: colours.of(one.name) },
    }));
    layout.shapes = (layout.shapes ?? []).map((one) => ({ ...one, line: { ...one.line, color: colours.of("mark") } }));
    const data = plot.data.map((trace) => {
      const { role, part } = trace.meta;
      const colour = colours.of(role);
      const result = { ...trace };
      if (part === "band" || part === "faint") result.fillcolor = faded(colour, ALPHA[part]);
      else if (part === "area") {
        result.line = { ...trace.line, color: colours.of("paper") };
        result.fillcolor = faded(colour, ALPHA.area);
        result.fillpattern = { ...trace.fillpattern, fgcolor: colours.of("paper"), bgcolor: faded(colour, ALPHA.area), fillmode: "replace" };
      } else if (part === "points") result.marker = { ...trace.marker, color: colour, line: { width: 1.5, color: colour } };
      else result.line = { ...trace.line, color: part === "thick" ? faded(colour, ALPHA.thick) : colour };
      return result;
    });
    return { data, layout };
  }

  // ---------------------------------------------------------------------------------------------- drawing

  const drawn = new Set(); // the places that hold a plot

  function plotOf(place) {
    const source = document.getElementById(place.dataset.plot);
    return source && JSON.parse(source.textContent);
  }

  // Nothing below a chart moves when it is drawn: a click must land on what it was meant for.
  function keepRoom(place, { height }) {
    place.style.minHeight = `${height}px`;
  }

  async function draw(place) {
    let Plotly;
    try { Plotly = await plotly(); } catch { place.style.minHeight = ""; return; } // the table is there
    const plot = place.isConnected && plotOf(place);
    if (!plot) return;
    const width = printing ? PRINTED : Math.floor(place.clientWidth);
    if (!width) return;
    const { data, layout } = painted(plot, width);
    keepRoom(place, layout);
    // A finger scrolls the page; it does not drag the plot.
    await Plotly.react(place, data, layout, {
      displayModeBar: false, scrollZoom: false, staticPlot: touch.matches, locale, locales,
    });
    place.dataset.width = width;
    place.closest("figure").dataset.drawn = "";
    drawn.add(place);
  }

  const near = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      draw(target);
    }
  }, { rootMargin: NEAR });

  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const width = Math.floor(target.clientWidth);
      if (!printing && drawn.has(target) && width && width !== Number(target.dataset.width)) draw(target);
    }
  });

  function ready(root) {
    for (const place of root.querySelectorAll(".chart-plot[hidden]")) {
      place.hidden = false;
      const plot = plotOf(place);
      if (plot) keepRoom(place, laidOut(plot, place.clientWidth));
      near.observe(place);
      resized.observe(place);
    }
  }

  function forget(place) {
    near.unobserve(place);
    resized.unobserve(place);
    if (drawn.delete(place)) window.Plotly?.purge(place);
  }

  function redraw() {
    for (const place of drawn) draw(place);
  }

  // ------------------------------------------------------------------------------------------ live parts

  // A part that is brought up to date keeps the plots that it has: each moves into the fresh part, where it is
  // drawn anew from fresh numbers, so that nothing flickers and nothing is left behind.
  document.addEventListener("still-up:refreshing", (event) => {
    for (const place of event.target.querySelectorAll(".chart-plot")) {
      const heir = event.detail.fresh.querySelector(`#${CSS.escape(place.id)}`);
      if (heir && !place.hidden) {
        heir.closest("figure").toggleAttribute("data-drawn", drawn.has(place));
        heir.replaceWith(place);
      } else forget(place);
    }
  });
  document.addEventListener("still-up:refreshed", (event) => {
    ready(event.target);
    for (const place of event.target.querySelectorAll(".chart-plot")) if (drawn.has(place)) draw(place);
  });

  // --------------------------------------------------------------------------------------- dark and paper

  function onPaper(now) {
    if (printing === now) return;
    printing = now;
    redraw();
  }

  dark.addEventListener("change", redraw);
  print.addEventListener("change", () => onPaper(print.matches));
  addEventListener("beforeprint", () => onPaper(true));
  addEventListener("afterprint", () => onPaper(false));

  const paper = document.createElement("div");
  paper.id = "on-paper";
  paper.className = "on-paper";
  paper.hidden = true;
  document.body.append(paper);
  ready(document);
})();
