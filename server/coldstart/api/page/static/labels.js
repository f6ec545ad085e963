/** Tokens and probabilities in words that people can read. */

const VISIBLE = { " ": "␣", "\n": "⏎", "\r": "␍", "\t": "⇥" };

/** A token's text with its white space visible. */
export function visible(text) {
  if (text === "") return "∅";
  return text.replace(/^ +| +$|[\n\r\t]/g, (spaces) => [...spaces].map((c) => VISIBLE[c]).join(""));
}

/** A token's text as it fits on a slice: the usual leading space is left out. */
export function short(text, longest) {
  const label = [...visible(/^ \S/.test(text) ? text.slice(1) : text)];
  return label.length > longest ? `${label.slice(0, longest - 1).join("")}…` : label.join("");
}

/** A token's text in quotation marks. */
export const quoted = (text) => `“${visible(text)}”`;

/** A probability as a percentage with two or three figures that mean something. */
export function percent(probability) {
  const share = probability * 100;
  if (share === 0) return "0%";
  if (share < 0.01) return "<0.01%";
  if (share < 1) return `${share.toFixed(2)}%`;
  // Not quite certain must not look certain.
  return `${Math.min(share, probability < 1 ? 99.9 : 100).toFixed(1)}%`;
}
