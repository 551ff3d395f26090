// Elements are made here and nowhere else; text is only ever text, so no comment can become markup.

const SVG = "http://www.w3.org/2000/svg";
const LONGEST = 1200;

// Control codes and marks that turn the direction of what follows; line breaks become spaces.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]/g;
// Marks heaped on one letter, which would grow into the lines above and below.
const HEAPS = /(\p{M}{3})\p{M}+/gu;

export function tame(text) {
  let calm = String(text ?? "").slice(0, 4 * LONGEST).replace(/[\r\n\t]+/g, " ").replace(CONTROLS, "").replace(HEAPS, "$1");
  if (calm.length > LONGEST) calm = calm.slice(0, LONGEST) + " …";
  return calm;
}

export function short(text, most) {
  const calm = tame(text);
  const letters = Array.from(calm);
  return letters.length > most ? letters.slice(0, most - 1).join("").trimEnd() + "…" : calm;
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

// What a person wrote: isolated, so that its direction stays its own.
export const said = (text, tag = "bdi") => h(tag, { dir: "auto", class: "said" }, tame(text));

// Only addresses of the web become links.
export function link(url, text) {
  let target = null;
  try {
    const parsed = new URL(url);
    if (parsed.protocol === "https:" || parsed.protocol === "http:") target = parsed.href;
  } catch { /* not an address */ }
  return target ? h("a", { href: target, rel: "noopener noreferrer nofollow", target: "_blank" }, text) : null;
}

// Replaces the children of a list by those given, keeping elements of the same key and the focus with them.
export function settle(parent, rows, key, make) {
  const known = new Map(Array.from(parent.children, (child) => [child.dataset.key, child]));
  const wanted = rows.map((row) => {
    const name = String(key(row));
    const print = JSON.stringify(row);
    const old = known.get(name);
    if (old && old.dataset.print === print) return old;
    const made = make(row);
    made.dataset.key = name;
    made.dataset.print = print;
    if (!old) made.classList.add("new");
    else if (old.contains(document.activeElement)) queueMicrotask(() => (made.matches("button") ? made : made.querySelector("button, a"))?.focus());
    return made;
  });
  let at = parent.firstChild;
  for (const child of wanted) {
    if (child === at) at = at.nextSibling;
    else parent.insertBefore(child, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}
