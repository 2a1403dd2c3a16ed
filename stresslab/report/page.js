// Chooses what is shown, and draws the figures in the colours of the reader's scheme. Text from the study arrives as data
// and is only ever set as text.
(function () {
  "use strict";
  const figures = JSON.parse(document.getElementById("data").textContent).figures;
  const root = document.documentElement;
  const chosen = {};
  const selects = Array.from(document.querySelectorAll("select[data-dim]"));
  selects.forEach((select) => { chosen[select.dataset.dim] = select.value; });

  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const merge = (base, extra) => {
    const out = { ...base };
    Object.entries(extra || {}).forEach(([key, value]) => {
      out[key] = isObject(value) && isObject(out[key]) ? merge(out[key], value) : value;
    });
    return out;
  };
  // "var(--s0)" under a key that names a colour becomes the colour of that name
  const painted = (value, key, styles) => {
    if (Array.isArray(value)) return value.map((item) => painted(item, key, styles));
    if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, painted(v, k, styles)]));
    const name = typeof value === "string" && /color$/.test(key) && /^var\((--\w+)\)$/.exec(value);
    return name ? styles.getPropertyValue(name[1]).trim() : value;
  };

  const axis = {
    gridcolor: "var(--rule)", linecolor: "var(--rule)", zerolinecolor: "var(--rule)", fixedrange: true, automargin: true,
    tickfont: { color: "var(--muted)", size: 12 }, title: { font: { color: "var(--muted)", size: 12 }, standoff: 8 },
  };
  const base = (layout) => {
    const family = getComputedStyle(document.body).fontFamily;
    const axes = Object.keys(layout).filter((key) => /^[xy]axis/.test(key));
    return merge({
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", dragmode: false, autosize: true, height: 380,
      font: { family, color: "var(--ink)", size: 13 },
      margin: { l: 48, r: 12, t: 48, b: 44 },
      legend: { orientation: "h", traceorder: "normal", x: 0, y: 1.06, yanchor: "bottom", xanchor: "left" },
      hovermode: "closest",
      hoverlabel: { bgcolor: "var(--ink)", bordercolor: "var(--ink)", font: { family, color: "var(--paper)" }, align: "left" },
    }, Object.fromEntries(axes.map((key) => [key, axis])));
  };

  const draw = (canvas) => {
    const figure = figures[canvas.dataset.figure];
    const key = figure.selects.map((dim) => dim + ":" + chosen[dim]).join(" ");
    const variant = figure.variants[key];
    const note = canvas.parentElement.querySelector(".note");
    canvas.hidden = Boolean(variant.note);
    note.hidden = !variant.note;
    note.textContent = variant.note || "";
    if (variant.note) return;
    let layout = merge(merge(base(figure.layout), figure.layout), variant.layout);
    if (!variant.data.some((trace) => trace.name && trace.showlegend !== false)) layout.margin.t = 28;
    if (canvas.clientWidth < 720) layout = merge(layout, figure.narrow);
    const styles = getComputedStyle(root);
    layout.width = canvas.clientWidth;
    Plotly.react(canvas, painted(variant.data, "", styles), painted(layout, "", styles), { displayModeBar: false, displaylogo: false });
  };
  const canvases = Array.from(document.querySelectorAll(".canvas"));
  const drawAll = () => canvases.forEach(draw);

  const matches = (pick) => pick.split(" ").every((pair) => {
    const [dim, place] = pair.split(":");
    return chosen[dim] === undefined || chosen[dim] === place;
  });
  const choose = (dim, place) => {
    chosen[dim] = place;
    selects.filter((select) => select.dataset.dim === dim).forEach((select) => { select.value = place; });
    document.querySelectorAll("[data-pick]").forEach((part) => {
      part.classList.toggle("on", part.dataset.pick === "" || matches(part.dataset.pick));
    });
    canvases.filter((canvas) => figures[canvas.dataset.figure].selects.includes(dim)).forEach(draw);
  };
  selects.forEach((select) => select.addEventListener("change", () => choose(select.dataset.dim, select.value)));

  let width = root.clientWidth;
  window.addEventListener("resize", () => {
    if (root.clientWidth !== width) { width = root.clientWidth; drawAll(); }
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  window.addEventListener("beforeprint", () => { root.classList.add("print"); drawAll(); });
  window.addEventListener("afterprint", () => { root.classList.remove("print"); drawAll(); });

  const tip = document.getElementById("tip");
  const show = (cell) => {
    if (cell.title) { // the page shows its own, which works on touch too
      cell.dataset.tip = cell.title;
      cell.removeAttribute("title");
    }
    tip.textContent = cell.dataset.tip;
    tip.hidden = false;
    const box = cell.getBoundingClientRect();
    const left = Math.min(box.left, root.clientWidth - tip.offsetWidth - 12);
    const above = box.top - tip.offsetHeight - 8;
    tip.style.left = Math.max(12, left) + window.scrollX + "px";
    tip.style.top = (above > 0 ? above : box.bottom + 8) + window.scrollY + "px";
  };
  const hide = () => { tip.hidden = true; };
  document.querySelectorAll("td[title]").forEach((cell) => {
    cell.addEventListener("pointerenter", () => show(cell));
    cell.addEventListener("focus", () => show(cell));
    cell.addEventListener("pointerleave", hide);
    cell.addEventListener("blur", hide);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  drawAll();
})();
