// Drift with its alarms, and where people stand.
import { h, said, short, tame } from "./dom.js";
import { spark } from "./graph.js";
import { brief, capital, count, number, share, unit } from "./words.js";

const FIRST = ["share_shift", "mmd", "displacement", "resonance", "effective_clusters"];

export function drawDrift(box, told, { onpick }) {
  const print = JSON.stringify(told);
  if (box.dataset.print === print) return;
  box.dataset.print = print;
  const opened = new Set(Array.from(box.querySelectorAll("details[open]"), (one) => one.dataset.name));
  const past = told.alarms.filter((alarm) => alarm.state === "alarm" && !told.open.some((open) => open.measure === alarm.measure && open.subject === alarm.subject && open.at === alarm.at)).slice(0, 3);
  const measures = told.measures.filter((one) => FIRST.includes(one.name)).sort((a, b) => FIRST.indexOf(a.name) - FIRST.indexOf(b.name));
  const others = told.measures.filter((one) => !FIRST.includes(one.name));
  if (!measures.length && !told.alarms.length) {
    box.replaceChildren(h("p", { class: "quiet" }, "Drift compares now with before. It shows once there is a before."));
    return;
  }
  box.replaceChildren(
    ...told.open.map((alarm) => alarmCard(alarm, { onpick })),
    ...(told.open.length ? [] : [h("p", { class: "quiet" }, "No alarm stands. Open a measure to read what it says.")]),
    ...measures.map((one) => measureRow(one, told, opened.has(one.name))),
    ...(others.length ? [h("details", { class: "measure all", "data-name": "all", open: opened.has("all") }, h("summary", null, "All measures"), others.map((one) => measureRow(one, told, opened.has(one.name))))] : []),
    ...(past.length ? [h("h3", null, "Earlier alarms"), h("ul", { class: "moved" }, past.map(pastAlarm))] : []),
  );
}

function pastAlarm(alarm) {
  const names = alarm.moved.slice(0, 2).map((one) => tame(one.label)).join(", ");
  return h("li", null, h("span", null, capital(alarm.title), alarm.subject && [": ", said(titleOf(alarm.subject_label))], names && h("span", { class: "quiet" }, " by ", said(names))), h("time", { class: "quiet", datetime: alarm.at }, brief(alarm.at)));
}

function alarmCard(alarm, { onpick }) {
  const of = alarm.subject ? [": ", said(titleOf(alarm.subject_label ?? alarm.subject))] : [];
  return h("article", { class: "alarm" },
    h("h3", null, capital(alarm.title), of),
    h("p", { class: "quiet" }, `since ${brief(alarm.since ?? alarm.at)} · ${number(alarm.value)}`, alarm.baseline !== null && ` against ${number(alarm.baseline)} before`),
    alarm.moved.length > 0 && h("ul", { class: "moved" }, alarm.moved.slice(0, 4).map((one) => h("li", null,
      one.kind === "cluster" ? h("button", { type: "button", class: "chip", onclick: () => onpick(one.id) }, said(one.label)) : said(one.label),
      h("span", null, moved(one))))));
}

function moved(one) {
  const has = (value) => value !== null && value !== undefined;
  if (has(one.before) && has(one.after)) {
    return one.kind === "cluster" ? `${share(one.before)} → ${share(one.after)}` : `${number(one.before)} → ${number(one.after)}`;
  }
  return `${share(Math.abs(one.part))} of it`;
}

function measureRow(one, told, isOpen) {
  const marks = told.alarms.filter((alarm) => alarm.measure === one.name && !alarm.subject).map((alarm) => {
    const seconds = Date.parse(alarm.at) / 1000;
    const index = told.times.findIndex((t) => t >= seconds);
    return [index < 0 ? told.times.length - 1 : index, alarm.state];
  });
  const last = one.values.findLast((value) => value !== null && value !== undefined);
  return h("details", { class: "measure", "data-name": one.name, open: isOpen },
    h("summary", null, h("span", null, capital(one.title)),
      spark(one.values, { marks, zero: true, title: `${capital(one.title)} over time, now ${number(last)}` }),
      h("output", { title: unit(one.unit) }, number(last))),
    h("p", null, one.sentence, unit(one.unit) && ` In ${unit(one.unit)}.`));
}

