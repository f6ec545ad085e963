/** The wheel: slices from the top clockwise, drawn in SVG, and its movements. */

import { short } from "./labels.js";

const SVG = "http://www.w3.org/2000/svg";
const RADIUS = 200;
const LABEL_RADIUS = 188;
const HUB_RADIUS = 56;
const SPIN_MS = 3400;
const DEAL_MS = 500;
const MORPH_MS = 250;
const TURNS = 4;
const COLOURS = 12;

const easeOut = (t) => 1 - (1 - t) ** 4;

/** The class that gives the slice of a rank, from 0, its colour. */
export const colourOf = (index) => `c${index % COLOURS}`;

export class Wheel {
  /**
   * @param {SVGGElement} rotor what turns
   * @param {(tokenId: number) => void} onPick called when a slice is clicked
   */
  constructor(rotor, onPick) {
    this.rotor = rotor;
    this.onPick = onPick;
    this.slices = [];
    this.finish = () => {};
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
  }

  /**
   * Draw a distribution.
   * @param {{slices: {token_id: number, text: string, probability: number}[], rest_probability: number}} distribution
   * @param {boolean} fresh another position of the text, dealt anew; else the slices move to their new places
   */
  show(distribution, fresh) {
    this.finish();
    const before = fresh ? [] : this.slices.map((slice) => [slice.from, slice.to]);
    const targets = this.#targets(distribution);
    this.#build(targets);
    this.rotor.setAttribute("transform", "rotate(0)");
    const last = before.at(-1)?.[0] ?? 0;
    return this.#animate(fresh ? DEAL_MS : MORPH_MS, (t) => {
      this.slices.forEach((slice, index) => {
        const [from, to] = targets[index].place;
        const [oldFrom, oldTo] = before[index] ?? [fresh ? 0 : last, fresh ? 0 : last];
        this.#place(slice, oldFrom + (from - oldFrom) * t, oldTo + (to - oldTo) * t);
      });
    });
  }

  /**
   * Turn until a position is under the pointer.
   * @param {number} position in [0, 1) of the way around
   */
  spinTo(position) {
    const end = 360 * (TURNS + 1 - position);
    return this.#animate(SPIN_MS, (t) => this.rotor.setAttribute("transform", `rotate(${end * t})`));
  }

  /** Bring out the slice of a token, or the rest where it has none; returns the index, -1 for the rest. */
  highlight(tokenId) {
    const index = this.slices.findIndex((slice) => slice.tokenId === tokenId);
    const chosen = this.slices.at(index);
    for (const slice of this.slices) slice.group.classList.toggle("dimmed", slice !== chosen);
    return index;
  }

  #targets(distribution) {
    let reached = 0;
    const place = (probability) => [reached, (reached = Math.min(reached + probability, 1))];
    const targets = distribution.slices.map((slice, index) => ({
      tokenId: slice.token_id,
      text: slice.text,
      colour: colourOf(index),
      place: place(slice.probability),
    }));
    return [...targets, { tokenId: null, text: "all others", colour: "others", place: [reached, 1] }];
  }

  #build(targets) {
    this.slices = targets.map(({ tokenId, text, colour }) => {
      const group = document.createElementNS(SVG, "g");
      group.setAttribute("class", `slice ${colour}`);
      const path = group.appendChild(document.createElementNS(SVG, "path"));
      const label = group.appendChild(document.createElementNS(SVG, "text"));
      if (tokenId !== null) group.addEventListener("click", () => this.onPick(tokenId));
      return { tokenId, text, group, path, label, from: 0, to: 0 };
    });
    this.rotor.replaceChildren(...this.slices.map((slice) => slice.group));
  }

  #place(slice, from, to) {
    slice.from = from;
    slice.to = to;
    slice.path.setAttribute("d", outline(from, to));
    // A line of the usual width would cover the thinnest slices.
    slice.path.setAttribute("stroke-width", Math.min(1.5, (to - from) * 2 * Math.PI * RADIUS * 0.2).toFixed(2));
    const size = Math.min(20, (to - from) * 2 * Math.PI * 130 * 0.8);
    slice.label.toggleAttribute("hidden", size < 8);
    if (size < 8) return;
    const middle = ((from + to) / 2) * 360;
    // Read outwards on the right, inwards on the left, so that nothing stands on its head at rest.
    const [turn, anchor, x] = middle < 180 ? [middle - 90, "end", LABEL_RADIUS] : [middle + 90, "start", -LABEL_RADIUS];
    slice.label.textContent = short(slice.text, Math.floor((LABEL_RADIUS - HUB_RADIUS - 8) / (size * 0.62)));
    slice.label.setAttribute("font-size", size.toFixed(1));
    slice.label.setAttribute("transform", `rotate(${turn.toFixed(2)}) translate(${x} 0)`);
    slice.label.setAttribute("text-anchor", anchor);
  }

  /** Runs `draw` with 0 to 1; `finish` jumps to the end. Resolves at the end, also in a hidden tab. */
  #animate(duration, draw) {
    this.finish();
    if (this.still.matches || document.hidden) {
      draw(1);
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const begun = performance.now();
      let over = false;
      const finish = () => {
        if (over) return;
        over = true;
        draw(1);
        resolve();
      };
      this.finish = finish;
      const frame = (now) => {
        if (over) return;
        const t = Math.min(Math.max((now - begun) / duration, 0), 1);
        if (t === 1) finish();
        else {
          draw(easeOut(t));
          requestAnimationFrame(frame);
        }
      };
      draw(0);
      requestAnimationFrame(frame);
      // A tab that is hidden meanwhile gets no more frames.
      setTimeout(finish, duration + 200);
    });
  }
}

function outline(from, to) {
  if (to - from > 0.99999) return `M 0 ${-RADIUS} A ${RADIUS} ${RADIUS} 0 1 1 -0.01 ${-RADIUS} Z`;
  const large = to - from > 0.5 ? 1 : 0;
  return `M 0 0 L ${point(from)} A ${RADIUS} ${RADIUS} 0 ${large} 1 ${point(to)} Z`;
}

function point(share) {
  const angle = 2 * Math.PI * share;
  return `${(RADIUS * Math.sin(angle)).toFixed(3)} ${(-RADIUS * Math.cos(angle)).toFixed(3)}`;
}
