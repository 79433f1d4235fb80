"use strict";
// Draws the shapes that drawing.py made; nothing is decided here but pixels.
const GRID = "#24272e", DIM = "#8e8f9b", FONT = '11px Inter, "Noto Sans", "DejaVu Sans", "Liberation Sans", sans-serif';
const EDGE = { left: 62, right: 12, bottom: 20 };

const make = (parent, tag, className = "", text = "") => {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  parent.append(element);
  return element;
};
const canvas = (parent, width, height) => {
  const element = make(parent, "canvas");
  Object.assign(element, { width, height });
  return element.getContext("2d");
};
const nothing = (body, text = "No data") => make(body, "div", "nothing", text);
const faint = (color, share) => color + Math.round(share * 255).toString(16).padStart(2, "0");

const draw = {
  stat(body, shape) {
    for (const cell of shape.cells) {
      const box = make(body, "div", "cell");
      box.style.background = faint(cell.color, 0.62);
      const wide = shape.w / shape.cells.length;
      if (shape.area && cell.points.some((value) => value !== null)) sparkline(box, cell.points, wide, 58);
      if (cell.name) {
        const name = make(box, "div", "name", cell.name);
        for (let letter = 15; letter > 8 && name.offsetWidth > wide - 6; letter -= 1) name.style.fontSize = `${letter}px`;
      }
      const size = [27, 19].filter((letter) => cell.text.length * letter > wide - 16).length;
      make(box, "div", ["value", "value small", "value tiny"][size], cell.text);
    }
  },

  timeseries(body, shape) {
    if (!shape.series.length) nothing(body, shape.none);
    const legend = make(body, "div", "legend");
    for (const series of shape.series) {
      make(make(legend, "span", "", ""), "i").style.background = series.color;
      legend.lastChild.append(series.name + (series.right ? " (right)" : ""));
    }
    const rows = legend.scrollWidth > legend.clientWidth ? 2 : 1;
    legend.classList.toggle("two", rows === 2);
    const axis = (ticks, scale, side) => ({
      scale, side, size: 54, gap: 4, stroke: DIM, font: FONT, ticks: { show: false },
      grid: { show: side === 3, stroke: GRID, width: 1 },
      splits: () => ticks.map(([at]) => at), values: () => ticks.map(([, text]) => text),
    });
    const every = Math.ceil((shape.clock.length * 62) / (shape.w - 90));
    const clock = shape.clock.filter((_, n) => n % every === 0);
    const axes = [
      { scale: "x", size: 22, gap: 4, stroke: DIM, font: FONT, ticks: { show: false }, grid: { stroke: GRID, width: 1 },
        splits: () => clock.map(([at]) => at), values: () => clock.map(([, text]) => text) },
      axis(shape.left, "y", 3),
    ];
    if (shape.right) axes.push(axis(shape.right, "z", 1));
    const range = (ticks) => () => [0, ticks[ticks.length - 1][0]];
    const scales = { x: { time: false }, y: { range: range(shape.left) } };
    if (shape.right) scales.z = { range: range(shape.right) };
    const series = shape.series.map((one) => ({
      scale: one.right ? "z" : "y", stroke: one.color, width: shape.bars ? 0 : shape.width + 0.4, fill: faint(one.color, shape.fill),
      points: { show: false }, ...(shape.bars ? { paths: uPlot.paths.bars({ size: [0.86, 60] }) } : {}),
    }));
    new uPlot({
      width: shape.w - 18, height: shape.h - 38 - 16 * rows, cursor: { show: false }, legend: { show: false }, axes, scales,
      padding: [6, shape.right ? 0 : 24, 0, 0], series: [{}, ...series], hooks: { draw: [(plot) => extras(plot, shape)] },
    }, [shape.times, ...shape.series.map((one) => one.values)], make(body, "div", "chart"));
  },

  heatmap(body, shape) {
    const width = shape.w - 18, height = shape.h - 40, context = canvas(body, width, height);
    const right = width - EDGE.right, bottom = height - EDGE.bottom - 18;
    const across = (right - EDGE.left) / shape.columns.length, up = (bottom - 6) / shape.bounds.length;
    const most = Math.max(...shape.columns.flat());
    shape.columns.forEach((column, n) => column.forEach((count, bucket) => {
      if (count <= shape.least) return;
      context.fillStyle = oranges((count / most) ** shape.exponent);
      context.fillRect(EDGE.left + n * across, bottom - (bucket + 1) * up, Math.max(1, across - shape.gap), up - shape.gap);
    }));
    Object.assign(context, { fillStyle: DIM, font: FONT, textAlign: "right", textBaseline: "middle" });
    const every = Math.ceil(15 / up);
    shape.bounds.forEach((text, n) => { if (n % every === 0) context.fillText(text, EDGE.left - 8, bottom - (n + 1) * up); });
    context.textAlign = "center";
    for (const [at, text] of shape.clock) {
      const x = EDGE.left + ((at - shape.start) / (shape.end - shape.start)) * (right - EDGE.left);
      if (x > EDGE.left + 14 && x < right - 10) context.fillText(text, x, bottom + 13);
    }
    const scale = context.createLinearGradient(EDGE.left, 0, EDGE.left + 180, 0);
    for (let n = 0; n <= 10; n++) scale.addColorStop(n / 10, oranges((n / 10) ** shape.exponent));
    context.fillStyle = scale;
    context.fillRect(EDGE.left, height - 12, 180, 7);
    Object.assign(context, { fillStyle: DIM, textAlign: "left" });
    context.fillText(`0 to ${shape.most} a cell`, EDGE.left + 190, height - 8);
  },

  logs(body, shape) {
    if (!shape.lines.length) return nothing(body);
    const list = make(body, "div", "lines");
    for (const line of shape.lines.slice(0, Math.ceil(shape.h / 20))) {
      const row = make(list, "div", line.level);
      make(row, "time", "", line.time);
      row.append(line.text);
    }
  },

  table(body, shape) {
    if (!shape.rows.length) return nothing(body);
    const table = make(body, "table");
    const head = make(table, "tr");
    for (const text of shape.head) make(head, "th", "", text);
    for (const cells of shape.rows) {
      const row = make(table, "tr");
      for (const text of cells) make(row, "td", "", text);
    }
  },

  alertlist(body, shape) {
    if (!shape.alerts.length) return nothing(body, "No alerts matching filters");
    const list = make(body, "div", "alerts");
    for (const alert of shape.alerts) {
      const row = make(list, "div");
      make(row, "b", "", alert.name);
      make(row, "span", `state ${alert.state}`, alert.state);
    }
  },
};