const titles = new Map();
export const titleOf = (target) => titles.get(target) ?? target;

export function drawStances(box, told, { onpick }) {
  for (const target of told.targets) titles.set(target.id, target.title);
  const print = JSON.stringify(told);
  if (box.dataset.print === print) return;
  box.dataset.print = print;
  if (!told.targets.length) {
    box.replaceChildren(h("div", { class: "how" }, h("p", null, "Nobody has said yet what people might be for or against. Name it, and every comment that speaks of it is given a side:"),
      h("code", null, "groundswell demo --target \"a ban on cars in the centre\""), h("code", null, "groundswell stance suggest")));
    return;
  }
  box.replaceChildren(...told.targets.map((target) => stanceCard(target, onpick)));
}

const SIDES = { favor: "in favor", against: "against", none: "neither" };

export function balanceBar(sides, title = "") {
  const total = Math.max(1, Object.values(sides).reduce((a, b) => a + Math.max(0, b), 0));
  const words = Object.keys(SIDES).map((side) => `${share((sides[side] ?? 0) / total)} ${SIDES[side]}`).join(", ");
  return h("div", { class: "balance", role: "img", "aria-label": `${tame(title)} ${words}` }, ["favor", "none", "against"].map((side) => {
    const part = h("i", { class: `${side}-fill`, title: `${count(sides[side] ?? 0)} ${SIDES[side]}` });
    part.style.flexGrow = String(Math.max(0, sides[side] ?? 0) / total);
    return (sides[side] ?? 0) > 0 && part;
  }));
}

function stanceCard(target, onpick) {
  const total = Object.values(target.total).reduce((a, b) => a + b, 0);
  const head = [h("h3", null, said(target.title))];
  if (!total) return h("article", { class: "stance" }, head, h("p", { class: "quiet" }, "No comment has spoken of this yet."));
  return h("article", { class: "stance" }, head, balanceBar(target.total, target.title),
    h("p", { class: "legend" }, Object.entries(SIDES).map(([side, words]) => h("span", null, h("i", { class: `key ${side}-fill` }), h("b", null, count(target.total[side] ?? 0)), ` ${words}`))),
    h("div", { class: "sides" }, side(target, "favor", "In favor", onpick), side(target, "against", "Against", onpick),
      h("div", null, h("h3", null, "Over time"), spark(target.balances, { zero: "centre", title: "Balance over time, from all against to all in favor" }),
        target.turn && h("p", null, turned(target.turn)),
        h("p", { class: "quiet" }, target.balance === null ? "Nobody takes a side just now" : `Balance now ${number(target.balance)} (1 all in favor, −1 all against)`, target.polarisation !== null && `, polarisation ${number(target.polarisation)}`, "."),
        target.clusters.length > 0 && [h("h3", null, "By topic"), target.clusters.slice(0, 6).map((row) => h("div", { class: "split" }, h("button", { type: "button", class: "chip", onclick: () => onpick(row.id) }, short(row.label, 34)), balanceBar(row.sides, row.label)))])));
}

function turned(turn) {
  if (!turn.is_one) return "The part in favor has stayed much the same.";
  const chance = turn.chance < 0.01 ? "less than 1% of the time" : `${share(turn.chance)} of the time`;
  return `${share(turn.before)} in favor until ${brief(turn.at)}, ${share(turn.since)} since. Chance alone would do that ${chance}.`;
}

function side(target, name, title, onpick) {
  return h("div", null, h("h3", null, title), target[name][0] && h("p", { class: "quiet" }, said(target[name][0])),
    target.sides[name].length ? target.sides[name].slice(0, 3).map((one) => quote(one, name, onpick)) : h("p", { class: "quiet" }, "No example yet."));
}

export function quote(one, kind = "", onpick = null) {
  return h("blockquote", { class: `quote ${kind}` }, said(one.text ?? "(text not kept)", "p"),
    one.cluster && onpick && h("footer", null, h("button", { type: "button", class: "chip", onclick: () => onpick(one.cluster) }, short(one.label ?? one.cluster, 44))));
}
