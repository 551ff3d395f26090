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
  list = null;
  put(sentence("…"));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  told();
  await fill();
}

export async function refreshSheet() {
  if (dialog.open && shown && dialog.scrollTop < 200 && !dialog.querySelector(".more:focus")) await fill();
}

const closing = () => h("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => dialog.close() }, "×");
const sentence = (title, words) => h("div", { class: "sheet" }, closing(), h("h2", { id: "sheet-title" }, title), words && h("p", { class: "quiet" }, words));
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
// A list that changed meanwhile has lost the button that opened the sheet.
dialog.addEventListener("close", () => {
  const focused = document.activeElement;
  if (focused !== document.body && !dialog.contains(focused)) return;
  const row = document.querySelector(`#topics [data-key="${CSS.escape(shown)}"] button`);
  (row ?? document.getElementById("topics-title")).focus({ preventScroll: true });
});

// Shows a content and keeps the focus in the sheet, on the same element where there still is one.
function put(content) {
  const focused = dialog.contains(document.activeElement) && document.activeElement.outerHTML;
  dialog.replaceChildren(content);
  if (!dialog.open) return;
  const same = Array.from(dialog.querySelectorAll("button, a")).find((one) => one.outerHTML === focused);
  (same ?? dialog.querySelector(".close")).focus({ preventScroll: true });
}

async function fill() {
  const id = shown;
  let content;
  try {
    content = await read(id);
  } catch {
    if (list) return;
    content = sentence("This topic can't be read just now", "The worker doesn't answer. The page tries again by itself.");
  }
  if (shown === id && dialog.open) put(content);
}

async function read(id) {
  const [answer, comments] = await Promise.all([fetch(`/api/clusters/${encodeURIComponent(id)}?points=120`), page(id, null)]);
  if (answer.status === 404) return sentence("No such topic", "None of this name is known. One that faded long ago is removed.");
  if (!answer.ok) throw new Error(`${id}: ${answer.status}`);
  const one = await answer.json();
  if (shown !== id) return null;
  list = h("div", null, comments.items.map(comment));
  next = comments.next;
  return sheet(one);
}

async function page(id, before) {
  const query = new URLSearchParams({ cluster: id, limit: 20 });
  if (before) query.set("before", before);
  const answer = await fetch(`/api/comments?${query}`);
  if (!answer.ok) throw new Error(`comments: ${answer.status}`);
  return answer.json();
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
    const rows = await page(shown, next).catch(() => null);
    button.textContent = rows ? "More comments" : "No answer just now. Try again";
    if (!rows) return;
    next = rows.next;
    list.append(...rows.items.map(comment));
    if (!next) button.remove();
  } }, "More comments");
  return button;
}
