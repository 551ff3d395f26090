// The stream graph: thickness is share, labels lie in the bands.
/* global d3 */
import { h, s, short, tame } from "./dom.js";
import { brief, counted, share, timeTicks } from "./words.js";

const HUES = 12;
const REST = "rest";
const held = new Map();
// Ids count up, so a step that shares no factor with the number of hues keeps neighbours in time apart.
const own = (id) => ((parseInt(String(id).replace(/\D/g, ""), 10) || 0) * 5) % HUES;
export const hue = (id) => `hue-${held.get(id) ?? own(id)}`;

// Gives the topics shown together, the largest first, hues that differ while there are enough; each keeps its own while shown.
export function colour(ids) {
  const uses = Array(HUES).fill(0);
  for (const [id, one] of held) {
    if (ids.has(id)) uses[one]++;
    else held.delete(id);
  }
  for (const id of ids) {
    if (held.has(id)) continue;
    const one = uses.reduce((best, n, i) => (n < uses[best] ? i : best), own(id));
    uses[one]++;
    held.set(id, one);
  }
}

const ink = document.createElement("canvas").getContext("2d");

function widthOf(text, size) {
  ink.font = `600 ${size}px ${getComputedStyle(document.body).fontFamily}`;
  return ink.measureText(text).width;
}

// The oldest lies in the middle and newer ones outside, above and below in turn: what is there stays where it is.
function order(series) {
  const born = [...series].sort((a, b) => (parseInt(a.id.slice(1), 10) || 0) - (parseInt(b.id.slice(1), 10) || 0));
  const placed = [];
  born.forEach((one, i) => (i % 2 ? placed.push(one) : placed.unshift(one)));
  return placed;
}

function smoothed(values) {
  return values.map((value, i) => {
    const around = values.slice(Math.max(0, i - 1), i + 2);
    return value === 0 && around.every((v) => v === 0) ? 0 : around.reduce((a, b) => a + b, 0) / around.length;
  });
}

export function drawStream(box, flow, { onpick }) {
  const width = Math.max(280, box.clientWidth);
  const isNarrow = width < 600;
  const height = isNarrow ? 300 : Math.round(Math.min(430, Math.max(320, width * 0.34)));
  const bottom = 46, top = 6;
  let times = flow.times;
  let series = flow.series.map((one) => ({ ...one, shares: smoothed(one.shares) }));
  let rest = smoothed(flow.rest);
  let comments = flow.comments;
  if (times.length === 1) {
    times = [times[0] - flow.step_seconds, times[0]];
    series = series.map((one) => ({ ...one, shares: [one.shares[0], one.shares[0]] }));
    rest = [rest[0], rest[0]];
    comments = [0, comments[0]];
  }
  const x = (i) => (i / (times.length - 1)) * width;
  const stack = d3.stack().keys(order(series).map((one) => one.id)).offset(d3.stackOffsetSilhouette)
    .value((i, id) => byId.get(id).shares[i]);
  const byId = new Map(series.map((one) => [one.id, one]));
  const layers = stack(times.map((_, i) => i));
  const shown = times.map((_, i) => series.reduce((sum, one) => sum + one.shares[i], 0));
  const reach = Math.max(...shown.map((part, i) => part + rest[i]), 0.15);
  const y = (v) => top + (v / reach + 0.5) * (height - bottom - top);
  const area = d3.area().x((_, i) => x(i)).y0((d) => y(d[0])).y1((d) => y(d[1])).curve(d3.curveMonotoneX);

  const tip = h("div", { class: "tip", hidden: true });
  const line = s("line", { class: "cursor", y1: 0, y2: height - bottom, visibility: "hidden" });
  const bands = layers.map((layer) => {
    const one = byId.get(layer.key);
    return s("path", {
      d: area(layer), class: `band ${hue(layer.key)} ${one.state === "live" ? "" : "gone"}`, "data-id": layer.key,
      onclick: () => onpick(layer.key),
    }, s("title", null, tame(one.label)));
  });
  // What is left of the whole lies around the topics, half above and half below.
  byId.set(REST, { id: REST, label: "All else", shares: rest });
  const around = [-1, 1].map((side) => area(shown.map((part, i) => [side * part / 2, side * (part + rest[i]) / 2])));
  const labels = layers.map((layer) => label(layer, byId.get(layer.key), x, y, width, isNarrow)).filter(Boolean);
  const summary = `Shares of the ${series.length} largest topics over time. ` +
    [...series].sort((a, b) => b.shares.at(-1) - a.shares.at(-1)).slice(0, 5)
      .map((one) => `${tame(one.label)} ${share(one.shares.at(-1))}`).join(", ") + `, all else ${share(rest.at(-1))}. The list below has the same.`;
  const picture = s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": summary },
    s("path", { d: around.join(""), class: "rest", "data-id": REST }), s("g", null, bands), s("g", { class: "labels" }, labels), line, volume(comments, x, height, bottom, width),
    axis(times, x, height, width, isNarrow));
  picture.addEventListener("pointermove", (event) => point(event, { picture, box, tip, line, times, width, byId, comments }));
  picture.addEventListener("pointerleave", () => { tip.hidden = true; line.setAttribute("visibility", "hidden"); light(box, null); });
  box.replaceChildren(picture, tip);
}

