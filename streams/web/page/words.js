// How times, numbers and measures are said.

const locale = navigator.language;
const whole = new Intl.NumberFormat(locale);
const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
const percentFine = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
const decimal = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 });
const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
const month = new Intl.DateTimeFormat(locale, { month: "short", year: "numeric" });
const full = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
export const count = (value) => whole.format(value ?? 0);
export const counted = (value, thing) => `${count(value)} ${thing}${value === 1 ? "" : "s"}`;
export const share = (value) => (value > 0 && value < 0.01 ? percentFine : percent).format(value ?? 0);
export const number = (value) => (value === null || value === undefined ? "–" : decimal.format(value));
export const asDate = (value) => (typeof value === "number" ? new Date(value * 1000) : new Date(value));
export const time = (value) => full.format(asDate(value));
export const at = (value) => clock.format(asDate(value));

// A time without a day is today's, by the viewer's clock.
export function brief(value) {
  const date = asDate(value);
  const isToday = new Date().toDateString() === date.toDateString();
  return isToday ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
}

export function lasting(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

// Round steps of time for an axis, on the viewer's own clock.
const MONTH = 2592000;
export function timeTicks(first, last, most) {
  const steps = [60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, MONTH];
  const step = steps.find((candidate) => (last - first) / candidate <= most) ?? Math.ceil((last - first) / most / MONTH) * MONTH;
  const offset = new Date(first * 1000).getTimezoneOffset() * 60;
  const ticks = [];
  for (let t = Math.ceil((first - offset) / step) * step + offset; t <= last; t += step) ticks.push(t);
  const isDay = (t) => step >= 86400 || (t - offset) % 86400 === 0;
  // The first one says its day, unless that is today.
  const label = (t, i) => (i || isDay(t) ? (step > MONTH ? month : isDay(t) ? day : clock).format(asDate(t)) : brief(t));
  return ticks.map((t, i) => [t, label(t, i)]);
}

export const capital = (words) => words.charAt(0).toLocaleUpperCase(locale) + words.slice(1);
const UNITS = { bits: "bits", per_hour: "per hour" };
export const unit = (name) => UNITS[name] ?? "";

export const STATES = {
  starting: ["Starting", "The worker loads its model and joins the stream. This takes a few seconds."],
  empty: ["Waiting", null],
  forming: ["Gathering", "The first comments are in. Topics appear once the first tick is over."],
  live: ["Live", null],
  paused: ["Paused", null],
  behind: ["Behind", null],
  stopped: ["Not working", null],
  lost: ["Offline", "The connection to the worker was lost. The page tries again by itself; what you see is the last that was known."],
};
