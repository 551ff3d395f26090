// Listens for changes, fetches what changed, and hands it to the panels.
import { h, s, tame, settle, said } from "./dom.js";
import { colour, drawStream, hue, light } from "./graph.js";
import { drawDrift, drawStances } from "./panels.js";
import { openSheet, refreshSheet, sheetCluster } from "./sheet.js";
import { STATES, brief, count, counted, lasting, share, time, zone } from "./words.js";

const $ = (id) => document.getElementById(id);
const chosen = { discussion: "", source: "", window: "" };
const FIRST_TOPICS = 8, MOST_TOPICS = 200, MOST_EVENTS = 40;
let nTopics = FIRST_TOPICS, topTopics = [], lastFlow = null, seen = {}, fetching = false, again = false, isStale = false;

function address(path, more = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(more)) if (value) query.set(name, value);
  return `/api/${path}${query.size ? "?" + query : ""}`;
}
const filters = () => ({ discussion: chosen.discussion, source: chosen.source });
const isFiltered = () => Boolean(chosen.discussion || chosen.source);

async function ask(path, more) {
  const response = await fetch(address(path, more), { headers: { accept: "application/json" } });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

// Everything that a change of these topics can show in.
const PANELS = [
  [["pulse", "clusters", "assignments", "lineage"], showOverview],
  [["pulse", "clusters", "assignments", "placements"], showFlow],
  [["clusters", "placements"], showTopics],
  [["lineage"], showEvents],
  [["pulse", "drift"], showDrift],
  [["pulse", "judgements", "clusters"], showStances],
];

async function refresh(changed) {
  if (fetching) { again = true; return; }
  fetching = true;
  try {
    const due = PANELS.filter(([topics]) => !changed || topics.some((topic) => changed.has(topic)));
    await Promise.all(due.map(([, show]) => show().catch((cause) => console.warn(cause))));
    if (!changed || ["pulse", "clusters", "assignments"].some((topic) => changed.has(topic))) await refreshSheet();
  } finally {
    fetching = false;
    if (again) { again = false; refresh(null); }
  }
}

async function showOverview() {
  const told = await ask("overview");
  setState(told.state, told);
  $("facts").textContent = told.total
    ? `${counted(told.total, "comment")} · ${counted(told.n_clusters, "live topic")}` + (told.tick ? ` · up to ${time(told.tick)}` : "") : "";
  options("discussion", told.discussions, "All discussions", (row) => tame(row.title ?? row.id));
  options("source", told.sources, "All sources", (row) => tame(row.id));
}

function options(name, rows, all, text) {
  const select = $("filters").elements[name];
  const wanted = [["", all], ...rows.map((row) => [row.id, text(row)])];
  if (chosen[name] && !rows.some((row) => row.id === chosen[name])) wanted.push([chosen[name], tame(chosen[name])]);
  const print = JSON.stringify(wanted);
  if (select.dataset.print === print) return;
  select.dataset.print = print;
  select.replaceChildren(...wanted.map(([value, label]) => h("option", { value }, label.slice(0, 80))));
  select.value = chosen[name];
  select.closest("label").hidden = rows.length < 2 && !chosen[name];
}

function setState(state, told = {}) {
  const [word, words] = STATES[state] ?? [state, null];
  const pill = $("state");
  let text = word;
  if (state === "paused" && told.heard_at) text = `Paused since ${brief(told.heard_at)}`;
  if (state === "behind") text = `${lasting(told.behind_seconds)} behind`;
  if (pill.textContent !== text) pill.textContent = text;
  pill.dataset.state = state;
  document.title = state === "live" ? "Groundswell" : `${word} · Groundswell`;
  const banner = $("banner");
  banner.classList.toggle("bad", ["stopped", "lost", "behind"].includes(state));
  const lines = {
    behind: () => [h("strong", null, "Catching up. "), `${counted(told.lag, "record")} ${told.lag === 1 ? "waits" : "wait"} to be read, the oldest for ${lasting(told.behind_seconds)}; what they say isn't shown yet. More workers make it faster.`],
    stopped: () => [h("strong", null, "The worker isn't working. "), ...(told.reasons ?? []).map((reason) => tame(reason) + " ")],
    empty: () => [h("strong", null, "Nothing has been said yet. "), "Feed it a page, a file or a stream and this page comes alive:", h("code", null, `groundswell feed comments.jsonl --broker ${told.broker ?? "HOST:PORT"}`), h("code", null, "curl -d '{\"id\": \"1\", \"text\": \"Trams, please.\"}' ", location.origin, "/comments")],
    paused: () => null,
  };
  const content = lines[state] ? lines[state]() : words ? [words] : null;
  banner.hidden = !content;
  if (content) banner.replaceChildren(...content);
}

async function showFlow() {
  const isNarrow = $("graph").clientWidth < 600;
  lastFlow = await ask("flow", { ...filters(), window: chosen.window, points: isNarrow ? 70 : 150, top: isNarrow ? 8 : 12 });
  recolour();
  paintFlow();
}

function paintFlow() {
  const box = $("graph");
  if (!lastFlow?.series.length) {
    box.replaceChildren(h("div", { class: "blank" }, h("div", null,
      s("svg", { viewBox: "0 0 220 60", "aria-hidden": "true" }, s("path", { d: "M4 40c30-40 60-40 88-8s60 34 124-12" }), s("path", { d: "M4 48c34-22 60-22 92-4s62 18 120-6" })),
      h("p", null, isFiltered() ? "No topic has comments of this choice." : "Topics will flow here as people speak."))));
    $("graph-note").textContent = "";
    return;
  }
  drawStream(box, lastFlow, { onpick: openSheet });
  $("graph-note").textContent = (isFiltered()
    ? "Thickness is a topic's share of the newest comments of your choice, fading with age;"
    : "Thickness is a topic's share of the conversation, older comments fading;")
    + " around them lies all else: smaller topics, and what belongs to none. Grey bars: comments. Click a topic to read it.";
}

const recolour = () => colour(new Set([...topTopics, ...(lastFlow?.series ?? []).map((one) => one.id)]));

async function showTopics() {
  const told = await ask("clusters", { ...filters(), limit: nTopics });
  topTopics = told.items.slice(0, FIRST_TOPICS).map((row) => row.id);
  recolour();
  settle($("topics"), told.items.map(topicRow), (row) => row.id, (row) => {
    const turn = row.trend >= 0.01 ? ["up", `▲ ${share(row.trend)}`] : row.trend <= -0.01 ? ["down", `▼ ${share(-row.trend)}`] : ["", ""];
    const fill = h("i");
    fill.style.width = `${Math.min(100, row.width)}%`;
    const button = h("button", { type: "button", class: row.hue, onclick: () => openSheet(row.id), onmouseenter: () => light($("graph"), row.id), onmouseleave: () => light($("graph"), null), onfocus: () => light($("graph"), row.id), onblur: () => light($("graph"), null) },
      h("span", { class: "dot", "aria-hidden": "true" }), said(row.label, "span"),
      h("span", { class: "amount" }, h("span", { class: `trend ${turn[0]}`, title: "change over the last hour" }, turn[1], " "), h("b", null, row.amount)),
      h("span", { class: "sub" }, counted(row.count, "comment"), row.words && ` · ${tame(row.words)}`),
      h("span", { class: "bar", "aria-hidden": "true" }, fill));
    button.querySelector(".said").classList.add("label");
    return h("li", null, button);
  });
  if (!told.items.length) $("topics").replaceChildren(h("li", { class: "quiet" }, "None yet. A topic shows once a few comments share a thought."));
  $("more-topics").hidden = told.next === null && nTopics === FIRST_TOPICS;
  $("more-topics").textContent = nTopics > FIRST_TOPICS ? "Show fewer" : told.total > MOST_TOPICS ? `Show ${MOST_TOPICS} of ${count(told.total)}` : `Show all ${count(told.total)}`;
}

const topicRow = (row) => ({ id: row.id, hue: hue(row.id), label: row.label, amount: share(row.share), width: Math.round(row.share * 1000) / 10, trend: Math.round(row.trend * 100) / 100, count: row.count, words: row.keywords.filter((word) => !row.label.toLowerCase().includes(word.toLowerCase())).slice(0, 4).join(", ") });

const SIGNS = {
  emerged: ["M10 16V5M5 10l5-5 5 5", "Emerged"], merged: ["M4 3c0 7 6 5 6 13M16 3c0 7-6 5-6 13", "Merged"],
  split: ["M10 17c0-8-6-6-6-13M10 17c0-8 6-6 6-13", "Split"], faded: ["M10 4v11M5 10l5 5 5-5", "Faded"],
};

async function showEvents() {
  const told = await ask("events", { ...filters(), limit: MOST_EVENTS });
  settle($("events"), told.items.map((row) => ({ ...row, hue: hue(row.cluster) })), (row) => row.id, (row) => {
    const [path, word] = SIGNS[row.event] ?? SIGNS.emerged;
    const sentence = { emerged: " emerged", faded: " faded", merged: " merged into ", split: " split from " }[row.event] ?? ` ${row.event}`;
    const target = row.event === "merged" && row.other ? row.other : row.cluster;
    return h("li", null, h("button", { type: "button", class: row.hue, onclick: () => openSheet(target) },
      s("svg", { viewBox: "0 0 20 20", role: "img", "aria-label": word }, s("path", { d: path })),
      h("span", null, labelled(row.label), sentence, (row.event === "merged" || row.event === "split") && labelled(row.other_label ?? "")),
      h("time", { datetime: row.at }, brief(row.at))));
  });
  if (!told.items.length) $("events").replaceChildren(h("li", { class: "quiet" }, "Nothing yet. Topics that emerge, merge, split or fade are told here."));
}

function labelled(text) {
  const made = said(text);
  made.classList.add("label");
  return made;
}

async function showDrift() { drawDrift($("drift"), await ask("drift", { window: chosen.window, points: 80 }), { onpick: openSheet }); }
async function showStances() { drawStances($("stances"), await ask("stances", { window: chosen.window, points: 80 }), { onpick: openSheet }); }

function listen() {
  const events = new EventSource("/events");
  events.addEventListener("change", (event) => {
    const told = JSON.parse(event.data);
    const changed = new Set(Object.keys(told.versions).filter((topic) => told.versions[topic] !== seen[topic]));
    if ($("state").dataset.state !== told.state) changed.add("pulse"); // the connection is back, or the worker has changed
    seen = told.versions;
    if (changed.size && !document.hidden) refresh(changed);
    else if (changed.size) isStale = true;
  });
  events.addEventListener("error", () => setState("lost"));
  document.addEventListener("visibilitychange", () => { if (!document.hidden && isStale) { isStale = false; refresh(null); } });
}

function readHash() {
  const query = new URLSearchParams(location.hash.slice(1));
  for (const name of Object.keys(chosen)) {
    chosen[name] = query.get(name) ?? "";
    $("filters").elements[name].value = chosen[name];
  }
  tellScope();
  const cluster = query.get("cluster");
  if (!cluster) $("sheet").close();
  else if (cluster !== sheetCluster()) openSheet(cluster);
}

// Every address is a place to come back to: a filter, a topic, the page without it.
function writeHash() {
  const query = new URLSearchParams(Object.entries(chosen).filter(([, value]) => value));
  if (sheetCluster()) query.set("cluster", sheetCluster());
  if (String(query) === String(new URLSearchParams(location.hash.slice(1)))) return;
  history.pushState(null, "", query.size ? `#${query}` : location.pathname);
}

const WIDER = { discussion: "of all discussions", source: "of all sources", window: "over all that is kept" };

// Says where a part of the page is wider than the choice.
function tellScope() {
  for (const note of document.querySelectorAll("[data-ignores]")) {
    note.textContent = note.dataset.ignores.split(" ").filter((name) => chosen[name]).map((name) => WIDER[name]).join(", ");
  }
}

let theme = null;
try { theme = localStorage.getItem("theme"); } catch { /* private window */ }
const system = matchMedia("(prefers-color-scheme: dark)");
const paintTheme = () => { document.documentElement.dataset.theme = theme ?? (system.matches ? "dark" : "light"); };

function turnTheme() {
  theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  paintTheme();
  try { localStorage.setItem("theme", theme); } catch { /* private window */ }
}

function start() {
  paintTheme();
  system.addEventListener("change", paintTheme);
  $("theme").addEventListener("click", turnTheme);
  document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); $("topics-title").focus(); });
  $("zone").textContent = zone;
  $("filters").addEventListener("change", (event) => { chosen[event.target.name] = event.target.value; tellScope(); writeHash(); refresh(null); });
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("more-topics").addEventListener("click", () => { nTopics = nTopics > FIRST_TOPICS ? FIRST_TOPICS : MOST_TOPICS; showTopics(); });
  $("sheet").addEventListener("close", writeHash);
  document.addEventListener("sheet", writeHash);
  addEventListener("hashchange", () => { readHash(); refresh(null); });
  let drawn = 0;
  new ResizeObserver(([entry]) => { if (Math.abs(entry.contentRect.width - drawn) > 2) { drawn = entry.contentRect.width; if (lastFlow) paintFlow(); } }).observe($("graph"));
  readHash();
  paintFlow();
  refresh(null);
  listen();
}

start();