// Where in its band a label has most room, or nowhere.
function label(layer, one, x, y, width, isNarrow) {
  // A narrow picture rather shortens a name than leaves it out.
  const tries = isNarrow ? [[14, 18], [12, 18], [11, 12], [10.5, 9]] : [[17, 34], [15, 34], [13, 34], [11.5, 34], [11.5, 18]];
  let best = null;
  for (const [size, length] of tries) {
    const text = short(one.label, length);
    const half = widthOf(text, size) / 2 + 6;
    if (2 * half > width - 4) continue;
    for (let i = 0; i < layer.length; i++) {
      const middle = Math.min(Math.max(x(i), half + 2), width - half - 2);
      const first = Math.floor((middle - half) / x(1)), last = Math.ceil((middle + half) / x(1));
      let low = -Infinity, high = Infinity;
      for (let j = first; j <= Math.min(layer.length - 1, last); j++) {
        low = Math.max(low, y(layer[j][0]));
        high = Math.min(high, y(layer[j][1]));
      }
      const room = high - low;
      // Where there is room enough, the later place is the better one.
      const worth = Math.min(room, size * 2.2) + i / layer.length * 8;
      if (room >= size * (isNarrow ? 1.05 : 1.2) && (!best || worth > best.worth)) best = { worth, x: middle, y: (low + high) / 2, size, text };
    }
    if (best) break;
  }
  if (!best) return null;
  return s("text", { x: best.x, y: best.y, "font-size": best.size, dy: "0.34em", "aria-hidden": "true", "data-id": one.id }, best.text);
}

function volume(comments, x, height, bottom, width) {
  const most = Math.max(1, ...comments);
  const step = width / comments.length;
  const bars = comments.map((n, i) => n > 0 && s("rect", {
    x: i * step, width: Math.max(0.5, step - 0.5), y: height - 22 - Math.max(1, n / most * (bottom - 26)), height: Math.max(1, n / most * (bottom - 26)),
  }));
  return s("g", { class: "volume" }, bars);
}

function axis(times, x, height, width, isNarrow) {
  const span = times.at(-1) - times[0] || 1;
  const margin = 44 / width * span;
  const marks = timeTicks(times[0] + margin, times.at(-1) - margin, isNarrow ? 4 : 9)
    .map(([t, text]) => s("text", { x: (t - times[0]) / span * width, y: height - 5 }, text));
  return s("g", { class: "axis", "aria-hidden": "true" }, marks);
}

function point(event, { picture, box, tip, line, times, width, byId, comments }) {
  const inside = picture.getBoundingClientRect();
  const at = Math.max(0, Math.min(times.length - 1, Math.round((event.clientX - inside.left) / width * (times.length - 1))));
  const one = byId.get(event.target.dataset?.id);
  light(box, one && one.id !== REST ? one.id : null);
  const place = at / (times.length - 1) * width;
  line.setAttribute("x1", place);
  line.setAttribute("x2", place);
  line.setAttribute("visibility", "visible");
  tip.replaceChildren(
    h("strong", null, one ? tame(one.label) : brief(times[at])),
    h("span", null, one ? `${share(one.shares[at])} at ${brief(times[at])}` : counted(comments[at], "comment")),
  );
  tip.hidden = false;
  tip.style.left = `${Math.min(Math.max(place, 90), width - 90)}px`;
  tip.style.top = `${Math.max(4, event.clientY - inside.top - 62)}px`;
}

export function light(box, id) {
  box.classList.toggle("lit", id !== null);
  for (const band of box.querySelectorAll("[data-id]")) band.classList.toggle("on", band.dataset.id === id);
}

// A small line over time; undefined values leave a gap. Marks are [index, kind].
export function spark(values, { width = 220, height = 40, marks = [], zero = false, hueClass = "", filled = false, title = "" } = {}) {
  const known = values.filter((v) => v !== null && v !== undefined);
  if (!known.length) return h("span", { class: "quiet" }, "no value yet");
  const low = zero === "centre" ? -1 : Math.min(zero ? 0 : Infinity, ...known);
  const high = zero === "centre" ? 1 : Math.max(...known, low + 1e-9);
  const x = (i) => values.length < 2 ? width : 2 + i / (values.length - 1) * (width - 4);
  const y = (v) => 3 + (1 - (v - low) / (high - low || 1)) * (height - 6);
  const isKnown = (v) => v !== null && v !== undefined;
  const shown = values.length === 1 ? [values[0], values[0]] : values;
  const xs = values.length === 1 ? (i) => i * width : x;
  const path = d3.line().defined(isKnown).x((_, i) => xs(i)).y(y).curve(d3.curveMonotoneX)(shown);
  const under = filled && d3.area().defined(isKnown).x((_, i) => xs(i)).y0(height).y1(y).curve(d3.curveMonotoneX)(shown);
  return s("svg", { class: `spark ${hueClass}`, viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": title },
    zero === "centre" && s("line", { class: "base", x1: 0, x2: width, y1: y(0), y2: y(0) }),
    under && s("path", { d: under, class: "under" }), s("path", { d: path, class: "line" }),
    marks.map(([i, kind]) => isKnown(values[i]) && s("circle", { cx: x(i), cy: y(values[i]), r: 3.5, class: `mark ${kind}` })));
}
