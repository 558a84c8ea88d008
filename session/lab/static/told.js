// What the session server told this page: who it is for, addresses, limits, and every sentence.
const config = JSON.parse(document.getElementById("jupyter-config-data").textContent);

export const told = config.onggi;

/** The sentence `name` in the person's language; slots are filled in literally. */
export function say(name, params = {}) {
  const sentence = told.words[name] ?? name;
  return sentence.replace(/\{([a-z_]+)\}/g, (slot, key) => (key in params ? String(params[key]) : slot));
}

/** An element with attributes and children; text is never read as HTML. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** A link that opens beside the session and gets no hold of it. */
export function link(address, text) {
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer", class: "onggi-link" }, text);
}

/** Bytes as a person reads them. */
export function size(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = value < 10 && unit > 0 ? 1 : 0;
  return new Intl.NumberFormat(told.language, {
    style: "unit", unit: units[unit], unitDisplay: unit === 0 ? "long" : "short", maximumFractionDigits: digits,
  }).format(value);
}

/** A moment of the wire (RFC 3339) as a person reads it. */
export function moment(text) {
  return new Intl.DateTimeFormat(told.language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(text));
}
