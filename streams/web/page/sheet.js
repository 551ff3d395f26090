// One topic in full: its history, its comments, its life and its neighbours.
import { h, link, said, short, tame } from "./dom.js";
import { hue, spark } from "./graph.js";
import { balanceBar, quote, titleOf } from "./panels.js";
import { brief, count, number, share, time } from "./words.js";

const dialog = document.getElementById("sheet");
let shown = null, list = null, next = null;

export const sheetCluster = () => (dialog.open ? shown : null);
const told = () => document.dispatchEvent(new Event("sheet"));

export async function openSheet(id) {
  shown = id;
  dialog.replaceChildren(h("div", { class: "sheet" }, closing(), h("h2", { id: "sheet-title" }, "…")));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  told();
  await fill();
}

export async function refreshSheet() {
  if (dialog.open && shown && dialog.scrollTop < 200 && !dialog.querySelector(".more:focus")) await fill();
}

const closing = () => h("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => dialog.close() }, "×");
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

async function fill() {
  const id = shown;
  const [answer, comments] = await Promise.all([fetch(`/api/clusters/${encodeURIComponent(id)}?points=120`), page(id, null)]);
  if (shown !== id) return;
  if (!answer.ok) {
    dialog.replaceChildren(h("div", { class: "sheet" }, closing(), h("h2", { id: "sheet-title" }, "This topic is gone"), h("p", { class: "quiet" }, "It faded long ago and its record has been removed.")));
    return;
  }
  const focused = document.activeElement?.className;
  const one = await answer.json();
  list = h("div", null, comments.items.map(comment));
  next = comments.next;
  dialog.replaceChildren(sheet(one));
  if (focused === "close") dialog.querySelector(".close").focus();
}

async function page(id, before) {
  const query = new URLSearchParams({ cluster: id, limit: 20 });
  if (before) query.set("before", before);
  const answer = await fetch(`/api/comments?${query}`);
  return answer.ok ? answer.json() : { items: [], next: null };
}

function sheet(one) {
  const history = one.history?.series[0];
  return h("div", { class: `sheet ${hue(one.id)}` }, closing(),
    h("h2", { id: "sheet-title" }, said(one.label)),
    one.state !== "live" && h("p", { class: "banner" }, one.state === "merged" ? ["Merged into ", go(one.into, one.into)] : "This topic has faded."),
    h("ul", { class: "keywords", "aria-label": "Keywords" }, one.keywords.slice(0, 10).map((word) => h("li", null, short(word, 40)))),
    h("dl", { class: "figures" }, figure("Share", share(one.share)), figure("Comments", count(one.count)),
      figure("Last hour", `${one.trend >= 0 ? "+" : "−"}${share(Math.abs(one.trend))}`), figure("Since", brief(one.born))),
    history && h("section", null, h("h3", null, "Share over time"), tall(spark(history.shares, { width: 500, height: 96, zero: true, filled: true, title: `Share over time, now ${share(one.share)}` })),
      h("p", { class: "note" }, `${time(one.history.times[0])} – ${time(one.history.times.at(-1))}, peak ${share(Math.max(...history.shares))}`)),
    Object.keys(one.sides).length > 0 && h("section", null, h("h3", null, "Sides"), Object.entries(one.sides).map(([target, sides]) => [h("p", { class: "quiet" }, tame(titleOf(target))), balanceBar(sides, titleOf(target))])),
    one.exemplars.length > 0 && h("section", null, h("h3", null, "In their words"), one.exemplars.slice(0, 3).map((shownOne) => quote(shownOne))),
    one.neighbours.length > 0 && h("section", null, h("h3", null, "Neighbours"), h("ul", { class: "plain" }, one.neighbours.map((other) => h("li", null, go(other.id, other.label), h("span", { class: "quiet" }, `similarity ${number(other.similarity)}`))))),
    one.life.length > 0 && h("section", null, h("h3", null, "Life"), h("ul", { class: "plain" }, one.life.slice(0, 12).map((event) => h("li", null, h("span", null, lived(one, event)), h("time", { class: "quiet", datetime: event.at }, brief(event.at)))))),
    h("section", null, h("h3", null, "Comments"), list, more()));
}

function tall(picture) { picture.classList.add("tall"); return picture; }
const figure = (name, value) => h("div", null, h("dt", null, name), h("dd", null, value));
const go = (id, label) => h("button", { type: "button", class: "chip", onclick: () => openSheet(id) }, said(label ?? id));

function lived(one, event) {
  const isOwn = event.cluster === one.id;
  if (event.event === "merged") return isOwn ? ["Merged into ", go(event.other, event.other_label)] : ["Took in ", said(event.label)];
  if (event.event === "split") return isOwn ? ["Split from ", go(event.other, event.other_label)] : ["Let go ", go(event.cluster, event.label)];
  return event.event === "emerged" ? "Emerged" : "Faded";
}

function comment(one) {
  return h("blockquote", { class: "quote" }, said(one.text ?? "(text not kept)", "p"),
    h("footer", { class: "quiet" }, h("time", { datetime: one.event_time }, time(one.event_time)), one.source && ` · ${tame(one.source)}`, link(one.url, " · open")));
}

function more() {
  if (!next) return null;
  const button = h("button", { type: "button", class: "more", onclick: async () => {
    const rows = await page(shown, next);
    next = rows.next;
    list.append(...rows.items.map(comment));
    if (!next) button.remove();
  } }, "More comments");
  return button;
}