function sparkline(box, points, width, height) {
  const context = canvas(box, width, height), most = Math.max(...points.filter((value) => value !== null)) || 1;
  context.beginPath();
  context.moveTo(0, height);
  points.forEach((value, n) => {
    if (value !== null) context.lineTo((n / (points.length - 1)) * width, height - 2 - (value / most) * (height - 6));
  });
  context.lineTo(width, height);
  context.fillStyle = "rgba(255, 255, 255, .16)";
  context.fill();
}

// Grafana's "Oranges" on a dark ground: few is dark, many is bright.
function oranges(share) {
  const stops = [[58, 30, 12], [127, 39, 4], [217, 72, 1], [253, 141, 60], [253, 208, 162]];
  const at = Math.min(share, 0.9999) * (stops.length - 1), low = Math.floor(at);
  return `rgb(${stops[low].map((from, n) => Math.round(from + (stops[low + 1][n] - from) * (at - low)))})`;
}

// Threshold lines and the marks of annotations, over the series.
function extras(plot, shape) {
  const { ctx: context, bbox } = plot;
  context.save();
  context.beginPath();
  context.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  context.clip();
  context.setLineDash([8, 6]);
  for (const limit of shape.limits) {
    const y = plot.valToPos(limit.value, "y", true);
    line(context, limit.color, bbox.left, y, bbox.left + bbox.width, y);
  }
  context.setLineDash([]);
  context.fillStyle = "#5794f2";
  for (const [at, value] of shape.dots) {
    const x = plot.valToPos(at, "x", true), y = Math.max(bbox.top + 5, plot.valToPos(value, "y", true));
    context.beginPath();
    for (const [dx, dy] of [[0, -5], [5, 0], [0, 5], [-5, 0]]) context.lineTo(x + dx, y + dy);
    context.fill();
  }
  context.setLineDash([4, 4]);
  for (const mark of shape.marks) {
    const [from, to] = [mark.start, mark.end].map((at) => plot.valToPos(at, "x", true));
    context.fillStyle = faint(mark.color, 0.08);
    context.fillRect(from, bbox.top, to - from, bbox.height);
    for (const x of new Set([from, to])) line(context, mark.color, x, bbox.top, x, bbox.top + bbox.height);
  }
  context.restore();
}

function line(context, color, x1, y1, x2, y2) {
  context.strokeStyle = color;
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

document.querySelector("h1").textContent = shapes.title;
document.querySelector("#about").textContent = shapes.about;
for (const shape of shapes.panels) {
  const panel = make(document.querySelector("main"), "section", `panel ${shape.kind}`);
  Object.assign(panel.style, { left: `${shape.x}px`, top: `${shape.y}px`, width: `${shape.w}px`, height: `${shape.h}px` });
  make(panel, "h2", "", shape.title);
  draw[shape.kind](make(panel, "div", "body"), shape);
}
